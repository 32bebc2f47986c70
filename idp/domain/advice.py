"""What a second opinion on risk is given and may say: closed vocabularies, and no text from outside.

A Payload is all that ever reaches an adviser. Its fields are enums, booleans and small integers, and it refuses at
run time what the types forbid: a password, code, token, cookie, name or address has nowhere to stand.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum, StrEnum
from typing import Any, get_type_hints

from idp.domain.json import Json, read_object
from idp.domain.vocabulary import (
    AccountAge,
    AgentDepth,
    CredentialChange,
    DeviceCookie,
    Failures,
    Geo,
    GlobalFailures,
    HistoryBucket,
    HourRarity,
    LastSeen,
    ListHit,
    NetDepth,
    NetKind,
    RecentAction,
    ScopeClass,
    SessionEvent,
    TravelSpeed,
    UserClass,
)

VERSION = 1
MAX_BYTES = 2048
MAX_TOP = 3


class Reason(StrEnum):
    """Why a score may be raised; each is true or false in a Payload, except NONE."""

    NET_NEW_IP = "NET_NEW_IP"
    NET_NEW_ASN = "NET_NEW_ASN"
    NET_NEW_COUNTRY = "NET_NEW_COUNTRY"
    NET_HOSTING = "NET_HOSTING"
    DEV_NO_COOKIE = "DEV_NO_COOKIE"
    DEV_NEW_AGENT = "DEV_NEW_AGENT"
    DEV_AUTOMATION = "DEV_AUTOMATION"
    TRAVEL_FAST = "TRAVEL_FAST"
    TIME_RARE = "TIME_RARE"
    VELOCITY_ACCOUNT = "VELOCITY_ACCOUNT"
    VELOCITY_NET = "VELOCITY_NET"
    VELOCITY_GLOBAL = "VELOCITY_GLOBAL"
    TIME_DORMANT = "TIME_DORMANT"
    CRED_BREACHED = "CRED_BREACHED"
    CRED_CHANGED = "CRED_CHANGED"
    SEQ_RECOVERY = "SEQ_RECOVERY"
    SEQ_CONTACT_CHANGE = "SEQ_CONTACT_CHANGE"
    SEQ_FACTOR_REMOVED = "SEQ_FACTOR_REMOVED"
    LIST_TOR = "LIST_TOR"
    LIST_DENY = "LIST_DENY"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Payload:
    """One attempt in coarse words; raises TypeError or ValueError for anything outside its vocabularies."""

    history_bucket: HistoryBucket
    account_age_bucket: AccountAge
    days_since_last: LastSeen
    net_depth: NetDepth
    net_kind: NetKind
    geo: Geo
    travel_kmh_bucket: TravelSpeed
    agent_depth: AgentDepth
    automation: bool
    device_cookie: DeviceCookie
    hour_rarity: HourRarity
    fail_account_1h: Failures
    fail_subnet_1h: Failures
    fail_global_z: GlobalFailures
    breached_password: bool
    cred_change_days: CredentialChange
    new_client: bool
    scope_class: ScopeClass
    user_class: UserClass
    session_event: SessionEvent
    list_hits: tuple[ListHit, ...]
    recent_actions: tuple[RecentAction, ...]
    local_score: int
    top: tuple[Reason, ...]
    v: int = VERSION

    def __post_init__(self) -> None:
        """Check what the types promise, since everything that leaves the house passes here."""
        for name, kind in SINGLE.items():
            if type(getattr(self, name)) is not kind:
                raise TypeError(f"{name} must be {kind.__name__}")
        for name, member in SEVERAL.items():
            value = getattr(self, name)
            if type(value) is not tuple or any(type(each) is not member for each in value):
                raise TypeError(f"{name} must be a tuple of {member.__name__}")
            if len(set(value)) != len(value):
                raise ValueError(f"{name} names something twice")
        if not 0 <= self.local_score <= 100 or not 0 <= self.v <= 99 or len(self.top) > MAX_TOP:
            raise ValueError("local_score, v or top is out of range")
        if Reason.NONE in self.top:
            raise ValueError("NONE explains no score")

    def to_bytes(self) -> bytes:
        """Return the canonical JSON: keys sorted, no blanks, ASCII, at most 2 kB."""
        document: dict[str, object] = {
            field.name: getattr(self, field.name) for field in fields(self) if field.name not in ("local_score", "top")
        }
        document["local"] = {"score": self.local_score, "top": self.top}
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


_HINTS = get_type_hints(Payload)
_MEMBERS: Mapping[str, type[Enum]] = {"list_hits": ListHit, "recent_actions": RecentAction, "top": Reason}
#: Field → its exact type, for the fields that hold one value.
SINGLE: Mapping[str, type] = {name: kind for name, kind in _HINTS.items() if name not in _MEMBERS}
#: Field → the type of its members, for the fields that hold several.
SEVERAL: Mapping[str, type[Enum]] = _MEMBERS


def read_payload(text: bytes) -> Payload:
    """Read what `to_bytes` wrote, for a replay; raises ValueError for anything else."""
    document = read_object(text.decode("ascii"))
    local = document.pop("local", None)
    if not isinstance(local, dict) or document.keys() & {"local_score", "top"}:
        raise ValueError("not a payload")
    values = {**document, "local_score": local.get("score"), "top": local.get("top")}
    try:
        payload = Payload(**{name: _value(name, value) for name, value in values.items()})
    except (KeyError, TypeError) as error:
        raise ValueError("not a payload") from error
    if payload.to_bytes() != text:
        raise ValueError("not a canonical payload")
    return payload


def _value(name: str, value: Json) -> Any:  # a Payload checks the exact type of each field itself
    if name in SEVERAL:
        return tuple(SEVERAL[name](each) for each in value) if isinstance(value, list) else value
    kind = SINGLE[name]
    return kind(value) if issubclass(kind, Enum) else value


class Confidence(StrEnum):
    """How sure an adviser is; low changes nothing."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ActionHint(StrEnum):
    """What an adviser would do; recorded, never obeyed."""

    NONE = "none"
    NOTIFY = "notify"
    STEP_UP = "step_up"


