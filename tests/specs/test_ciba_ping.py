"""Ping mode – CIBA §10.2: the client is told that there is an answer, and fetches it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.databases import fresh_database
from tests.support.html_browser import HtmlBrowser
from tests.support.polled import Bank, bank, to_answer
from tests.support.provider import Person, Provider
from tests.support.relying_party import Answer
from tests.support.webhooks import Received, Receiver, receiver

TOKEN = "8d67dc78-7faa-4d41-aabd-67707b374255"


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Receiver]:
    """The client's own server."""
    async with receiver() as server:
        yield server


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory, server: Receiver) -> AsyncIterator[Provider]:
    """A provider that may post to it."""
    folder: Path = tmp_path_factory.mktemp("ping")
    settings = {"IDP_OUTBOUND_ALLOW": server.place}
    async with (
        fresh_database("sqlite", folder) as url,
        Provider.running(folder, url, settings=settings) as provider,
    ):
        yield provider


@pytest.fixture
async def client(provider: Provider, server: Receiver) -> Bank:
    """A client that is notified."""
    server.received.clear()
    return await bank(
        provider, backchannel_token_delivery_mode="ping", backchannel_client_notification_endpoint=server.url
    )


async def pinged(provider: Provider, server: Receiver) -> Received:
    """Return the notification that came; the provider's own chore may have sent it before."""
    async with asyncio.timeout(10):
        while not server.received:
            await provider.site.webhooks.pings.deliver()
            await asyncio.sleep(0.01)
    (received,) = server.received
    return received


@pytest.mark.parametrize("token", [None, "", "x" * 21, "x" * 1025, "x" * 30 + " ", "x" * 30 + "ä", "=" * 30])
async def test_a_notification_token_is_required_of_22_to_1024_characters(
    client: Bank, person: Person, token: str | None
) -> None:
    """CIBA §7.1."""
    answer = await client.ask(person, client_notification_token=token)

    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize("token", ["x" * 22, "x" * 1024, "AZaz09-._~+/" * 2 + "=="])
async def test_a_notification_token_of_bearer_syntax_is_taken(client: Bank, person: Person, token: str) -> None:
    """CIBA §7.1; RFC 6750 §2.1."""
    assert (await client.ask(person, client_notification_token=token)).status == 200


@pytest.mark.parametrize(("button", "status"), [("consent-allow", 200), ("consent-deny", 400)])
async def test_the_client_is_told_after_yes_and_after_no_and_fetches_at_once(
    provider: Provider, server: Receiver, client: Bank, browser: HtmlBrowser, person: Person, button: str, status: int
) -> None:
    """CIBA §10.2."""
    asked: Answer = await client.ask(person, client_notification_token=TOKEN)
    assert (await client.poll(asked)).error == "authorization_pending", "polling is allowed in ping mode too"
    assert not server.received
    await to_answer(browser, provider.issuer)
    await browser.submit(button)

    received = await pinged(provider, server)

    assert received.headers["authorization"] == f"Bearer {TOKEN}"
    assert received.headers["content-type"] == "application/json"
    assert received.json == {"auth_req_id": asked.body["auth_req_id"]}
    assert (await client.poll(asked)).status == status


async def test_a_client_that_polls_is_not_told(
    provider: Provider, server: Receiver, browser: HtmlBrowser, person: Person
) -> None:
    """CIBA §10.2."""
    server.received.clear()
    client = await bank(provider)
    await client.ask(person, client_notification_token=TOKEN)
    await to_answer(browser, provider.issuer)
    await browser.submit("consent-allow")

    assert await provider.site.webhooks.pings.deliver() == 0
    assert not server.received
