"""SQLAlchemy's own connection, for work that is rare and large: migrations, backup and restore."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import gaierror
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, event, make_url

from idp.storage.faults import LOCK_WAIT_SECONDS, DatabaseAway

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")


@asynccontextmanager
async def maintenance(url: str | URL, *, write: bool = True) -> AsyncIterator["AsyncConnection"]:
    """Open a transaction on a connection of its own that commits at the end; raise DatabaseAway if it cannot.

    One that only reads sees the database of one moment, however long it takes, and no writer waits for it.
    """
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError  # a serving worker never loads these
    from sqlalchemy.ext.asyncio import create_async_engine

    from idp.storage import sqlite_inline
    from idp.storage.sqlite_driver import make_file

    parsed = make_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    driver = f"sqlite+{sqlite_inline.InlineSqliteDialect.driver}" if is_sqlite else "postgresql+asyncpg"
    arguments: dict[str, Any] = {"check_same_thread": False, "timeout": LOCK_WAIT_SECONDS} if is_sqlite else {}
    engine = create_async_engine(parsed.set(drivername=driver), connect_args=arguments, pool_size=1)
    if is_sqlite:
        try:
            make_file(parsed.database or "")
        except OSError as error:
            raise DatabaseAway(str(error)) from error
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_immediate if write else _begin)
    elif not write:
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    try:
        async with engine.connect() as connection, connection.begin():
            yield connection
    except (OperationalError, InterfaceError, ConnectionError, TimeoutError, gaierror) as error:
        raise DatabaseAway(str(getattr(error, "orig", error))) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseAway(str(error.orig)) from error
        raise
    finally:
        await engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
