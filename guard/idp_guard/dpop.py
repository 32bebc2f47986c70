"""Proof of possession by the caller – RFC 9449 §4.3 and §7.1.

Checks form, signature, method, address, age, token hash and key of one DPoP header, and that its `jti` is new here.
Not here: nonces that the resource server hands out (§9). Processes that share an address share no memory of `jti`
unless they are given one: pass your own Replays.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from idp_guard.errors import Refused
from idp_guard.strict import json_object, number_of, sha256_of, text_of

ALGORITHMS = ["ES256", "ES384", "Ed25519", "EdDSA", "PS256", "RS256"]
AGE_SECONDS = 60
SKEW_SECONDS = 5
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class Replays(Protocol):
    """Remembers which proofs were seen."""

    async def is_new(self, key: str, *, seconds: int) -> bool:
        """Note a proof for that long; False if it was noted before."""


class ReplaysInMemory:
    """The proofs that one process has seen; the oldest make room."""

    def __init__(self, most: int = 100_000, *, now: Callable[[], float] = time.time) -> None:
        """Remember at most so many."""
        self._most = most
        self._now = now
        self._seen: OrderedDict[str, float] = OrderedDict()

    async def is_new(self, key: str, *, seconds: int) -> bool:
        """Note a proof for that long; False if it was noted before."""
        now = self._now()
        while self._seen and (len(self._seen) >= self._most or next(iter(self._seen.values())) <= now):
            self._seen.popitem(last=False)
        if self._seen.get(key, 0.0) > now:
            return False
        self._seen[key] = now + seconds
        return True


async def check(
    proof: str, *, access_token: str, thumbprint: str, method: str, url: str, replays: Replays, now: float
) -> None:
    """Refuse a proof that does not belong to this call, this token and its key."""
    header, claims, found_thumbprint = _opened(proof)
    if header.get("typ") != "dpop+jwt":
        raise _bad("the typ is not dpop+jwt")
    if found_thumbprint != thumbprint:
        raise Refused("invalid_token", "the token belongs to another key")
    if text_of(claims, "htm") != method or _address(text_of(claims, "htu") or "") != _address(url):
        raise _bad("the proof was made for another call")
    issued_at = number_of(claims, "iat")
    if issued_at is None or not now - AGE_SECONDS <= issued_at <= now + SKEW_SECONDS:
        raise _bad("the proof is too old, or not from now")
    if text_of(claims, "ath") != sha256_of(access_token.encode()):
        raise _bad("the proof was made for another token")
    jti = text_of(claims, "jti")
    if jti is None or len(jti) > 256:
        raise _bad("the jti is missing or too long")
    if not await replays.is_new(f"{thumbprint}.{jti}", seconds=AGE_SECONDS + SKEW_SECONDS):
        raise _bad("the proof was used before")


def _opened(proof: str) -> tuple[dict[str, object], dict[str, object], str]:
    """Return header, claims and key thumbprint of a proof whose signature its own key made."""
    if len(proof) > 8192 or proof.count(".") != 2:
        raise _bad("the proof is no JWS")
    try:
        header = json_object(proof.split(".")[0])
        member = header.get("jwk")
        if not isinstance(member, dict) or PRIVATE_MEMBERS & member.keys():
            raise _bad("the header carries no public key")
        key = JWKRegistry.import_key(member)
        signed = jws.deserialize_compact(proof, key, algorithms=ALGORITHMS)
        return header, json_object(proof.split(".")[1]), key.thumbprint() if signed else ""
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise _bad("the proof is not signed by the key in it") from error


def _address(url: str) -> tuple[str, str, str]:
    """Return an address without query and fragment, normalised (RFC 9449 §4.3 point 9, RFC 3986 §6.2)."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return ("", "", "")
    return (parts.scheme.lower(), f"{(parts.hostname or '').lower()}:{port}", parts.path or "/")


def _bad(description: str) -> Refused:
    return Refused("invalid_dpop_proof", description)
