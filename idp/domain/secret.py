"""Opaque secrets: made here, compared here, stored as keyed digests only.

This is the only source of randomness in the project, so that one place decides how many bits
a secret has (RFC 6749 §10.10 asks for at least 128; tokens and codes here have 256).
"""

import base64
import hashlib
import hmac
import secrets
from typing import NewType, Protocol

Digest = NewType("Digest", bytes)

ID_BYTES = 16
SECRET_BYTES = 32
READABLE = "abcdefghijklmnopqrstuvwxyz234567"


class Sealer(Protocol):
    """Seals bytes so that they open only in the place they were sealed for."""

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """Return the sealed bytes, bound to `place` (table|column|row)."""
        ...

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Return what was sealed for `place`; raise SealBroken for anything else."""
        ...


class SealBroken(Exception):
    """The bytes were changed, moved to another place, or sealed under an unknown key."""


def base64url(raw: bytes) -> str:
    """Encode without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Decode base64url without padding; raise ValueError unless the spelling is the canonical one.

    Slack bits, padding and foreign characters are refused, so that one value has one spelling.
    """
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if base64url(raw) != text:
        raise ValueError("not canonical base64url")
    return raw


def make_secret() -> str:
    """Make a token, code or client secret of 256 bits."""
    return base64url(secrets.token_bytes(SECRET_BYTES))


def make_id() -> str:
    """Make an identifier of nearly 128 bits that no one can guess, and that no command takes for an option."""
    while (made := base64url(secrets.token_bytes(ID_BYTES))).startswith("-"):
        pass
    return made


def make_user_id() -> str:
    """Make a user's id: 26 lower-case base32 characters, a shape no client id may have."""
    return base64.b32encode(secrets.token_bytes(ID_BYTES)).rstrip(b"=").decode().lower()


def make_digits(count: int) -> str:
    """Make a code of decimal digits, each value as likely as any other."""
    return f"{secrets.randbelow(10**count):0{count}}"


def make_readable(count: int) -> str:
    """Make that many characters that people can copy from paper, 5 bits each (RFC 4648 §6, lower case)."""
    return "".join(secrets.choice(READABLE) for _ in range(count))


def make_word(count: int, letters: str) -> str:
    """Make that many of these letters, each as likely as any other."""
    return "".join(secrets.choice(letters) for _ in range(count))


def random_bytes(count: int) -> bytes:
    """Return that many random bytes."""
    return secrets.token_bytes(count)


def equal(left: bytes, right: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left, right)


class Digester:
    """Turns secrets and look-up values into keyed digests; each purpose has a key of its own."""

    def __init__(self, key: bytes) -> None:
        """Keep the key; it is one of the deployment's data keys."""
        self._key = key

    def digest(self, purpose: str, value: str) -> Digest:
        """Return the 256-bit digest of a value for one purpose (`code`, `session`, `email`)."""
        return Digest(hmac.digest(self._key, f"{purpose}|{value}".encode("utf-8", "surrogatepass"), hashlib.sha256))

    def tag(self, purpose: str, value: str) -> str:
        """Return the digest as text, for CSRF tokens and derived identifiers."""
        return base64url(self.digest(purpose, value))
