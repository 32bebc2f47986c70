"""Requests that a person answers on another device than the one that asks: RFC 8628 and CIBA."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, no Y: they spell no word (RFC 8628 §6.1)
USER_CODE_LENGTH = 8
_SEPARATORS = re.compile(r"[\s\-‐-―−_.]+")


class Channel(StrEnum):
    """By which specification the request came."""

    DEVICE = "device"
    CIBA = "ciba"

    @property
    def grant_type(self) -> str:
        """Return the grant type by which the client polls (RFC 8628 §3.4, CIBA §10.1)."""
        return _GRANT_TYPES[self.value]


_GRANT_TYPES = {
    "device": "urn:ietf:params:oauth:grant-type:device_code",
    "ciba": "urn:openid:params:grant-type:ciba",
}


@dataclass(frozen=True, slots=True)
class Approval:
    """The waiting request that a person is asked to approve, and what its page shows of it.

    `message` is what ties it to what the person sees elsewhere: the user code that they typed (RFC 8628 §3.3), or the
    binding message (CIBA §7.1). `address` is the network address that asked.
    """

    channel: Channel
    id: str
    asked_at: datetime
    address: str
    message: str | None = None


def read_user_code(typed: str) -> str | None:
    """Return a user code as it is stored, without case, spaces and dashes (RFC 8628 §6.1); None if it cannot be one."""
    plain = _SEPARATORS.sub("", typed[:64]).upper()
    is_one = len(plain) == USER_CODE_LENGTH and set(plain) <= set(USER_CODE_LETTERS)
    return plain if is_one else None


def show_user_code(code: str) -> str:
    """Return a user code as people read it: XXXX-XXXX."""
    half = USER_CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"
