"""KY09: keys of clients that are too weak, private, or no keys at all (ASVS 11.6.1)."""

import base64
import math
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from idp.domain.client import BadClient
from idp.oauth.client_keys import check_jwks
from tests.support.target import Target


def jwk_of(modulus: int, exponent: int = 65537) -> dict[str, Any]:
    def number(value: int) -> str:
        return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode().rstrip("=")

    return {"kty": "RSA", "n": number(modulus), "e": number(exponent)}


def primes(bits: int) -> tuple[int, int]:
    numbers = rsa.generate_private_key(65537, bits).private_numbers()
    return numbers.p, numbers.q


def next_prime(start: int) -> int:
    candidate = start | 1
    while pow(2, candidate - 1, candidate) != 1:
        candidate += 2
    return candidate


def close_modulus() -> int:
    first, _ = primes(2048)
    return first * next_prime(first + 2)


def roca_modulus() -> int:
    """A modulus of the shape that CVE-2017-15361 gave away: a power of 65537 modulo many small primes."""
    product = math.prod(p for p in range(2, 168) if all(p % d for d in range(2, p)))
    return product * (2**1830 + 5) + pow(65537, 11, product)


EC = ECKey.generate_key("P-256").as_dict(private=False)
RSA_PUBLIC = RSAKey.generate_key(2048).as_dict(private=False)
P, Q = primes(2048)
WEAK: dict[str, Any] = {
    "RSA 1024": jwk_of(math.prod(primes(1024))),
    "RSA 8192": jwk_of(2**8191 + 1),
    "e is 1": jwk_of(P * Q, 1),
    "e is 3": jwk_of(P * Q, 3),
    "e is even": jwk_of(P * Q, 65538),
    "a small factor": jwk_of(3 * (P * Q >> 2 | 1)),
    "an even modulus": jwk_of(P * Q - 1),
    "close factors": jwk_of(close_modulus()),
    "ROCA": jwk_of(roca_modulus()),
    "a point off the curve": {**EC, "y": EC["x"]},
    "a zero point": {**EC, "x": "A" * 43, "y": "A" * 43},
    "P-192": {**EC, "crv": "P-192"},
    "secp256k1": ECKey.generate_key("secp256k1").as_dict(private=False),
    "X25519": OKPKey.generate_key("X25519").as_dict(private=False),
    "Ed448": OKPKey.generate_key("Ed448").as_dict(private=False),
    "oct": OctKey.generate_key(256).as_dict(),
    "a private RSA key": RSAKey.generate_key(2048).as_dict(private=True),
    "a private EC key": ECKey.generate_key("P-256").as_dict(private=True),
    "no kty": {"n": RSA_PUBLIC["n"], "e": "AQAB"},
    "kty in another case": {**RSA_PUBLIC, "kty": "rsa"},
    "kid is a number": {**EC, "kid": 7},
    "kid is giant": {**EC, "kid": "k" * 300},
    "a string": "key",
    "null": None,
}


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
async def test_ky09_a_weak_key_is_never_registered(provider: Target, key: Any) -> None:
    good = ECKey.generate_key("P-256").as_dict(private=False)

    with pytest.raises(BadClient):
        await provider.client(method="none", jwks={"keys": [good, key]})


@pytest.mark.parametrize("jwks", [None, [], {}, {"keys": []}, {"keys": {}}, {"keys": [EC] * 21}, "keys", 7])
def test_ky09_what_is_no_key_set_is_refused(jwks: Any) -> None:
    with pytest.raises(BadClient):
        check_jwks(jwks)
