"""What a key store promises: it makes, signs and seals; private keys never leave it."""

from collections.abc import Mapping
from typing import Protocol

from idp.domain.json import Json, JsonObject
from idp.domain.secret import Sealer


class KeyStoreFault(Exception):
    """The key store cannot do its work: files unreadable, or sealed under another master key."""


class KeyStore(Protocol):
    """Holds private signing keys by reference."""

    def make(self, kind: str) -> tuple[str, JsonObject]:
        """Make a key pair (`RSA`, `P-256` or `Ed25519`); return its reference and public JWK without kid.

        Raises KeyStoreFault if it cannot be kept.
        """
        ...

    def load(self, ref: str) -> None:
        """Bring a private key into memory, so that signing needs no file; raise KeyStoreFault if it is not there."""
        ...

    def sign(self, ref: str, *, header: Mapping[str, str], claims: Mapping[str, Json]) -> str:
        """Return a compact JWS of the claims, signed by `alg` of the header (RFC 7515 §3.1)."""
        ...

    def delete(self, ref: str) -> None:
        """Destroy a private key; a key that is gone already is no fault."""
        ...


__all__ = ["KeyStore", "KeyStoreFault", "Sealer"]
