"""Transactions: whole or not at all, and telling our mistakes from a database that is away."""

import asyncio
import sqlite3
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import insert, text

from idp.storage.database import Database, DatabaseAway, DuplicateKey, Transaction
from idp.storage.epochs import epochs
from idp.storage.faults import FailedStatement, OpenedToRead
from tests.support.session import free_port
from tests.support.storage import bump, epoch, opened

ON_POSTGRES = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
DRIVERS_OWN = (sqlite3.Error, asyncpg.PostgresError)
ON_SQLITE = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)


async def test_what_a_transaction_did_stays(database: Database) -> None:
    async with database.transaction(write=True) as connection:
        await bump(connection)

    assert await epoch(database) == 1


async def test_an_exception_takes_everything_back_and_passes_through(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction(write=True) as connection:
            await bump(connection)
            raise LookupError("ours")

    with pytest.raises(LookupError, match="ours"):
        await fail()

    assert await epoch(database) is None


async def test_a_request_that_is_cut_off_leaves_nothing_behind(database: Database) -> None:
    """Neither half a transaction nor a write turn that nobody gives back."""
    under_way = asyncio.Event()

    async def request() -> None:
        async with database.transaction(write=True) as connection:
            await bump(connection)
            under_way.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(request())
    await under_way.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with database.transaction(write=True) as connection:
        await bump(connection)
    assert await epoch(database) == 1


async def test_wrong_sql_is_our_mistake_and_no_absence(database: Database) -> None:
    async def ask() -> None:
        async with database.transaction(write=False) as connection:
            await connection.execute(text("SELECT * FROM nothing"))

    with pytest.raises(DRIVERS_OWN, match="nothing"):
        await ask()


async def test_a_broken_rule_of_the_schema_is_our_mistake_and_no_absence(database: Database) -> None:
    async def break_it() -> None:
        async with database.transaction(write=True) as connection:
            await connection.execute(text("INSERT INTO epochs (name) VALUES ('no value')"))

    with pytest.raises(DRIVERS_OWN, match=r"(?i)null"):
        await break_it()


async def test_a_database_that_cannot_be_reached_is_away(tmp_path: Path) -> None:
    nobody = f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/nothing"
    folder = f"sqlite+aiosqlite:///{tmp_path}"

    for url in (nobody, folder):
        async with opened(url) as database:
            with pytest.raises(DatabaseAway):
                await epoch(database)


@ON_SQLITE
async def test_sqlite_keeps_the_promises_that_are_switched_on(database: Database) -> None:
    expected = {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 0, "synchronous": 1}

    async with database.transaction(write=False) as connection:
        found = {name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in expected}

    assert found == expected


async def test_a_new_sqlite_database_is_ours_alone(tmp_path: Path) -> None:
    """Case KY14, also in a folder that was there before."""
    async with opened(f"sqlite+aiosqlite:///{tmp_path / 'var' / 'idp.sqlite3'}") as new:
        await new.run(lambda connection: connection.execute(text("CREATE TABLE t (x)")), write=True)

        files = list((tmp_path / "var").iterdir())
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        assert len(files) == 3  # and its log and index

    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("error", [OSError("a file"), TimeoutError("something slow")])
async def test_what_the_work_itself_raises_is_not_blamed_on_the_database(database: Database, error: Exception) -> None:
    async def fail() -> None:
        async with database.transaction(write=True):
            raise error

    with pytest.raises(type(error)):
        await fail()


async def test_a_transaction_that_reads_never_writes(database: Database) -> None:
    """On PostgreSQL nothing would take it back, on SQLite it would not wait for its turn."""
    async with database.transaction(write=False) as connection:
        with pytest.raises(OpenedToRead):
            await connection.execute(insert(epochs).values(name="test", value=1))

    assert await epoch(database) is None


async def test_work_that_must_write_after_all_begins_anew(database: Database) -> None:
    """An introspection that is refused leaves an audit row."""
    tries = 0

    async def read_then_write(connection: Transaction) -> str:
        nonlocal tries
        tries += 1
        await connection.execute(text("SELECT value FROM epochs"))
        await connection.execute(insert(epochs).values(name="test", value=1))
        return "done"

    assert await database.run(read_then_write, write=False) == "done"

    assert tries == 2
    assert await epoch(database) == 1


@ON_POSTGRES
async def test_a_transaction_that_lost_a_statement_is_never_reported_as_done(database: Database) -> None:
    """PostgreSQL answers COMMIT with ROLLBACK then, and says no more about it."""

    async def go_on() -> None:
        async with database.transaction(write=True) as connection:
            await bump(connection)
            with pytest.raises(DuplicateKey):
                await connection.execute(text("INSERT INTO epochs VALUES ('test', 1)"))

    with pytest.raises(FailedStatement):
        await go_on()

    assert await epoch(database) is None


@ON_POSTGRES
async def test_a_query_that_is_cut_off_leaves_a_connection_that_works(url: str) -> None:
    async with opened(url, pool_size=1) as database:
        for write in (True, False):
            slow = asyncio.create_task(
                database.run(lambda connection: connection.execute(text("SELECT pg_sleep(4)")), write=write)
            )
            await asyncio.sleep(0.1)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow

            await database.run(bump, write=True)

        assert await epoch(database) == 2
