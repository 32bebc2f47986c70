"""Transactions: whole or not at all, waiting within bounds, and never stopping the event loop."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import insert, text

from idp.storage.database import TRIES, Database, DatabaseAway, DuplicateKey, Transaction
from idp.storage.epochs import epochs
from idp.storage.faults import LOCK_WAIT_SECONDS, FailedStatement, OpenedToRead
from tests.support.session import free_port
from tests.support.storage import Crowd, opened, sqlite_path

ON_POSTGRES = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
DRIVERS_OWN = (sqlite3.Error, asyncpg.PostgresError)
ON_SQLITE = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
BUMP = text("INSERT INTO epochs VALUES (:name, 1) ON CONFLICT (name) DO UPDATE SET value = epochs.value + 1")
HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("INSERT INTO epochs VALUES ('holder', 1)")
connection.execute("COMMIT")
"""
HAMMER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=5)
for turn in range(int(sys.argv[2])):
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE epochs SET value = value + 1 WHERE name = 'shared'")
    connection.execute("COMMIT")
    print("turn", flush=True)
"""


async def bump(connection: Transaction, name: str = "test") -> None:
    await connection.execute(BUMP, {"name": name})


async def epoch(database: Database, name: str = "test") -> int | None:
    async with database.transaction(write=False) as connection:
        value: int | None = (
            await connection.execute(text("SELECT value FROM epochs WHERE name = :name"), {"name": name})
        ).scalar()
    return value


def in_another_process(program: str, database: Database, number: float) -> "subprocess.Popen[str]":
    """Start a process on the same SQLite file; its first line says that it is under way."""
    command = [sys.executable, "-c", program, str(sqlite_path(database)), str(number)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert started.stdout
    assert started.stdout.readline().strip()
    return started


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


async def test_readers_do_not_wait_for_a_writer(url: str, database: Database) -> None:
    async with Crowd.on(url) as crowd, crowd.members[0].open(write=True) as stores:
        await stores.epochs.bump("test")
        started = time.monotonic()

        seen = await epoch(database), await epoch(crowd.members[0].database)

        assert seen == (None, None)
        assert time.monotonic() - started < LOCK_WAIT_SECONDS / 2


async def test_every_wait_for_a_lock_or_a_connection_has_an_end(url: str, database: Database) -> None:
    """The writer of another process, the writer of this one, an empty pool: two seconds each, here all at once."""
    small = Database(url, pool_size=1)
    async with Crowd.on(url, size=1) as crowd, crowd.members[0].open(write=True) as stores:
        await stores.epochs.bump("test")
        async with small.transaction(write=False) as reading:
            await reading.execute(text("SELECT 1"))

            started = time.monotonic()
            outcomes = await asyncio.gather(
                database.run(bump, write=True),
                crowd.members[0].database.run(bump, write=True),
                small.run(bump, write=False),
                return_exceptions=True,
            )

    await small.close()
    assert [type(outcome) for outcome in outcomes] == [DatabaseAway] * 3
    assert LOCK_WAIT_SECONDS <= time.monotonic() - started < LOCK_WAIT_SECONDS + 2
    assert await epoch(database) == 1


async def test_a_database_that_cannot_be_reached_is_away(tmp_path: Path) -> None:
    nobody = f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/nothing"
    folder = f"sqlite+aiosqlite:///{tmp_path}"

    for url in (nobody, folder):
        async with opened(url) as database:
            with pytest.raises(DatabaseAway):
                await epoch(database)


@ON_SQLITE
async def test_a_write_waits_for_another_process_and_the_loop_goes_on(database: Database) -> None:
    """`database is locked` never reaches anybody who can wait, and nobody else waits with them."""
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.005)
            turns += 1

    ticking = asyncio.create_task(tick())
    with in_another_process(HOLDER, database, 0.5):
        await database.run(bump, write=True)
    ticking.cancel()

    assert await epoch(database, "holder") == 1
    assert await epoch(database) == 1
    assert turns > 20


@ON_SQLITE
async def test_two_processes_that_write_all_the_time_lose_nothing(database: Database) -> None:
    async with database.transaction(write=True) as connection:
        await bump(connection, "shared")

    with in_another_process(HAMMER, database, 200) as other:
        for _ in range(200):
            await database.run(lambda connection: bump(connection, "shared"), write=True)
            await asyncio.sleep(0)
        other.communicate()

    assert other.returncode == 0
    assert await epoch(database, "shared") == 401


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


@ON_POSTGRES
async def test_postgres_ends_statements_and_waits_by_itself(database: Database) -> None:
    async with database.transaction(write=False) as connection:
        limits = [
            (await connection.exec_driver_sql(f"SHOW {name}")).scalar()
            for name in ("statement_timeout", "lock_timeout")
        ]

    assert limits == ["5s", "2s"]


@ON_POSTGRES
async def test_a_deadlock_is_tried_again_from_the_start(database: Database) -> None:
    meet, one_is_done = asyncio.Barrier(2), asyncio.Event()
    tries = 0

    async def take(connection: Transaction, first: str, second: str) -> None:
        nonlocal tries
        tries += 1
        if tries > 2:
            await one_is_done.wait()
        await bump(connection, first)
        if tries <= 2:
            await meet.wait()
        await bump(connection, second)

    async def contend(first: str, second: str) -> None:
        await database.run(lambda connection: take(connection, first, second), write=True)
        one_is_done.set()

    for name in ("a", "b"):
        await database.run(lambda connection, name=name: bump(connection, name), write=True)

    await asyncio.gather(contend("a", "b"), contend("b", "a"))

    assert tries == 3
    assert (await epoch(database, "a"), await epoch(database, "b")) == (3, 3)


@ON_POSTGRES
async def test_what_always_conflicts_is_given_up(database: Database) -> None:
    tries = 0

    async def conflict(connection: Transaction) -> None:
        nonlocal tries
        tries += 1
        await connection.execute(text("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$"))

    with pytest.raises(DatabaseAway, match="conflicting"):
        await database.run(conflict, write=True)

    assert tries == TRIES


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


async def test_a_writer_that_gives_up_waiting_leaves_a_connection_that_works(url: str, database: Database) -> None:
    async with Crowd.on(url, size=1) as crowd, crowd.members[0].open(write=True) as stores:
        await stores.epochs.bump("test")
        waiting = asyncio.create_task(database.run(bump, write=True))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    await database.run(bump, write=True)
    assert await epoch(database) == 2
