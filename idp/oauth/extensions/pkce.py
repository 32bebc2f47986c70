"""Proof Key for Code Exchange – RFC 7636, tightened by RFC 9700 §2.1.1.

Checks code_challenge at /authorize, code_verifier at /token. Only S256, spelt so.
Not here: which clients must use it → policy/profiles.py.
"""

import hashlib
import re

from authlib.oauth2.rfc6749 import InvalidGrantError

from idp.domain.secret import base64url, equal
from idp.oauth.errors import RedirectError

_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1


def s256(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 §4.2)."""
    return base64url(hashlib.sha256(verifier.encode("ascii")).digest())


def check_challenge(challenge: str | None, method: str | None, *, is_required: bool) -> None:
    """Refuse an authorization request whose challenge is missing where due, malformed, or not S256 (RFC 7636 §4.3)."""
    if challenge is None:
        if is_required or method is not None:
            raise RedirectError("invalid_request", "code_challenge is missing; send an S256 challenge (RFC 7636)")
        return
    if method != "S256":
        raise RedirectError("invalid_request", "code_challenge_method must be S256")
    if not _UNRESERVED.fullmatch(challenge):
        raise RedirectError("invalid_request", "code_challenge must have 43 to 128 unreserved characters")


def check_verifier(verifier: str | None, challenge: str | None) -> None:
    """Refuse a code unless its verifier hashes to its challenge (RFC 7636 §4.6)."""
    if challenge is None and verifier is None:
        return
    if challenge is None:  # somebody stripped the challenge, RFC 9700 §4.8.2
        raise InvalidGrantError("code_verifier was sent, but the authorization request had no code_challenge")
    if verifier is None or not _UNRESERVED.fullmatch(verifier):
        raise InvalidGrantError("code_verifier is missing or malformed")
    if not equal(s256(verifier).encode(), challenge.encode()):
        raise InvalidGrantError("code_verifier does not match code_challenge")
