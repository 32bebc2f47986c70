"""A provider that weighs risk by its shipped policy, and people who come from networks and browsers of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from idp.flows.verdict import read_record
from idp.policy.record import RecordedSignIn
from idp.storage.decisions import StoredDecision
from tests.support.databases import fresh_database
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.letters import code
from tests.support.provider import DAY, ISSUER, Person, Provider
from tests.support.relying_party import RelyingParty

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"  # noqa: E501
HOME, ELSEWHERE, LISTED = "192.0.2.10", "203.0.113.99", "198.51.100.7"


@asynccontextmanager
async def careful_provider(folder: Path, kind: str = "sqlite", **settings: str) -> AsyncIterator[Provider]:
    """Run a provider with the policy `balanced`, and an operator's list that denies one network."""
    lists = folder / "lists"
    lists.mkdir()
    (lists / "deny.txt").write_text("198.51.100.0/24  # documentation\n")
    chosen = {"IDP_POLICY_FILE": "balanced", "IDP_NETWORK_LISTS": str(lists)} | settings
    async with fresh_database(kind, folder) as url, Provider.running(folder, url, settings=chosen) as provider:
        yield provider


@dataclass
class Visitor:
    """Somebody at one browser."""

    provider: Provider
    person: Person
    address: str = HOME
    agent: str = FIREFOX
    browser: HtmlBrowser = field(init=False)

    def __post_init__(self) -> None:
        transport = httpx2.ASGITransport(self.provider.transport.app, client=(self.address, 1234))
        self.browser = HtmlBrowser(
            ISSUER,
            username=self.person.username,
            password=self.person.password,
            transport=transport,
            headers={"User-Agent": self.agent, "Accept-Language": "en"},
        )

    async def arrive(self, rp: RelyingParty, **changes: str | None) -> Page:
        """Begin an authorization, sign in where asked, and show what comes then."""
        page = await self.browser.open((await rp.authorization_request(**changes)).url, came_from_elsewhere=True)
        return await self.browser.sign_in() if page.name == "login" else page

    async def mailed_code(self) -> Page:
        """Type the code that was mailed."""
        return await self.browser.submit("otp-submit", otp_code=await code(self.provider, self.person.user.email or ""))

    async def sign_in(self, rp: RelyingParty) -> Page:
        """Go all the way, with a mailed code if one is asked for."""
        page = await self.arrive(rp)
        page = await self.mailed_code() if page.name == "step-up" else page
        return await self.browser.submit("consent-allow") if page.name == "consent" else page


async def settled(provider: Provider, rp: RelyingParty, times: int = 8) -> Visitor:
    """Return somebody who has signed in from home many times, a day apart."""
    visitor = Visitor(provider, await provider.person())
    for _ in range(times):
        page = await visitor.sign_in(rp)
        assert page.location is not None, page.describe()
        visitor.browser.cookies.delete("__Host-idp_session")
        provider.clock.advance(DAY)
    return visitor


async def decisions(provider: Provider, person: Person) -> list[StoredDecision]:
    """Return what was decided about somebody, oldest first."""
    async with provider.site.transactions.open(write=False) as stores:
        return list(reversed(await stores.decisions.newest(user_id=person.id, limit=500)))


async def last_record(provider: Provider, person: Person) -> RecordedSignIn:
    """Return the record of the newest decision about somebody."""
    return read_record((await decisions(provider, person))[-1])


async def forget_population(provider: Provider) -> None:
    """Forget what earlier tests taught of people in general, so that a score is what the shipped table makes it."""
    async with provider.site.transactions.open(write=True) as stores:
        for name, count in (await stores.risk_population.all()).items():
            await stores.risk_population.add((name,), step=-count)
    assert provider.site.engine.risk is not None
    provider.site.engine.risk.scorer._population = None
