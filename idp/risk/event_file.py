"""Login events as lines of JSON, in time order, and the scored lines made of them.

Whatever is not as described ends the reading with the number of its line; fields nobody asked for are ignored.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from idp.domain.risk import Assessment
from idp.risk.hierarchy import network_of
from idp.risk.signal import Circumstances, NetKind

_LONGEST_LINE = 64 * 1024
_KINDS = {kind.value: kind for kind in NetKind}


class BrokenLine(ValueError):
    """A line is not what it should be; the message says why, `number` where."""

    def __init__(self, number: int, why: str) -> None:
        """Remember the line, counted from 1."""
        super().__init__(f"line {number}: {why}")
        self.number = number


@dataclass(frozen=True, slots=True)
class Event:
    """One login of a file: who, under what circumstances, whether it teaches, and what is echoed."""

    user: str
    now: Circumstances
    learn: bool
    label: str | None
    id: str | None

    @property
    def is_owner(self) -> bool:
        """Say whether this was the person, as far as the file knows."""
        return self.label is None


def read_events(lines: Iterable[str | bytes]) -> Iterator[Event]:
    """Yield the events of a file; blank lines count as lines and are skipped. Raises BrokenLine."""
    before: datetime | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        event = read_event(number, line)
        if before is not None and event.now.at < before:
            raise BrokenLine(number, "time goes backwards")
        before = event.now.at
        yield event


def read_event(number: int, line: str | bytes) -> Event:
    """Read one line; raises BrokenLine."""
    fields = _Fields(number, line)
    address = fields.text("ip")
    if network_of(address) is None:
        raise BrokenLine(number, "ip is not an address")
    label = fields.text_or_none("label")
    return Event(
        user=fields.text("user"),
        now=Circumstances(
            at=fields.instant("t"), address=address, asn=fields.integer("asn", 0, 2**32 - 1),
            country=fields.text_or_none("country") or None, net_kind=fields.net_kind(), agent=fields.text("ua"),
            device=fields.text_or_none("device") or None, hour=fields.integer("hour", 0, 23),
        ),
        learn=fields.truth("learn"),
        label=None if label == "legit" else label,
        id=fields.text_or_none("id"),
    )  # fmt: skip


class _Fields:
    """The members of one line, each checked as it is taken."""

    def __init__(self, number: int, line: str | bytes) -> None:
        self._number = number
        if len(line) > _LONGEST_LINE:
            raise BrokenLine(number, "too long")
        try:
            members = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BrokenLine(number, "not JSON") from error
        if not isinstance(members, dict):
            raise BrokenLine(number, "not an object")
        self._members: dict[str, object] = members

    def text(self, name: str) -> str:
        value = self._members.get(name)
        if not isinstance(value, str):
            raise BrokenLine(self._number, f"{name} is not a string")
        return value

    def text_or_none(self, name: str) -> str | None:
        return None if self._members.get(name) is None else self.text(name)

    def integer(self, name: str, lowest: int, highest: int) -> int | None:
        value = self._members.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise BrokenLine(self._number, f"{name} is not an integer from {lowest} to {highest}")
        return value

    def truth(self, name: str) -> bool:
        value = self._members.get(name)
        if not isinstance(value, bool):
            raise BrokenLine(self._number, f"{name} is neither true nor false")
        return value

    def net_kind(self) -> NetKind | None:
        word = self.text_or_none("net_kind")
        if word is None:
            return None
        if word not in _KINDS:
            raise BrokenLine(self._number, f"net_kind is none of {', '.join(_KINDS)}")
        return _KINDS[word]

    def instant(self, name: str) -> datetime:
        try:
            at = _instant(self.text(name))
        except (ValueError, OverflowError) as error:
            raise BrokenLine(self._number, f"{name} is not a time as in RFC 3339") from error
        return at


@lru_cache(maxsize=1024)
def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text.upper())  # RFC 3339 §5.6 allows a small t and z
    if at.tzinfo is None:
        raise ValueError("no offset from UTC")
    at.timestamp()
    return at


@dataclass(frozen=True, slots=True)
class Scored:
    """What a report needs of a scored line; `device_known` is None while device cookies were not in use."""

    user: str
    label: str | None
    llr: float
    score: int
    logins: int
    device_known: bool | None


def scored_line(event: Event, found: Assessment) -> str:
    """Return the line that says how an event was scored; its parts add up to its sum within 1e-9."""
    document = {
        "id": event.id, "score": found.score, "band": found.band.value, "llr": found.llr,
        "parts": [{"code": part.code, "nats": part.nats} for part in found.parts],
        "floors": [{"code": floor.code, "band": floor.band.value} for floor in found.floors],
        "user": event.user, "label": event.label, "n": found.logins,
    }  # fmt: skip
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def read_scored(lines: Iterable[str | bytes]) -> Iterator[Scored]:
    """Yield the lines of a scored file; raises BrokenLine."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            match json.loads(line):
                case {
                    "user": str(user), "label": str() | None as label, "llr": float() | int() as llr,
                    "score": int(score), "n": int(n), "parts": [*parts],
                }:  # fmt: skip
                    owner = None if label == "legit" else label
                    yield Scored(user, owner, float(llr), score, n, _device_known(parts))
                case _:
                    raise BrokenLine(number, "not a scored login")
        except (ValueError, RecursionError) as error:
            raise error if isinstance(error, BrokenLine) else BrokenLine(number, "not JSON") from error


def _device_known(parts: list[object]) -> bool | None:
    for part in parts:
        code = part.get("code") if isinstance(part, dict) else None
        if isinstance(code, str) and code.startswith("DEV_") and "+" in code:
            return code.startswith("DEV_KNOWN+")
    return None
