"""A rule in words at the console: shown with what it changes, and stored only by whoever says so."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.adviser_server import adviser_server, completion, says
from tests.support.careful import Visitor, careful_provider, settled
from tests.support.console import administrator, visit
from tests.support.html_browser import Page
from tests.support.provider import Provider

EVIL = "</textarea><script>alert(1)</script>"


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with careful_provider(tmp_path) as provider:
        yield provider


@pytest.fixture
async def keeper(provider: Provider) -> Visitor:
    """An administrator who has just proved everything."""
    keeper = await administrator(provider)
    await visit(keeper, "/admin/policies")
    return keeper


async def say(keeper: Visitor, sentence: str) -> Page:
    await visit(keeper, "/admin/policies")
    return await keeper.browser.submit("policy-describe", sentence=sentence)


async def test_a_sentence_that_says_nothing_comes_back_with_the_words_in_the_way(keeper: Visitor) -> None:
    page = await say(keeper, f"cheese {EVIL}")

    assert (page.status, page.name) == (400, "policy-described")
    assert "cheese" in page.text("draft-nothing")
    assert "<script" not in page.response.text


async def test_a_rule_that_lacks_a_part_of_its_sentence_cannot_be_stored(keeper: Visitor) -> None:
    page = await say(keeper, "deny tor and cheese")

    assert page.text("draft-left-out").endswith("cheese")
    assert not page.has("policy-store")


async def test_a_rule_is_shown_with_what_it_changes_and_its_past(provider: Provider, keeper: Visitor) -> None:
    await settled(provider, await provider.client(), 2)

    page = await say(keeper, "a second factor outside Norway")

    assert page.text("draft-rule").startswith("[[rule]]")
    assert page.text("draft-changes") == "+ rule outside-no-loa-2 (enforce)"
    assert "sign-ins: challenged" in page.text("draft-past")
    assert "without a model" in page.text("draft-by")
    async with provider.site.transactions.open(write=False) as stores:
        assert await stores.policies.all() == []


async def test_a_rule_is_stored_as_a_draft_that_decides_nothing(provider: Provider, keeper: Visitor) -> None:
    await say(keeper, "a second factor outside Norway")

    page = await keeper.browser.submit("policy-store")

    assert page.text("policy-state") == "checked"
    assert page.text("policy-changes") == "+ rule outside-no-loa-2 (enforce)"
    assert (await visit(keeper, "/admin/policies")).text("policies-active") == "The policy file of this server decides."


async def test_a_page_says_which_model_reads_and_that_the_sentence_leaves(tmp_path: Path) -> None:
    form = {"id": "m", "when": [], "require": None, "deny_for": None, "effects": [], "notify": ["admin"],
            "not_understood": []}  # fmt: skip
    async with (
        adviser_server(says(completion(json.dumps(form)))) as model,
        careful_provider(
            tmp_path, IDP_ADVISER="openai", IDP_OPENAI_API_KEY="sk-test", IDP_OPENAI_BASE_URL=model.url
        ) as provider,
    ):
        keeper = await administrator(provider)
        before = await visit(keeper, "/admin/policies")
        page = await say(keeper, "tell the admins of everything")

        name = provider.site.settings.openai_model
        assert f"are sent to the model {name}" in before.text("sentence-hint")
        assert name in page.text("draft-by")
        assert "tell the admins of everything" in model.body()["messages"][0]["content"]
