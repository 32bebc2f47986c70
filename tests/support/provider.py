"""The provider inside the test's own process: the real application on a real database, under a clock that stands still.

A migrated database with signing keys is made once in a run and copied for each provider, so that one opens in
a few hundredths of a second.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from starlette.types import ASGIApp, Message

from idp.app import create_app
from idp.cli.running import upgrade
from idp.domain.client import Client, Profile
from idp.domain.refusal import Refused
from idp.domain.user import User
from idp.flows.user_administration import NewUser
from idp.settings import Settings, load
from idp.wiring import Site, build
from tests.support import builders, session
from tests.support.client_auth import Basic, ClientAuthentication, Post, Public
from tests.support.html_browser import HtmlBrowser
from tests.support.postgres import Postgres
from tests.support.relying_party import RelyingParty

ISSUER = "https://idp.example"
PASSWORD = "a quiet harbour at dusk"
REDIRECT_URI = "https://rp.example/callback"
HOME = "203.0.113.9"  #: the network address that requests come from unless a test says otherwise
MASTER_KEY = "cHJvdmlkZXIgdGVzdHM6IGEgbWFzdGVyIGtleSAhISE"
GRANTS = ("authorization_code", "refresh_token")
Json = dict[str, Any]


class FrozenClock:
    """A clock that moves only when it is told to."""

    def __init__(self, at: datetime = builders.NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        """Return the moment at which it stands."""
        return self.at

    def advance(self, by: timedelta) -> None:
        """Move on (or back)."""
        self.at += by


@dataclass(frozen=True)
class Person:
    """Somebody with an account and a password."""

    user: User
    password: str = PASSWORD

    @property
    def id(self) -> str:
        """The id, which is also their `sub`."""
        return self.user.id

    @property
    def username(self) -> str:
        """The name they type to sign in."""
        return self.user.username or self.user.label


@dataclass
class Provider:
    """One running application."""

    settings: Settings
    clock: FrozenClock
    app: ASGIApp
    site: Site
    stack: AsyncExitStack = field(repr=False)

    @property
    def issuer(self) -> str:
        """The issuer URL."""
        return self.settings.issuer

    def http(self, *, address: str = HOME, raises: bool = True, **options: Any) -> httpx2.AsyncClient:
        """Return a client that talks to the application; `raises` lets its exceptions through to the test."""
        transport = httpx2.ASGITransport(app=self.app, client=(address, 4711), raise_app_exceptions=raises)
        return httpx2.AsyncClient(transport=transport, base_url=self.issuer, **options)

    def browser(self, person: Person | None = None, *, address: str = HOME, **headers: str) -> HtmlBrowser:
        """Return a browser of a person; it knows their name and password."""
        transport = httpx2.ASGITransport(app=self.app, client=(address, 4711))
        name, password = (person.username, person.password) if person else ("", "")
        return HtmlBrowser(self.issuer, username=name, password=password, transport=transport, headers=headers)

    async def person(self, *, password: str = PASSWORD, claims: Json | None = None, **changes: Any) -> Person:
        """Create an account; `changes` are fields of NewUser."""
        number = next(builders._numbers)
        given = {"email": f"person{number}@example.com", "username": f"person{number}", "email_verified": True}
        made = await self.site.users.create(NewUser(password=password, claims=claims or {}, **(given | changes)))
        assert not isinstance(made, Refused), made
        return Person(made, password)

    async def client(
        self,
        *,
        profile: Profile = Profile.OAUTH21,
        is_first_party: bool = False,
        auth: ClientAuthentication | None = None,
        **members: Any,
    ) -> RelyingParty:
        """Register a client by its RFC 7591 members, and return it ready to speak.

        `auth` is needed for assertions; secrets are taken from the registration.
        """
        given = {
            "client_name": "Harbour Books",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": list(GRANTS),
            **members,
        }
        client, secret = await self.site.clients.create(given, profile=profile, is_first_party=is_first_party)
        methods: dict[str, ClientAuthentication] = {"none": Public()}
        if secret is not None:
            methods |= {"client_secret_basic": Basic(secret), "client_secret_post": Post(secret)}
        uris: list[str] = given["redirect_uris"]
        return RelyingParty(
            self.http(),
            self.issuer,
            client.id,
            auth or methods[client.auth_method.value],
            redirect_uri=uris[0] if uris else REDIRECT_URI,
            now=lambda: self.clock.now().timestamp(),
        )

    async def registered(self, rp: RelyingParty) -> Client:
        """Return a client as it is stored now."""
        found = await self.site.clients.find(rp.client_id)
        assert found is not None
        return found

    async def rows(self, table: str) -> list[Json]:
        """Return the rows of a table as the database keeps them."""
        async with self.site.database.transaction(write=False) as connection:
            found = await connection.exec_driver_sql(f"SELECT * FROM {table}")
            return [dict(row) for row in found.mappings()]

    async def events(self, kind: str) -> list[Json]:
        """Return the audit rows of one kind."""
        return [row for row in await self.rows("events") if row["kind"] == kind]

    async def twin(self, **settings: str) -> "Provider":
        """Start a second worker on the same database, clock and keys; it ends with the first."""
        given = {f"IDP_{name.upper()}": value for name, value in settings.items()}
        environment = _environment(self.settings.database_url, self.settings.keys_dir) | given
        return await self.stack.enter_async_context(_started(load(environment=environment), self.clock, self.stack))


@asynccontextmanager
async def provider(kind: str, folder: Path, **settings: str) -> AsyncIterator[Provider]:
    """Yield a provider on a fresh database; `settings` are options without their prefix, in lower case.

    A provider that is to change its keys needs a `keys_dir` of its own, and makes new keys there.
    """
    given = {f"IDP_{name.upper()}": value for name, value in settings.items()}
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(kind, folder))
        environment = _environment(url, shared_keys()) | given
        yield await stack.enter_async_context(_started(load(environment=environment), FrozenClock(), stack))


@asynccontextmanager
async def database(kind: str, folder: Path) -> AsyncIterator[str]:
    """Yield the URL of a new database with schema and signing keys."""
    if kind == "sqlite":
        path = folder / "provider.sqlite3"
        shutil.copyfile(await _sqlite_template(), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    server = await Postgres.shared()
    async with server.database(await server.template("provider", _prepare)) as url:
        yield url


def shared_keys() -> Path:
    """Return the folder of the private keys that all providers of a run share."""
    return session.folder() / "provider-keys"


@asynccontextmanager
async def _started(settings: Settings, clock: FrozenClock, stack: AsyncExitStack) -> AsyncIterator[Provider]:
    """Run the application's lifespan around the block."""
    app = create_app(settings, clock=clock)
    calls: asyncio.Queue[Message] = asyncio.Queue()
    answers: asyncio.Queue[Message] = asyncio.Queue()
    scope: Json = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    running = asyncio.create_task(app(scope, calls.get, answers.put))
    await calls.put({"type": "lifespan.startup"})
    await _said(answers, "lifespan.startup.complete")
    try:
        yield Provider(settings, clock, app, scope["app"].state.site, stack)
    finally:
        await calls.put({"type": "lifespan.shutdown"})
        await _said(answers, "lifespan.shutdown.complete")
        await running


async def _said(answers: "asyncio.Queue[Message]", expected: str) -> None:
    message = await asyncio.wait_for(answers.get(), 30)
    assert message["type"] == expected, message


async def _sqlite_template() -> Path:
    path = session.folder() / "provider-template.sqlite3"
    async with session.locked(path.name):
        if not path.exists():
            draft = path.with_suffix(".draft")
            await asyncio.to_thread(_prepare, f"sqlite+aiosqlite:///{draft}")
            draft.rename(path)
    return path


def _prepare(url: str) -> None:
    async def run() -> None:
        settings = load(environment=_environment(url, shared_keys()))
        await upgrade(settings)
        site = await build(settings, clock=FrozenClock())
        await site.keys.ensure()
        await site.close()

    asyncio.run(run())


def _environment(url: str, keys_dir: Path) -> Mapping[str, str]:
    return {
        "IDP_MODE": "test",
        "IDP_ISSUER": ISSUER,
        "IDP_DATABASE_URL": url,
        "IDP_KEYS_DIR": str(keys_dir),
        "IDP_MASTER_KEY": MASTER_KEY,
        "IDP_BCRYPT_ROUNDS": "4",
        "IDP_RATE_LIMITS": "off",
        "IDP_HASH_QUEUE": "1000",
    }
