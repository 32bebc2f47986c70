"""A person with an account: claims, status, and how identifiers are normalised."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from idp.domain.json import Json

USER_ID = re.compile(r"[a-z2-7]{26}")
MAX_IDENTIFIER = 254
_LOCAL_PART = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{1,64}")
_USERNAME = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})

CLAIMS_BY_SCOPE: dict[str, tuple[str, ...]] = {
    "profile": (
        "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
        "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}  # fmt: skip
STANDARD_CLAIMS = frozenset(name for names in CLAIMS_BY_SCOPE.values() for name in names)
# Written by the protocol, never by a user's attributes (OIDC Core §2; attack TK37).
RESERVED_CLAIMS = frozenset(
    ("iss sub aud exp iat nbf jti auth_time nonce acr amr azp sid at_hash c_hash s_hash client_id scope cnf act events "
     "typ kid token_use may_act authorization_details").split()
)  # fmt: skip


class UserStatus(StrEnum):
    """Whether the person may come in; a disabled user is refused at every door."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Role(StrEnum):
    """What a person may do to the system itself."""

    USER = "user"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class User:
    """A person. `claims` are the attributes of OIDC Core §5.1 except sub, email and updated_at."""

    id: str
    status: UserStatus
    role: Role
    email: str | None
    email_verified: bool
    username: str | None
    claims: Mapping[str, Json] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Say whether the person may come in at all."""
        return self.status is UserStatus.ACTIVE

    @property
    def label(self) -> str:
        """Return what the person calls the account: e-mail, else username, else id."""
        return self.email or self.username or self.id

    @property
    def display_name(self) -> str:
        """Return the person's name, else the account's label."""
        name = self.claims.get("name")
        return name if isinstance(name, str) and name else self.label


class BadIdentifier(ValueError):
    """The text cannot be an e-mail address or a username here."""


def _plain(text: str) -> str:
    normal = unicodedata.normalize("NFKC", text.strip())
    if not normal or len(normal) > MAX_IDENTIFIER or any(unicodedata.category(c) in _INVISIBLE for c in normal):
        raise BadIdentifier("empty, too long, or with invisible characters")
    return normal


def normalise_email(text: str) -> str:
    """Return the one spelling of an address that is compared and digested; raise BadIdentifier.

    One plain address: one @, no quoted local part, domain as A-labels; plus-tags stay distinct.
    """
    if len(text) > 2 * MAX_IDENTIFIER:
        raise BadIdentifier("too long")
    local, at, domain = _plain(text).partition("@")
    try:
        ascii_domain = domain.rstrip(".").encode("idna").decode().lower()
    except UnicodeError as error:
        raise BadIdentifier("not a domain") from error
    labels = ascii_domain.split(".")
    well_formed = at and _LOCAL_PART.fullmatch(local) and ".." not in local and not local.startswith(".")
    if not well_formed or len(labels) < 2 and ascii_domain != "localhost":
        raise BadIdentifier("not an e-mail address")
    if not all(_LABEL.fullmatch(label) for label in labels) or domain.endswith("."):
        raise BadIdentifier("not a domain")
    return f"{unicodedata.normalize('NFKC', local.casefold())}@{ascii_domain}"


def normalise_username(text: str) -> str:
    """Return the one spelling of a username that is compared; raise BadIdentifier."""
    if len(text) > 2 * MAX_IDENTIFIER:
        raise BadIdentifier("too long")
    folded = unicodedata.normalize("NFKC", _plain(text).casefold())
    if not _USERNAME.fullmatch(folded):
        raise BadIdentifier("a username has 1 to 64 characters, no spaces and no @")
    return folded


def normalise_identifier(text: str) -> str:
    """Fold whatever a person typed as their name: an e-mail address, a username, or neither.

    Never raises: what cannot be anybody's name folds to itself, so that unknown names cost
    and count like known ones.
    """
    try:
        return normalise_email(text) if "@" in text else normalise_username(text)
    except BadIdentifier:
        return text[:MAX_IDENTIFIER]


def all_claims(user: User) -> dict[str, Json]:
    """Return every claim we can give about a person, with the types of OIDC Core §5.1; empty ones left out."""
    claims: dict[str, Json] = {
        name: value for name, value in user.claims.items() if name not in RESERVED_CLAIMS and value not in (None, "")
    }
    claims.pop("updated_at", None)
    if user.username:
        claims.setdefault("preferred_username", user.username)
    claims.pop("email", None)
    claims.pop("email_verified", None)
    if user.email:
        claims |= {"email": user.email, "email_verified": user.email_verified}
    if claims.get("phone_number"):
        claims["phone_number_verified"] = bool(claims.get("phone_number_verified", False))
    if user.updated_at is not None:
        claims["updated_at"] = int(user.updated_at.timestamp())
    return claims
