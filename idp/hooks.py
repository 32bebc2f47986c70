"""Fault hooks for tests: files in a folder that delay, fail, trace or kill at labelled calls, and move the clock.

Works in mode `test` only. Files are read at each use, by all workers: `clock` holds seconds added to the wall clock;
`kill`, `fail`, `slow` hold one entry a line; `trace`, if it exists, collects labels. `kill` and `fail` fire once:
whoever renames the file to `….done` first.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from idp.clock import Clock
from idp.domain.json import Json, JsonObject
from idp.domain.message import Message
from idp.domain.probe import InjectedFault, Probe
from idp.providers.keystore.port import KeyStore, KeyStoreFault
from idp.providers.mail.port import MessageDelayed, MessageSender


class HookedClock:
    """The real clock, moved by the seconds in the file `clock`."""

    def __init__(self, real: Clock, folder: Path) -> None:
        """Wrap a clock."""
        self._real = real
        self._file = folder / "clock"

    def now(self) -> datetime:
        """Return the moved time."""
        try:
            return self._real.now() + timedelta(seconds=float(self._file.read_text()))
        except (OSError, ValueError):
            return self._real.now()


class FileProbe:
    """Reads the hook files at each labelled call."""

    def __init__(self, folder: Path) -> None:
        """Watch a folder."""
        self._folder = folder
        self._seen: Counter[tuple[str, int, str, str]] = Counter()

    def before(self, label: str) -> float:
        """Trace, fail or kill as the files say; return the delay they ask for."""
        self._trace(label)
        self._fire("kill", label, moment="before")
        self._fire("fail", label)
        delays = [float(entry[1]) for entry in self._entries("slow") if len(entry) > 1 and entry[0] == label]
        return max(delays, default=0.0)

    def after(self, label: str) -> None:
        """Kill after the call if the file says so."""
        self._fire("kill", label, moment="after")

    def _entries(self, name: str) -> list[list[str]]:
        try:
            return [line.split() for line in (self._folder / name).read_text().splitlines() if line.strip()]
        except OSError:
            return []

    def _trace(self, label: str) -> None:
        file = self._folder / "trace"
        if file.exists():
            with file.open("a") as target:
                target.write(label + "\n")

    def _fire(self, name: str, label: str, *, moment: str | None = None) -> None:
        for entry in self._entries(name):
            wanted = entry if moment is None else entry[1:] if entry[0] == moment else []
            if not wanted or wanted[0] != label:
                continue
            if self._count(name, label, moment) < (int(wanted[1]) if len(wanted) > 1 else 1):
                continue
            if self._claim(name):
                if name == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                raise InjectedFault(label)

    def _count(self, name: str, label: str, moment: str | None) -> int:
        with suppress(OSError):
            appeared = (self._folder / name).stat().st_mtime_ns
            self._seen[name, appeared, label, moment or ""] += 1
            return self._seen[name, appeared, label, moment or ""]
        return 0

    def _claim(self, name: str) -> bool:
        try:
            (self._folder / name).rename(self._folder / f"{name}.done")
        except OSError:
            return False
        return True


class ProbedKeyStore:
    """A key store whose calls a probe can see and break."""

    def __init__(self, real: KeyStore, probe: Probe) -> None:
        """Wrap a key store."""
        self._real = real
        self._probe = probe

    def make(self, kind: str) -> tuple[str, JsonObject]:
        """Make a key pair."""
        self._before("file.write")
        made = self._real.make(kind)
        self._probe.after("file.write")
        return made

    def load(self, ref: str) -> None:
        """Load a private key."""
        self._before("file.read")
        self._real.load(ref)
        self._probe.after("file.read")

    def sign(self, ref: str, *, header: Mapping[str, str], claims: Mapping[str, Json]) -> str:
        """Sign claims."""
        self._before("keystore.sign")
        signed = self._real.sign(ref, header=header, claims=claims)
        self._probe.after("keystore.sign")
        return signed

    def delete(self, ref: str) -> None:
        """Destroy a key."""
        self._real.delete(ref)

    def _before(self, label: str) -> None:
        try:
            self._probe.before(label)
        except InjectedFault as error:
            raise KeyStoreFault(f"{label} was made to fail") from error


class ProbedSender:
    """A message sender whose calls a probe can see and break."""

    def __init__(self, real: MessageSender, probe: Probe, label: str) -> None:
        """Wrap a sender."""
        self._real = real
        self._probe = probe
        self._label = label

    async def send(self, message: Message) -> None:
        """Send the message."""
        try:
            delay = self._probe.before(self._label)
        except InjectedFault as error:
            raise MessageDelayed(f"{self._label} was made to fail") from error
        if delay:
            await asyncio.sleep(delay)
        await self._real.send(message)
        self._probe.after(self._label)
