"""Versions of the policy at the console: what is refused and why, what is kept, and who moved what where."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.careful import Visitor, careful_provider, decisions, settled
from tests.support.console import administrator, change_decision, visit
from tests.support.html_browser import Page
from tests.support.policy_past import HEAD, PASSKEYS_ONLY, harmless
from tests.support.provider import MINUTE, Provider

EVIL = "</textarea><script>alert(1)</script>"
NEVER = f"{HEAD}[[rule]]\nid = 'never'\nwhen = {{ risk.score.ge = 50, risk.score.le = 40 }}\nnotify = ['user']\n"
UNTESTED = f"{HEAD}[[rule]]\nid = 'deny'\nwhen = {{ risk.band = 'critical' }}\ndeny = {{ for = '15m' }}\n"
EVERYBODY = f"{HEAD}[[rule]]\nid = 'everybody'\nrequire = {{ acr = 'loa:2' }}\n"


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


async def paste(keeper: Visitor, text: str) -> Page:
    await visit(keeper, "/admin/policies/new")
    return await keeper.browser.submit("policy-store", text=text)


async def look(keeper: Visitor, path: str) -> Page:
    return await keeper.browser.open(f"{keeper.provider.issuer}/admin/policies{path}")


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("schema = 1\nmode = ", "2:", "not TOML"),
        (f"{HEAD}surprise = 1\n", "3:", "surprise"),
        (NEVER, "4:", "never true"),
        (UNTESTED, "4:", "without a test"),
    ],
    ids=["not TOML", "unknown key", "never true", "deny without a test"],
)
async def test_a_text_that_is_refused_stays_in_the_form_with_what_is_wrong_by_line(
    keeper: Visitor, text: str, line: str, why: str
) -> None:
    text = f"{text}\n# {EVIL}\n"

    page = await paste(keeper, text)

    assert page.status == 400
    assert line in page.text("policy-faults")
    assert why in page.text("policy-faults")
    assert "<script" not in page.response.text
    assert next(each for each in page.document.forms[0].controls if each.id == "text").value == f"\n{text}"
    assert not (await look(keeper, "")).has("policies-list")


async def test_a_text_survives_that_the_proof_became_old_while_it_was_written(
    provider: Provider, keeper: Visitor
) -> None:
    await visit(keeper, "/admin/policies/new")
    provider.clock.advance(10 * MINUTE)

    page = await keeper.browser.submit("policy-store", text="schema = 2")

    assert page.name == "policy-new"
    assert "schema = 2" in page.response.text


async def test_a_version_is_stored_once_and_says_who_and_when(keeper: Visitor) -> None:
    page = await paste(keeper, harmless(1).replace("\n", "\r\n"))

    assert page.text("policy-state") == "checked"
    assert page.text("policy-text").endswith("# 1")
    assert keeper.person.user.email in page.text("policy-moves")
    assert "administrator " not in page.text("policy-moves")
    again = await paste(keeper, harmless(1))
    assert again.url == page.url


async def test_a_version_is_compared_with_what_decides(keeper: Visitor) -> None:
    page = await paste(keeper, EVERYBODY)

    assert "+ rule everybody (enforce)" in page.text("policy-changes")
    assert "! medium: removed (weakens)" in page.text("policy-changes")


async def test_the_console_says_that_the_adviser_has_proved_nothing_here(keeper: Visitor) -> None:
    """§6.6."""
    page = await paste(keeper, f'{HEAD}adviser = {{ mode = "raise_only" }}\n')

    assert "raise_only runs unproven" in page.text("policy-findings")


@pytest.mark.parametrize(("step", "state"), [("shadow", "shadow"), ("canary", "canary 10 %"), ("enforce", "enforced")])
async def test_a_version_moves_and_is_taken_back(keeper: Visitor, step: str, state: str) -> None:
    await paste(keeper, harmless(1))

    page = await keeper.browser.submit(f"policy-{step}")

    assert page.text("policy-state") == state
    if step == "enforce":
        assert (await look(keeper, "")).text("policies-active") == "Version v1 decides."
        await look(keeper, "/1")
    if step != "shadow":
        page = await keeper.browser.submit("policy-revert")
        assert page.text("policy-state") == "retired"


async def test_what_would_lock_people_out_is_refused_until_the_service_is_named(keeper: Visitor) -> None:
    page = await paste(keeper, PASSKEYS_ONLY)
    assert "policy-override" not in page.document.attributes

    page = await keeper.browser.submit("policy-enforce")

    assert page.status == 409
    assert page.text("policy-refused").startswith("That was refused:")
    assert page.text("policy-state") == "checked"
    page = await keeper.browser.submit("policy-enforce", override="another")
    assert "'another' is not the name of this provider" in page.text("policy-refused")
    page = await keeper.browser.submit("policy-enforce", override="id.example")
    assert page.text("policy-state") == "enforced"


async def test_a_version_that_another_one_has_replaced_is_not_reverted(keeper: Visitor) -> None:
    await paste(keeper, harmless(1))
    stale = await keeper.browser.submit("policy-enforce")
    await paste(keeper, harmless(2))
    await keeper.browser.submit("policy-enforce")
    keeper.browser.show(stale)

    page = await keeper.browser.submit("policy-revert")

    assert page.status == 409
    assert "meanwhile" in page.text("policy-refused")
    assert (await look(keeper, "/2")).text("policy-state") == "enforced"


async def test_a_draft_that_cannot_be_used_says_why_it_may_not_move(provider: Provider, keeper: Visitor) -> None:
    async with provider.site.transactions.open(write=True) as stores:
        now = provider.clock.now()
        await stores.policies.add(UNTESTED, "sha256:1", "draft", by="command line: root", now=now)
        await stores.policies.add(f"schema = 9 # {EVIL}", "sha256:2", "draft", by=EVIL, now=now)

    page = await look(keeper, "/1")
    assert "without a test" in page.text("policy-findings")
    assert "without a test" in (await keeper.browser.submit("policy-shadow")).text("policy-refused")
    page = await look(keeper, "/2")
    assert "schema" in page.text("policy-findings")
    assert not page.has("policy-simulation")
    assert "<script" not in page.response.text
    assert (await look(keeper, "/2/simulation")).status == 404
    assert "<script" not in (await look(keeper, "")).response.text


async def test_a_simulation_replays_what_is_stored_and_is_noted(provider: Provider, keeper: Visitor) -> None:
    owner = await settled(provider, await provider.client(), 3)
    await visit(keeper, "/admin/policies")
    await paste(keeper, EVERYBODY)

    report = (await look(keeper, "/1/simulation.json")).response.json()
    page = await look(keeper, "/1/simulation")

    assert report["sign_ins"] >= 3
    assert report["newly_challenged"] == {"everybody": report["challenged"]["after"] - report["challenged"]["before"]}
    assert report["damaged"] == []
    assert report["cut"] is False
    assert "newly challenged by rule: everybody" in page.text("simulation-report")
    assert (await look(keeper, "/1")).text("policy-state") == "simulated"
    assert owner.person.id not in page.response.text


async def test_a_simulation_leaves_damaged_records_out_and_says_so(provider: Provider, keeper: Visitor) -> None:
    owner = await settled(provider, await provider.client(), 1)
    stored = (await decisions(provider, owner.person))[0]
    await change_decision(provider, stored, record="{}")
    await visit(keeper, "/admin/policies")
    await paste(keeper, harmless(1))

    page = await look(keeper, "/1/simulation")

    assert page.text("simulation-damaged").endswith(": 1")


async def test_the_console_shows_what_the_adviser_costs(provider: Provider, keeper: Visitor) -> None:
    """§6.4."""
    text = (await look(keeper, "")).text("adviser-standing")

    assert "breakerclosed" in text
    assert f"of {provider.site.settings.adviser_tokens_per_day}" in text
    assert "friction budget" in text
