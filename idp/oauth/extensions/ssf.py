"""Shared signals – OpenID SSF 1.0, CAEP 1.0, RISC 1.0 over security event tokens (RFC 8417): names, metadata, tokens.

What is told is found in the audit trail: this maps its events to those that receivers know. Not here: who receives
what → flows/webhook_streams.py; how it gets there → flows/webhook_worker.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from idp.domain.client import Client
from idp.domain.event import EventKind
from idp.domain.json import Json, JsonObject
from idp.domain.secret import Digester
from idp.oauth import presented
from idp.oauth.context import Context
from idp.oauth.openid.id_token import session_identifier
from idp.oauth.presented import Presented, TokenRefused
from idp.storage.events import NumberedEvent

TYP = "secevent+jwt"
ALG = "RS256"  # that every receiver can check (CAEP Interoperability Profile §2.6)
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
READ, MANAGE = "ssf.read", "ssf.manage"
_CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
_RISC = "https://schemas.openid.net/secevent/risc/event-type/"
SESSION_REVOKED, CREDENTIAL_CHANGE = f"{_CAEP}session-revoked", f"{_CAEP}credential-change"
ACCOUNT_DISABLED, ACCOUNT_ENABLED = f"{_RISC}account-disabled", f"{_RISC}account-enabled"
ACCOUNT_PURGED, IDENTIFIER_CHANGED = f"{_RISC}account-purged", f"{_RISC}identifier-changed"
CREDENTIAL_COMPROMISE = f"{_RISC}credential-compromise"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
SUPPORTED = (
    SESSION_REVOKED, CREDENTIAL_CHANGE, ACCOUNT_DISABLED, ACCOUNT_ENABLED, ACCOUNT_PURGED, IDENTIFIER_CHANGED,
    CREDENTIAL_COMPROMISE,
)  # fmt: skip
_CREDENTIALS = {"totp": "app", "webauthn": "fido2", "sms_otp": "phone-sms", "email_otp": "email"}
_ENTITIES = {"command line": "admin", "system": "system", "client": "system"}


@dataclass(frozen=True, slots=True)
class Signal:
    """An event as receivers know it: about a person, and one session of theirs if `session_id` is set."""

    type: str
    user_id: str
    members: Mapping[str, Json] = field(default_factory=dict)
    session_id: str | None = None


def metadata(issuer: str) -> JsonObject:
    """Return the transmitter's metadata (SSF §7.1)."""
    return {
        "spec_version": "1_0",
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": f"{issuer}/ssf/streams",
        "status_endpoint": f"{issuer}/ssf/status",
        "add_subject_endpoint": f"{issuer}/ssf/subjects/add",
        "remove_subject_endpoint": f"{issuer}/ssf/subjects/remove",
        "verification_endpoint": f"{issuer}/ssf/verification",
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
        "default_subjects": "ALL",
    }


def is_receiver(client: Client | None) -> bool:
    """Say whether an operator lets a client receive: nobody who registered themselves does, whatever they asked for."""
    return client is not None and client.is_active and not client.is_self_registered and MANAGE in client.scopes


async def bearer_of(context: Context, *scopes: str) -> tuple[Presented, bool]:
    """Return the token of a client's own that came, and whether that is a receiver's and carries a scope.

    Raises TokenRefused unless the token is good here.
    """
    found = presented.credentials(context.http.headers.get("authorization"))
    if found is None:
        raise TokenRefused(None, "a token is needed")
    good = await presented.read(context, *found, audiences=(context.engine.issuer,))
    if good.live.user is not None:
        raise TokenRefused("invalid_token", "a token of a person is no receiver's", scheme=good.scheme)
    return good, is_receiver(good.client) and bool(set(scopes) & set(good.token.scopes))


def signal_of(event: NumberedEvent) -> Signal | None:
    """Return what receivers know an event as, None for one that is no business of theirs."""
    found = None if event.user_id is None or event.result == "refused" else _typed(event)
    if found is None or event.user_id is None:
        return None
    type_, members, session_id = found
    return Signal(type_, event.user_id, _moment(event) | dict(members), session_id)


_Typed = tuple[str, Mapping[str, Json], str | None]


