"""The bytes of a profile's row: what most values share is said once, since a row has to fit into a kilobyte.

Numbers are written seven bits a byte. A value that one login taught, and none since, takes its digest and its age.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from idp.risk.value_set import LAST_DAY, WIDTH, first_seen, last_seen

_DIGEST: Final = 8


def pack(sets: Sequence[bytes], counts: Sequence[int]) -> bytes:
    """Return value sets and counts as few bytes."""
    newest = max((last_seen(values, at) for values in sets for at in range(0, len(values), WIDTH)), default=0)
    packed = bytearray(_number(newest))
    for values in sets:
        packed += _number(len(values) // WIDTH)
        for at in range(0, len(values), WIDTH):
            age, taught = newest - last_seen(values, at), values[at + 10]
            span = last_seen(values, at) - first_seen(values, at)
            packed += values[at : at + _DIGEST]
            packed += _number(age << 1) if taught == 1 and span == 0 else _number(age << 1 | 1) + _number(taught)
            if taught != 1 or span != 0:
                packed += _number(span)
    for count in counts:
        packed += _number(count)
    return bytes(packed)


def unpack(packed: bytes, *, sets: int, counts: int) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    """Return the value sets and counts that were packed; raises ValueError if there are not exactly so many."""
    reader = _Reader(packed)
    newest = reader.number()
    found = tuple(b"".join(_records(reader, newest)) for _ in range(sets))
    numbers = tuple(reader.number() for _ in range(counts))
    if reader.at != len(packed):
        raise ValueError("more than a profile")
    return found, numbers


def _records(reader: "_Reader", newest: int) -> Iterator[bytes]:
    for _ in range(reader.number()):
        digest, head = reader.take(_DIGEST), reader.number()
        taught, span = (reader.number(), reader.number()) if head & 1 else (1, 0)
        last = newest - (head >> 1)
        if not (0 <= last - span <= last <= LAST_DAY and taught <= 255):
            raise ValueError("a day or a count is out of range")
        yield digest + last.to_bytes(2, "big") + bytes((taught,)) + (last - span).to_bytes(2, "big")


def _number(number: int) -> bytes:
    septets = bytearray()
    while number > 127:
        septets.append(number & 127 | 128)
        number >>= 7
    septets.append(number)
    return bytes(septets)


class _Reader:
    """Takes numbers and digests off the front."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self.at = 0

    def take(self, length: int) -> bytes:
        taken = self._packed[self.at : self.at + length]
        if len(taken) != length:
            raise ValueError("less than a profile")
        self.at += length
        return taken

    def number(self) -> int:
        number = shift = 0
        while True:
            septet = self.take(1)[0]
            number |= (septet & 127) << shift
            if septet < 128:
                return number
            shift += 7
