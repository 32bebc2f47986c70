"""The interface of signals: what is known of an attempt in, what it says for or against an attacker out.

Every field may be unknown, and an unknown one gives no Reading. Signals are strangers to each other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from idp.domain.risk import Reading
from idp.risk.profile import EMPTY, Match, Place, Profile

NOTHING: Final[tuple[Reading, ...]] = ()


class NetKind(StrEnum):
    """What an address is used for, by the operator's list of autonomous systems."""

    RESIDENTIAL = "residential"
    MOBILE = "mobile"
    BUSINESS = "business"
    HOSTING = "hosting"
    VPN = "vpn"
    TOR = "tor"


class Cookie(StrEnum):
    """What the check of the device cookie found."""

    KNOWN = "known"
    ABSENT = "absent"
    REPLAYED = "replayed"  # an old generation, used a second time
    OFF = "off"


class Listed(StrEnum):
    """A list of the operator's that an address may be on."""

    TOR = "tor"
    DENY = "deny"
    WATCH = "watch"


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Where an address is, in degrees, and how sure that is, in kilometres."""

    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed attempts, decayed; None where nobody counted."""

    prefix_1h: int | None = None  # from this /24 or /48, whatever the account
    account_1h: int | None = None  # against this account, from anywhere
    prefix_share: float | None = None  # of the account's failures, 0 to 1: those from this prefix
    global_z: float | None = None  # all failures against the past week, in standard deviations
    spraying: bool | None = None  # this prefix and agent try many accounts, few times each


@dataclass(frozen=True, slots=True)
class Hints:
    """What a browser says about itself beside its agent; None where it said nothing or nobody looked."""

    accept_language: str | None = None  # "" if the header was missing
    platform: str | None = None  # of Sec-CH-UA-Platform, without quotes
    mobile: bool | None = None  # of Sec-CH-UA-Mobile
    odd_header_order: bool | None = None


NO_HINTS: Final = Hints()
_NO_FAILURES: Final = Failures()
_STRANGE: Final = Match()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that was gathered about one attempt; each default means unknown."""

    at: datetime
    address: str | None = None
    asn: int | None = None
    country: str | None = None
    coordinates: Coordinates | None = None
    net_kind: NetKind | None = None
    listed: frozenset[Listed] | None = None
    mobile_gateway: bool | None = None
    place_is_common: bool | None = None  # many in the tenant sign in from there
    agent: str | None = None
    hints: Hints = NO_HINTS
    programs_are_usual: bool = False  # a test server: programs sign in there, and that says nothing
    device: str | None = None  # the identifier in a cookie that was found genuine
    cookie: Cookie | None = None
    hour: int | None = None  # local
    failures: Failures = _NO_FAILURES
    breached: bool | None = None  # the password is in the offline filter
    credential_age: timedelta | None = None  # since the last change of password, e-mail or phone
    webauthn_counter: bool | None = None  # the signature counter went back
    webauthn_revoked: bool | None = None  # the authenticator's model has been revoked
    new_client: bool | None = None
    admin_scope: bool | None = None
    ja4: str | None = None
    ja4h: str | None = None
    rtt_ms: float | None = None
    session_moved: bool | None = None
    token_replay: bool | None = None
    dpop_key_changed: bool | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """An attempt beside what is known of the person: what a signal reads."""

    now: Circumstances
    found: Match = _STRANGE
    devices: bool = False  # whether the tenant uses device cookies at all
    profile: Profile = EMPTY
    hour_share: float | None = None  # of all logins, around this hour
    place: Place | None = None

    @property
    def has_no_cookie(self) -> bool:
        """Say whether the device is none that this person is known by."""
        return self.devices and self.found.dev == 1


Signal = Callable[[Facts], tuple[Reading, ...]]
