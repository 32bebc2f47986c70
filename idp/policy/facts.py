"""What a policy may ask about: a closed list of facts with their types, and a snapshot of what is known of them.

A fact that a snapshot does not hold is unknown: neither true nor false, neither zero nor empty.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import cast

from idp.domain.assurance import LOA1, LOA1V, LOA2, PHR, PHRH, Factor
from idp.domain.risk import Band

Value = frozenset[str] | str | int | timedelta | time
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Kind(StrEnum):
    """The type of a fact; it decides which operators make sense."""

    SET = "set"
    WORD = "word"
    INTEGER = "integer"
    BAND = "band"
    FLAG = "true or false"
    DURATION = "duration"
    TIME = "time"


class Event(StrEnum):
    """What is being decided about."""

    LOGIN = "login"
    AUTHORIZE = "authorize"
    REFRESH = "refresh"
    RECOVERY = "recovery"
    CREDENTIAL_CHANGE = "credential_change"
    EMAIL_CHANGE = "email_change"
    CONSENT_ADMIN = "consent_admin"
    TOKEN_EXPORT = "token_export"
    DEVICE_APPROVAL = "device_approval"
    CIBA_APPROVAL = "ciba_approval"


#: Signals that speak for the owner, or for nobody; every other one speaks for an attacker.
NEUTRAL_SIGNALS = frozenset({
    "DEV_KNOWN", "AGENT_UA_KNOWN", "AGENT_BROWSER_KNOWN", "AGENT_SYSTEM_KNOWN", "AGENT_DEVICE_KNOWN",
    "NET_IP_KNOWN", "NET_ASN_KNOWN", "NET_COUNTRY_KNOWN", "TIME_HOUR", "JA4", "JA4H", "RTT", "NO_HISTORY",
    "NET_UNKNOWN", "AGENT_UNKNOWN", "NET_HABIT", "AGENT_HABIT", "DEV_HABIT", "CONTEXT_CAP",
})  # fmt: skip
ADVERSE_SIGNALS = frozenset({
    "DEV_NO_COOKIE", "DEV_COOKIE_REPLAY", "AGENT_NEW", "NET_NEW", "NET_KIND", "LIST_TOR", "LIST_DENY",
    "LIST_WATCH", "TRAVEL_IMPOSSIBLE", "VELOCITY_NET", "VELOCITY_ACCOUNT", "SPRAY_ACTIVE", "AUTOMATION",
    "ACCOUNT_DORMANT", "CRED_CHANGED", "CRED_BREACHED", "WEBAUTHN_COUNTER", "WEBAUTHN_REVOKED",
    "REQUEST_NEW_CLIENT", "REQUEST_ADMIN_SCOPE", "SESSION_MOVED", "TOKEN_REPLAY", "DPOP_KEY_CHANGED",
    "SEQ_TAKEOVER", "SEQ_RESET_ENROL", "SEQ_NEW_ADMIN",
})  # fmt: skip
#: The short names of the acr values, as policy files spell them.
ACR_NAMES: Mapping[str, str] = {"loa:1": LOA1, "loa:1v": LOA1V, "loa:2": LOA2, "phr": PHR, "phrh": PHRH}
SHORT_NAMES: Mapping[str, str] = {acr: name for name, acr in ACR_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its type, and the words that it can take where they are known."""

    name: str
    kind: Kind
    words: frozenset[str] | None = None
    pattern: str = ""  # of the words, where any of a shape will do

    def accepts(self, word: str) -> bool:
        """Say whether the fact could ever be, or contain, this word."""
        if self.words is not None:
            return word in self.words
        return re.fullmatch(self.pattern or r"\S.*", word) is not None


def _sorted_by_name(*facts: Fact) -> Mapping[str, Fact]:
    return MappingProxyType({fact.name: fact for fact in facts})


FACTS: Mapping[str, Fact] = _sorted_by_name(
    Fact("groups", Kind.SET),
    Fact("signals", Kind.SET, NEUTRAL_SIGNALS | ADVERSE_SIGNALS),
    Fact("scope", Kind.SET, pattern=r"[\x21\x23-\x5B\x5D-\x7E]+"),
    Fact("net.named", Kind.SET),
    Fact("enrolled", Kind.SET, frozenset(Factor)),
    Fact("user.class", Kind.WORD, frozenset({"standard", "privileged", "service"})),
    Fact("client.id", Kind.WORD),
    Fact("client.trust", Kind.WORD, frozenset({"first_party", "third_party"})),
    Fact("event", Kind.WORD, frozenset(Event)),
    Fact("net.kind", Kind.WORD, frozenset({"residential", "mobile", "business", "hosting", "vpn", "tor"})),
    Fact("net.country", Kind.WORD, pattern=r"[A-Z]{2}"),
    Fact("session.acr", Kind.WORD, frozenset(ACR_NAMES)),
    Fact("net.asn", Kind.INTEGER),
    Fact("risk.score", Kind.INTEGER),
    Fact("history.logins", Kind.INTEGER),
    Fact("risk.band", Kind.BAND, frozenset(Band)),
    Fact("risk.user_band", Kind.BAND, frozenset(Band)),
    Fact("risk.session_band", Kind.BAND, frozenset(Band)),
    Fact("device.known", Kind.FLAG),
    Fact("device.compliant", Kind.FLAG),
    Fact("user.break_glass", Kind.FLAG),
    Fact("device.age", Kind.DURATION),
    Fact("session.age", Kind.DURATION),
    Fact("session.verified_age", Kind.DURATION),
    Fact("account.age", Kind.DURATION),
    Fact("email.verified_age", Kind.DURATION),
    Fact("time.local", Kind.TIME),
)
RISK_BANDS = ("risk.band", "risk.user_band", "risk.session_band")


