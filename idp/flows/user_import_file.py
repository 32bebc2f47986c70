"""A file of people, read line by line and strictly: CSV with a header, or one JSON object a line; UTF-8 in either case.

A line is a record: a field of CSV cannot hold a line break. So a broken line spoils none but itself, and where an
import stopped is a line's number.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType

from idp.domain.json import BadJson, Json, read_object
from idp.flows.user_import_fault import Fault, Faulty, Problem
from idp.flows.user_import_person import FIELDS, FLAGS

LONGEST_LINE = 64 * 1024  # bytes
_DEPTH = 6
_BOM = b"\xef\xbb\xbf"
_CHUNK = 1024 * 1024
_CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*))(,|\Z)')
# A name that is no name of a field may be a value: a file without a header begins with somebody's hash.
_PRESENTABLE = re.compile(r"[A-Za-z][A-Za-z_. -]{0,31}")
_OBJECTS = ("address", "password_hash")


class Form(StrEnum):
    """How people are written down."""

    CSV = "csv"
    JSONL = "jsonl"


class BadFile(Exception):
    """The file as a whole cannot be imported; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """The fields of one person, or what is wrong with the line; `end` is how many bytes were read by then."""

    number: int
    content: dict[str, Json] | Fault
    end: int


class PeopleFile:
    """One open file of people; `digest` is its SHA-256, `size` its length in bytes."""

    def __init__(self, path: Path, form: Form) -> None:
        """Open and digest the file, and read its header if it has one; raise BadFile or OSError."""
        self._form = form
        self._file = path.open("rb")
        try:
            self._opened = self._state()
            self.size = self._opened.st_size
            if not stat.S_ISREG(self._opened.st_mode):
                raise BadFile("not a regular file")
            digest = hashlib.sha256()
            while chunk := self._file.read(_CHUNK):
                digest.update(chunk)
            self.digest = digest.hexdigest()
            self._header = self._read_header() if form is Form.CSV else ()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "PeopleFile":
        """Use the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def _state(self) -> os.stat_result:
        return os.fstat(self._file.fileno())

    def check_unchanged(self) -> None:
        """Raise BadFile if somebody wrote to the file since it was opened."""
        now = self._state()
        if (now.st_size, now.st_mtime_ns) != (self.size, self._opened.st_mtime_ns):
            raise BadFile("the file was changed while it was read")

    def lines(self, *, after: int = 0) -> Iterator[Line]:
        """Yield every record behind line `after`; lines with nothing on them are passed over."""
        for number, raw, end in self._raw():
            if number <= after or (number == 1 and self._form is Form.CSV):
                continue
            try:
                text = _decoded(raw)
                if text.strip(" "):
                    yield Line(number, self._fields(text), end)
            except Faulty as error:
                yield Line(number, error.fault, end)

    def _raw(self) -> Iterator[tuple[int, bytes, int]]:
        """Yield number, bytes and end of each line; of one that is too long, a little more than is allowed."""
        self._file.seek(0)
        number = end = 0
        while raw := self._file.readline(LONGEST_LINE + 2):
            number, rest = number + 1, raw
            end += len(raw)
            while not rest.endswith(b"\n") and (rest := self._file.readline(LONGEST_LINE)):
                end += len(rest)
            yield number, raw.removeprefix(_BOM) if number == 1 else raw, end

    def _read_header(self) -> tuple[str, ...]:
        first = next(self._raw(), None)
        if first is None:
            raise BadFile("the file is empty; its first line must name the fields")
        try:
            names = _cells(_decoded(first[1]))
        except Faulty as error:
            raise BadFile(f"line 1: {error.fault.message}") from error
        unknown = [_presentable(name, at) for at, name in enumerate(names, 1) if name not in FIELDS]
        if unknown:
            raise BadFile(f"line 1 must name the fields; these are unknown: {_listed(unknown)}")
        if len(set(names)) != len(names):
            raise BadFile("line 1 names a field twice")
        return tuple(names)

    def _fields(self, text: str) -> dict[str, Json]:
        return _from_csv(self._header, text) if self._form is Form.CSV else _from_json(text)


def _decoded(raw: bytes) -> str:
    line = raw.removesuffix(b"\n").removesuffix(b"\r")
    if len(line) > LONGEST_LINE:
        raise Faulty("", Problem.TOO_LONG, f"longer than {LONGEST_LINE} bytes")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise Faulty("", Problem.NOT_UTF8, "not UTF-8") from error


def _presentable(name: str, at: int) -> str:
    return name if _PRESENTABLE.fullmatch(name) else f"number {at}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _from_json(text: str) -> dict[str, Json]:
    try:
        fields = read_object(text, max_depth=_DEPTH)
    except BadJson as error:
        raise Faulty("", Problem.NOT_JSON, str(error)) from error
    unknown = [_presentable(name, at) for at, name in enumerate(fields, 1) if name not in FIELDS]
    if unknown:
        raise Faulty("", Problem.UNKNOWN_FIELD, f"unknown fields: {_listed(unknown)}")
    return fields


def _from_csv(header: tuple[str, ...], text: str) -> dict[str, Json]:
    cells = _cells(text)
    if len(cells) != len(header):
        raise Faulty("", Problem.NOT_CSV, f"{len(cells)} fields where the first line names {len(header)}")
    return {name: _value(name, cell) for name, cell in zip(header, cells, strict=True) if cell != ""}


def _cells(text: str) -> list[str]:
    """Split a line of RFC 4180; raise Faulty where its quotes do not fit."""
    cells: list[str] = []
    at, more = 0, True
    while more:
        found = _CELL.match(text, at)
        if found is None:
            raise Faulty("", Problem.NOT_CSV, f"the quotes of field {len(cells) + 1} do not fit")
        cells.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        at, more = found.end(), found[3] == ","
    return cells


def _value(name: str, cell: str) -> Json:
    """Return what a cell of CSV says in the types of JSON."""
    if name in FLAGS and cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    if name == "groups":
        return [group.strip() for group in cell.split(";") if group.strip()]
    if name in _OBJECTS and cell.startswith("{"):
        try:
            return read_object(cell, max_depth=_DEPTH)
        except BadJson as error:
            raise Faulty(name, Problem.NOT_JSON, str(error)) from error
    return cell
