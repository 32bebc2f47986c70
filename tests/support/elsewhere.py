"""Another provider on a port of its own, set up as a way to sign in at the provider under test; and who goes there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2

from idp.domain.secret import make_id
from idp.domain.upstream import Arrival, Upstream, UpstreamIdentity
from tests.support.builders import NOW
from tests.support.fake_provider import FakeProvider
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import Person, ask
from tests.support.relying_party import RelyingParty
from tests.support.serving import listening, served
from tests.support.target import Target, target

SECRET = "kept between the two of us"


@dataclass
class Elsewhere:
    """The provider under test, another one, and how people get from one to the other."""

    provider: Target
    fake: FakeProvider
    spare: socket  #: another place that may be reached, with nobody there yet
    spare_origin: str

    async def upstream(self, **changes: Any) -> Upstream:
        """Set the other provider up anew, under an id that no other test has."""
        identifier = changes.pop("id", f"up-{make_id().lower().replace('_', 'a').replace('-', 'b')}")
        given: dict[str, Any] = {
            "name": "Elsewhere", "issuer": self.fake.issuer, "client_id": "us", "client_secret": SECRET,
            "created_at": NOW, "changed_at": NOW, **changes,
        }  # fmt: skip
        upstream = Upstream(id=identifier, **given)
        async with self.provider.site.transactions.open(write=True) as stores:
            await stores.upstreams.add(upstream)
        return upstream

    async def linked(self, upstream: Upstream, person: Person, sub: str | None = None) -> None:
        """Link an identity there, by default the one it signs in, to an account."""
        arrival = Arrival(upstream.id, upstream.issuer, sub or self.fake.person["sub"], label="ada")
        site, digester = self.provider.site, self.provider.site.digester
        async with site.transactions.open(write=True) as stores:
            identity = UpstreamIdentity(make_id(), upstream.id, person.id, "ada", NOW)
            assert await stores.upstream_identities.add(
                identity, digester.digest("upstream_identity", arrival.key), arrival
            )  # fmt: skip

    async def leave(self, browser: HtmlBrowser, upstream: Upstream) -> str:
        """Press the button of the sign-in page that is shown; return where it leads."""
        page = await browser.submit(f"upstream-{upstream.id}")
        assert page.name == "upstream-leaving", page.describe()
        return str(page.document.attributes["upstream-continue"]["href"])

    async def at(self, url: str) -> str:
        """Be at the other provider, which says yes; return where it sends the browser."""
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            answered = await http.get(url)
        assert answered.status_code == 303, answered.text
        return str(answered.headers["location"])

    async def through(self, browser: HtmlBrowser, upstream: Upstream) -> Page:
        """Go there from the sign-in page that is shown, and come back."""
        answer = await self.at(await self.leave(browser, upstream))
        return await browser.open(answer, came_from_elsewhere=True)

    async def sign_in(self, upstream: Upstream, rp: RelyingParty, **changes: str | None) -> tuple[HtmlBrowser, Page]:
        """Begin a sign-in for a client in a new browser, and go through the other provider."""
        browser = self.provider.browser()
        page = await ask(browser, rp, **changes)
        assert page.name == "login", page.describe()
        return browser, await self.through(browser, upstream)


def changed(url: str, **parameters: str | None) -> str:
    """Return a URL with other parameters; None takes one away."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **parameters}
    return parts._replace(query=urlencode({name: each for name, each in query.items() if each is not None})).geturl()


@asynccontextmanager
async def elsewhere(folder: Path, **settings: str) -> AsyncIterator[Elsewhere]:
    """Yield a provider with another one beside it, whose clocks are the same."""
    (listener, origin), (spare, spare_origin) = listening(), listening()
    allowed = ",".join(urlsplit(each).netloc for each in (origin, spare_origin))
    async with target("sqlite", folder, outbound_allow=allowed, **settings) as provider:
        fake = FakeProvider(origin, now=provider.clock.timestamp)
        async with served(fake.app, listener):
            yield Elsewhere(provider, fake, spare, spare_origin)
    spare.close()
