"""Databases for tests of what is stored: opened, migrated without the command line, filled, raced and looked into.

`Crowd` stands for several processes on one database: each of its members has an engine and a write turn of its own.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import TypeVar

import asyncpg
from sqlalchemy import make_url, text

from idp import resources
from idp.domain.client import Client
from idp.domain.secret import Digest, Digester
from idp.domain.session import Session
from idp.domain.tokens import Grant, RefreshState
from idp.domain.user import User
from idp.providers.keystore.sealing import AesSealer
from idp.storage import schema
from idp.storage.columns import metadata
from idp.storage.database import Database, Transaction
from idp.storage.maintenance import maintenance
from idp.storage.stores import Stores, Transactions
from tests.support import builders, session
from tests.support.postgres import Postgres

T = TypeVar("T")

SEALER = AesSealer([b"storage test master key, 32 byte"], purpose="data")
DIGESTER = Digester(b"storage test digest key, 32 byte")
POOL = 20


@asynccontextmanager
async def empty_database(kind: str, folder: Path) -> AsyncIterator[str]:
    """Yield the URL of a database without tables."""
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{folder / 'empty.sqlite3'}"
        return
    async with (await Postgres.shared()).database() as url:
        yield url


@asynccontextmanager
async def migrated_database(kind: str, folder: Path) -> AsyncIterator[str]:
    """Yield the URL of a database with all tables, whose schema may be changed: a copy of one that was migrated."""
    if kind == "sqlite":
        path = folder / "storage.sqlite3"
        shutil.copyfile(await _sqlite_template(), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    server = await Postgres.shared()
    async with server.database(await server.template("storage", _migrate)) as url:
        yield url


async def emptied(url: str) -> str:
    """Return the URL of a database on PostgreSQL after its rows are gone: much faster than making a new one."""
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        await connection.execute(";".join(f"DELETE FROM {table}" for table in reversed(metadata.sorted_tables)))
    finally:
        await connection.close()
    return url


async def _sqlite_template() -> Path:
    path = session.folder() / "storage-template.sqlite3"
    async with session.locked(path.name):
        if not path.exists():
            draft = path.with_suffix(".draft")
            await asyncio.to_thread(_migrate, f"sqlite+aiosqlite:///{draft}")
            draft.rename(path)
    return path


def _migrate(url: str) -> None:
    async def run() -> None:
        async with maintenance(url) as connection:
            await schema.upgrade(connection, resources.folder("alembic"))

    asyncio.run(run())


@asynccontextmanager
async def opened(url: str, *, pool_size: int = POOL) -> AsyncIterator[Database]:
    """Yield a database on the URL, and close it."""
    database = Database(url, pool_size=pool_size)
    try:
        yield database
    finally:
        await database.close()


def transactions_on(database: Database) -> Transactions:
    """Return transactions with the keys that all storage tests share."""
    return Transactions(database, sealer=SEALER, digester=DIGESTER)


@dataclass(frozen=True)
class Crowd:
    """Several processes on one database, as far as one process can play them."""

    members: Sequence[Transactions]

    @classmethod
    @asynccontextmanager
    async def on(cls, url: str, *, size: int = 3) -> AsyncIterator["Crowd"]:
        """Yield a crowd, and close its databases."""
        databases = [Database(url, pool_size=POOL) for _ in range(size)]
        try:
            yield cls([transactions_on(database) for database in databases])
        finally:
            for database in databases:
                await database.close()

    async def race(self, count: int, work: Callable[[Stores], Awaitable[T]]) -> list[T]:
        """Do the work that many times at once, each in a transaction of its own, and return all outcomes.

        On PostgreSQL all transactions are open before the first one works; SQLite lets one writer in at a time.
        """
        start = asyncio.Barrier(1 if self.members[0].database.is_sqlite else count)

        async def one(transactions: Transactions) -> T:
            async with transactions.open(write=True) as stores:
                await stores.connection.execute(text("SELECT 1"))
                await start.wait()
                return await work(stores)

        return await asyncio.gather(*(one(member) for member in islice(cycle(self.members), count)))


@dataclass(frozen=True)
class World:
    """What most tests need to be there already: a person who is signed in, a client, and a grant between them."""

    user: User
    client: Client
    session: Session
    cookie: Digest
    grant: Grant
    refresh: RefreshState

    @classmethod
    async def store(cls, transactions: Transactions) -> "World":
        """Make a world and commit it."""
        user, client = builders.user(), builders.client()
        visit = builders.session(user.id)
        grant = builders.grant(client.id, user.id, visit.id)
        world = cls(user, client, visit, builders.digest(), grant, builders.refresh_state())
        async with transactions.open(write=True) as stores:
            await stores.users.add(user)
            await stores.clients.add(client, builders.NOW)
            await stores.sessions.open(visit, world.cookie, device="Firefox on Linux")
            await stores.grants.add(grant, world.refresh)
        return world


BUMP = text("INSERT INTO epochs VALUES (:name, 1) ON CONFLICT (name) DO UPDATE SET value = epochs.value + 1")


async def bump(connection: Transaction, name: str = "test") -> None:
    """Write something that a test can count."""
    await connection.execute(BUMP, {"name": name})


async def epoch(database: Database, name: str = "test") -> int | None:
    """Return how often it was written, as everybody sees it."""
    async with database.transaction(write=False) as connection:
        value: int | None = (
            await connection.execute(text("SELECT value FROM epochs WHERE name = :name"), {"name": name})
        ).scalar()
    return value


async def rows(database: Database, table: str) -> list[dict[str, object]]:
    """Return the rows of a table as the database keeps them, without our column types."""
    async with database.transaction(write=False) as connection:
        found = await connection.execute(text(f"SELECT * FROM {table}"))
        return [dict(row) for row in found.mappings()]


async def count(database: Database, table: str) -> int:
    """Return how many rows a table has."""
    return len(await rows(database, table))


def sqlite_path(database: Database) -> Path:
    """Return the file of a SQLite database."""
    name = database.url.database
    assert name
    return Path(name)
