"""Every reason for which a person can be refused, as stable codes."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Refusal(StrEnum):
    """A stable code; the words stand in the templates."""

    WRONG_CREDENTIALS = "wrong_credentials"
    THROTTLED = "throttled"
    MISSING_FIELDS = "missing_fields"
    FORM_EXPIRED = "form_expired"
    EMAIL_INVALID = "email_invalid"
    EMAIL_TAKEN = "email_taken"
    USERNAME_INVALID = "username_invalid"
    USERNAME_TAKEN = "username_taken"
    PASSWORD_TOO_SHORT = "password_too_short"
    PASSWORD_TOO_LONG = "password_too_long"
    PASSWORD_BLOCKED = "password_blocked"
    PASSWORD_INVALID = "password_invalid"
    LINK_SPENT = "link_spent"


@dataclass(frozen=True, slots=True)
class Refused:
    """A person may not pass; what was counted and logged stays."""

    reason: Refusal
    wait: timedelta | None = None
