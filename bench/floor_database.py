"""The floor's databases by their raw drivers: sqlite3 inline with our pragmas, asyncpg with prepared statements."""

import sqlite3
from typing import Any, Protocol

import asyncpg

from bench.floor_statements import HOT, SCHEMA

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=0", "cache_size=-4096")
POOL_SIZE = 10


class Connection(Protocol):
    """One connection; a statement outside begin and commit commits by itself."""

    async def row(self, statement: str, *values: Any) -> Any:
        """Run a statement and return its first row, None if it has none."""

    async def say(self, word: str) -> None:
        """Run BEGIN, COMMIT or ROLLBACK."""


class Database(Protocol):
    """Where connections come from."""

    begin: str

    async def open(self) -> None:
        """Connect, and make the schema."""

    async def take(self) -> Connection:
        """Return a connection that nobody uses."""

    def give_back(self, connection: Connection) -> None:
        """Let others use it."""

    async def close(self) -> None:
        """Close all connections."""


class InlineSqlite:
    """One connection, used on the event loop: no statement ever waits, so no other request can come between."""

    begin = "BEGIN IMMEDIATE"

    def __init__(self, path: str) -> None:
        """Open the file."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._numbered = {statement: statement.replace("$", "?") for statement in HOT}

    async def open(self) -> None:
        """Set our pragmas and make the schema."""
        for pragma in PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")
        for statement in SCHEMA:
            self._connection.execute(statement.format(blob="BLOB"))

    async def row(self, statement: str, *values: Any) -> Any:
        """Run a statement."""
        numbered = self._numbered.get(statement) or statement.replace("$", "?")
        return self._connection.execute(numbered, values).fetchone()

    async def say(self, word: str) -> None:
        """Run BEGIN IMMEDIATE, COMMIT or ROLLBACK."""
        self._connection.execute(word)

    async def take(self) -> "InlineSqlite":
        """Return the only connection."""
        return self

    def give_back(self, connection: Connection) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Close the file."""
        self._connection.close()


class PostgresConnection:
    """A connection and its prepared statements."""

    def __init__(self, connection: Any, prepared: dict[str, Any]) -> None:
        """Keep both."""
        self.connection = connection
        self._prepared = prepared

    async def row(self, statement: str, *values: Any) -> Any:
        """Run a statement."""
        prepared = self._prepared.get(statement)
        if prepared is None:
            return await self.connection.fetchrow(statement, *values)
        return await prepared.fetchrow(*values)

    async def say(self, word: str) -> None:
        """Run BEGIN, COMMIT or ROLLBACK."""
        await self.connection.execute(word)


class PooledPostgres:
    """As many connections as the provider has; asyncpg's own pool would add a round trip to each use."""

    begin = "BEGIN"

    def __init__(self, url: str) -> None:
        """Connect later."""
        self._url = url
        self._free: list[PostgresConnection] = []

    async def open(self) -> None:
        """Connect, make the schema, prepare every statement on every connection."""
        opened = [await asyncpg.connect(self._url, server_settings={"jit": "off"}) for _ in range(POOL_SIZE)]
        for statement in SCHEMA:
            await opened[0].execute(statement.format(blob="BYTEA"))
        for connection in opened:
            prepared = {statement: await connection.prepare(statement) for statement in HOT}
            self._free.append(PostgresConnection(connection, prepared))

    async def take(self) -> PostgresConnection:
        """Return a free connection; the load generator has fewer connections than we."""
        return self._free.pop()

    def give_back(self, connection: Any) -> None:
        """Let others use it."""
        self._free.append(connection)

    async def close(self) -> None:
        """Close all connections."""
        for each in self._free:
            await each.connection.close()


def database(url: str) -> Database:
    """Return the database of a URL in SQLAlchemy's spelling."""
    if url.startswith("sqlite"):
        return InlineSqlite(url.partition("///")[2])
    return PooledPostgres(url.replace("postgresql+asyncpg://", "postgresql://", 1))
