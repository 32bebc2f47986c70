"""Statements that we sign about our own records, and that stay verifiable after the key is gone (RFC 7515).

A statement carries the public key that signed it, so that it can be checked years later and anywhere. That key proves
nothing by itself: who reads a statement compares its thumbprint (RFC 7638), or has the statement from a place that
nobody could change.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from idp.domain.json import BadJson, Json, read_object
from idp.domain.secret import base64url, from_base64url
from idp.oauth.keyring import Keyring, NoSigningKey, read_header, verify
from idp.storage.columns import EPOCH, MICROSECOND, to_micros

ALG = "ES256"
CHECKPOINT = "audit-checkpoint+jwt"
REMOVAL = "audit-removal+jwt"
RESTART = "audit-restart+jwt"
MAX_STATEMENT = 8192
_PUBLIC = ("kty", "crv", "x", "y")


@dataclass(frozen=True, slots=True)
class Statement:
    """Up to `seq` the records had `hash`; `previous` is the digest of the statement before, empty for the first."""

    typ: str
    issuer: str
    kid: str
    seq: int
    hash: bytes
    at: datetime
    previous: str
    thumbprint: str


def digest_of(jws: str | None) -> str:
    """Return how a statement names the one before it."""
    return "" if jws is None else base64url(hashlib.sha256(jws.encode()).digest())


async def prepare(keyring: Keyring) -> None:
    """Read the keys if they have changed; to be done before a transaction begins in which something is signed."""
    await keyring.watch.refresh()
    await keyring.refresh()


def sign(
    keyring: Keyring, typ: str, *, issuer: str, seq: int, hash_: bytes, previous: str | None, now: datetime
) -> str:
    """Return a signed statement; raise NoSigningKey if there is no active key."""
    active = keyring.snapshot.active.get(ALG)
    if active is None:
        raise NoSigningKey(ALG)
    jwk: dict[str, Json] = {name: active.public_jwk[name] for name in _PUBLIC}
    claims: Mapping[str, Json] = {
        "iss": issuer, "iat": int(now.timestamp()), "at": to_micros(now), "seq": seq, "hash": base64url(hash_),
        "previous": digest_of(previous), "jwk": jwk,
    }  # fmt: skip
    return keyring.sign(claims, alg=ALG, typ=typ)


def read(jws: str, *, typ: str) -> Statement | None:
    """Return a statement whose signature its own key made, None for anything else."""
    header = read_header(jws) if len(jws) <= MAX_STATEMENT and jws.isascii() else {}
    if set(header) != {"alg", "kid", "typ"} or (header["alg"], header["typ"]) != (ALG, typ):
        return None
    try:
        unverified: Any = read_object(from_base64url(jws.split(".")[1]).decode(), max_depth=4)
        key = ECKey.import_key({name: unverified["jwk"][name] for name in _PUBLIC})
        if unverified["jwk"]["crv"] != "P-256":
            return None
        claims: Any = verify(jws, key, (ALG,))
        return None if claims is None else _statement(typ, cast(str, header["kid"]), claims, key.thumbprint())
    except (JoseError, BadJson, LookupError, TypeError, ValueError, OverflowError):
        return None


def _statement(typ: str, kid: str, claims: Mapping[str, Any], thumbprint: str) -> Statement:
    at = EPOCH + int(claims["at"]) * MICROSECOND
    hash_ = from_base64url(claims["hash"])
    return Statement(typ, str(claims["iss"]), kid, int(claims["seq"]), hash_, at, str(claims["previous"]), thumbprint)
