"""Refresh tokens – RFC 6749 §6 with the rotation, families and reuse detection of RFC 9700 §4.14.2.

A token is its family's id, 256 random bits, and a tag under our key. The tag lets an old token be told from an
invented one, although only the digests of the newest token and its predecessor are kept: an old one is reuse and
ends the family, an invented one ends nothing.
Grace: the direct predecessor, shortly after it was spent, is answered with the same successor again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from idp.domain.secret import (
    Digest,
    Digester,
    SealBroken,
    Sealer,
    base64url,
    equal,
    from_base64url,
    random_bytes,
)  # fmt: skip
from idp.domain.tokens import Grant, RefreshState
from idp.policy import lifetimes

PURPOSE = "refresh_token"
_ID_BYTES, _SECRET_BYTES, _TAG_BYTES = 16, 32, 16
LENGTH = 86  # characters of base64url for 64 bytes


class Standing(Enum):
    """What a presented token is to its family."""

    CURRENT = auto()
    IN_GRACE = auto()
    REUSED = auto()


@dataclass(frozen=True, slots=True)
class Presented:
    """A token of ours as it was presented."""

    grant_id: str
    digest: Digest


def make(grant_id: str, digester: Digester) -> str:
    """Make a token of a family."""
    body = from_base64url(grant_id) + random_bytes(_SECRET_BYTES)
    return base64url(body + _tag(body, digester))


def read(text: str, digester: Digester) -> Presented | None:
    """Return the family of a token that we made, None for anything else; no look-up is needed to tell."""
    if len(text) != LENGTH:
        return None
    try:
        raw = from_base64url(text)
    except ValueError:
        return None
    body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
    if not equal(tag, _tag(body, digester)):
        return None
    return Presented(base64url(body[:_ID_BYTES]), digester.digest(PURPOSE, text))


def _tag(body: bytes, digester: Digester) -> bytes:
    return digester.digest("refresh_tag", base64url(body))[:_TAG_BYTES]


def standing(presented: Presented, state: RefreshState, *, grace: timedelta, now: datetime) -> Standing:
    """Say whether a token is the current one, its predecessor inside the grace, or reuse."""
    if equal(presented.digest, state.current):
        return Standing.CURRENT
    is_predecessor = state.predecessor is not None and equal(presented.digest, state.predecessor)
    if is_predecessor and state.rotated_at is not None and state.sealed_successor is not None:
        return Standing.IN_GRACE if now - state.rotated_at <= grace else Standing.REUSED
    return Standing.REUSED


def expires_at(grant: Grant, now: datetime) -> datetime:
    """Return the idle limit of a token issued now; never beyond the family's absolute end."""
    return min(now + lifetimes.REFRESH_IDLE, grant.expires_at)


def seal_successor(sealer: Sealer, grant_id: str, token: str) -> bytes:
    """Seal a successor for the time of the grace."""
    return sealer.seal(token.encode(), place=f"grants|successor|{grant_id}")


def open_successor(sealer: Sealer, grant_id: str, sealed: bytes) -> str | None:
    """Return the sealed successor, None if it does not open."""
    try:
        return sealer.open(sealed, place=f"grants|successor|{grant_id}").decode()
    except SealBroken:
        return None
