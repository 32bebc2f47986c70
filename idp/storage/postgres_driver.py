"""PostgreSQL by asyncpg's own connections and prepared statements.

A read that changes nothing runs without BEGIN: under READ COMMITTED each statement sees the newest committed rows
either way, and two round trips are saved.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
from sqlalchemy import URL, Dialect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from idp.storage.faults import (
    LOCK_WAIT_SECONDS,
    POOL_WAIT_SECONDS,
    STATEMENT_SECONDS,
    Conflict,
    DatabaseAway,
    DuplicateKey,
    FailedStatement,
)
from idp.storage.statements import Plan, Result, Values, named_rows

STATEMENTS = 500
FAULTS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
CONFLICTS = ("40001", "40P01")  # serialization, deadlock
AWAY = ("08", "53", "57", "55", "25")  # connection, resources, operator, lock, read-only
SERVER_SETTINGS = {
    "statement_timeout": str(int(STATEMENT_SECONDS * 1000)),
    "lock_timeout": str(int(LOCK_WAIT_SECONDS * 1000)),
    "application_name": "idp",
    "jit": "off",
}


class PostgresDriver:
    """A pool of connections to one database."""

    def __init__(self, url: URL, *, pool_size: int) -> None:
        """Open nothing yet."""
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._pool_size = pool_size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    def dialect(self) -> Dialect:
        """Return SQLAlchemy's description of the database."""
        return PGDialect_asyncpg(dbapi=PGDialect_asyncpg.import_dbapi())  # type: ignore[no-untyped-call]

    async def _open(self) -> "asyncpg.Pool[asyncpg.Record]":
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._pool_size,
                    timeout=POOL_WAIT_SECONDS,
                    command_timeout=STATEMENT_SECONDS + 1,
                    statement_cache_size=STATEMENTS,
                    max_cached_statement_lifetime=0,
                    server_settings=SERVER_SETTINGS,
                    reset=_leave_as_it_is,
                )
        return self._pool

    @asynccontextmanager
    async def transaction(self, *, write: bool) -> AsyncIterator["PostgresConnection"]:
        """Begin, then commit or roll back; raise DatabaseAway if the server does not answer in time."""
        try:
            pool = self._pool or await self._open()
            raw = await pool.acquire(timeout=POOL_WAIT_SECONDS)
        except FAULTS as error:
            raise DatabaseAway(type(error).__name__) from error
        try:
            if write:
                await _tell(raw, "BEGIN")
            yield PostgresConnection(raw)
            if write:
                await _tell(raw, "COMMIT")
        except BaseException:
            if write:
                await _roll_back(raw)
            raise
        finally:
            await pool.release(raw)

    async def close(self) -> None:
        """Close all connections, in order while the server answers, else at once."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(LOCK_WAIT_SECONDS):
                await self._pool.close()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._pool.terminate()


async def _leave_as_it_is(_connection: Any) -> None:
    """Reset nothing: a connection comes back committed, rolled back or closed, and we set nothing on it."""


async def _tell(raw: Any, command: str) -> None:
    try:
        done = await raw.execute(command)
    except (*FAULTS, asyncpg.InternalClientError) as error:  # the last: a server that shuts down under its client
        raise _in_our_words(error) from error
    if done != command:  # PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement failed
        raise FailedStatement(f"{command} was answered by {done}")


async def _roll_back(raw: Any) -> None:
    try:
        await raw.execute("ROLLBACK", timeout=LOCK_WAIT_SECONDS)
    except (*FAULTS, asyncpg.InternalClientError, asyncio.CancelledError):
        with suppress(Exception):
            raw.terminate()  # whatever state it is in, nobody else gets it


def _in_our_words(error: Exception) -> Exception:
    """Return what the error means for whoever asked; a mistake of ours stays what it is."""
    if not isinstance(error, asyncpg.PostgresError):
        return DatabaseAway(type(error).__name__)
    if isinstance(error, asyncpg.UniqueViolationError):
        return DuplicateKey(str(error))
    state = error.sqlstate or ""
    if state in CONFLICTS:
        return Conflict(state)
    return DatabaseAway(state) if state[:2] in AWAY else error


class PostgresConnection:
    """One transaction's connection."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Any) -> None:
        """Work on a connection of the pool."""
        self._raw = raw

    async def execute(self, plan: Plan, values: Values) -> Result:
        """Run a compiled statement; raise DuplicateKey if somebody else's row has its key already."""
        try:
            rows = await self._raw.fetch(plan.sql, *values)
        except FAULTS as error:
            raise _in_our_words(error) from error
        if plan.is_text:
            return _as_text(rows)
        return Result([plan.row(raw) for raw in rows]) if plan.wants_rows else Result([])

    async def run(self, sql: str) -> Result:
        """Run a statement that was written as text."""
        try:
            return _as_text(await self._raw.fetch(sql))
        except FAULTS as error:
            raise _in_our_words(error) from error


def _as_text(rows: list[Any]) -> Result:
    return Result(named_rows(list(rows[0].keys()), rows) if rows else [])
