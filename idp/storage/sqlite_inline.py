"""SQLite under SQLAlchemy's async engine, for maintenance: the standard library's driver, run inline."""

import sqlite3
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteExecutionContext
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool
from sqlalchemy.util import await_only


class InlineCursor(sqlite3.Cursor):
    """A cursor with the one method that SQLAlchemy's async connection wants beside those of the DBAPI."""

    async def _async_soft_close(self) -> None:
        """Leave the cursor open: its rows are read without waiting, and the last one closes it."""


class InlineConnection(sqlite3.Connection):
    """A connection whose cursors are inline ones."""

    def cursor(self, factory: Any = InlineCursor) -> Any:
        """Return a new cursor."""
        return super().cursor(factory)


class InlineExecution(SQLiteExecutionContext):
    """The execution of a statement whose rows are read one by one: every cursor of SQLite can do that."""

    def create_server_side_cursor(self) -> Any:
        """Return an ordinary cursor."""
        return self._dbapi_connection.cursor()


class InlineSqliteDialect(SQLiteDialect_pysqlite):
    """pysqlite, declared fit for the async engine, since its calls return at once."""

    driver = "inline"
    is_async = True
    supports_statement_cache = True
    supports_server_side_cursors = True
    execution_ctx_cls = InlineExecution

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """Pool connections with waits that suspend the task instead of the thread."""
        return AsyncAdaptedQueuePool

    def connect(self, *arguments: Any, **options: Any) -> Any:
        """Open a connection."""
        return super().connect(*arguments, factory=InlineConnection, **options)

    def do_execute(self, cursor: Any, statement: Any, parameters: Any, context: Any = None) -> None:
        """Execute; SQLAlchemy's async connection insists on one await in each of its calls (AwaitRequired)."""
        await_only(_at_once())
        cursor.execute(statement, parameters)

    def do_executemany(self, cursor: Any, statement: Any, parameters: Any, context: Any = None) -> None:
        """Execute for each set of parameters, likewise."""
        await_only(_at_once())
        cursor.executemany(statement, parameters)

    def get_driver_connection(self, connection: Any) -> Any:
        """Return the DBAPI connection itself; there is no wrapper."""
        return connection


async def _at_once() -> None:
    """Wait for nothing, without a turn of the event loop."""


registry.register("sqlite.inline", __name__, "InlineSqliteDialect")
