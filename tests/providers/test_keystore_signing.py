"""What we sign is verified by three libraries that share no code, and by no other key."""

import json
import warnings
from collections.abc import Callable
from typing import Any

import joserfc.errors
import jwcrypto.common
import jwcrypto.jwk
import jwcrypto.jws
import jwt
import pytest
from joserfc import jws
from joserfc.jwk import import_key

from idp.domain.json import JsonObject
from idp.domain.secret import from_base64url
from idp.providers.keystore.local import SIGNING_ALGS, LocalKeyStore

KIND = {"RS256": "RSA", "PS256": "RSA", "ES256": "P-256", "EdDSA": "Ed25519"}
CLAIMS: dict[str, Any] = {"iss": "https://idp.example", "sub": "ålice", "exp": 4102444800, "amr": ["pwd"], "n": None}

Pairs = dict[str, tuple[str, JsonObject]]
Verify = Callable[[str, dict[str, Any], str], Any]


def by_joserfc(token: str, jwk: dict[str, Any], alg: str) -> Any:
    with warnings.catch_warnings(action="ignore", category=joserfc.errors.SecurityWarning):  # EdDSA has a newer name
        return json.loads(jws.deserialize_compact(token, import_key(jwk), algorithms=[alg]).payload)


def by_pyjwt(token: str, jwk: dict[str, Any], alg: str) -> Any:
    return jwt.decode(token, jwt.PyJWK(jwk, algorithm=alg), algorithms=[alg])


def by_jwcrypto(token: str, jwk: dict[str, Any], alg: str) -> Any:
    signed = jwcrypto.jws.JWS()
    signed.allowed_algs = [alg]
    signed.deserialize(token, jwcrypto.jwk.JWK(**jwk))
    return json.loads(signed.payload)


VERIFIERS: list[Verify] = [by_joserfc, by_pyjwt, by_jwcrypto]
REFUSED = (joserfc.errors.JoseError, jwt.PyJWTError, jwcrypto.jws.InvalidJWSSignature)


@pytest.mark.parametrize("alg", SIGNING_ALGS)
@pytest.mark.parametrize("verify", VERIFIERS)
def test_a_signature_verifies_elsewhere(store: LocalKeyStore, pairs: Pairs, alg: str, verify: Verify) -> None:
    """RFC 7515 §5.1; RFC 8037 §3.1."""
    ref, public = pairs[KIND[alg]]

    token = store.sign(ref, header={"alg": alg, "kid": "k1", "typ": "at+jwt"}, claims=CLAIMS)

    assert verify(token, dict(public), alg) == CLAIMS
    assert json.loads(from_base64url(token.split(".")[0])) == {"alg": alg, "kid": "k1", "typ": "at+jwt"}


@pytest.mark.parametrize("alg", SIGNING_ALGS)
@pytest.mark.parametrize("verify", VERIFIERS)
def test_a_changed_claim_verifies_nowhere(store: LocalKeyStore, pairs: Pairs, alg: str, verify: Verify) -> None:
    ref, public = pairs[KIND[alg]]
    one, other = (store.sign(ref, header={"alg": alg}, claims={"sub": name}) for name in ("alice", "admin"))

    forged = ".".join((*other.split(".")[:2], one.split(".")[2]))

    with pytest.raises(REFUSED):
        verify(forged, dict(public), alg)


@pytest.mark.parametrize("kind", ["RSA", "P-256", "Ed25519"])
def test_a_public_key_is_strong_and_holds_nothing_private(pairs: Pairs, kind: str) -> None:
    """Goal G10: RSA of 3072 bits or more, P-256 or Ed25519; case KY01."""
    _ref, public = pairs[kind]

    assert set(public) <= {"kty", "crv", "x", "y", "n", "e"}
    if kind == "RSA":
        assert len(from_base64url(str(public["n"]))) * 8 >= 3072
        assert public["e"] == "AQAB"


@pytest.mark.parametrize(
    ("kind", "alg"),
    [("RSA", "ES256"), ("RSA", "none"), ("RSA", "HS256"), ("P-256", "RS256"), ("P-256", "HS256"), ("Ed25519", "ES256")],
)
def test_a_key_signs_by_its_own_algorithms_only(store: LocalKeyStore, pairs: Pairs, kind: str, alg: str) -> None:
    """RFC 8725 §3.1."""
    ref, _public = pairs[kind]

    with pytest.raises((joserfc.errors.JoseError, ValueError)):
        store.sign(ref, header={"alg": alg}, claims={})


def test_a_token_may_carry_many_claims(store: LocalKeyStore, pairs: Pairs) -> None:
    ref, public = pairs["P-256"]
    claims = {f"claim{number}": "x" * 100 for number in range(1000)}

    token = store.sign(ref, header={"alg": "ES256"}, claims=claims)

    assert by_pyjwt(token, dict(public), "ES256") == claims