@dataclass(frozen=True, slots=True)
class Facts(Mapping[str, Value]):
    """A snapshot: the facts that are known, and their values. Whatever is missing is unknown."""

    known: Mapping[str, Value]

    def __getitem__(self, name: str) -> Value:
        """Return a known value."""
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names of what is known."""
        return iter(self.known)

    def __len__(self) -> int:
        """Return how many facts are known."""
        return len(self.known)

    def but(self, changes: Mapping[str, Value], unknown: frozenset[str] = frozenset()) -> "Facts":
        """Return the snapshot with these values, and without those that are not known after all."""
        both = {**self.known, **changes}
        return checked({name: value for name, value in both.items() if name not in unknown})

    def as_json(self) -> dict[str, Json]:
        """Return the snapshot for a record: sets sorted, durations in seconds, times as HH:MM:SS."""
        return {name: to_json(self.known[name]) for name in sorted(self.known)}


def checked(known: Mapping[str, Value]) -> Facts:
    """Return a snapshot of these values; durations and times in whole seconds, as a record keeps them.

    Raises ValueError for what is no fact, or has another type than its fact.
    """
    for name, value in known.items():
        fact = FACTS.get(name)
        if fact is None:
            raise ValueError(f"no fact {name!r}")
        is_right = isinstance(value, _TYPES[fact.kind]) and isinstance(value, bool) is (fact.kind is Kind.FLAG)
        if not is_right:
            raise ValueError(f"{name} is no {fact.kind}: {value!r}")
    return Facts({name: _in_whole_seconds(value) for name, value in known.items()})


def _in_whole_seconds(value: Value) -> Value:
    """Return what a record would bring back: a decision is made on nothing finer than its replay."""
    if isinstance(value, timedelta):
        return timedelta(seconds=value // timedelta(seconds=1))
    return value.replace(microsecond=0) if isinstance(value, time) else value


_TYPES: Mapping[Kind, type] = {
    Kind.SET: frozenset,
    Kind.WORD: str,
    Kind.INTEGER: int,
    Kind.BAND: Band,
    Kind.FLAG: bool,
    Kind.DURATION: timedelta,
    Kind.TIME: time,
}


def to_json(value: Value) -> Json:
    """Return one value for a record."""
    match value:
        case frozenset():
            return [str(word) for word in sorted(value)]
        case timedelta():
            return int(value.total_seconds())
        case time():
            return value.isoformat("seconds")
        case str():
            return str(value)
        case _:
            return value


def from_json(document: Mapping[str, object]) -> Facts:
    """Return the snapshot of a record.

    Raises ValueError if it is none.
    """
    known = cast("dict[str, Value]", dict(document))  # what is no Value yet is converted below
    name: str = ""
    try:
        for name, value in document.items():
            if type(value) is not _PLAIN.get(name):
                known[name] = _READERS[name](value)
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        if name not in FACTS:
            raise ValueError(f"no fact {name!r}") from error
        raise ValueError(f"{name} is no {FACTS[name].kind}: {document[name]!r}") from error
    return Facts(known)


_NONE: frozenset[str] = frozenset()


def _read_set(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise TypeError
    return frozenset(map(str, value)) if value else _NONE


def _read_word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _read_integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


_BANDS: Mapping[object, Band] = {band.value: band for band in Band}


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _read_duration(value: object) -> timedelta:
    return timedelta(0, value if type(value) is int else _read_integer(value))


@lru_cache(4096)
def _read_time(value: object) -> time:
    return time.fromisoformat(_read_word(value))


_READERS_OF_KINDS: Mapping[Kind, Callable[[object], Value]] = {
    Kind.SET: _read_set,
    Kind.WORD: _read_word,
    Kind.INTEGER: _read_integer,
    Kind.BAND: _BANDS.__getitem__,
    Kind.FLAG: _read_flag,
    Kind.DURATION: _read_duration,
    Kind.TIME: _read_time,
}
#: What JSON holds as it is, by far the most of a snapshot.
_PLAIN: Mapping[str, type] = {
    name: _TYPES[fact.kind] for name, fact in FACTS.items() if fact.kind in (Kind.WORD, Kind.INTEGER, Kind.FLAG)
}
_READERS: Mapping[str, Callable[[object], Value]] = {name: _READERS_OF_KINDS[fact.kind] for name, fact in FACTS.items()}


def ordinary() -> Facts:
    """Return the facts of an ordinary sign-in: low risk, a known device, twelve logins, no signals."""
    return checked(
        {
            "groups": frozenset(),
            "signals": frozenset(),
            "scope": frozenset({"openid"}),
            "net.named": frozenset(),
            "enrolled": frozenset({Factor.PASSWORD.value, Factor.TOTP.value, Factor.EMAIL_OTP.value}),
            "user.class": "standard",
            "client.id": "client",
            "client.trust": "third_party",
            "event": Event.LOGIN.value,
            "net.kind": "residential",
            "net.country": "CH",
            "net.asn": 64496,
            "risk.score": 0,
            "history.logins": 12,
            "risk.band": Band.LOW,
            "risk.user_band": Band.LOW,
            "risk.session_band": Band.LOW,
            "device.known": True,
            "device.compliant": True,
            "user.break_glass": False,
            "device.age": timedelta(days=90),
            "account.age": timedelta(days=365),
            "email.verified_age": timedelta(days=365),
            "time.local": time(10, 0),
        }
    )
