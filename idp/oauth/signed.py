"""What others sign: assertions, request objects, statements, ID tokens – one reading of a JWS for all of them.

The algorithm is one that its reader names (RFC 8725 §3.1), the key one that its signer registered, and no key or URL
inside is looked at (§3.10). Not here: what the claims must say, and our own tokens → oauth/keyring.py.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from joserfc.jwk import Key

from idp.domain.json import Json, JsonObject
from idp.oauth.client_keys import fitting_keys
from idp.oauth.keyring import MAX_KID, MAX_TOKEN, read_header, verify

FORBIDDEN_HEADERS = frozenset({"crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc"})
#: The keys that may have signed by an algorithm, under a `kid` if one is named.
Keys = Callable[[str, str | None], list[Key]]


class NotSigned(Exception):
    """What was sent is not signed as it must be; the words go on from its name."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of a JWS says, once it may be used to find a key."""

    alg: str
    kid: str | None


def header_of(text: str, *, algs: Collection[str], typs: Collection[str | None]) -> Header:
    """Return algorithm and key of a compact JWS; raise NotSigned for any that would not be verified."""
    if len(text) > MAX_TOKEN or text.count(".") != 2:
        raise NotSigned("is no signed compact JWS of at most 16 kB")
    members = read_header(text)
    alg, kid, typ = (members.get(name) for name in ("alg", "kid", "typ"))
    if FORBIDDEN_HEADERS & set(members) or not (typ is None or isinstance(typ, str)) or typ not in typs:
        raise NotSigned("has a member in its header that is not accepted")
    if not isinstance(alg, str) or alg not in algs:
        raise NotSigned("has an alg that is none of " + ", ".join(algs))
    if kid is not None and (not isinstance(kid, str) or len(kid) > MAX_KID):
        raise NotSigned("has a kid that is no short string")
    return Header(alg, kid)


def claims_of(text: str, keys: Keys, *, algs: Collection[str], typs: Collection[str | None]) -> dict[str, Json]:
    """Return the claims of a JWS that one of the keys signed; raise NotSigned for any other."""
    header = header_of(text, algs=algs, typs=typs)
    for key in keys(header.alg, header.kid):
        claims = verify(text, key, (header.alg,))
        if claims is not None:
            return claims
    raise NotSigned("has a signature by none of the keys that are known")


def of_set(jwks: JsonObject | None) -> Keys:
    """Return how keys are found in a key set."""
    return lambda alg, kid: fitting_keys(jwks, alg, kid)
