"""Reads lists of breached passwords, of any length, line by line: `SHA1[:count]`, or passwords as they are."""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from idp.factors.breached import digest_of

LONGEST_LINE = 4096
_REPORT_EVERY = 1 << 20
_LINE = re.compile(rb"([0-9A-Fa-f]{40})(?::[0-9]{1,20})?[ \t]*\r?\n?")
_BLANK = frozenset({b"\n", b"\r\n"})
_BOM = b"\xef\xbb\xbf"


class DamagedLine(Exception):
    """A line is not what the list is made of."""

    def __init__(self, number: int) -> None:
        """Keep which line it is, from 1."""
        super().__init__(f"line {number} is damaged")
        self.number = number


class ListReader:
    """Yields the digest of each line; counts what it read and what it left out."""

    def __init__(self, *, plain: bool, skip_damaged: bool) -> None:
        """Read passwords if `plain`, else SHA-1 digests; go on after damaged lines if told so."""
        self._plain = plain
        self._skip_damaged = skip_damaged
        self.lines = 0
        self.damaged = 0

    def digests(self, file: BinaryIO, *, progress: Callable[[int], None]) -> Iterator[bytes]:
        """Yield digests; call `progress` with the bytes read since it was called last.

        Raises DamagedLine at the first line that is none, unless they are to be skipped.
        """
        read, unreported = (_digest_of_plain if self._plain else _digest), 0
        for line in _lines(file):
            self.lines += 1
            unreported += len(line)
            if unreported >= _REPORT_EVERY:
                progress(unreported)
                unreported = 0
            if line in _BLANK:
                continue
            digest = read(line)
            if digest is not None:
                yield digest
            elif self._skip_damaged:
                self.damaged += 1
            else:
                raise DamagedLine(self.lines)
        progress(unreported)


def count_lines(file: BinaryIO, *, progress: Callable[[int], None]) -> int:
    """Return how many lines a file has, at most; the reader may leave some out."""
    count, last = 0, b"\n"
    while chunk := file.read(_REPORT_EVERY):
        count += chunk.count(b"\n")
        last = chunk[-1:]
        progress(len(chunk))
    return count + (last != b"\n")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines; of one that is too long, a piece that no reader takes."""
    first = file.readline(LONGEST_LINE).removeprefix(_BOM)
    line = first
    while line:
        if len(line) >= LONGEST_LINE - len(_BOM) and not line.endswith(b"\n"):
            while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            line = b"\0"
        yield line
        line = file.readline(LONGEST_LINE)


def _digest(line: bytes) -> bytes | None:
    found = _LINE.fullmatch(line)
    return bytes.fromhex(found[1].decode("ascii")) if found else None


def _digest_of_plain(line: bytes) -> bytes | None:
    try:
        password = line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        return None
    return digest_of(password) if password and "\0" not in password else None
