"""Sealing with AES-256-GCM under keys derived from the master keys.

A sealed value is one version byte, four bytes of key id, the 96-bit nonce, and the ciphertext. The place it
was sealed for is authenticated with it, so a value moved to another row or column does not open. The first
master key seals, every listed one opens: that is how master keys rotate.
"""

import hashlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idp.domain.secret import SealBroken, random_bytes

MASTER_KEY_BYTES = 32
_VERSION = b"\x01"
_ID_BYTES = 4
_NONCE_BYTES = 12
_HEADER = 1 + _ID_BYTES + _NONCE_BYTES


def derive(key: bytes, purpose: str) -> bytes:
    """Derive a 256-bit key for one purpose (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key)


class AesSealer:
    """Seals under the first of several keys and opens under any of them."""

    def __init__(self, keys: Sequence[bytes], *, purpose: str) -> None:
        """Derive one sealing key from each given key."""
        if not keys:
            raise ValueError("at least one key is needed")
        derived = [derive(key, f"idp seal {purpose}") for key in keys]
        self._ciphers = {hashlib.sha256(key).digest()[:_ID_BYTES]: AESGCM(key) for key in reversed(derived)}
        self._first = hashlib.sha256(derived[0]).digest()[:_ID_BYTES]

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """Return the sealed bytes, bound to `place`."""
        nonce = random_bytes(_NONCE_BYTES)
        return _VERSION + self._first + nonce + self._ciphers[self._first].encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Return what was sealed for `place`; raise SealBroken for anything else."""
        cipher = self._ciphers.get(sealed[1 : 1 + _ID_BYTES])
        if sealed[:1] != _VERSION or cipher is None:
            raise SealBroken("sealed under a key that is not listed")
        try:
            return cipher.decrypt(sealed[1 + _ID_BYTES : _HEADER], sealed[_HEADER:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken("changed, or moved from its place") from error

    def is_current(self, sealed: bytes) -> bool:
        """Say whether the value was sealed under the first key."""
        return sealed[1 : 1 + _ID_BYTES] == self._first
