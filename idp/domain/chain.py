"""The hash chain over the audit trail: what is hashed, and how.

Every event that is numbered has a hash over the hash before it and over all that stands in its row, so nobody can
change, remove, insert or reorder numbered events without every later hash giving it away.
"""

import hashlib
import json
from collections.abc import Mapping

GENESIS = bytes(32)
FORMAT = 1


def canonical(seq: int, members: Mapping[str, str | int | None]) -> bytes:
    """Write a numbered event as the bytes that are hashed: JSON, sorted, ASCII, without members that are null.

    Documents inside (`detail`, `before`, `after`) are hashed as the text that is stored, times as microseconds since
    1970, and the address as its mark. A column that is added later is null in older rows and leaves their hashes alone.
    """
    present = {name: value for name, value in members.items() if value is not None}
    document = {"v": FORMAT, "seq": seq, **present}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def link(previous: bytes, seq: int, members: Mapping[str, str | int | None]) -> bytes:
    """Return the hash of a numbered event that follows the hash `previous`."""
    return hashlib.sha256(previous + canonical(seq, members)).digest()
