"""Every reason for which a person can be refused, as stable codes."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Refusal(StrEnum):
    """A stable code; the words stand in the templates."""

    WRONG_CREDENTIALS = "wrong_credentials"
    THROTTLED = "throttled"
    WORK_MISSING = "work_missing"  # guessing is going on, and this browser must calculate first
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
    PASSWORD_BREACHED = "password_breached"
    PASSWORD_PERSONAL = "password_personal"
    PASSWORD_GUESSABLE = "password_guessable"
    PASSWORD_REUSED = "password_reused"
    LINK_SPENT = "link_spent"
    CODE_WRONG = "code_wrong"
    CODE_EXPIRED = "code_expired"
    TOO_MANY_SENT = "too_many_sent"
    TOO_MANY = "too_many"
    NOT_AVAILABLE = "not_available"
    PHONE_INVALID = "phone_invalid"
    PASSKEY_REFUSED = "passkey_refused"
    PASSKEY_UNKNOWN = "passkey_unknown"
    PASSKEY_TAKEN = "passkey_taken"
    PASSKEY_NOT_ALLOWED = "passkey_not_allowed"
    LAST_WAY_IN = "last_way_in"
    NAME_INVALID = "name_invalid"
    IDENTITY_TAKEN = "identity_taken"  # it leads into another account already


@dataclass(frozen=True, slots=True)
class Refused:
    """A person may not pass; what was counted and logged stays."""

    reason: Refusal
    wait: timedelta | None = None
