"""SQLite run inline on the event loop, by the standard library's driver.

A statement on the embedded database takes some ten microseconds; a hop to a thread and back costs several times that.
Nothing here may wait inside a call: busy_timeout is 0, writers of this process take turns, and the wait for another
process's write sleeps on the event loop (docs/adr/0003).
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import Dialect
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from idp.storage.faults import LOCK_WAIT_SECONDS, POOL_WAIT_SECONDS, DatabaseAway, DuplicateKey
from idp.storage.statements import Plan, Result, Values, named_rows

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=0", "cache_size=-4096")
DUPLICATES = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})


def make_file(path: str) -> None:
    """Make a database's file and its folder if they are missing, private to us; SQLite's other files take after it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not Path(path).exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


class SqliteDriver:
    """Connections to one file."""

    def __init__(self, path: str, *, pool_size: int) -> None:
        """Open nothing yet."""
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._room = asyncio.Semaphore(pool_size)
        self._write_turn = asyncio.Lock()

    def dialect(self) -> Dialect:
        """Return SQLAlchemy's description of the database."""
        return SQLiteDialect_pysqlite(dbapi=sqlite3)

    def transaction(self, *, write: bool) -> "SqliteTransaction":
        """Return a transaction to enter: one writer of this process at a time, as many readers as the pool has room."""
        return SqliteTransaction(self, write=write)

    async def begin(self, *, write: bool) -> sqlite3.Connection:
        """Wait for the turn and begin; raise DatabaseAway if the turn does not come in time."""
        # Writers suspend here instead of spinning on the file's lock.
        turn = self._write_turn if write else self._room
        await _take(turn, LOCK_WAIT_SECONDS if write else POOL_WAIT_SECONDS)
        connection = None
        try:
            connection = self._idle.pop() if self._idle else await self._connect()
            if write:  # a read needs no BEGIN: each statement sees the newest committed rows, as on PostgreSQL
                await _retry_locked(partial(connection.execute, "BEGIN IMMEDIATE"))
        except BaseException as error:  # noqa: BLE001 - whatever ends the wait, the turn goes on
            self.give_back(connection, write=write)
            raise _translated(error) from None
        return connection

    def give_back(self, connection: sqlite3.Connection | None, *, write: bool) -> None:
        """Undo what was not committed, and let the next one have the connection and the turn."""
        if connection is not None:
            if connection.in_transaction:
                connection.rollback()
            self._idle.append(connection)
        (self._write_turn if write else self._room).release()

    async def _connect(self) -> sqlite3.Connection:
        try:
            make_file(self._path)
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=0, check_same_thread=False)
        except (sqlite3.OperationalError, OSError) as error:
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


class SqliteTransaction:
    """Begins on entry; commits on exit, or rolls back when an exception leaves the block."""

    __slots__ = ("_connection", "_driver", "_write")

    def __init__(self, driver: SqliteDriver, *, write: bool) -> None:
        """Begin nothing yet."""
        self._driver = driver
        self._write = write
        self._connection: sqlite3.Connection | None = None

    async def __aenter__(self) -> "SqliteConnection":
        """Begin."""
        self._connection = await self._driver.begin(write=self._write)
        return SqliteConnection(self._connection)

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Commit or roll back."""
        assert self._connection is not None
        try:
            if error is None and self._write:
                await _retry_locked(self._connection.commit)
        except sqlite3.Error as failed:
            raise _translated(failed) from None
        finally:
            self._driver.give_back(self._connection, write=self._write)
        if error is not None and _translated(error) is not error:
            raise _translated(error) from error


def _translated(error: BaseException) -> BaseException:
    """Return DatabaseAway for a file that is locked, full or gone; what is wrong in our statements stays as it is."""
    if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
        return DatabaseAway(error.sqlite_errorname)
    return error


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


async def _take(turn: asyncio.Lock | asyncio.Semaphore, seconds: float) -> None:
    """Take a turn within a time; a free one is taken without setting a timer."""
    if not turn.locked():
        await turn.acquire()
        return
    try:
        async with asyncio.timeout(seconds):
            await turn.acquire()
    except TimeoutError as error:
        raise DatabaseAway("other transactions take too long") from error


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
