"""Which registrations of encrypted answers are refused, and to which key an answer goes."""

from typing import Any

import pytest

from idp.domain.client import BadClient
from idp.policy import clients, encryption
from tests.support.builders import client

RSA: dict[str, Any] = {"kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "enc"}
EC: dict[str, Any] = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "use": "enc"}
REFUSED: dict[str, dict[str, Any]] = {
    "enc without alg": {"id_token_encryption_enc": "A128GCM", "jwks": {"keys": [RSA]}},
    "RSA1_5": {"id_token_encryption_alg": "RSA1_5", "jwks": {"keys": [RSA]}},
    "RSA-OAEP with SHA-1": {"userinfo_encryption_alg": "RSA-OAEP", "jwks": {"keys": [RSA]}},
    "dir": {"userinfo_encryption_alg": "dir", "jwks": {"keys": [RSA]}},
    "PBES2": {"introspection_encryption_alg": "PBES2-HS256+A128KW", "jwks": {"keys": [RSA]}},
    "an unknown enc": {
        "id_token_encryption_alg": "ECDH-ES", "id_token_encryption_enc": "A192GCM", "jwks": {"keys": [EC]},
    },
    "no keys": {"id_token_encryption_alg": "RSA-OAEP-256"},
    "a key of another type": {"id_token_encryption_alg": "RSA-OAEP-256", "jwks": {"keys": [EC]}},
    "a key for signatures": {"id_token_encryption_alg": "ECDH-ES", "jwks": {"keys": [EC | {"use": "sig"}]}},
    "a key without use": {
        "id_token_encryption_alg": "ECDH-ES", "jwks": {"keys": [{k: v for k, v in EC.items() if k != "use"}]},
    },
    "a key for another algorithm": {
        "id_token_encryption_alg": "ECDH-ES", "jwks": {"keys": [EC | {"alg": "ECDH-ES+A128KW"}]},
    },
}  # fmt: skip


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
def test_an_encryption_that_cannot_be_done_is_refused_at_registration(changes: dict[str, Any]) -> None:
    """OIDC Registration §2, OIDC Core §10.2."""
    with pytest.raises(BadClient) as refused:
        clients.check(client(**changes))

    assert refused.value.code == "invalid_client_metadata"


@pytest.mark.parametrize("alg", encryption.ALGS)
@pytest.mark.parametrize("enc", [None, *encryption.ENCS])
def test_every_offered_pair_may_be_registered(alg: str, enc: str | None) -> None:
    accepted = client(id_token_encryption_alg=alg, id_token_encryption_enc=enc, jwks={"keys": [RSA, EC]})

    clients.check(accepted)

    assert encryption.wanted(accepted, "id_token") == (alg, enc or "A128CBC-HS256")


def test_keys_elsewhere_are_looked_at_when_they_are_needed() -> None:
    clients.check(client(userinfo_encryption_alg="ECDH-ES", jwks_uri="https://rp.example/jwks"))


def test_an_answer_goes_to_the_key_that_is_meant_for_it() -> None:
    """RFC 7517 §4.2: a set that holds both says which is which."""
    signing, other, right = RSA | {"use": "sig"}, EC | {"kid": "b"}, RSA | {"kid": "c"}

    assert encryption.fitting_jwk({"keys": [signing, other, right]}, "RSA-OAEP-256") == right
    assert encryption.fitting_jwk(None, "RSA-OAEP-256") is None


def test_a_client_that_registered_nothing_gets_plain_answers() -> None:
    assert not encryption.encrypts(client())
    assert encryption.encrypts(client(userinfo_encryption_alg="ECDH-ES", jwks={"keys": [EC]}))


@pytest.mark.parametrize("member", ["userinfo_alg", "introspection_alg"])
def test_answers_are_signed_by_an_algorithm_of_ours_only(member: str) -> None:
    for alg in ("none", "HS256", "RS384"):
        with pytest.raises(BadClient):
            clients.check(client(**{member: alg}))
    clients.check(client(**{member: "EdDSA"}))
