"""The engine, and transactions that wait, retry and fail within bounds.

Write transactions begin as such (BEGIN IMMEDIATE on SQLite), so that reading first and writing
later can never meet a lock half-way. Every wait has an end: pool 2 s, lock 2 s, statement 5 s.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from idp.domain.probe import Probe
from idp.storage import probing, sqlite_inline

T = TypeVar("T")

LOCK_WAIT_SECONDS = 2.0
STATEMENT_SECONDS = 5.0
POOL_WAIT_SECONDS = 2.0
TRIES = 3
_SERIALIZATION = frozenset({"40001", "40P01"})


class DatabaseAway(Exception):
    """The database cannot be reached or is too busy; a later try may work."""


class Database:
    """One database and the transactions on it."""

    def __init__(self, url: str, *, pool_size: int = 10, probe: Probe | None = None) -> None:
        """Prepare the engine; nothing is opened before the first use."""
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._write_turn = asyncio.Lock()
        if self.is_sqlite:
            if parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            parsed = parsed.set(drivername=f"sqlite+{sqlite_inline.InlineSqliteDialect.driver}")
        self.engine: AsyncEngine = create_async_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
            connect_args=_SQLITE if self.is_sqlite else _POSTGRES,
        )
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        if probe is not None:
            probing.attach(self.engine.sync_engine, probe)
        self._writer = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE") if self.is_sqlite else self.engine

    @asynccontextmanager
    async def transaction(self, *, write: bool) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at the end and rolls back when an exception passes through.

        Raises DatabaseAway when the database does not answer within the bounds.
        """
        engine = self._writer if write else self.engine
        if write and self.is_sqlite:
            # One writer at a time in this process: the others suspend here instead of spinning on the file's lock.
            try:
                async with asyncio.timeout(LOCK_WAIT_SECONDS):
                    await self._write_turn.acquire()
            except TimeoutError as error:
                raise DatabaseAway("other writes take too long") from error
            try:
                async with self._opened(engine) as connection:
                    yield connection
            finally:
                self._write_turn.release()
        else:
            async with self._opened(engine) as connection:
                yield connection

    @asynccontextmanager
    async def _opened(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with engine.connect() as connection, connection.begin():
                yield connection
        except (OperationalError, InterfaceError, PoolTimeout, OSError) as error:
            if _is_wrong_sql(error):
                raise
            raise DatabaseAway(type(error).__name__) from error
        except DBAPIError as error:
            if error.connection_invalidated or _sqlstate(error)[:2] in ("08", "53", "57", "55", "25"):
                raise DatabaseAway(_sqlstate(error)) from error
            raise

    async def run(self, work: Callable[[AsyncConnection], Awaitable[T]], *, write: bool) -> T:
        """Run the work in a transaction, again from its start after a deadlock or serialization failure."""
        for attempt in range(TRIES):
            try:
                async with self.transaction(write=write) as connection:
                    return await work(connection)
            except DBAPIError as error:
                if _sqlstate(error) not in _SERIALIZATION or attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


_SQLITE: dict[str, Any] = {"check_same_thread": False, "timeout": 0}
_POSTGRES: dict[str, Any] = {
    "timeout": POOL_WAIT_SECONDS,
    "command_timeout": STATEMENT_SECONDS + 1,
    "server_settings": {
        "statement_timeout": str(int(STATEMENT_SECONDS * 1000)),
        "lock_timeout": str(int(LOCK_WAIT_SECONDS * 1000)),
        "application_name": "idp",
        "jit": "off",
    },
}


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=0", "cache_size=-4096"):
        _retry_locked(partial(connection.execute, f"PRAGMA {pragma}"))


def _begin_sqlite(connection: Connection) -> None:
    statement = connection.get_execution_options().get("sqlite_begin", "BEGIN")
    _retry_locked(lambda: connection.exec_driver_sql(statement))


def _retry_locked(call: Callable[[], object]) -> None:
    """Call until another process lets go of the file, at most two seconds, sleeping on the event loop."""
    give_up = time.monotonic() + LOCK_WAIT_SECONDS
    pause = 0.001
    while True:
        try:
            call()
        except Exception as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            await_only(asyncio.sleep(pause))
            pause = min(pause * 2, 0.05)
        else:
            return


def _is_wrong_sql(error: Exception) -> bool:
    """Say whether SQLite means our statement or schema; it has the same exception for a file that is locked or gone."""
    return getattr(getattr(error, "orig", None), "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
