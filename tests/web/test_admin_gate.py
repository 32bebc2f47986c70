"""Who gets into the console: administrators who proved everything just now; nobody else learns that it is there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.careful import Visitor, careful_provider
from tests.support.console import administrator, events, visit
from tests.support.provider import HOUR, SECOND, Provider

READ = ("decisions", "decisions/countries", "decisions/x", "decisions/x.json", "policies", "policies/1")
REPORTS = ("policies/1/simulation", "policies/1/simulation.json")
FORMS = ("decisions", "decisions/x", "policies/new", "policies/1")


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("console")
    async with careful_provider(folder) as provider:
        yield provider


@pytest.mark.parametrize("path", [*READ, *REPORTS, "policies/new"])
async def test_whoever_lacks_the_role_is_told_that_there_is_no_such_page(provider: Provider, path: str) -> None:
    somebody = Visitor(provider, await provider.person())
    await visit(somebody, "/account/profile")

    page = await somebody.browser.open(f"{provider.issuer}/admin/{path}")

    nowhere = await somebody.browser.open(f"{provider.issuer}/admin/nowhere")
    assert (page.status, page.name, page.document.title) == (404, nowhere.name, nowhere.document.title)


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_of_whoever_lacks_the_role_finds_no_page_either(provider: Provider, path: str) -> None:
    somebody = Visitor(provider, await provider.person())
    own = await visit(somebody, "/account/profile")
    url = f"{provider.issuer}/admin/{path}"

    response = await somebody.browser._http.post(
        url, data={"csrf": own.document.forms[0].hidden["csrf"]}, headers={"Sec-Fetch-Site": "same-origin"}
    )

    assert response.status_code == 404


@pytest.mark.parametrize("path", [*READ, *REPORTS, "policies/new"])
async def test_nobody_is_led_to_sign_in(provider: Provider, path: str) -> None:
    page = await provider.browser().open(f"{provider.issuer}/admin/{path}")

    assert page.name == "login"


@pytest.mark.parametrize("path", [*READ, *REPORTS])
async def test_an_administrator_proves_everything_again_when_it_is_long_ago(provider: Provider, path: str) -> None:
    keeper = await administrator(provider)
    await visit(keeper, "/admin/policies")
    provider.clock.advance(HOUR)

    page = await keeper.browser.open(f"{provider.issuer}/admin/{path}")

    assert page.name in ("login", "step-up")


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_without_our_token_changes_nothing(provider: Provider, path: str) -> None:
    keeper = await administrator(provider)
    await visit(keeper, "/admin/policies")

    for fields in ({"text": ""}, {"csrf": "guessed"}):
        answer = await keeper.browser._http.post(
            f"{provider.issuer}/admin/{path}", data=fields, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert answer.status_code == 403


async def test_a_form_from_elsewhere_changes_nothing(provider: Provider) -> None:
    keeper = await administrator(provider)
    page = await visit(keeper, "/admin/policies/new")
    token = page.document.forms[0].hidden["csrf"]

    answer = await keeper.browser._http.post(
        f"{provider.issuer}/admin/policies/new", data={"csrf": token, "text": "schema = 1"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )  # fmt: skip

    assert answer.status_code == 403


async def test_reading_decisions_leaves_a_row_in_the_audit_trail(provider: Provider) -> None:
    keeper = await administrator(provider)

    await visit(keeper, "/admin/decisions")
    provider.clock.advance(SECOND)
    await keeper.browser.open(f"{provider.issuer}/admin/decisions/unknown")
    await keeper.browser.open(f"{provider.issuer}/admin/decisions/unknown.json")

    assert await events(provider, "decision_read", keeper.person.id) == [
        {"decision": "unknown"}, {"decision": "unknown"}, {},
    ]  # fmt: skip


async def test_there_is_no_decision_and_no_version_of_a_name_that_is_unknown(provider: Provider) -> None:
    keeper = await administrator(provider)
    await visit(keeper, "/admin/policies")

    for path in ("decisions/%00", "decisions/%F0%9F%98%80", "policies/99999999999999999999", "policies/7/simulation"):
        assert (await keeper.browser.open(f"{provider.issuer}/admin/{path}")).status == 404, path
