"""ID tokens of the front channel – OIDC Core A, §3.1.3.6: the examples, and the hash that goes with each algorithm."""

import hashlib

import pytest
from joserfc.jwk import RSAKey

from idp.oauth.keyring import verify
from idp.oauth.openid.id_token import half_hash
from tests.support.jose import base64url

ACCESS_TOKEN = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
CODE = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
# A.7 and the ID tokens that it signed: alone (A.2), beside an access token (A.3), beside a code.
MODULUS = (
    "w7Zdfmece8iaB0kiTY8pCtiBtzbptJmP28nSWwtdjRu0f2GFpajvWE4VhfJAjEsOcwYzay7XGN0b-X84BfC8hmCTOj2b2eHT7NsZ"
    "egFPKRUQzJ9wW8ipn_aDJWMGDuB1XyqT1E7DYqjUCEOD1b4FLpy_xPn6oV_TYOfQ9fZdbE5HGxJUzekuGcOKqOQ8M7wfYHhHHLxG"
    "pQVgL0apWuP2gDDOdTtpuld4D2LK1MZK99s9gaSjRHE8JDb1Z4IGhEcEyzkxswVdPndUWzfvWBBWXWxtSUvQGBRkuy1BHOa4sP6F"
    "KjWEeeF7gm7UMs2Nm2QUgNZw6xvEDGaLk4KASdIxRQ"
)
ALONE = (
    "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwOi8vc2VydmVyLmV4YW1wbGUuY29tIiwKICJzd"
    "WIiOiAiMjQ4Mjg5NzYxMDAxIiwKICJhdWQiOiAiczZCaGRSa3F0MyIsCiAibm9uY2UiOiAibi0wUzZfV3pBMk1qIiwKICJleHAiO"
    "iAxMzExMjgxOTcwLAogImlhdCI6IDEzMTEyODA5NzAsCiAibmFtZSI6ICJKYW5lIERvZSIsCiAiZ2l2ZW5fbmFtZSI6ICJKYW5lI"
    "iwKICJmYW1pbHlfbmFtZSI6ICJEb2UiLAogImdlbmRlciI6ICJmZW1hbGUiLAogImJpcnRoZGF0ZSI6ICIwMDAwLTEwLTMxIiwKI"
    "CJlbWFpbCI6ICJqYW5lZG9lQGV4YW1wbGUuY29tIiwKICJwaWN0dXJlIjogImh0dHA6Ly9leGFtcGxlLmNvbS9qYW5lZG9lL21lL"
    "mpwZyIKfQ.rHQjEmBqn9Jre0OLykYNnspA10Qql2rvx4FsD00jwlB0Sym4NzpgvPKsDjn_wMkHxcp6CilPcoKrWHcipR2iAjzLvD"
    "NAReF97zoJqq880ZD1bwY82JDauCXELVR9O6_B0w3K-E7yM2macAAgNCUwtik6SjoSUZRcf-O5lygIyLENx882p6MtmwaL1hd6qn"
    "5RZOQ0TLrOYu0532g9Exxcm-ChymrB4xLykpDj3lUivJt63eEGGN6DH5K6o33TcxkIjNrCD4XB1CKKumZvCedgHHF3IAK4dVEDSU"
    "oGlH9z4pP_eWYNXvqQOjGs-rDaQzUHl6cQQWNiDpWOl_lxXjQEvQ"
)
WITH_ACCESS_TOKEN = (
    "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwOi8vc2VydmVyLmV4YW1wbGUuY29tIiwKICJzd"
    "WIiOiAiMjQ4Mjg5NzYxMDAxIiwKICJhdWQiOiAiczZCaGRSa3F0MyIsCiAibm9uY2UiOiAibi0wUzZfV3pBMk1qIiwKICJleHAiO"
    "iAxMzExMjgxOTcwLAogImlhdCI6IDEzMTEyODA5NzAsCiAiYXRfaGFzaCI6ICI3N1FtVVB0alBmeld0RjJBbnBLOVJRIgp9.F9gR"
    "ev0Dt2tKcrBkHy72cmRqnLdzw9FLCCSebV7mWs7o_sv2O5s6zMky2kmhHTVx9HmdvNnx9GaZ8XMYRFeYk8L5NZ7aYlA5W56nsG1i"
    "WOou_-gji0ibWIuuf4Owaho3YSoi7EvsTuLFz6tq-dLyz0dKABMDsiCmJ5wqkPUDTE3QTXjzbUmOzUDli-gCh5QPuZAq0cNW3pf_"
    "2n4zpvTYtbmj12cVcxGIMZby7TMWESRjQ9_o3jvhVNcCGcE0KAQXejhA1ocJhNEvQNqMFGlBb6_0RxxKjDZ-Oa329eGDidOvvp0h"
    "5hoES4a8IuGKS7NOcpp-aFwp0qVMDLI-Xnm-Pg"
)
WITH_CODE = (
    "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwOi8vc2VydmVyLmV4YW1wbGUuY29tIiwKICJzd"
    "WIiOiAiMjQ4Mjg5NzYxMDAxIiwKICJhdWQiOiAiczZCaGRSa3F0MyIsCiAibm9uY2UiOiAibi0wUzZfV3pBMk1qIiwKICJleHAiO"
    "iAxMzExMjgxOTcwLAogImlhdCI6IDEzMTEyODA5NzAsCiAiY19oYXNoIjogIkxEa3RLZG9RYWszUGswY25YeENsdEEiCn0.XW6uh"
    "drkBgcGx6zVIrCiROpWURs-4goO1sKA4m9jhJIImiGg5muPUcNegx6sSv43c5DSn37sxCRrDZZm4ZPBKKgtYASMcE20SDgvYJdJS"
    "0cyuFw7Ijp_7WnIjcrl6B5cmoM6ylCvsLMwkoQAxVublMwH10oAxjzD6NEFsu9nipkszWhsPePf_rM4eMpkmCbTzume-fzZIi5Vj"
    "dWGGEmzTg32h3jiex-r5WTHbj-u5HL7u_KP3rmbdYNzlzd1xWRYTUs4E8nOTgzAUwvwXkIQhOh5TPcSMBYy6X3E7-_gr9Ue6n4ND"
    "7hTFhtjYs3cjNKIA08qm5cpVYFMFMG6PkhzLQ"
)


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


@pytest.mark.parametrize(
    ("token", "beside"),
    [(ALONE, {}), (WITH_ACCESS_TOKEN, {"at_hash": ACCESS_TOKEN}), (WITH_CODE, {"c_hash": CODE})],
)  # fmt: skip
def test_each_example_is_signed_and_names_what_stands_beside_it(token: str, beside: dict[str, str]) -> None:
    """OIDC Core A.2, A.3, A.6, A.7: verified by RS256 alone; claims of scopes only where nothing stands beside it."""
    key = RSAKey.import_key({"kty": "RSA", "n": MODULUS, "e": "AQAB"})

    claims = verify(token, key, ("RS256",))

    assert claims is not None
    hashes = {name: claims[name] for name in ("at_hash", "c_hash") if name in claims}
    assert hashes == {name: half_hash(value, "RS256") for name, value in beside.items()}
    assert ("name" in claims) is not bool(beside)
    assert verify(token, key, ("PS256", "ES256", "EdDSA")) is None
    assert verify(token[:-8] + "AAAAAAAA", key, ("RS256",)) is None
