"""What happened, for the audit trail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from idp.domain.json import JsonObject


class EventKind(StrEnum):
    """Stable names of everything that leaves an audit row."""

    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    LOGOUT_UNDELIVERED = "logout_undelivered"
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
    REQUEST_APPROVED = "request_approved"
    CLIENT_CHANGED = "client_changed"
    CLIENT_TESTED = "client_tested"
    CLIENT_REFUSED = "client_refused"
    REGISTRATION_TOKEN_CHANGED = "registration_token_changed"
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
    EVENTS_REMOVED = "events_removed"
    TRAIL_RESTARTED = "trail_restarted"
    ADMIN_REFUSED = "admin_refused"
    GROUP_CHANGED = "group_changed"
    ROLE_CHANGED = "role_changed"
    MESSAGE_CHANGED = "message_changed"
    LIST_EXPORTED = "list_exported"
    WEBHOOK_CHANGED = "webhook_changed"
    UPSTREAM_CHANGED = "upstream_changed"
    UPSTREAM_REFUSED = "upstream_refused"
    SIGN_IN_LINKED = "sign_in_linked"
    SIGN_IN_UNLINKED = "sign_in_unlinked"
    DEFINITION_CHANGED = "definition_changed"


class ActorKind(StrEnum):
    """Who can do things: a person, an application, an operator's command, the provider by itself, or who knows."""

    USER = "user"
    CLIENT = "client"
    COMMAND_LINE = "command line"
    SYSTEM = "system"
    STRANGER = "stranger"


class Result(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a user id, a client id, or the system's name of who ran a command; `role` as it was then."""

    kind: ActorKind
    id: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What it was done to, where that is no account and no client: `policy` 7, `key` KID."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `detail`, `before` and `after` hold no personal data and no secret.

    `user_id` and `client_id` name whom it is about; an `actor` is given where somebody else did it.
    """

    kind: EventKind
    user_id: str | None = None
    client_id: str | None = None
    session_id: str | None = None
    address: str | None = None
    detail: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    actor: Actor | None = None
    target: Target | None = None
    result: Result | None = None
    before: JsonObject | None = None
    after: JsonObject | None = None


def actor_of(event: Event) -> Actor | None:
    """Return who did it; None where only the caller could have known and did not say."""
    if event.actor is not None or event.kind in _BY_SOMEBODY_ELSE:
        return event.actor
    if event.kind in _BY_NOBODY_PROVED:
        return Actor(ActorKind.STRANGER)
    if event.kind in _BY_CLIENTS and event.client_id is not None:
        return Actor(ActorKind.CLIENT, event.client_id)
    if event.kind in _BY_THE_SYSTEM or event.user_id is None:
        return Actor(ActorKind.SYSTEM)
    return Actor(ActorKind.USER, event.user_id)


def actor_called(by: str) -> Actor:
    """Return who is meant by a note such as `administrator ID` or `command line: NAME`; the provider for any other."""
    for said, kind in (("administrator ", ActorKind.USER), ("command line: ", ActorKind.COMMAND_LINE)):
        if by.startswith(said):
            return Actor(kind, by.removeprefix(said))
    return Actor(ActorKind.SYSTEM)


def result_of(event: Event) -> Result:
    """Return how it ended: as was said, else as the kind of event says."""
    return event.result or (Result.REFUSED if event.kind in _REFUSALS else Result.DONE)


_BY_SOMEBODY_ELSE = frozenset({
    EventKind.USER_CHANGED, EventKind.CLIENT_CHANGED, EventKind.POLICY_CHANGED, EventKind.POLICY_REVERTED,
    EventKind.CLIENT_TESTED, EventKind.DRAFT_APPROVED, EventKind.DRAFT_REMOVED, EventKind.INVITED,
    EventKind.TRAIL_RESTARTED,
    EventKind.REGISTRATION_TOKEN_CHANGED,
    EventKind.ADMIN_REFUSED, EventKind.GROUP_CHANGED, EventKind.ROLE_CHANGED, EventKind.MESSAGE_CHANGED,
    EventKind.WEBHOOK_CHANGED, EventKind.DEFINITION_CHANGED,
    EventKind.UPSTREAM_CHANGED,
})  # fmt: skip
_BY_NOBODY_PROVED = frozenset({
    EventKind.SIGN_IN_REFUSED, EventKind.THROTTLED, EventKind.FACTOR_REFUSED, EventKind.RESET_ASKED,
    EventKind.RECOVERY_STARTED, EventKind.SIGN_UP_STARTED, EventKind.ATTEMPT_ASKED,
    EventKind.UPSTREAM_REFUSED, EventKind.CLIENT_REFUSED,
})  # fmt: skip
_BY_CLIENTS = frozenset({
    EventKind.TOKENS_ISSUED, EventKind.TOKENS_REFRESHED, EventKind.TOKEN_REFUSED, EventKind.TOKEN_REVOKED,
    EventKind.CODE_REPLAYED, EventKind.REFRESH_REUSED,
})  # fmt: skip
_BY_THE_SYSTEM = frozenset({
    EventKind.ACCOUNT_DELETED, EventKind.KEY_ROTATED, EventKind.KEY_REVOKED, EventKind.EVENTS_REMOVED,
})  # fmt: skip
_REFUSALS = frozenset({
    EventKind.SIGN_IN_REFUSED, EventKind.AUTHORIZATION_REFUSED, EventKind.TOKEN_REFUSED, EventKind.FACTOR_REFUSED,
    EventKind.THROTTLED, EventKind.CONSENT_DENIED, EventKind.CODE_REPLAYED, EventKind.REFRESH_REUSED,
    EventKind.ATTEMPT_DENIED, EventKind.UPSTREAM_REFUSED, EventKind.CLIENT_REFUSED, EventKind.LOGOUT_UNDELIVERED,
})  # fmt: skip