def _typed(event: NumberedEvent) -> _Typed | None:
    detail = event.detail
    match event.kind:
        case EventKind.SIGNED_OUT:
            return SESSION_REVOKED, {}, event.session_id
        case EventKind.SESSIONS_ENDED:
            session = detail.get("session")
            return SESSION_REVOKED, {}, session if isinstance(session, str) else event.session_id
        case EventKind.PASSWORD_CHANGED | EventKind.PASSWORD_RESET:
            return CREDENTIAL_CHANGE, {"credential_type": "password", "change_type": "update"}, None
        case EventKind.FACTOR_ADDED | EventKind.FACTOR_REMOVED:
            factor = str(detail.get("factor"))
            change = "create" if event.kind == EventKind.FACTOR_ADDED else "revoke"
            named = {"credential_type": _CREDENTIALS.get(factor, factor), "change_type": change}
            return CREDENTIAL_CHANGE, named, None
        case EventKind.RECOVERY_DONE:
            return CREDENTIAL_CHANGE, {"credential_type": "all-second-factors", "change_type": "revoke"}, None
        case EventKind.PASSWORD_BREACHED:
            return CREDENTIAL_COMPROMISE, {"credential_type": "password"}, None
        case EventKind.ACCOUNT_SECURED:
            return CREDENTIAL_COMPROMISE, {"credential_type": "password"}, None
        case EventKind.EMAIL_CHANGED:
            return IDENTIFIER_CHANGED, {}, None
        case EventKind.ACCOUNT_DELETED:
            return ACCOUNT_PURGED, {}, None
        case EventKind.USER_CHANGED:
            return _of_change(event)
    return None


def _of_change(event: NumberedEvent) -> _Typed | None:
    was, status = (document.get("status") if document else None for document in (event.before, event.after))
    if event.detail.get("change") == "deleted":
        return ACCOUNT_PURGED, {}, None
    if event.detail.get("change") in ("factors removed", "factors reset"):
        return CREDENTIAL_CHANGE, {"credential_type": "all-second-factors", "change_type": "revoke"}, None
    if was == status or was is None:
        is_renamed = "email" in (event.before or {}) and "email" in (event.after or {})
        return (IDENTIFIER_CHANGED, {}, None) if is_renamed else None
    return (ACCOUNT_DISABLED if status == "disabled" else ACCOUNT_ENABLED), {}, None


def _moment(event: NumberedEvent) -> dict[str, Json]:
    """Return when it happened, and who began it (CAEP §2); never why: administrators' words are not for others."""
    kind, actor_id, _role = event.actor or ("system", None, None)
    is_theirs = kind == "user" and actor_id == event.user_id
    entity = "user" if is_theirs else _ENTITIES.get(kind, "admin" if kind == "user" else "user")
    return {"event_timestamp": int(event.at.timestamp()), "initiating_entity": entity}


def subject(issuer: str, sub: str) -> JsonObject:
    """Return a person as a client knows them: by the `sub` of its ID tokens (openid/subject.py)."""
    return {"format": "iss_sub", "iss": issuer, "sub": sub}


def claims(
    issuer: str, client_id: str, signal: Signal, sub: str, *, digester: Digester, now: datetime
) -> dict[str, Json]:
    """Return the claims of a token about a person, but for its `jti` (RFC 8417 §2.2, SSF §4)."""
    about = subject(issuer, sub)
    if signal.session_id is not None:
        sid = session_identifier(digester, signal.session_id, client_id)
        about = {"format": "complex", "user": about, "session": {"format": "opaque", "id": sid}}
    return _claims(issuer, client_id, {signal.type: signal.members}, about, now)


def of_address(issuer: str, client_id: str, *, old: str, new: str, now: datetime) -> dict[str, Json]:
    """Return the claims that tell of a new e-mail address: the subject is the old one (RISC §2.5)."""
    about = {"format": "email", "email": old}
    return _claims(issuer, client_id, {IDENTIFIER_CHANGED: {"new-value": new}}, about, now)


def verification(issuer: str, client_id: str, stream_id: str, state: str | None, now: datetime) -> dict[str, Json]:
    """Return the claims by which a receiver sees that its stream works (SSF §8.1.4.1)."""
    members: JsonObject = {} if state is None else {"state": state}
    return _claims(issuer, client_id, {VERIFICATION: members}, {"format": "opaque", "id": stream_id}, now)


def _claims(issuer: str, client_id: str, events: JsonObject, about: JsonObject, now: datetime) -> dict[str, Json]:
    return {"iss": issuer, "aud": client_id, "iat": int(now.timestamp()), "events": events, "sub_id": about}
