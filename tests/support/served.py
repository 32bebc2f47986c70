"""A provider in processes of its own, with people and clients: for what needs sockets, signals, workers or a log.

Its database is a copy of one that has schema and keys already, so that it starts in about two seconds.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2

from tests.support import target
from tests.support.back_office import BackOffice, Person, open_back_office
from tests.support.client_auth import Basic
from tests.support.html_browser import HtmlBrowser
from tests.support.relying_party import RelyingParty
from tests.support.server import ServerProcess
from tests.support.session import folder as session_folder

CALLBACK = "https://rp.example/callback"


@dataclass
class Served:
    """A running server, and everybody who talks to it."""

    server: ServerProcess
    office: BackOffice
    http: httpx2.AsyncClient
    folder: Path
    _browsers: list[HtmlBrowser] = field(default_factory=list)

    @property
    def hooks(self) -> Path:
        """The folder of the fault hooks."""
        return self.folder / "hooks"

    @property
    def issuer(self) -> str:
        """The issuer URL."""
        return self.server.issuer

    async def client(self, **members: Any) -> RelyingParty:
        """Register a client that nobody is asked about."""
        made = await self.office.client([CALLBACK], first_party=True, **members)
        rp = RelyingParty(self.http, self.issuer, made.client_id, Basic(made.client_secret or ""), CALLBACK)
        await rp.metadata()
        return rp

    async def machine(self) -> RelyingParty:
        """Register a client that takes tokens of its own."""
        made = await self.office.client([], grant_types=["client_credentials"], scope="api")
        rp = RelyingParty(self.http, self.issuer, made.client_id, Basic(made.client_secret or ""))
        await rp.metadata()
        return rp

    def browser(self, person: Person) -> HtmlBrowser:
        """Return a person's browser; it is closed with the server."""
        self._browsers.append(person.browser(self.server))
        return self._browsers[-1]

    async def signed_in(self, person: Person) -> HtmlBrowser:
        """Return a browser in which a person is signed in."""
        browser = self.browser(person)
        await browser.open(f"{self.issuer}/account/sign-in")
        page = await browser.sign_in()
        assert page.status == 200, page.describe()
        return browser

    async def codes(self, rp: RelyingParty, count: int) -> list[str]:
        """Return fresh codes of one person at a client."""
        browser = await self.signed_in(await self.office.person())
        return [await browser.authorize(rp) for _ in range(count)]

    async def reconnected(self, rp: RelyingParty) -> RelyingParty:
        """Return the client with fresh connections, for after a restart."""
        await self.http.aclose()
        self.http = httpx2.AsyncClient(trust_env=False, timeout=30)
        return replace(rp, http=self.http)

    async def close(self) -> None:
        """Close all connections."""
        for each in (self.http, *self._browsers):
            await each.__aexit__(None, None, None)

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table as the database keeps them."""
        return await target.execute(self.server.environment["IDP_DATABASE_URL"], f"SELECT * FROM {table}")


@asynccontextmanager
async def served(
    kind: str, folder: Path, *, url: str | None = None, workers: int = 1, **settings: str
) -> AsyncIterator[Served]:
    """Yield a running server; `settings` are options in lower case without their prefix.

    `url` names a database that has schema and keys already. Fault hooks lie in the folder `hooks`.
    """
    async with AsyncExitStack() as stack:
        url = url or await stack.enter_async_context(target.database(kind, folder))
        (folder / "hooks").mkdir()
        given = {
            "keys_dir": str(session_folder() / "target-keys"), "master_key": target.MASTER_KEY, "rate_limits": "off",
            "test_hooks": str(folder / "hooks"), **settings,
        }  # fmt: skip
        environment = {f"IDP_{name.upper()}": value for name, value in given.items()}
        server = ServerProcess(folder, database_url=url, workers=workers, settings=environment)
        stack.callback(lambda: server.kill() if server.is_running else None)
        await server.start()
        office = await stack.enter_async_context(open_back_office(server))
        running = Served(server, office, httpx2.AsyncClient(trust_env=False, timeout=30), folder)
        try:
            yield running
        finally:
            await running.close()
            if server.is_running:
                await server.stop()


async def wait_until(what: Any, seconds: float = 10) -> None:
    """Wait until an awaited question is answered with yes."""
    async with asyncio.timeout(seconds):
        while not await what():
            await asyncio.sleep(0.05)
