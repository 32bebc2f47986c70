"""Passwords that leaked, as a Bloom filter in a file that every worker maps into memory and none loads.

Members are SHA-1 digests of the NFC password in UTF-8, as Have I Been Pwned publishes them, so a filter can be built
from digests alone. A member is always found; something else is taken for one as rarely as the filter was built for.

The file: a header of 64 bytes (magic, version, hashes, false positives, bits, count, and the first 28 bytes of their
SHA-256), then the bits. Numbers are big-endian, bit `n` of the filter is bit `n % 8` of byte `n // 8`.
"""

import hashlib
import math
import mmap
import os
import struct
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from idp.policy.passwords import normalise

MAGIC = b"idpbloom"
VERSION = 1
DIGEST_BYTES = 20
MOST_HASHES = 32
MOST_BITS = 1 << 40
_FIELDS = struct.Struct(">8sHHdQQ")
_CHECKSUM_BYTES = 28
HEADER_BYTES = _FIELDS.size + _CHECKSUM_BYTES
_TWO_NUMBERS = struct.Struct(">QQ4x")
_ZEROS = bytes(1 << 20)


class DamagedFilter(Exception):
    """The file is no filter, was cut, or comes from another version."""


def digest_of(password: str) -> bytes:
    """Return the digest under which a password is listed."""
    text = normalise(password).encode("utf-8", "surrogatepass")
    return hashlib.sha1(text, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a filter is: `bits` of them, of which each member sets `hashes`."""

    bits: int
    hashes: int
    false_positives: float

    @classmethod
    def fitting(cls, count: int, false_positives: float) -> "Shape":
        """Return the smallest shape that takes `count` members at that rate of false positives."""
        members = max(count, 1)
        bits = math.ceil(-members * math.log(false_positives) / math.log(2) ** 2)
        bits = max(64, -(-bits // 8) * 8)
        return cls(bits, min(MOST_HASHES, max(1, round(bits / members * math.log(2)))), false_positives)

    def rate_at(self, count: int) -> float:
        """Return the rate of false positives once it has `count` members."""
        return float((1 - math.exp(-self.hashes * count / self.bits)) ** self.hashes)


class BreachedPasswords:
    """A filter file, open for reading. It must be replaced by renaming another over it, never written in place."""

    def __init__(self, path: Path) -> None:
        """Map the file; raise DamagedFilter if it cannot be one, OSError if it cannot be read."""
        with path.open("rb") as file:
            self.shape, self.count = _read_header(file.read(HEADER_BYTES))
            expected = HEADER_BYTES + self.shape.bits // 8
            size = os.fstat(file.fileno()).st_size
            if size != expected:
                raise DamagedFilter(f"it has {size} bytes instead of {expected}")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def has(self, password: str) -> bool:
        """Say whether a password leaked; costs microseconds."""
        return self.has_digest(digest_of(password))

    def has_digest(self, digest: bytes) -> bool:
        """Say whether the password with this SHA-1 digest leaked."""
        first, step = _TWO_NUMBERS.unpack(digest)
        bits, seen = self.shape.bits, self._map
        for number in range(self.shape.hashes):
            bit = (first + number * (step | 1)) % bits
            if not seen[HEADER_BYTES + (bit >> 3)] & (1 << (bit & 7)):
                return False
        return True

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()


class FilterWriter:
    """Builds a filter beside its place and puts it there whole, by `finish`; left without that, nothing changes."""

    def __init__(self, path: Path, shape: Shape) -> None:
        """Reserve the space; raise OSError if there is too little."""
        if shape.bits > MOST_BITS:
            raise OSError(f"a filter of {shape.bits // 8} bytes is too large")
        self._path = path
        self.shape = shape
        self.count = 0
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        self._draft = Path(name)
        self._file = os.fdopen(handle, "r+b")
        try:
            # Written, not left sparse: a full disk is an error here, and a crash once the file is mapped.
            rest = HEADER_BYTES + shape.bits // 8
            while rest > 0:
                rest -= self._file.write(_ZEROS[:rest])
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0)
        except BaseException:
            self._file.close()
            self._draft.unlink()
            raise

    def __enter__(self) -> "FilterWriter":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was not finished."""
        self._map.close()
        self._file.close()
        with suppress(FileNotFoundError):
            self._draft.unlink()

    def add_all(self, digests: Iterable[bytes]) -> None:
        """Add members by their SHA-1 digests."""
        bits, seen, numbers, count = self.shape.bits, self._map, range(self.shape.hashes), 0
        for digest in digests:
            first, step = _TWO_NUMBERS.unpack(digest)
            step |= 1
            for number in numbers:
                bit = (first + number * step) % bits
                seen[HEADER_BYTES + (bit >> 3)] |= 1 << (bit & 7)
            count += 1
        self.count += count

    def finish(self) -> None:
        """Write the header, make it last, and put the filter in its place at once."""
        self._map[:HEADER_BYTES] = _header(self.shape, self.count)
        self._map.flush()
        os.fsync(self._file.fileno())
        self._draft.replace(self._path)


def _header(shape: Shape, count: int) -> bytes:
    fields = _FIELDS.pack(MAGIC, VERSION, shape.hashes, shape.false_positives, shape.bits, count)
    return fields + hashlib.sha256(fields).digest()[:_CHECKSUM_BYTES]


def _read_header(header: bytes) -> tuple[Shape, int]:
    if not header.startswith(MAGIC):
        raise DamagedFilter("it is not a filter of breached passwords")
    if len(header) < HEADER_BYTES:
        raise DamagedFilter("it ends within its header")
    fields = header[: _FIELDS.size]
    _magic, version, hashes, false_positives, bits, count = _FIELDS.unpack(fields)
    if version != VERSION:
        raise DamagedFilter(f"it has version {version}, and this program reads version {VERSION}")
    is_whole = hashlib.sha256(fields).digest()[:_CHECKSUM_BYTES] == header[_FIELDS.size :]
    if not is_whole or not 1 <= hashes <= MOST_HASHES or not 0 < bits <= MOST_BITS or bits % 8:
        raise DamagedFilter("its header is damaged")
    return Shape(bits, hashes, false_positives), count
