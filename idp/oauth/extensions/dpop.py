"""Demonstrating Proof of Possession – RFC 9449.

A proof is a JWS by the key it carries, made for this method and URL, now, and once. Stricter than the RFC: an `iat`
older than 60 s or more than 30 s ahead is refused, and the key must be of a kind that a client could register.
A nonce is a tag over a slot of time, so it needs no storage; the slot that is over is accepted for one more.
Not here: which client must prove a key → policy/profiles.py; what the key is bound to → oauth/binding.py.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlsplit

from authlib.oauth2 import OAuth2Error
from joserfc.jwk import Key, import_key

from idp.domain.client import BadClient
from idp.domain.json import Json
from idp.domain.secret import Digester, base64url, equal
from idp.oauth.client_keys import KEY_TYPES, check_key
from idp.oauth.context import Context
from idp.oauth.keyring import read_header, verify
from idp.policy import lifetimes

ALGS = ("ES256", "PS256", "EdDSA", "Ed25519")
TYP = "dpop+jwt"
WANTS_NONCE = "use_dpop_nonce"
MAX_PROOF = 8192
MAX_JTI = 256
NONCE_LENGTH = 32
_MEMBERS = frozenset({"typ", "alg", "jwk", "kid"})
_PORTS = {"https": 443, "http": 80}


class BadProof(OAuth2Error):  # type: ignore[misc]
    """A proof that proves nothing (RFC 9449 §5), or one that needs our nonce (§8)."""

    error = "invalid_dpop_proof"

    def __init__(self, description: str, *, wants_nonce: bool = False) -> None:
        """Keep the sentence; with `wants_nonce` the client is to try again with the nonce that comes along."""
        super().__init__(description)
        if wants_nonce:
            self.error = WANTS_NONCE


class OtherKey(BadProof):
    """A good proof of a key that is not the one that the access token is bound to (RFC 9449 §7.1)."""

    error = "invalid_token"


@dataclass(frozen=True, slots=True)
class Checked:
    """A key that was proved by this request, and the nonce to send along if the client should take a new one."""

    thumbprint: str
    next_nonce: str | None


def nonce(digester: Digester, now: datetime, *, slots_ago: int = 0) -> str:
    """Return the nonce of the present slot of time, or of one that is over (§8)."""
    slot = int(now.timestamp() // lifetimes.DPOP_NONCE.total_seconds()) - slots_ago
    return digester.tag("dpop_nonce", str(slot))[:NONCE_LENGTH]


async def check(
    context: Context, *, requires_nonce: bool, access_token: str | None = None, bound_to: str | None = None
) -> Checked | None:
    """Return the key that the request proves, None if it carries no proof at all (§4.3).

    With `access_token` the proof must have been made for that token, by the key of the thumbprint `bound_to` (§7).
    Raises BadProof; the `jti` is spent last, so a proof that is refused leaves nothing behind.
    """
    text = context.http.headers.get("dpop")
    if text is None:
        return None
    thumbprint, claims = _verified(text)
    if bound_to is not None and thumbprint != bound_to:
        raise OtherKey("the access token is bound to another key")
    _check_place(context, claims)
    _check_time(claims.get("iat"), context.now)
    if access_token is not None:
        _check_token(claims.get("ath"), access_token)
    next_nonce = _check_nonce(context, claims.get("nonce"), is_required=requires_nonce)
    await _spend(context, thumbprint, claims.get("jti"))
    return Checked(thumbprint, next_nonce)


def _verified(text: str) -> tuple[str, dict[str, Json]]:
    """Return the key's thumbprint and the claims of a proof whose signature is right."""
    if not 0 < len(text) <= MAX_PROOF or text.count(".") != 2:
        _refuse("one DPoP header with one compact JWS is needed")
    header = read_header(text)
    alg, jwk = header.get("alg"), header.get("jwk")
    if header.get("typ") != TYP or not set(header) <= _MEMBERS:
        _refuse("the header of a proof has typ dpop+jwt, alg and jwk")
    if not isinstance(alg, str) or alg not in ALGS:
        _refuse("alg of a proof is one of " + ", ".join(ALGS))
    if not isinstance(jwk, dict) or jwk.get("kty") != KEY_TYPES[alg]:
        _refuse("jwk of a proof is a public key that fits its alg")
    try:
        key, thumbprint = _read_key(json.dumps(jwk, sort_keys=True))
    except BadClient as error:
        _refuse(f"jwk of a proof: {error}")
    claims = verify(text, key, (alg,))
    if claims is None:
        _refuse("the signature of the proof is wrong")
    return thumbprint, claims


@lru_cache(maxsize=1024)
def _read_key(jwk: str) -> tuple[Key, str]:
    """Return a public key and its thumbprint (RFC 7638); raise BadClient for one that is private or weak."""
    members: Any = json.loads(jwk)
    check_key(members)
    key = import_key(members)
    return key, key.thumbprint()


def _check_place(context: Context, claims: dict[str, Json]) -> None:
    http, url = context.http, claims.get("htu")
    if claims.get("htm") != http.method:
        _refuse("htm of the proof is not the method of the request")
    here = {normalized(base + quote(http.path)) for base in (context.engine.issuer, *context.engine.bases)}
    if not isinstance(url, str) or normalized(url) not in here:
        _refuse("htu of the proof is not the URL of the request")


def normalized(url: str) -> str | None:
    """Return a URL without query and fragment, as RFC 3986 §6.2.2 and §6.2.3 would write it; None if it is none."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
        segments: list[str] = []
        for segment in parts.path.split("/")[1:]:
            if segment == "..":
                segments[-1:] = []
            elif segment != ".":
                segments.append(quote(unquote(segment), safe=""))
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or parts.username is not None or len(url) > 2048:
        return None
    shown = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}/" + "/".join(segments)


def _check_time(issued: Json, now: datetime) -> None:
    if isinstance(issued, bool) or not isinstance(issued, int | float) or not 0 <= issued < 2**40:
        _refuse("iat of the proof is missing or no time")
    age = now.timestamp() - issued
    if age > lifetimes.DPOP_PROOF.total_seconds() or -age > lifetimes.SKEW_AHEAD.total_seconds():
        _refuse("iat of the proof is too far from now")


def _check_token(ath: Json, access_token: str) -> None:
    digest = base64url(hashlib.sha256(access_token.encode()).digest())
    if not isinstance(ath, str) or not equal(ath.encode(), digest.encode()):
        _refuse("ath of the proof is not the hash of the access token")


def _check_nonce(context: Context, sent: Json, *, is_required: bool) -> str | None:
    """Return a new nonce unless the client has the present one; refuse others only where a nonce is required."""
    digester, now = context.engine.digester, context.now
    present = nonce(digester, now)
    if sent == present:
        return None
    if is_required and sent != nonce(digester, now, slots_ago=1):
        raise BadProof("the proof needs the nonce of the header DPoP-Nonce", wants_nonce=True)
    return present


async def _spend(context: Context, thumbprint: str, jti: Json) -> None:
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        _refuse("jti of the proof is missing or too long")
    digest = context.engine.digester.digest("dpop_jti", f"{thumbprint}|{jti}")
    until = context.now + lifetimes.DPOP_PROOF + lifetimes.SKEW_AHEAD
    if not await context.stores.replays.remember(digest, until.astimezone(UTC)):
        _refuse("the proof was used before")


def _refuse(description: str) -> NoReturn:
    raise BadProof(description)
