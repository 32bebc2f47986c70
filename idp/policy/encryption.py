"""Which answers are encrypted for which client, how, and to which of its keys – OIDC Core §10.2, RFC 7591 §2."""

from collections.abc import Mapping
from typing import Any

from idp.domain.client import BadClient, Client
from idp.domain.json import JsonObject

ALGS = ("RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
ENCS = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
DEFAULT_ENC = "A128CBC-HS256"
#: What can be encrypted: each has a member `…_encrypted_response_alg` and one that ends in `_enc`.
ANSWERS = ("id_token", "userinfo", "introspection", "authorization")
_KEY_TYPES = {"RSA-OAEP-256": "RSA", "ECDH-ES": "EC", "ECDH-ES+A128KW": "EC", "ECDH-ES+A256KW": "EC"}


def wanted(client: Client, answer: str) -> tuple[str, str] | None:
    """Return `alg` and `enc` of one kind of answer for a client, None if it is not encrypted."""
    alg, enc = getattr(client, f"{answer}_encryption_alg"), getattr(client, f"{answer}_encryption_enc")
    return (alg, enc or DEFAULT_ENC) if alg is not None else None


def is_possible(client: Client, answer: str, keys: JsonObject | None) -> bool:
    """Say whether an answer can be encrypted to one of these keys, or need not be."""
    how = wanted(client, answer)
    return how is None or fitting_jwk(keys, how[0]) is not None


def encrypts(client: Client) -> bool:
    """Say whether any answer is encrypted for a client."""
    return any(wanted(client, answer) is not None for answer in ANSWERS)


def fitting_jwk(keys: JsonObject | None, alg: str) -> Mapping[str, Any] | None:
    """Return the first key of a set that is meant for encryption and fits the algorithm (RFC 7517 §4.2, §4.4)."""
    listed: Any = (keys or {}).get("keys") or []
    for jwk in listed:
        is_meant = jwk.get("use") == "enc" and jwk.get("alg") in (None, alg)
        if is_meant and jwk.get("kty") == _KEY_TYPES.get(alg):
            found: Mapping[str, Any] = jwk
            return found
    return None


def check(client: Client) -> None:
    """Raise BadClient for algorithms that are not offered, and for those no key of the client fits."""
    for answer in ANSWERS:
        alg, enc = getattr(client, f"{answer}_encryption_alg"), getattr(client, f"{answer}_encryption_enc")
        if alg is None:
            if enc is not None:  # OIDC Registration §2: never without the other one
                raise BadClient(f"{answer}_encrypted_response_enc needs {answer}_encrypted_response_alg beside it")
            continue
        if alg not in ALGS or (enc is not None and enc not in ENCS):
            raise BadClient(f"answers are encrypted by {', '.join(ALGS)} with {', '.join(ENCS)}")
        if client.jwks is None and client.jwks_uri is None:
            raise BadClient(f"{answer}_encrypted_response_alg needs the client's public keys: jwks or jwks_uri")
        if client.jwks is not None and fitting_jwk(client.jwks, alg) is None:
            raise BadClient(f"jwks has no key with use enc that fits {alg}")
