"""A small set of digests with the day each was last seen, packed into bytes: the least recently seen comes first.

A record is a digest (8 bytes), the day last seen (2, days since 1970), how many logins taught it (1, at most 255), and
the day first seen (2). Packed so, a person's history fits into a kilobyte, in memory as in a row.
"""

from dataclasses import dataclass
from typing import Final

MOST_VALUES: Final = 24
_DIGEST: Final = 8
WIDTH: Final = 13
_MOST_LOGINS: Final = 255
LAST_DAY: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Change:
    """What seeing a value did to its set, so that it can be taken back: the record it wrote and those it replaced."""

    wrote: bytes
    replaced: bytes = b""
    position: int = 0
    evicted: bytes = b""


def find(values: bytes, digest: bytes) -> int:
    """Return where the record of this digest starts, or -1."""
    at = values.find(digest)
    while at > 0 and at % WIDTH:
        at = values.find(digest, at + 1)
    return at


def last_seen(values: bytes, at: int) -> int:
    """Return the day on which the value of the record at this position was last seen."""
    return values[at + 8] << 8 | values[at + 9]


def first_seen(values: bytes, at: int) -> int:
    """Return the day on which the value of the record at this position was first seen."""
    return values[at + 11] << 8 | values[at + 12]


def see(values: bytes, digest: bytes, day: int) -> tuple[bytes, Change]:
    """Return the set with this value as the most recently seen, and what that changed."""
    day = min(max(day, 0), LAST_DAY)
    at = find(values, digest)
    if at < 0:
        wrote = digest + _two(day) + b"\x01" + _two(day)
        full = len(values) >= MOST_VALUES * WIDTH
        evicted, kept = (values[:WIDTH], values[WIDTH:]) if full else (b"", values)
        return kept + wrote, Change(wrote, evicted=evicted)
    replaced = values[at : at + WIDTH]
    day = max(day, last_seen(values, at))
    count = min(replaced[10] + 1, _MOST_LOGINS)
    wrote = digest + _two(day) + bytes((count,)) + replaced[11:]
    return values[:at] + values[at + WIDTH :] + wrote, Change(wrote, replaced, at)


def take_back(values: bytes, change: Change) -> bytes:
    """Return the set without what this change taught; later changes stay."""
    at = find(values, change.wrote[:_DIGEST])
    if at < 0:
        return values  # it has been forgotten since
    record = values[at : at + WIDTH]
    others = values[:at] + values[at + WIDTH :]
    if record == change.wrote and at == len(others):  # nothing has been taught to this set since
        if change.replaced:
            return others[: change.position] + change.replaced + others[change.position :]
        return change.evicted + others
    if record[11:] != change.wrote[11:]:
        return values  # evicted and learnt anew since: that is not what this change taught
    count = record[10] - (record[10] != _MOST_LOGINS)
    if count == 0:
        return change.evicted + others if not change.replaced and len(others) < MOST_VALUES * WIDTH else others
    day = change.replaced[8:10] if change.replaced and record[8:10] == change.wrote[8:10] else record[8:10]
    return values[:at] + record[:8] + day + bytes((count,)) + record[11:] + values[at + WIDTH :]


def forget_before(values: bytes, day: int) -> bytes:
    """Return the set without the values last seen before this day."""
    if not values or day <= 0:
        return values
    starts = range(0, len(values), WIDTH)
    if all(last_seen(values, at) >= day for at in starts):
        return values
    return b"".join(values[at : at + WIDTH] for at in starts if last_seen(values, at) >= day)


def _two(number: int) -> bytes:
    return number.to_bytes(2, "big")
