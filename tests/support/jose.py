"""Signs whatever it is told: any header, any payload, any algorithm. Tests say with it what nobody should believe."""

import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "ES256K": "secp256k1"}


def base64url(raw: bytes) -> str:
    """Encode without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unbase64url(text: str) -> bytes:
    """Decode without padding, and as kindly as Python does."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def forge(
    header: str | Mapping[str, Any], payload: bytes | Mapping[str, Any], key: Key | bytes | None, alg: str
) -> str:
    """Return a compact JWS with this very header and payload, signed by `alg` whatever the header says.

    Bytes as the key are an HMAC secret; without a key there is no signature.
    """
    head = header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    protected, content = base64url(head.encode()), base64url(body)
    return f"{protected}.{content}.{_sign(f'{protected}.{content}'.encode(), key, alg)}"


def _sign(message: bytes, key: Key | bytes | None, alg: str) -> str:
    if key is None:
        return ""
    if isinstance(key, bytes):
        return base64url(hmac.digest(key, message, HASHES[alg]))
    registry = jws.JWSRegistry(algorithms=[alg])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # joserfc dislikes some of these names
        return base64url(registry.get_alg(alg).sign(message, _for_any_use(key)))


def _for_any_use(key: Key) -> Any:
    """Return the key without what restricts it."""
    members = {
        name: value for name, value in key.as_dict(private=True).items() if name not in ("use", "alg", "key_ops")
    }
    return import_key(members)


def fitting_key(alg: str) -> Key | bytes:
    """Return a new key for an algorithm."""
    if alg in HASHES:
        return b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    if alg in CURVES:
        return ECKey.generate_key(CURVES[alg])
    return OKPKey.generate_key("Ed25519") if alg in ("EdDSA", "Ed25519") else RSAKey.generate_key(2048)


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a compact JWS without believing them."""
    header, payload, _signature = token.split(".")
    return json.loads(unbase64url(header)), json.loads(unbase64url(payload))
