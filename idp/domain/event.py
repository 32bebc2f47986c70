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
    FACTOR_PROVED = "factor_proved"
    FACTOR_REFUSED = "factor_refused"
    CODE_SENT = "code_sent"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTOR_RENAMED = "factor_renamed"
    PASSKEY_COPIED = "passkey_copied"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    BROWSER_REMEMBERED = "browser_remembered"
    BROWSER_FORGOTTEN = "browser_forgotten"
    SIGN_UP_STARTED = "sign_up_started"
    SIGNED_UP = "signed_up"
    INVITED = "invited"
    ADDRESS_VERIFIED = "address_verified"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_BREACHED = "password_breached"
    PASSWORD_RESET = "password_reset"
    RESET_ASKED = "reset_asked"
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_UNDONE = "email_change_undone"
    PHONE_CHANGED = "phone_changed"
    PROFILE_CHANGED = "profile_changed"
    RECOVERY_STARTED = "recovery_started"
    RECOVERY_CANCELLED = "recovery_cancelled"
    RECOVERY_DONE = "recovery_done"
    SESSIONS_ENDED = "sessions_ended"
    APP_REMOVED = "app_removed"
    DATA_EXPORTED = "data_exported"
    DELETION_SCHEDULED = "deletion_scheduled"
    DELETION_UNDONE = "deletion_undone"
    ACCOUNT_DELETED = "account_deleted"
    ACCOUNT_SECURED = "account_secured"
    ATTEMPT_ASKED = "attempt_asked"
    ATTEMPT_DENIED = "attempt_denied"
    ATTEMPT_LABELLED = "attempt_labelled"
    POLICY_CHANGED = "policy_changed"
    POLICY_REVERTED = "policy_reverted"
    DECISION_READ = "decision_read"
    DECISION_LABELLED = "decision_labelled"
    DRAFT_APPROVED = "draft_approved"
    DRAFT_REMOVED = "draft_removed"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `detail` holds no personal data and no secret."""

    kind: EventKind
    user_id: str | None = None
    client_id: str | None = None
    session_id: str | None = None
    address: str | None = None
    detail: Mapping[str, str | int | bool | None] = field(default_factory=dict)
