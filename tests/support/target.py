"""A provider for attacks: it can be looked into, broken, doubled, and reached from other networks.

Its database is a copy of one that was migrated and given signing keys once in the run, so that each test can have one.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from sqlalchemy import make_url

from idp.app import create_app
from idp.cli.running import upgrade
from idp.domain.refusal import Refused
from idp.flows.user_administration import NewUser
from idp.settings import load
from idp.wiring import build
from tests.support import session
from tests.support.html_browser import HtmlBrowser
from tests.support.policies import OPEN_POLICY
from tests.support.postgres import Postgres
from tests.support.provider import ISSUER, PASSWORD, HandClock, Person, Provider, _lifespan, _numbers
from tests.support.relying_party import RelyingParty

HOME = "203.0.113.9"  #: the network that requests come from unless a test says otherwise
ELSEWHERE = "198.51.100.7"
MASTER_KEY = "YSBtYXN0ZXIga2V5IGZvciB0ZXN0cywgMzIgYnl0ZXM"
Row = dict[str, Any]


@dataclass
class Target(Provider):
    """A running provider under attack."""

    environment: Mapping[str, str] = field(default_factory=dict)

    def reach(self, *, address: str = HOME, raises: bool = True, **options: Any) -> httpx2.AsyncClient:
        """Return a client in some network; `raises` lets the application's exceptions through to the test."""
        transport = httpx2.ASGITransport(self.transport.app, raises, client=(address, 4711))
        return httpx2.AsyncClient(transport=transport, base_url=self.issuer, trust_env=False, timeout=30, **options)

    def browser_at(self, person: Person, address: str, **headers: str) -> HtmlBrowser:
        """Return a person's browser in some network."""
        transport = httpx2.ASGITransport(self.transport.app, client=(address, 4711))
        return HtmlBrowser(
            self.issuer, username=person.username, password=person.password, transport=transport, headers=headers
        )

    async def account(self, *, password: str = PASSWORD, **changes: Any) -> Person:
        """Make an account; `changes` are fields of NewUser."""
        number = next(_numbers)
        given = {"email": f"person{number}@example.org", "username": f"person{number}", "claims": {}, **changes}
        user = await self.site.users.create(NewUser(password=password, **given))
        assert not isinstance(user, Refused), user
        return Person(user, given["username"] or given["email"], password)

    async def change(self, rp: RelyingParty, **members: Any) -> None:
        """Change a client's registration."""
        await self.site.clients.update(await self.registration(rp), members)

    async def rows(self, table: str) -> list[Row]:
        """Return the rows of a table as the database keeps them."""
        return await self.execute(f"SELECT * FROM {table}")

    async def execute(self, statement: str) -> list[Row]:
        """Read or change the database behind the provider's back."""
        return await execute(self.environment["IDP_DATABASE_URL"], statement)

    async def events(self, kind: str) -> list[Row]:
        """Return the audit rows of one kind."""
        return [row for row in await self.rows("events") if row["kind"] == kind]

    @asynccontextmanager
    async def twin(self, *, clock: HandClock | None = None) -> AsyncIterator["Target"]:
        """Yield a second worker on the same database and keys; by the same clock unless it is given another."""
        async with started(self.environment, clock or self.clock) as twin:
            yield twin


async def execute(url: str, statement: str) -> list[Row]:
    """Run a statement on a connection of its own, and return the rows."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _on_sqlite(str(parsed.database), statement)
    connection = await asyncpg.connect(parsed.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        return [dict(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def _on_sqlite(path: str, statement: str) -> list[Row]:
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        found = [dict(row) for row in connection.execute(statement)]
        connection.commit()
        return found


@asynccontextmanager
async def target(
    kind: str, folder: Path, *, issuer: str = ISSUER, own_keys: bool = False, **settings: str
) -> AsyncIterator[Target]:
    """Yield a provider on a fresh database; `settings` are options in lower case without their prefix.

    With `own_keys` it has a copy of the signing keys, so that it may change them.
    """
    given = {f"IDP_{name.upper()}": value for name, value in settings.items()}
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(kind, folder))
        environment = _environment(url) | {"IDP_ISSUER": issuer} | given
        if own_keys:
            shutil.copytree(environment["IDP_KEYS_DIR"], folder / "keys")
            environment["IDP_KEYS_DIR"] = str(folder / "keys")
        yield await stack.enter_async_context(started(environment, HandClock()))


@asynccontextmanager
async def started(environment: Mapping[str, str], clock: HandClock) -> AsyncIterator[Target]:
    """Yield a provider with these settings."""
    app = create_app(load(environment=environment), clock=clock)
    transport = httpx2.ASGITransport(app, client=(HOME, 4711))
    issuer = environment["IDP_ISSUER"]
    async with _lifespan(app) as scope, httpx2.AsyncClient(transport=transport, trust_env=False, timeout=30) as http:
        yield Target(issuer, scope["app"].state.site, clock, transport, http, environment=environment)


@asynccontextmanager
async def database(kind: str, folder: Path) -> AsyncIterator[str]:
    """Yield the URL of a new database with schema and signing keys."""
    if kind == "sqlite":
        path = folder / "target.sqlite3"
        shutil.copyfile(await _sqlite_template(), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    server = await Postgres.shared()
    async with server.database(await server.template("target", prepare)) as url:
        yield url


async def _sqlite_template() -> Path:
    path = session.folder() / "target-template.sqlite3"
    async with session.locked(path.name):
        if not path.exists():
            draft = path.with_suffix(".draft")
            await asyncio.to_thread(prepare, f"sqlite+aiosqlite:///{draft}")
            draft.rename(path)
    return path


def prepare(url: str) -> None:
    """Give a database schema and signing keys."""

    async def run() -> None:
        settings = load(environment=_environment(url))
        await upgrade(settings)
        site = await build(settings, clock=HandClock())
        await site.keys.ensure()
        await site.close()

    asyncio.run(run())


def _environment(url: str) -> dict[str, str]:
    return {
        "IDP_MODE": "test",
        "IDP_ISSUER": ISSUER,
        "IDP_DATABASE_URL": url,
        "IDP_KEYS_DIR": str(session.folder() / "target-keys"),
        "IDP_MASTER_KEY": MASTER_KEY,
        "IDP_BCRYPT_ROUNDS": "4",
        "IDP_POLICY_FILE": OPEN_POLICY,
        "IDP_RATE_LIMITS": "off",
        "IDP_HASH_QUEUE": "1000",
    }
