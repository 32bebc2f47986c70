"""A real PostgreSQL for tests: one server for the whole run, a database of its own for whoever asks.

The server is the one of IDP_TEST_DATABASE_URL (whose user may create databases), else one that the run starts by itself
(postgres_server.py). Databases are copies of a template that is migrated once, which takes a tenth of a second.
"""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from tests.support import session

START_SECONDS = 60
STOP_SECONDS = 20
_BY_NAME = "SELECT datname FROM pg_database WHERE datname LIKE $1"

_started: list["subprocess.Popen[bytes]"] = []  # kept, so that nobody reaps the server of the whole run


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    url: str  #: of its maintenance database, as SQLAlchemy's asyncpg dialect wants it
    prefix: str  #: begins the name of every database that this run makes

    @staticmethod
    async def shared() -> "Postgres":
        """Return the server of this run, starting it if this is the first process that needs it."""
        state = session.folder() / "postgres.json"
        async with session.locked("postgres"):
            if not state.exists():
                await _start(state)
        return _of_this_run(state)

    async def template(self, name: str, migrate: Callable[[str], None]) -> str:
        """Return a template database, made by `migrate(url)` in a thread the first time the run asks for `name`."""
        database = f"{self.prefix}_template_{name}"
        done = session.folder() / f"{database}.done"
        async with session.locked(database):
            if not done.exists():
                await self._execute(
                    f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)', f'CREATE DATABASE "{database}"'
                )
                await asyncio.to_thread(migrate, self._url_of(database))
                done.touch()
        return database

    @asynccontextmanager
    async def database(self, template: str = "template1") -> AsyncIterator[str]:
        """Yield the URL of a new database that is a copy of the template, and drop it afterwards."""
        name = f"{self.prefix}_{secrets.token_hex(4)}"
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield self._url_of(name)
        finally:
            await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def drop_everything(self) -> None:
        """Drop whatever this run has made and not yet dropped."""
        pattern = self.prefix.replace("_", "\\_") + "\\_%"
        connection = await self._connect()
        try:
            names = [row["datname"] for row in await connection.fetch(_BY_NAME, pattern)]
        finally:
            await connection.close()
        await self._execute(*(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in names))

    def _url_of(self, database: str) -> str:
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    async def _execute(self, *statements: str) -> None:
        connection = await self._connect()
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(
            make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        )


def stop_shared() -> None:
    """Stop the server of this run, or clean up behind us on a foreign one; nothing if none was used."""
    state = session.folder() / "postgres.json"
    if not state.exists():
        return
    announced = json.loads(state.read_text())
    if "pid" in announced:
        _end(announced["pid"])
    else:
        asyncio.run(_of_this_run(state).drop_everything())


def leave_running() -> None:
    """Let a worker that started the server end before it does, without Python's warning about a lost process."""
    for server in _started:
        server.returncode = 0


def _of_this_run(state: Path) -> Postgres:
    return Postgres(json.loads(state.read_text())["url"], (session.folder() / "postgres.prefix").read_text())


async def _start(state: Path) -> None:
    """Write the server's address into `state`, once there is one."""
    (session.folder() / "postgres.prefix").write_text(f"idp_{secrets.token_hex(4)}")
    if url := os.environ.get("IDP_TEST_DATABASE_URL"):
        asyncpg_url = make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
        state.write_text(json.dumps({"url": asyncpg_url}))
        return
    log = session.folder() / "postgres.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.postgres_server", session.folder(), str(session.controller_pid())],
            cwd=session.REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # outlives the worker that happened to need it first
        )
    _started.append(server)
    give_up = time.monotonic() + START_SECONDS
    while not state.exists():
        if server.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError(f"PostgreSQL for the tests did not start:\n{session.tail(log)}")
        await asyncio.sleep(0.05)


def _end(pid: int) -> None:
    """Stop our server process, whichever process of the run started it, and wait until it is gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        give_up = time.monotonic() + STOP_SECONDS
        while time.monotonic() < give_up:
            for server in _started:
                server.poll()  # if it is a child of ours, it vanishes only when looked at
            os.kill(pid, 0)
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL for the tests (process {pid}) did not stop")
