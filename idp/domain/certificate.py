"""A client's certificate, as the connection or the proxy before us told of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate in DER form, whose holder has proved to have its key.

    `is_verified` says whether whoever ended TLS also verified its chain (RFC 8705 §2.1); that of a self-signed one is
    of no account (§2.2).
    """

    der: bytes
    is_verified: bool
