"""The identity provider as operators run it: `python -m idp serve`, in a process, folder and port of its own."""

import asyncio
import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

from tests.support.policies import OPEN_POLICY
from tests.support.session import clean_environment, free_port, tail

START_SECONDS = 60
STOP_SECONDS = 40  # a server may drain for half a minute
COMMAND_SECONDS = 60
Json = dict[str, Any]


class ServerFault(Exception):
    """The server or a command did not do what it should; the text has the end of its log."""


class ServerProcess:
    """A provider with its own database, keys and log below `folder`; ready inside `async with`.

    `settings` are environment variables by their full names and win over what is set here; `path` is the issuer's own.
    Without `database_url` the database is a SQLite file in the folder. Start it again after `stop` or `kill` and it has
    its data and address back.
    `program` is another module that serves when told to, for benchmarks.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None = None,
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
        program: str = "idp",
        path: str = "",
    ) -> None:
        self.port = free_port()
        self.issuer = f"http://localhost:{self.port}{path}"
        self.log = folder / "server.log"
        self.environment = clean_environment() | {
            "IDP_MODE": "test",
            "IDP_ISSUER": self.issuer,
            "IDP_BIND": f"127.0.0.1:{self.port}",
            "IDP_WORKERS": str(workers),
            "IDP_DATABASE_URL": database_url or f"sqlite+aiosqlite:///{folder}/idp.sqlite3",
            "IDP_KEYS_DIR": str(folder / "keys"),
            "IDP_MASTER_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("="),
            "IDP_BCRYPT_ROUNDS": "4",
            "IDP_POLICY_FILE": OPEN_POLICY,
            **(settings or {}),
        }
        self._folder = folder
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> "ServerProcess":
        await self.start()
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self.is_running:
            await self.stop()

    @property
    def is_running(self) -> bool:
        """Say whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process that was started; with several workers, their parent."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    async def start(self) -> None:
        """Bring the schema up to date, start, and return once /health/ready says so."""
        await self.command("db", "upgrade")
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._program, "serve"],
                env=self.environment,
                cwd=self._folder,  # away from the checkout, whose .env file is not meant for tests
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the tests; and the group can be ended as a whole
            )
        try:
            await self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    async def stop(self) -> int:
        """Ask the process to end (SIGTERM) and return its exit code."""
        assert self._process is not None, "the server was not started"
        self._process.terminate()
        try:
            return await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFault(f"the server did not stop within {STOP_SECONDS} s:\n{tail(self.log)}") from None

    def kill(self) -> None:
        """End the process and its workers at once (SIGKILL), as a power failure would."""
        assert self._process is not None, "the server was not started"
        if self.is_running:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    async def command(self, *arguments: str, stdin: str = "") -> Json:
        """Run `idp … --json` with the server's settings and return what it prints."""
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "idp", *arguments, "--json"],
            env=self.environment,
            cwd=self._folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        if done.returncode != 0:
            raise ServerFault(f"idp {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        answer: Json = json.loads(done.stdout or "{}")
        return answer

    async def create_user(self, username: str, password: str, *more: str) -> Json:
        """Create a user with a verified e-mail address; `more` are further options of `idp user create`."""
        options = ("--username", username, "--email", f"{username}@example.org", "--verified", *more)
        return await self.command("user", "create", *options, "--password-stdin", stdin=password)

    async def create_client(self, redirect_uris: Sequence[str], *more: str, name: str = "Test client") -> Json:
        """Register a client; `more` are further options of `idp client create`."""
        uris = [part for uri in redirect_uris for part in ("--redirect-uri", uri)]
        return await self.command("client", "create", "--name", name, *uris, *more)

    async def _wait_until_ready(self) -> None:
        give_up = time.monotonic() + START_SECONDS
        async with httpx2.AsyncClient(trust_env=False, timeout=5) as http:
            while self.is_running and time.monotonic() < give_up:
                try:
                    if (await http.get(f"http://127.0.0.1:{self.port}/health/ready")).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass  # not listening yet
                await asyncio.sleep(0.05)
        raise ServerFault(f"the server did not become ready:\n{tail(self.log)}")
