"""Waits for a lock: within bounds, tried again where that helps, and never stopping the event loop."""

import asyncio
import subprocess
import sys
import time

import pytest
from sqlalchemy import text

from idp.storage.database import TRIES, Database, DatabaseAway, Transaction
from idp.storage.faults import LOCK_WAIT_SECONDS
from tests.support.storage import Crowd, bump, epoch, sqlite_path

ON_POSTGRES = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
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


def in_another_process(program: str, database: Database, number: float) -> "subprocess.Popen[str]":
    """Start a process on the same SQLite file; its first line says that it is under way."""
    command = [sys.executable, "-c", program, str(sqlite_path(database)), str(number)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert started.stdout
    assert started.stdout.readline().strip()
    return started


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
