"""A client's public keys: which sets are accepted – RFC 7517 §5, with the strength that ASVS 11.6.1 asks for."""

from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from idp.domain.client import BadClient
from idp.domain.json import JsonObject
from idp.domain.secret import from_base64url

MAX_KEYS = 20
MAX_CANDIDATES = 8
KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVES = {"EC": ("P-256", "P-384", "P-521"), "OKP": ("Ed25519",)}
_SMALL_PRIMES = [n for n in range(3, 2000) if all(n % d for d in range(2, int(n**0.5) + 1))]
# The ROCA fingerprint (CVE-2017-15361): a vulnerable modulus is, modulo each of these primes, a power of 65537.
_ROCA_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)


def check_jwks(value: Any) -> JsonObject:
    """Return the key set if every key is public and strong; raise BadClient otherwise."""
    if not isinstance(value, dict) or not isinstance(value.get("keys"), list) or not value["keys"]:
        raise BadClient("jwks must be a JSON Web Key Set with at least one key")
    if len(value["keys"]) > MAX_KEYS:
        raise BadClient(f"jwks has more than {MAX_KEYS} keys")
    for jwk in value["keys"]:
        check_key(jwk)
    return {"keys": value["keys"]}


def usable_keys(document: JsonObject) -> JsonObject | None:
    """Return those keys of a fetched set that could be registered, None if there is none: others are not for us."""
    listed: Any = document.get("keys")
    kept = []
    for jwk in listed[:MAX_KEYS] if isinstance(listed, list) else []:
        try:
            check_key(jwk)
        except BadClient:
            continue
        kept.append(jwk)
    return {"keys": kept} if kept else None


def check_key(jwk: Any) -> None:
    """Raise BadClient unless a key is public and strong."""
    if not isinstance(jwk, dict) or jwk.get("kty") not in ("RSA", "EC", "OKP") or _PRIVATE_MEMBERS & set(jwk):
        raise BadClient("jwks may hold public RSA, EC and OKP keys only")
    if jwk["kty"] in _CURVES and jwk.get("crv") not in _CURVES[jwk["kty"]]:
        raise BadClient("EC keys are on P-256, P-384 or P-521, OKP keys on Ed25519")
    kid = jwk.get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > 256):
        raise BadClient("kid must be a string of at most 256 characters")
    try:
        if jwk["kty"] == "RSA":
            _check_rsa(_number(jwk, "n"), _number(jwk, "e"))  # before the library reads it, which warns of short ones
        import_key(jwk)
    except BadClient:
        raise
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadClient("jwks has a key that cannot be read") from error


def fitting_keys(jwks: JsonObject | None, alg: str, kid: str | None) -> list[Key]:
    """Return the keys of a set that may have signed by an algorithm: those of that `kid`, else those without one."""
    listed: Any = (jwks or {}).get("keys") or []
    fitting = [jwk for jwk in listed if jwk.get("kty") == KEY_TYPES[alg] and jwk.get("use") in (None, "sig")]
    named = [jwk for jwk in fitting if kid is not None and jwk.get("kid") == kid]
    keys = []
    for jwk in named or [jwk for jwk in fitting if "kid" not in jwk or kid is None]:
        try:
            keys.append(import_key(jwk))
        except (JoseError, ValueError):
            continue
    return keys[:MAX_CANDIDATES]


def _number(jwk: Any, name: str) -> int:
    return int.from_bytes(from_base64url(jwk[name]), "big")


def _check_rsa(modulus: int, exponent: int) -> None:
    if not 2048 <= modulus.bit_length() <= 4096 or not 65537 <= exponent < 1 << 64 or exponent % 2 == 0:
        raise BadClient("RSA keys have 2048 to 4096 bits and an exponent of at least 65537")
    if any(modulus % prime == 0 for prime in _SMALL_PRIMES) or modulus % 2 == 0:
        raise BadClient("the RSA modulus has a small factor")
    if _is_roca(modulus) or _has_close_factors(modulus):
        raise BadClient("the RSA modulus is of a weak kind")


def _is_roca(modulus: int) -> bool:
    return all(modulus % prime in {pow(65537, power, prime) for power in range(prime)} for prime in _ROCA_PRIMES)


def _has_close_factors(modulus: int) -> bool:
    """Try Fermat's method for a few steps: factors close together fall at once."""
    from math import isqrt

    middle = isqrt(modulus - 1) + 1
    for _ in range(100):
        rest = middle * middle - modulus
        if isqrt(rest) ** 2 == rest:
            return True
        middle += 1
    return False
