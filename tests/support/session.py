"""What all processes of one test run share: a folder, locks in it, and the process that ends the run.

pytest-xdist runs tests in worker processes below one controller; without it there is only the controller. The
controller begins and ends the session, the workers inherit it through the environment.
"""

import asyncio
import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
_VARIABLE = "TESTS_SESSION_FOLDER"


def begin() -> None:
    """Make the folder of this run; to be called by the controller before it starts workers."""
    path = Path(tempfile.mkdtemp(prefix="idp-tests-"))
    (path / "controller.pid").write_text(str(os.getpid()))
    os.environ[_VARIABLE] = str(path)


def end() -> None:
    """Remove the folder; to be called by the controller after everything else has stopped."""
    shutil.rmtree(os.environ.pop(_VARIABLE), ignore_errors=True)


def folder() -> Path:
    """Return the folder that all processes of this run share."""
    return Path(os.environ[_VARIABLE])


def controller_pid() -> int:
    """Return the process whose end is the end of the run."""
    return int((folder() / "controller.pid").read_text())


@asynccontextmanager
async def locked(name: str) -> AsyncIterator[None]:
    """Let one process of the run at a time into the block; the lock ends with the process at the latest."""
    with (folder() / f"{name}.lock").open("w") as file:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield


def clean_environment() -> dict[str, str]:
    """Return the environment for a process of ours: nothing of the developer's own settings, our code on the path."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}
    return inherited | {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "guard")])}


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path, lines: int = 40) -> str:
    """Return the last lines of a log, for error messages."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
