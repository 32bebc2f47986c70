"""SQLite run inline on the event loop, by the standard library's driver.

A statement on the embedded database takes some ten microseconds; a hop to a thread and back costs several times that.
Nothing here may wait inside a call: busy_timeout is 0, writers of this process take turns, and the wait for another
process's write sleeps on the event loop (docs/adr/0003).
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Dialect
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from idp.storage.faults import LOCK_WAIT_SECONDS, POOL_WAIT_SECONDS, DatabaseAway, DuplicateKey
from idp.storage.statements import Plan, Result, Values, named_rows

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=0", "cache_size=-4096")
DUPLICATES = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})


class SqliteDriver:
    """Connections to one file."""

    def __init__(self, path: str, *, pool_size: int) -> None:
        """Open nothing yet; the folder is made if it is missing."""
        self._path = path
        Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._idle: list[sqlite3.Connection] = []
        self._room = asyncio.Semaphore(pool_size)
        self._write_turn = asyncio.Lock()

    def dialect(self) -> Dialect:
        """Return SQLAlchemy's description of the database."""
        return SQLiteDialect_pysqlite(dbapi=sqlite3)

    @asynccontextmanager
    async def transaction(self, *, write: bool) -> AsyncIterator["SqliteConnection"]:
        """Begin, then commit or roll back; raise DatabaseAway if the turn does not come in time."""
        if not write:
            async with _within(POOL_WAIT_SECONDS, self._room), self._begun("BEGIN") as connection:
                yield connection
            return
        # One writer at a time in this process: the others suspend here instead of spinning on the file's lock.
        async with _within(LOCK_WAIT_SECONDS, self._write_turn), self._begun("BEGIN IMMEDIATE") as connection:
            yield connection

    @asynccontextmanager
    async def _begun(self, begin: str) -> AsyncIterator["SqliteConnection"]:
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            await _retry_locked(lambda: connection.execute(begin))
            yield SqliteConnection(connection)
            await _retry_locked(connection.commit)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # our statement or schema is wrong
                raise
            raise DatabaseAway(error.sqlite_errorname) from error
        finally:
            if connection.in_transaction:
                connection.rollback()
            self._idle.append(connection)

    async def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=0, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise DatabaseAway(str(error)) from error
        try:
            for pragma in PRAGMAS:
                await _retry_locked(lambda wanted=pragma: connection.execute(f"PRAGMA {wanted}"))  # type: ignore[misc]
        except sqlite3.OperationalError as error:
            connection.close()
            raise DatabaseAway(str(error)) from error
        return connection

    async def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._idle.pop().close()


class SqliteConnection:
    """One transaction's connection."""

    __slots__ = ("_raw",)

    def __init__(self, raw: sqlite3.Connection) -> None:
        """Work on a connection that has begun."""
        self._raw = raw

    async def execute(self, plan: Plan, values: Values) -> Result:
        """Run a compiled statement; raise DuplicateKey if somebody else's row has its key already."""
        try:
            cursor = self._raw.execute(plan.sql, values)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname in DUPLICATES:
                raise DuplicateKey(str(error)) from error
            raise
        if plan.is_text:
            return _as_text(cursor)
        return Result([plan.row(raw) for raw in cursor]) if plan.wants_rows else Result([], cursor.rowcount)

    async def run(self, sql: str) -> Result:
        """Run a statement that was written as text."""
        return _as_text(self._raw.execute(sql))


def _as_text(cursor: sqlite3.Cursor) -> Result:
    if cursor.description is None:
        return Result([], cursor.rowcount)
    return Result(named_rows([column[0] for column in cursor.description], cursor))


@asynccontextmanager
async def _within(seconds: float, turn: asyncio.Lock | asyncio.Semaphore) -> AsyncIterator[None]:
    """Take a turn within a time; a free one is taken without setting a timer."""
    if turn.locked():
        try:
            async with asyncio.timeout(seconds):
                await turn.acquire()
        except TimeoutError as error:
            raise DatabaseAway("other transactions take too long") from error
    else:
        await turn.acquire()
    try:
        yield
    finally:
        turn.release()


async def _retry_locked(call: Callable[[], object]) -> None:
    """Call until another process lets go of the file, at most two seconds, sleeping on the event loop."""
    give_up = time.monotonic() + LOCK_WAIT_SECONDS
    pause = 0.001
    while True:
        try:
            call()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            if time.monotonic() > give_up:
                raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.05)
        else:
            return
