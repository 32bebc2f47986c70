"""People and clients for a running server, made by the provider's own administration inside the test's process.

A command of `idp` does the same and takes a second; this takes milliseconds, so that every test can have its own.
"""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from idp import settings
from idp.domain.client import Client, Profile
from idp.domain.refusal import Refused
from idp.domain.user import Role
from idp.flows.user_administration import NewUser
from idp.wiring import Site, build
from tests.support.html_browser import HtmlBrowser
from tests.support.relying_party import Json
from tests.support.server import ServerProcess

PASSWORD = "an engine of numbers"


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    sub: str
    username: str
    name: str
    password: str = PASSWORD

    @property
    def email(self) -> str:
        """Their verified address."""
        return f"{self.username}@example.org"

    def browser(self, server: ServerProcess) -> HtmlBrowser:
        """Return a browser without script in which this person sits."""
        return HtmlBrowser(server.issuer, username=self.username, password=self.password)


@dataclass(frozen=True)
class Registration:
    """A client as its developers know it."""

    client_id: str
    client_secret: str | None
    redirect_uri: str


class BackOffice:
    """Makes people and clients at one server."""

    def __init__(self, server: ServerProcess, site: Site) -> None:
        self.server = server
        self.ports: list[int] = []  #: where the server may call a website back; each is for one website
        self.site = site  #: wired up on the same database; to be read, and to be changed only through its flows

    async def person(self, username: str | None = None, **claims: Any) -> Person:
        """Make an account; a name nobody has if none is given."""
        username = username or f"ada-{secrets.token_hex(4)}"
        name = str(claims.get("name", "Ada Lovelace"))
        new = NewUser(f"{username}@example.org", username, PASSWORD, {"name": name, **claims}, email_verified=True)
        made = await self.site.users.create(new)
        assert not isinstance(made, Refused), made
        return Person(made.id, username, name)

    async def administrator(self) -> Person:
        """Make somebody who looks after the provider."""
        name = f"keeper-{secrets.token_hex(4)}"
        new = NewUser(f"{name}@example.org", name, PASSWORD, {}, email_verified=True, role=Role.OWNER)
        made = await self.site.users.create(new)
        assert not isinstance(made, Refused), made
        return Person(made.id, name, name)

    async def waiting_approval(self, person: Person) -> str:
        """Return the id of the one request that waits for somebody to approve it (CIBA)."""
        async with self.site.transactions.open(write=False) as stores:
            waiting = await stores.ciba_requests.open_of(person.sub, self.site.clock.now())
        assert len(waiting) == 1, waiting
        return waiting[0].id

    async def client(
        self,
        redirect_uris: Sequence[str],
        *,
        name: str = "Harbour Books",
        profile: str = "oauth21",
        first_party: bool = False,
        **members: object,
    ) -> Registration:
        """Register a client for codes and refresh tokens, unless `members` (RFC 7591) say otherwise."""
        described: Json = {
            "client_name": name,
            "redirect_uris": list(redirect_uris),
            "grant_types": ["authorization_code", "refresh_token"],
            **members,
        }
        made, secret = await self._create(described, Profile(profile), first_party)
        return Registration(made.id, secret, next(iter(redirect_uris), ""))

    async def _create(self, members: Json, profile: Profile, first_party: bool) -> tuple[Client, str | None]:
        return await self.site.clients.create(members, profile=profile, is_first_party=first_party)


@asynccontextmanager
async def open_back_office(server: ServerProcess) -> AsyncIterator[BackOffice]:
    """Work at the database of a server that has been started once."""
    site = await build(settings.load(environment=server.environment))
    try:
        yield BackOffice(server, site)
    finally:
        await site.close()
