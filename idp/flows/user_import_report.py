"""The report of an import: one JSON object for each refused line, with its number, and nothing of what stood there.

It is kept in step with the database: what was written for a transaction that never committed is cut off again.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from idp.flows.user_import_fault import Fault

_LONGEST = 4096


class BadReport(Exception):
    """The report cannot be written there; the message says why."""


class ImportReport:
    """One open report, whose user is the only one to write it."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; raise BadReport unless it is a report of ours that nobody else is writing."""
        self.path = path
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except OSError as error:
            raise BadReport(f"{path}: {error.strerror}") from error
        self._file = os.fdopen(handle, "r+b")
        self._settled = 0  # bytes that stand for lines whose transaction has committed
        try:
            self._lock()
            first = self._file.readline(_LONGEST)
            if first and _line_of(first) is None:
                raise BadReport(f"{path} exists and is no report of an import")
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "ImportReport":
        """Use the report."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the report; one that says nothing is removed."""
        self._file.truncate(self._settled)
        if self._settled == 0:
            self.path.unlink(missing_ok=True)
        self._file.close()

    @property
    def is_empty(self) -> bool:
        """Say whether no line was refused."""
        return self._settled == 0

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BadReport(f"{self.path} is being written by another import") from error

    def resume(self, next_line: int) -> None:
        """Keep what was said of the lines before this one."""
        self._file.seek(0)
        self._settled = 0
        while entry := self._file.readline(_LONGEST):
            line = _line_of(entry)
            if line is None or line >= next_line:
                break
            self._settled += len(entry)

    def write(self, faults: Sequence[tuple[int, Fault]]) -> None:
        """Say what is wrong with lines, for a transaction that is about to commit; may be said again if it did not."""
        self._file.seek(self._settled)
        self._file.truncate()
        for line, fault in faults:
            entry = {"line": line, "field": fault.field, "reason": fault.reason.value, "message": fault.message}
            self._file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def settle(self) -> None:
        """Take what was written last for good: its transaction has committed."""
        self._settled = self._file.tell()


def _line_of(entry: bytes) -> int | None:
    """Return which line an entry is about, None if it is none of ours or cut off."""
    try:
        found = json.loads(entry) if entry.endswith(b"\n") else None
    except ValueError:
        return None
    line = (
        found.get("line")
        if isinstance(found, dict) and found.keys() == {"line", "field", "reason", "message"}
        else None
    )
    return line if isinstance(line, int) else None
