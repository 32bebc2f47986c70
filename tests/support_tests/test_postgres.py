"""The PostgreSQL that tests get is real, shared, and gone afterwards."""

import asyncio
import os
import subprocess
import sys

import asyncpg

from tests.support import session
from tests.support.postgres import Postgres

PROGRAM = """
import asyncio, sys
from tests.support import postgres, session

session.begin()
try:
    server = asyncio.run(postgres.Postgres.shared())
    print(session.folder(), server.url, flush=True)
    sys.stdin.readline()
    postgres.stop_shared()
finally:
    session.end()
"""


def plain(url: str) -> str:
    return url.replace("+asyncpg", "")


async def ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(plain(url))
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def migrate_by_hand(url: str) -> None:
    connection = await asyncpg.connect(plain(url))
    try:
        await connection.execute("CREATE TABLE people (name text); INSERT INTO people VALUES ('Ada')")
    finally:
        await connection.close()


async def test_a_database_is_a_copy_of_its_template_and_private() -> None:
    server = await Postgres.shared()
    template = await server.template("people", lambda url: asyncio.run(migrate_by_hand(url)))

    async with server.database(template) as one, server.database(template) as other:
        await ask(one, "DELETE FROM people")

        assert await ask(other, "SELECT name FROM people") == "Ada"
        assert one != other


async def test_a_template_is_migrated_once() -> None:
    server = await Postgres.shared()
    migrated: list[str] = []

    names = await asyncio.gather(*(server.template("once", migrated.append) for _ in range(3)))

    assert len(migrated) <= 1  # none, if another process of this run was first
    assert len(set(names)) == 1


async def test_a_database_is_dropped_after_use() -> None:
    server = await Postgres.shared()
    async with server.database() as url:
        name = url.rsplit("/", 1)[1]

    assert await ask(server.url, f"SELECT count(*) FROM pg_database WHERE datname = '{name}'") == 0


async def test_every_process_of_a_run_gets_the_same_server() -> None:
    mine, again = await asyncio.gather(Postgres.shared(), Postgres.shared())

    assert mine == again


def test_a_server_ends_with_its_run_and_takes_its_files_along() -> None:
    run = start_a_run()
    url = announced(run)

    run.communicate("\n", timeout=60)

    assert run.returncode == 0
    assert is_gone(url)


def test_a_killed_run_leaves_no_server_behind() -> None:
    run = start_a_run()
    url = announced(run)

    run.kill()
    run.communicate()

    wait_until_gone(url)


def start_a_run() -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if name != "IDP_TEST_DATABASE_URL"}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=session.REPOSITORY,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def announced(run: "subprocess.Popen[str]") -> str:
    assert run.stdout is not None
    folder, url = run.stdout.readline().split()
    assert folder != str(session.folder())
    return url


def is_gone(url: str) -> bool:
    try:
        asyncio.run(ask(url, "SELECT 1"))
    except (OSError, asyncpg.PostgresError):
        return True
    return False


def wait_until_gone(url: str) -> None:
    for _ in range(400):
        if is_gone(url):
            return
    raise AssertionError("the server still answers")
