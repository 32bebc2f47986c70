"""Resource servers at the console: defined, kept as typed when refused, replaced, removed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.domain.user import Role
from tests.support.careful import Visitor, careful_provider
from tests.support.console import helper, visit
from tests.support.html_browser import Page
from tests.support.operators import Operators
from tests.support.provider import Provider
from tests.support.resources import resource


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    folder: Path = tmp_path_factory.mktemp("resources")
    async with careful_provider(folder) as provider:
        yield provider


@pytest.fixture
async def keeper(provider: Provider) -> Visitor:
    """An administrator who has just proved everything."""
    keeper = await helper(provider, Role.ADMINISTRATOR)
    await visit(keeper, "/admin/resources/new")
    return keeper


async def look(visitor: Visitor, path: str = "") -> Page:
    return await visitor.browser.open(f"{visitor.provider.issuer}/admin/resources{path}")


async def made(provider: Provider, identifier: str) -> str:
    """Define an API beside the pages; return its id."""
    done = await Operators(provider).do("resources.create", **resource(identifier, "read"))
    return str(done["id"])


async def test_an_api_is_defined_and_stands_in_the_list(provider: Provider, keeper: Visitor) -> None:
    await look(keeper, "/new")
    await keeper.browser.submit(
        "resource-save", identifier="https://new.example", name="New", scopes="read Read all of it.\nwrite\n",
        life_seconds="900", public=True, token_format="opaque",
    )  # fmt: skip
    listed = await look(keeper)
    assert "https://new.example" in listed.text("resources-list")
    (stored,) = [
        each for each in (await Operators(provider).do("resources.list"))["items"]
        if each["identifier"] == "https://new.example"
    ]  # fmt: skip
    assert stored["scopes"] == [{"name": "read", "text": "Read all of it."}, {"name": "write", "text": ""}]
    assert (stored["life_seconds"], stored["public"], stored["open_to_all"]) == (900, True, False)
    assert stored["token_format"] == "opaque"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"identifier": "nothing"}, "identifier-said"),
        ({"life_seconds": "soon"}, "life_seconds-said"),
        ({"life_seconds": "5"}, "life_seconds-said"),
        ({"scopes": "openid\n"}, "scopes-said"),
    ],
)
async def test_what_is_refused_stays_as_it_was_typed(keeper: Visitor, typed: dict[str, str], said: str) -> None:
    await look(keeper, "/new")
    usual = {"identifier": "https://refused.example", "name": "Typed & kept", "life_seconds": "300"}
    page = await keeper.browser.submit("resource-save", **(usual | typed))
    assert (page.status, page.name) == (400, "resource-form")
    assert page.has("resource-refused")
    assert page.has(said)
    assert page.document.attributes["name"]["value"] == "Typed & kept"


async def test_an_identifier_that_is_taken_is_said_so(provider: Provider, keeper: Visitor) -> None:
    await made(provider, "https://taken.example")
    await look(keeper, "/new")
    page = await keeper.browser.submit("resource-save", identifier="https://taken.example", name="Again")
    assert page.status == 409


async def test_an_api_is_replaced_and_what_somebody_else_saved_is_not_lost(provider: Provider, keeper: Visitor) -> None:
    api = await made(provider, "https://changed.example")
    await look(keeper, f"/{api}")
    saved = await keeper.browser.submit("resource-save", name="Renamed", open_to_all=True)
    assert (saved.status, saved.name) == (200, "resource-form")
    first = await look(keeper, f"/{api}")
    whole = {**resource("https://changed.example", "read"), "name": "Of somebody else", "id": api}
    await Operators(provider).do("resources.update", **whole)
    keeper.browser.show(first)
    page = await keeper.browser.submit("resource-save", name="Mine")
    assert page.status == 412
    assert "Of somebody else" in page.text("name-said")


async def test_an_api_is_deleted_after_a_page_that_asks(provider: Provider, keeper: Visitor) -> None:
    api = await made(provider, "https://gone.example")
    await look(keeper, f"/{api}/delete")
    page = await keeper.browser.submit("danger-confirm")
    assert page.name == "resources"
    assert (await look(keeper, f"/{api}")).status == 404


async def test_an_auditor_looks_and_changes_nothing(provider: Provider) -> None:
    api = await made(provider, "https://audited.example")
    auditor = await helper(provider, Role.AUDITOR)
    listed = await visit(auditor, "/admin/resources")
    assert not listed.has("resource-new")
    page = await visit(auditor, f"/admin/resources/{api}")
    assert not page.has("resource-save")
    assert (await look(auditor, "/new")).status == 404