@dataclass(frozen=True, slots=True)
class Advice:
    """An answer that was accepted."""

    score: int
    confidence: Confidence
    reasons: tuple[Reason, ...]
    action_hint: ActionHint


_NEW_AGENTS = frozenset(AgentDepth) - {AgentDepth.UA_KNOWN}
_BEYOND_ASN = frozenset({NetDepth.COUNTRY_KNOWN, NetDepth.NEW})
_BEYOND_IP = _BEYOND_ASN | {NetDepth.ASN_KNOWN}
_ANONYMOUS = frozenset({NetKind.HOSTING, NetKind.VPN, NetKind.TOR})
_FROM_SIX = frozenset({Failures.MANY, Failures.FLOOD})
_FROM_THREE = _FROM_SIX | {Failures.SOME}

#: When each reason is true. A network that is unknown is not a new one.
IS_TRUE: Mapping[Reason, Callable[[Payload], bool]] = {
    Reason.NET_NEW_IP: lambda seen: seen.net_depth in _BEYOND_IP,
    Reason.NET_NEW_ASN: lambda seen: seen.net_depth in _BEYOND_ASN,
    Reason.NET_NEW_COUNTRY: lambda seen: seen.net_depth is NetDepth.NEW,
    Reason.NET_HOSTING: lambda seen: seen.net_kind in _ANONYMOUS,
    Reason.DEV_NO_COOKIE: lambda seen: seen.device_cookie is DeviceCookie.ABSENT,
    Reason.DEV_NEW_AGENT: lambda seen: seen.agent_depth in _NEW_AGENTS,
    Reason.DEV_AUTOMATION: lambda seen: seen.automation,
    Reason.TRAVEL_FAST: lambda seen: seen.travel_kmh_bucket in (TravelSpeed.FAST, TravelSpeed.IMPOSSIBLE),
    Reason.TIME_RARE: lambda seen: seen.hour_rarity is HourRarity.RARE,
    Reason.VELOCITY_ACCOUNT: lambda seen: seen.fail_account_1h in _FROM_THREE,
    Reason.VELOCITY_NET: lambda seen: seen.fail_subnet_1h in _FROM_SIX,
    Reason.VELOCITY_GLOBAL: lambda seen: seen.fail_global_z in (GlobalFailures.HIGH, GlobalFailures.EXTREME),
    Reason.TIME_DORMANT: lambda seen: seen.days_since_last is LastSeen.DORMANT,
    Reason.CRED_BREACHED: lambda seen: seen.breached_password,
    Reason.CRED_CHANGED: lambda seen: seen.cred_change_days in (CredentialChange.DAY, CredentialChange.WEEK),
    Reason.SEQ_RECOVERY: lambda seen: (
        seen.session_event is SessionEvent.RECOVERY or RecentAction.PWD_RESET in seen.recent_actions
    ),
    Reason.SEQ_CONTACT_CHANGE: lambda seen: (
        RecentAction.EMAIL_CHANGE in seen.recent_actions or RecentAction.PHONE_CHANGE in seen.recent_actions
    ),
    Reason.SEQ_FACTOR_REMOVED: lambda seen: RecentAction.MFA_REMOVE in seen.recent_actions,
    Reason.LIST_TOR: lambda seen: ListHit.TOR in seen.list_hits,
    Reason.LIST_DENY: lambda seen: ListHit.DENY in seen.list_hits,
}


def true_reasons(payload: Payload) -> tuple[Reason, ...]:
    """Return every reason that is true in the payload, in the order of the table."""
    return tuple(reason for reason, is_true in IS_TRUE.items() if is_true(payload))
