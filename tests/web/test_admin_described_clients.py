"""The console about a client that describes itself by a document: found by its name, shut out, never rewritten."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.domain.client import AuthMethod, Client, Profile
from idp.domain.document_url import path_name
from tests.support.careful import Visitor, careful_provider
from tests.support.client_pages import go, somebody
from tests.support.provider import Provider

URL = "https://agent.example/mcp-client.json?of=shore"
DESCRIBED = Client(
    id=URL, name="Shore Agent", profile=Profile.NATIVE, auth_method=AuthMethod.NONE, is_self_registered=True,
    redirect_uris=("https://agent.example/callback",),
)  # fmt: skip


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider that has met such a client."""
    async with careful_provider(tmp_path) as provider:
        async with provider.site.transactions.open(write=True) as stores:
            await stores.clients.add(DESCRIBED, provider.clock.now())
        yield provider


@pytest.fixture
async def keeper(provider: Provider) -> Visitor:
    """An owner who has just proved everything."""
    return await somebody(provider)


async def test_the_list_leads_to_its_page_and_that_to_disabling_it(provider: Provider, keeper: Visitor) -> None:
    listed = await go(keeper, "")
    assert f"/admin/clients/{path_name(URL)}" in listed.response.text

    page = await go(keeper, f"/{path_name(URL)}")
    assert page.text("client-id") == URL
    page = await keeper.browser.submit("client-disable")

    assert page.url.partition("?")[0].endswith(path_name(URL))
    assert page.has("client-disabled")
    client = await provider.site.clients.find(URL)
    assert client is not None
    assert not client.is_active


async def test_what_it_says_of_itself_is_not_changed_there(provider: Provider, keeper: Visitor) -> None:
    await go(keeper, f"/{path_name(URL)}")

    page = await keeper.browser.submit("client-save", client_name="Somebody Else")

    assert page.status == 409
    assert URL in page.response.text
    client = await provider.site.clients.find(URL)
    assert client is not None
    assert client.name == "Shore Agent"
