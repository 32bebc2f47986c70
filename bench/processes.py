"""The two servers under test, as processes, and what the kernel says they cost. Linux only: it reads /proc."""

import asyncio
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import httpx2

from bench.floor import Settings
from idp import settings as provider_settings
from idp.cli import serve
from idp.domain.refusal import Refused
from idp.flows.user_administration import NewUser
from idp.wiring import build
from tests.support.client_auth import Basic
from tests.support.html_browser import HtmlBrowser
from tests.support.relying_party import RelyingParty
from tests.support.server import ServerProcess
from tests.support.session import clean_environment, free_port, tail

START_SECONDS = 30.0
STOP_SECONDS = 15.0
REDIRECT_URI = "https://rp.example/callback"
SCOPES = "openid profile email"
OWN_SCOPE = "api"
PASSWORD = "an engine of numbers"
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Subject:
    """A running server, its only client, and a browser in which somebody is signed in and has consented."""

    name: str
    port: int
    pid: int
    issuer: str
    client_id: str
    client_secret: str
    cookie: str
    log: Path
    people: int = 1  #: accounts, all with the same password
    bound_id: str = ""  #: a client whose ID tokens are signed by ES256; nobody is asked about it
    bound_secret: str = ""
    megabytes_at_start: float = 0.0

    def cpu_seconds(self) -> float:
        """Return user and system time of all threads of the process, ended ones included."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def resident_megabytes(self) -> float:
        """Return the memory that the process holds now."""
        return _resident_megabytes(self.pid)


@asynccontextmanager
async def provider(
    folder: Path, database_url: str, *, rounds: int, people: int = 1, profiles: Path | None = None
) -> AsyncIterator[Subject]:
    """Run `idp serve` with one worker, one client and people, the first of whom is signed in and has consented."""
    folder.mkdir()
    settings = {"IDP_RATE_LIMITS": "off", "IDP_BCRYPT_ROUNDS": str(rounds)}
    if profiles is not None:
        settings["BENCH_PROFILES"] = str(profiles)
    program = "idp" if profiles is None else "bench.profiled"
    server = ServerProcess(folder, database_url=database_url, settings=settings, program=program)
    async with server:
        megabytes = _resident_megabytes(server.pid)
        await create_people(server, people)
        grants = ("authorization_code", "refresh_token", "client_credentials")
        options = [part for grant in grants for part in ("--grant", grant)]
        client = await server.create_client([REDIRECT_URI], *options, "--scope", f"{SCOPES} {OWN_SCOPE}")
        cookie = await _sign_in(server, client)
        es256 = folder / "es256.json"
        es256.write_text(json.dumps({"id_token_signed_response_alg": "ES256"}))
        options = ("--metadata", str(es256), "--scope", SCOPES, "--first-party")
        bound = await server.create_client([REDIRECT_URI], *options, name="Bound")
        yield Subject(
            "ours", server.port, server.pid, server.issuer, client["client_id"], client["client_secret"], cookie,
            server.log, people, bound["client_id"], bound["client_secret"], megabytes,
        )  # fmt: skip


async def create_people(server: ServerProcess, count: int) -> None:
    """Make accounts, as many at a time as hashing allows; quicker than as many commands."""
    environment = {name: value for name, value in server.environment.items() if name.startswith("IDP_")}
    site = await build(provider_settings.load(environment=environment))
    try:
        for number in range(count):
            name = username(number)
            new = NewUser(f"{name}@example.org", name, PASSWORD, {"name": "Ada Lovelace"}, email_verified=True)
            made = await site.users.create(new)
            assert not isinstance(made, Refused), made
    finally:
        await site.close()


def username(number: int) -> str:
    """Return the name of one of the people."""
    return f"person{number}"


async def _sign_in(server: ServerProcess, client: Mapping[str, Any]) -> str:
    """Sign in and consent, and return the browser's cookies."""
    async with (
        HtmlBrowser(server.issuer, username=username(0), password=PASSWORD) as browser,
        httpx2.AsyncClient(trust_env=False) as http,
    ):
        rp = RelyingParty(
            http, server.issuer, client["client_id"], Basic(client["client_secret"]), redirect_uri=REDIRECT_URI,
            scope=SCOPES,
        )  # fmt: skip
        await browser.authorize(rp)
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)


@asynccontextmanager
async def floor(folder: Path, database_url: str, like: Subject) -> AsyncIterator[Subject]:
    """Run the floor with the provider's own uvicorn settings, and documents of the same size."""
    folder.mkdir()
    port, log = free_port(), folder / "floor.log"
    async with httpx2.AsyncClient(trust_env=False) as http:
        discovery = await http.get(f"{like.issuer}/.well-known/openid-configuration")
        jwks = await http.get(f"{like.issuer}/jwks")
    issuer = f"http://localhost:{port}"
    settings = Settings(
        issuer=issuer,
        database_url=database_url,
        client_id="floor-client",
        client_secret=secrets.token_urlsafe(32),
        session=secrets.token_urlsafe(32),
        redirect_uri=REDIRECT_URI,
        scopes=SCOPES,
        discovery=discovery.text,
        jwks=jwks.text,
        uvicorn=_uvicorn_settings() | {"host": "127.0.0.1", "port": port},
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.floor", json.dumps(asdict(settings))],
            env=clean_environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        await _wait_until_open(process, port, log)
        cookie = f"idp_browser={secrets.token_urlsafe(32)}; idp_session={settings.session}"
        yield Subject("floor", port, process.pid, issuer, settings.client_id, settings.client_secret, cookie, log)
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _uvicorn_settings() -> dict[str, Any]:
    """Return what `idp serve` hands to uvicorn, without serving; a protocol class of ours is no part of the floor."""
    with mock.patch("uvicorn.run") as run:
        serve.run(provider_settings.load(environment={"IDP_MODE": "test"}))
    given = {name: value for name, value in run.call_args.kwargs.items() if name not in ("factory", "workers")}
    return given | {"http": given["http"] if isinstance(given["http"], str) else "h11"}


def _resident_megabytes(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


async def _wait_until_open(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError(f"the floor did not start:\n{tail(log)}")
