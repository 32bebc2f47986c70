"""Reads JSON that strangers wrote: an object or nothing, each member of its type or missing."""

import base64
import hashlib
import json
from collections.abc import Mapping


def json_object(segment: str) -> dict[str, object]:
    """Return the JSON object in a base64url segment; raise ValueError if it is none, or names a member twice."""
    if not segment.isascii() or "=" in segment:
        raise ValueError("not base64url")
    text = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    document = json.loads(text, object_pairs_hook=_once)
    if not isinstance(document, dict):
        raise TypeError("not an object")
    return document


def text_of(members: Mapping[str, object], name: str) -> str | None:
    """Return a text that is not empty."""
    value = members.get(name)
    return value if isinstance(value, str) and value else None


def number_of(members: Mapping[str, object], name: str) -> float | None:
    """Return a number."""
    value = members.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 digest, base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members
