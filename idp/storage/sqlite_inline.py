"""SQLite run inline on the event loop: the standard library's driver under SQLAlchemy's async engine.

A statement on the embedded database takes some ten microseconds, a hop to aiosqlite's thread and
back about five times as long. Nothing here may wait for a lock: busy_timeout is 0, and the wait for
another process's write happens in database.py, on the event loop's own time (docs/adr/0003).
"""

from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool


class InlineSqliteDialect(SQLiteDialect_pysqlite):
    """pysqlite, declared fit for the async engine, since its calls return at once."""

    driver = "inline"
    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """Pool connections with waits that suspend the task instead of the thread."""
        return AsyncAdaptedQueuePool

    def get_driver_connection(self, connection: Any) -> Any:
        """Return the DBAPI connection itself; there is no wrapper."""
        return connection


registry.register("sqlite.inline", __name__, "InlineSqliteDialect")
