"""Transactions that wait, retry and fail within bounds, on SQLite or PostgreSQL.

Write transactions begin as such (BEGIN IMMEDIATE on SQLite), so that reading first and writing later can never meet a
lock half-way. Every wait has an end: pool 2 s, lock 2 s, statement 5 s.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import make_url

from idp.domain.probe import InjectedFault, Probe
from idp.domain.secret import make_id
from idp.storage.faults import Conflict, DatabaseAway, DuplicateKey, OpenedToRead
from idp.storage.postgres_driver import PostgresConnection, PostgresDriver
from idp.storage.probing import label_of
from idp.storage.sqlite_driver import SqliteConnection, SqliteDriver
from idp.storage.statements import Plan, Prepared, Result, Statements, Values

__all__ = ["Database", "DatabaseAway", "DuplicateKey", "Prepared", "Transaction"]

T = TypeVar("T")
TRIES = 3
_NOTHING: Mapping[str, Any] = {}


class Transaction:
    """A transaction that has begun: runs statements and returns their rows."""

    __slots__ = ("_connection", "_may_write", "_probe", "_statements")

    def __init__(
        self,
        connection: SqliteConnection | PostgresConnection,
        statements: Statements,
        probe: Probe | None,
        *,
        may_write: bool,
    ) -> None:
        """Run statements on this connection."""
        self._connection = connection
        self._may_write = may_write
        self._statements = statements
        self._probe = probe

    @property
    def dialect_name(self) -> str:
        """Return `sqlite` or `postgresql`."""
        return self._statements.dialect.name

    async def execute(self, statement: Any, parameters: Mapping[str, Any] = _NOTHING) -> Result:
        """Run a Prepared statement, or one built by SQLAlchemy; raise DuplicateKey if its key is taken."""
        if type(statement) is Prepared:
            plan, values = self._statements.prepared(statement, parameters)
        else:
            plan, values = self._statements.built(statement, parameters)
        if plan.writes and not self._may_write:
            raise OpenedToRead(plan.sql)
        if self._probe is not None:
            return await self._probed(self._probe, plan, values)
        return await self._connection.execute(plan, values)

    async def _probed(self, probe: Probe, plan: Plan, values: Values) -> Result:
        label = label_of(plan.sql)
        if label is None:
            return await self._connection.execute(plan, values)
        await break_at(probe, label)
        result = await self._connection.execute(plan, values)
        probe.after(label)
        return result

    async def exec_driver_sql(self, sql: str) -> Result:
        """Run a statement written as text, without parameters."""
        return await self._connection.run(sql)

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        """Undo what the block did if an exception leaves it, and keep the transaction usable."""
        name = "s" + make_id().replace("-", "_")
        await self._connection.run(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            await self._connection.run(f"ROLLBACK TO SAVEPOINT {name}")
            raise
        await self._connection.run(f"RELEASE SAVEPOINT {name}")


async def break_at(probe: Probe, label: str) -> None:
    """Let a test's probe delay a call to the database, or make it fail as a database that is away would."""
    try:
        delay = probe.before(label)
    except InjectedFault as error:
        raise DatabaseAway(label) from error
    if delay:
        await asyncio.sleep(delay)


class Database:
    """One database and the transactions on it."""

    def __init__(self, url: str, *, pool_size: int = 10, probe: Probe | None = None) -> None:
        """Prepare; nothing is opened before the first use."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._driver: SqliteDriver | PostgresDriver = (
            SqliteDriver(self.url.database or "", pool_size=pool_size)
            if self.is_sqlite
            else PostgresDriver(self.url, pool_size=pool_size)
        )
        self._statements = Statements(self._driver.dialect())
        self._probe = probe

    @asynccontextmanager
    async def transaction(self, *, write: bool) -> AsyncIterator[Transaction]:
        """Open a transaction that commits at the end and rolls back when an exception passes through.

        Raises DatabaseAway when the database does not answer within the bounds.
        """
        if self._probe is not None:
            await break_at(self._probe, "db.begin")
        async with self._driver.transaction(write=write) as connection:
            yield Transaction(connection, self._statements, self._probe, may_write=write)
            if self._probe is not None:
                await break_at(self._probe, "db.commit")
        if self._probe is not None:
            self._probe.after("db.commit")

    async def run(self, work: Callable[[Transaction], Awaitable[T]], *, write: bool) -> T:
        """Run the work in a transaction, again from its start after a deadlock or serialization failure.

        Work that mostly reads may begin with `write=False`; when it must write after all, it begins anew.
        """
        for attempt in range(TRIES):
            try:
                async with self.transaction(write=write) as transaction:
                    return await work(transaction)
            except OpenedToRead:
                write = True
            except Conflict as error:
                if attempt == TRIES - 1:
                    raise DatabaseAway("transactions kept conflicting") from error
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Close all connections."""
        await self._driver.close()
