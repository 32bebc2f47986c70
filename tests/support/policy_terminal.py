"""An operator's terminal: runs `idp policy` inside the test's own process, on a database of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import click
import pytest

from idp.cli import idp
from idp.settings import load
from idp.wiring import Site, build

MASTER = "c3RvcmFnZSB0ZXN0IG1hc3RlciBrZXksIDMyIGJ5dGU"


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


class Terminal:
    """An operator's terminal in a folder of its own, beside a database; commands run in this process."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.options = {
            "IDP_MODE": "test", "IDP_DATABASE_URL": url, "IDP_MASTER_KEY": MASTER, "IDP_POLICY_FILE": "balanced",
            "IDP_BRAND_NAME": "Example", "IDP_BCRYPT_ROUNDS": "4",
        }  # fmt: skip

    def run(self, *arguments: str, group: str = "policy") -> Done:
        """Run `idp policy`, or another group, on a thread: it has an event loop of its own."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._run, (group, *arguments)).result(60)

    def _run(self, arguments: tuple[str, ...]) -> Done:
        # Not click's runner: what logs to a stream of ours may go on doing so, since nobody closes it.
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = idp([*arguments], standalone_mode=False)
            except click.exceptions.Exit as error:
                code = error.exit_code
            except click.ClickException as error:
                error.show()
                code = error.exit_code
        return Done(code or 0, out.getvalue(), err.getvalue())

    def said(self, *arguments: str, group: str = "policy") -> str:
        """Run a command that must be clean, and return what it prints."""
        done = self.run(*arguments, group=group)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.rstrip("\n")

    def write(self, name: str, text: str) -> str:
        """Write a file into the folder."""
        (self.folder / name).write_text(text)
        return name

    def fill(self, work: Callable[[Site], Awaitable[None]]) -> None:
        """Put something into the database."""

        async def run() -> None:
            site = await build(load(environment=self.options))
            try:
                await work(site)
            finally:
                await site.close()

        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, run()).result(60)


def seated(monkeypatch: pytest.MonkeyPatch, folder: Path, url: str) -> Terminal:
    """Return a terminal whose folder and environment are those of this process for the test."""
    terminal = Terminal(folder, url)
    for name, value in terminal.options.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    return terminal
