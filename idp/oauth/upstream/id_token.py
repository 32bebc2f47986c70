"""ID tokens of other providers – OIDC Core §3.1.3.7, RFC 8725.

Stricter: the algorithm is one of four, `exp`, `iat` and `nonce` are required, a token is for us alone unless `azp` says
that it was made for us, and no key or URL inside it is looked at. Not here: our own → openid/id_token.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.json import Json, JsonObject
from idp.domain.secret import equal
from idp.domain.upstream import LONGEST_SUBJECT
from idp.oauth import signed
from idp.oauth.openid.id_token import half_hash
from idp.oauth.upstream.fault import UpstreamFault
from idp.policy import lifetimes

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
TYPS = (None, "JWT")
OLDEST = timedelta(minutes=10)  # since it was made: ours was asked for a moment ago
LATEST = 2**40


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say, since we asked for it."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str
    now: datetime


def key_of(token: str) -> str | None:
    """Return the `kid` that a token names, to know which keys are needed; raise UpstreamFault for no such token."""
    try:
        return signed.header_of(token, algs=ALGORITHMS, typs=TYPS).kid
    except signed.NotSigned as error:
        raise UpstreamFault("id_token", f"the ID token {error}") from error


def read_id_token(token: str, jwks: JsonObject, expected: Expected) -> Mapping[str, Json]:
    """Return the claims of a token that this provider made for this very request; raise UpstreamFault."""
    key_of(token)
    try:
        claims = signed.claims_of(token, signed.of_set(jwks), algs=ALGORITHMS, typs=TYPS)
    except signed.NotSigned as error:
        raise UpstreamFault("signature", "no key of that provider made the signature of the ID token") from error
    if claims.get("iss") != expected.issuer:
        raise UpstreamFault("iss", "the ID token is of another issuer")
    _check_audience(claims, expected.client_id)
    _check_times(claims, expected.now)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not equal(nonce.encode("utf-8", "surrogatepass"), expected.nonce.encode()):
        raise UpstreamFault("nonce", "the ID token is the answer to another request")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise UpstreamFault("sub", "the ID token names nobody")
    if "at_hash" in claims and claims["at_hash"] != _hash_of(token, expected.access_token):
        raise UpstreamFault("at_hash", "the ID token came with another access token")
    return claims


def _hash_of(token: str, access_token: str) -> str:
    """Return the hash of an access token by the algorithm of the ID token beside it (OIDC Core §3.1.3.6)."""
    return half_hash(access_token, signed.header_of(token, algs=ALGORITHMS, typs=TYPS).alg)


def _check_audience(claims: Mapping[str, Json], client_id: str) -> None:
    audience, party = claims.get("aud"), claims.get("azp")
    listed = audience if isinstance(audience, list) else [audience]
    if client_id not in listed or (len(listed) > 1 and party is None) or party not in (None, client_id):
        raise UpstreamFault("aud", "the ID token is for somebody else")


def _check_times(claims: Mapping[str, Json], now: datetime) -> None:
    times = {name: claims.get(name) for name in ("exp", "iat", *(["nbf"] if "nbf" in claims else []))}
    if not all(
        isinstance(each, int | float) and type(each) is not bool and 0 <= each < LATEST for each in times.values()
    ):
        raise UpstreamFault("times", "the ID token has no times")
    seconds = now.timestamp()
    ahead, past = lifetimes.SKEW_AHEAD.total_seconds(), lifetimes.SKEW_PAST.total_seconds()
    is_open = seconds < float(times.pop("exp")) + past  # type: ignore[arg-type]
    begins = [float(each) for each in times.values()]  # type: ignore[arg-type]
    if not is_open or any(each > seconds + ahead for each in begins):
        raise UpstreamFault("times", "the ID token has expired, or is of the future")
    if begins[0] < seconds - OLDEST.total_seconds() - past:
        raise UpstreamFault("times", "the ID token was made long ago")
