"""What happened, for the audit trail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EventKind(StrEnum):
    """Stable names of everything that leaves an audit row."""

    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    CODE_ISSUED = "code_issued"
    CODE_REPLAYED = "code_replayed"
    AUTHORIZATION_REFUSED = "authorization_refused"
    TOKENS_ISSUED = "tokens_issued"
    TOKENS_REFRESHED = "tokens_refreshed"
    TOKEN_REFUSED = "token_refused"
    TOKEN_REVOKED = "token_revoked"
    REFRESH_REUSED = "refresh_reused"
    CONSENT_GIVEN = "consent_given"
    CONSENT_DENIED = "consent_denied"
    CLIENT_CHANGED = "client_changed"
    USER_CHANGED = "user_changed"
    ADMINISTRATOR_MADE = "administrator_made"
    KEY_ROTATED = "key_rotated"
    KEY_REVOKED = "key_revoked"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `detail` holds no personal data and no secret."""

    kind: EventKind
    user_id: str | None = None
    client_id: str | None = None
    session_id: str | None = None
    address: str | None = None
    detail: Mapping[str, str | int | bool | None] = field(default_factory=dict)
