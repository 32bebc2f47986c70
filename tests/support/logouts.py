"""Clients that want to be told when a session ends, and how their servers take it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jwt

from tests.support.client_auth import Public
from tests.support.databases import fresh_database
from tests.support.html_browser import HtmlBrowser
from tests.support.operators import Operators
from tests.support.provider import SIGNED_OUT, Person, Provider
from tests.support.relying_party import Answer, RelyingParty
from tests.support.webhooks import Received, Receiver, receiver


@dataclass
class Logouts:
    """A provider, and servers of clients; their chores are done when a test says so."""

    desk: Operators
    ears: list[Receiver]

    @property
    def provider(self) -> Provider:
        """The provider."""
        return self.desk.provider

    @property
    def ear(self) -> Receiver:
        """The server of the client that most tests are about."""
        return self.ears[0]

    async def client(self, ear: Receiver | None = None, **members: Any) -> RelyingParty:
        """Register a client whose server is this one."""
        given = {
            "backchannel_logout_uri": (ear or self.ear).url, "post_logout_redirect_uris": [SIGNED_OUT],
            "is_first_party": True,
        }  # fmt: skip
        return await self.provider.client(**{**given, **members})

    async def visit(self, browser: HtmlBrowser, rp: RelyingParty, **changes: str) -> Answer:
        """Let somebody sign in to a client."""
        answer = await rp.redeem(await browser.authorize(rp, **changes))
        assert answer.status == 200, answer.text
        return answer

    async def deliver(self) -> int:
        """Tell whoever is to be told; return how many tries were made."""
        return await self.provider.site.webhooks.logouts.deliver()

    async def told(self, ear: Receiver | None = None) -> list[dict[str, Any]]:
        """Return the claims of the tokens that came, verified as a client does."""
        await self.deliver()
        return [(await self.read(each)).claims for each in (ear or self.ear).received]

    async def read(self, received: Received) -> jwt.Token:
        """Read a request as a client does (Back-Channel Logout §2.5, §2.6)."""
        form = parse_qsl(received.body.decode(), strict_parsing=True)
        assert [name for name, _value in form] == ["logout_token"]
        assert received.headers["content-type"] == "application/x-www-form-urlencoded"
        token = await RelyingParty(self.provider.http, self.provider.issuer, "-", Public()).decode(form[0][1])
        assert token.header["typ"] == "logout+jwt"
        return token

    async def leave(self, browser: HtmlBrowser) -> None:
        """Sign out here."""
        await browser.open(f"{self.provider.issuer}/end_session")
        await browser.submit("logout-yes")

    @asynccontextmanager
    async def inside(self, *parties: RelyingParty) -> AsyncIterator[tuple[HtmlBrowser, Person]]:
        """Yield a browser of somebody who has signed in to these clients."""
        person = await self.provider.person()
        async with self.provider.browser(person) as browser:
            for rp in parties:
                await self.visit(browser, rp)
            yield browser, person

    async def arrived(self, count: int) -> None:
        """Wait until that many requests have come to the first server."""
        async with asyncio.timeout(10):
            while len(self.ear.received) < count:
                await asyncio.sleep(0.01)

    def forget(self) -> None:
        """Let the servers be as they were."""
        for ear in self.ears:
            ear.received.clear()
            ear.answers.clear()
            ear.hold, ear.connections = None, 0
            ear.usual = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@asynccontextmanager
async def logouts(kind: str, folder: Path, *, by_hand: bool = True, ears: int = 2) -> AsyncIterator[Logouts]:
    """Run a provider that may tell that many clients' servers."""
    async with _receivers(ears) as made, fresh_database(kind, folder) as url:
        settings = {"IDP_OUTBOUND_ALLOW": ",".join(each.place for each in made)}
        async with Provider.running(folder, url, settings=settings) as provider:
            if by_hand:
                await provider.site.housekeeping.stop()
            here = Logouts(Operators(provider), made)
            here.forget()
            yield here


@asynccontextmanager
async def _receivers(count: int) -> AsyncIterator[list[Receiver]]:
    if count == 0:
        yield []
        return
    async with receiver() as first, _receivers(count - 1) as others:
        yield [first, *others]
