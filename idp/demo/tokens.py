"""Tokens taken apart and explained. Only for display: the signature was checked when the token arrived."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

TIMES = frozenset({"exp", "iat", "nbf", "auth_time", "updated_at"})

#: What each member of a token says, for somebody who never read a specification.
MEANINGS: dict[str, str] = {
    "alg": "How the token is signed. The application accepts only what the provider promised to use.",
    "kid": "Which of the provider's published keys checks the signature.",
    "typ": "What kind of token this is, so that one kind cannot pass for another.",
    "iss": "Who made this token: the identity provider. It must be exactly the one this application asked.",
    "sub": "Who you are: an identifier that never changes and is never given to anybody else.",
    "aud": "Whom the token is meant for. Anybody not named here must refuse it.",
    "exp": "When the token ends. After that nobody accepts it.",
    "iat": "When the token was made.",
    "nbf": "Before this moment the token is not yet valid.",
    "jti": "A number of its own, so that this very token can be recognised.",
    "auth_time": "When you really proved who you are. It stays the same when tokens are renewed silently.",
    "nonce": "A random value this application sent along; it ties the token to this browser and this sign-in.",
    "acr": "How strong the sign-in was, as a level.",
    "amr": "How you proved it: pwd is a password, otp a one-time code, mfa more than one factor.",
    "azp": "The application that asked for the token.",
    "sid": "Your session at the provider, as this application may know it; used when signing out.",
    "at_hash": "A fingerprint of the access token that came along, so that neither can be swapped.",
    "c_hash": "A fingerprint of the authorization code that came along.",
    "client_id": "The application the token was given to.",
    "scope": "What the token allows.",
    "cnf": "The key that must be shown together with this token.",
    "act": "Who acts on behalf of the person in sub.",
    "name": "Your full name.",
    "given_name": "Your first name.",
    "family_name": "Your last name.",
    "preferred_username": "The name you like to sign in with. It may change, so it identifies nobody.",
    "email": "Your e-mail address. It may change, so it identifies nobody.",
    "email_verified": "Whether the provider saw a proof that the address is yours.",
    "picture": "The address of your picture.",
    "locale": "The language you prefer.",
    "zoneinfo": "Your time zone.",
    "updated_at": "When your profile last changed.",
}


@dataclass(frozen=True, slots=True)
class Member:
    """One line of a decoded token."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Jwt:
    """A decoded token: what its parts say, and the parts themselves."""

    header: tuple[Member, ...]
    claims: tuple[Member, ...]
    segments: tuple[str, str, str]


def decode(token: str, now: datetime) -> Jwt | None:
    """Take a signed JWT apart; None if it is opaque, that is, meant to be read by nobody but the provider."""
    segments = token.split(".")
    if len(segments) != 3:
        return None
    header, claims = _json_object(segments[0]), _json_object(segments[1])
    if header is None or claims is None:
        return None
    return Jwt(_members(header, now), _members(claims, now), (segments[0], segments[1], segments[2]))


def claims_of(token: str) -> Mapping[str, object]:
    """Return the claims of a JWT, empty if it is none."""
    segments = token.split(".")
    return (_json_object(segments[1]) or {}) if len(segments) == 3 else {}


def shorten(secret: str) -> str:
    """Show enough of a token to tell two apart, and too little to use it."""
    return f"{secret[:6]}…{secret[-4:]}" if len(secret) > 20 else "…"


def moment(value: datetime, now: datetime) -> str:
    """Say when something is, absolutely and from here: `2026-11-21 10:04:00 UTC (in 4 minutes 3 seconds)`."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC ({distance(value, now)})"


def distance(value: datetime, now: datetime) -> str:
    """Say how far away a moment is: `in 4 minutes 3 seconds`, `2 hours ago`, `now`."""
    seconds = round((value - now).total_seconds())
    if seconds == 0:
        return "now"
    text = _duration(abs(seconds))
    return f"in {text}" if seconds > 0 else f"{text} ago"


def _duration(seconds: int) -> str:
    """The two largest units that are not zero."""
    parts = []
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts[:2])


def _members(values: Mapping[str, object], now: datetime) -> tuple[Member, ...]:
    return tuple(Member(name, _shown(name, value, now), MEANINGS.get(name, "")) for name, value in values.items())


def _shown(name: str, value: object, now: datetime) -> str:
    if name in TIMES and isinstance(value, int | float):
        try:
            return f"{value} = {moment(datetime.fromtimestamp(value, UTC), now)}"
        except (OverflowError, ValueError, OSError):
            return str(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json_object(segment: str) -> dict[str, object] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
