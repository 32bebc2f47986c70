"""at_hash and c_hash – OIDC Core A.3, A.4, A.6, §3.1.3.6: the examples, and the hash that goes with each algorithm."""

import hashlib

import pytest

from idp.oauth.openid.id_token import half_hash
from tests.support.jose import base64url

ACCESS_TOKEN = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
CODE = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"


def test_at_hash_of_the_example() -> None:
    """OIDC Core A.3 (id_token token), A.6 (code id_token token)."""
    assert half_hash(ACCESS_TOKEN, "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"


def test_c_hash_of_the_example() -> None:
    """OIDC Core A.4 (code id_token), A.6 (code id_token token)."""
    assert half_hash(CODE, "RS256") == "LDktKdoQak3Pk0cnXxCltA"


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_algorithms_with_sha_256_take_its_left_half(alg: str) -> None:
    """OIDC Core §3.1.3.6."""
    assert half_hash(ACCESS_TOKEN, alg) == base64url(hashlib.sha256(ACCESS_TOKEN.encode()).digest()[:16])


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_eddsa_takes_the_left_half_of_sha_512(alg: str) -> None:
    """OIDC Core §3.1.3.6 with RFC 8032 §5.1: the hash inside Ed25519."""
    assert half_hash(ACCESS_TOKEN, alg) == base64url(hashlib.sha512(ACCESS_TOKEN.encode()).digest()[:32])
