"""The floor's cryptography: the same signatures, digests and seals as the provider's, straight from the library."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

RSA_BITS = 3072
_PADDING, _SHA256, _ECDSA = padding.PKCS1v15(), hashes.SHA256(), ec.ECDSA(hashes.SHA256())
_RSA = rsa.generate_private_key(65537, RSA_BITS)
_EC = ec.generate_private_key(ec.SECP256R1())
_EC_PUBLIC = _EC.public_key()
_AES = AESGCM(AESGCM.generate_key(256))
_DIGEST_KEY = secrets.token_bytes(32)


def b64(raw: bytes) -> bytes:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def unb64(text: bytes) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def _header(alg: str, typ: str) -> bytes:
    return b64(json.dumps({"alg": alg, "typ": typ, "kid": b64(secrets.token_bytes(16)).decode()}).encode())


_ACCESS_HEADER, _ID_HEADER = _header("ES256", "at+jwt"), _header("RS256", "JWT")


def access_token(claims: dict[str, Any]) -> str:
    """Sign with ES256."""
    message = _ACCESS_HEADER + b"." + b64(json.dumps(claims, separators=(",", ":")).encode())
    r, s = decode_dss_signature(_EC.sign(message, _ECDSA))
    return (message + b"." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))).decode()


def id_token(claims: dict[str, Any]) -> str:
    """Sign with RS256."""
    message = _ID_HEADER + b"." + b64(json.dumps(claims, separators=(",", ":")).encode())
    return (message + b"." + b64(_RSA.sign(message, _PADDING, _SHA256))).decode()


def read_access_token(token: bytes) -> dict[str, Any] | None:
    """Return the claims of a token that we signed, None for anything else."""
    message, _, signature = token.rpartition(b".")
    header, _, payload = message.partition(b".")
    if header != _ACCESS_HEADER:
        return None
    raw = unb64(signature)
    try:
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        _EC_PUBLIC.verify(der, message, _ECDSA)
    except (InvalidSignature, ValueError):
        return None
    claims: dict[str, Any] = json.loads(unb64(payload))
    return claims


def digest(purpose: bytes, value: bytes) -> bytes:
    """Return what is stored of a secret."""
    return hmac.digest(_DIGEST_KEY, purpose + value, "sha256")


def at_hash(token: str) -> str:
    """Return the left half of a token's hash (OIDC Core §3.1.3.6)."""
    return b64(hashlib.sha256(token.encode()).digest()[:16]).decode()


def s256(verifier: bytes) -> str:
    """Return the code challenge of a verifier (RFC 7636 §4.2)."""
    return b64(hashlib.sha256(verifier).digest()).decode()


def seal(plain: bytes, place: bytes) -> bytes:
    """Seal personal data, bound to its place."""
    nonce = secrets.token_bytes(12)
    return nonce + _AES.encrypt(nonce, plain, place)


def unseal(sealed: bytes, place: bytes) -> bytes:
    """Open what was sealed for this place."""
    return _AES.decrypt(sealed[:12], sealed[12:], place)


def make_id() -> str:
    """Make an identifier of 128 bits."""
    return b64(secrets.token_bytes(16)).decode()


def make_secret() -> str:
    """Make a secret of 256 bits."""
    return b64(secrets.token_bytes(32)).decode()


def make_refresh_token(grant_id: str) -> bytes:
    """Make a token that names its family and carries our tag, so that reuse is told from invention."""
    body = unb64(grant_id.encode()) + secrets.token_bytes(32)
    return b64(body + digest(b"tag", body)[:16])


def family_of(refresh_token: bytes) -> str | None:
    """Return the family of a refresh token that we made."""
    raw = unb64(refresh_token)
    body, tag = raw[:-16], raw[-16:]
    return b64(body[:16]).decode() if hmac.compare_digest(tag, digest(b"tag", body)[:16]) else None
