"""A client's certificate: from the connection itself, or from a trusted proxy that ended TLS – RFC 8705 §2, RFC 9440.

The ASGI extension `tls` tells of it where the server ends TLS. A proxy tells by `Client-Cert` (RFC 9440 §2.2, DER in
base64 between colons) or by `X-Client-Cert` (URL-encoded PEM, as nginx writes it); `X-Client-Verify` says whether it
verified the chain, which RFC 9440 promises and nginx does not. Anything doubtful is no certificate.
"""

import base64
import binascii
import ssl
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from idp.domain.certificate import ClientCertificate

MAX_CERTIFICATE = 8192
VERIFIED = b"SUCCESS"
RFC9440, NGINX, VERIFY = b"client-cert", b"x-client-cert", b"x-client-verify"
HEADERS = (RFC9440, b"client-cert-chain", NGINX, VERIFY)
Headers = list[tuple[bytes, bytes]]


def of_connection(scope: Scope) -> ClientCertificate | None:
    """Return the certificate of a TLS connection that ended at this server (ASGI TLS extension)."""
    told = scope.get("extensions", {}).get("tls") or {}
    chain = list(told.get("client_cert_chain") or ())
    if not chain:
        return None
    der = _of_pem(chain[0].encode() if isinstance(chain[0], str) else chain[0])
    return None if der is None else ClientCertificate(der, told.get("client_cert_error") is None)


def of_proxy(headers: Headers) -> ClientCertificate | None:
    """Return the certificate that a trusted proxy tells of; two that tell are none."""
    told = {name: [value for each, value in headers if each == name] for name in (RFC9440, NGINX, VERIFY)}
    if len(told[RFC9440]) + len(told[NGINX]) != 1 or len(told[VERIFY]) > 1:
        return None
    is_verified = VERIFIED in told[VERIFY] if told[VERIFY] else bool(told[RFC9440])
    der = _of_field(told[RFC9440][0]) if told[RFC9440] else _of_pem(unquote_to_bytes(told[NGINX][0]))
    return None if der is None else ClientCertificate(der, is_verified)


def _of_field(value: bytes) -> bytes | None:
    """Return the DER of a byte sequence (RFC 8941 §3.3.5)."""
    value = value.strip()
    if len(value) < 2 or value[:1] != b":" or value[-1:] != b":":
        return None
    try:
        return _short(base64.b64decode(value[1:-1], validate=True))
    except binascii.Error:
        return None


def _of_pem(text: bytes) -> bytes | None:
    try:
        return _short(ssl.PEM_cert_to_DER_cert(text.decode("ascii")))
    except (ValueError, UnicodeDecodeError):
        return None


def _short(der: bytes) -> bytes | None:
    return der if 0 < len(der) <= MAX_CERTIFICATE else None
