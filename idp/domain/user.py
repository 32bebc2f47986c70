"""A person with an account: claims, status, and how identifiers are normalised."""

import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
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
# Letters and marks by category, but drawn as nothing (Default_Ignorable_Code_Point, and the blank of Braille).
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

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
    {
        "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash",
        "c_hash", "s_hash", "client_id", "scope", "cnf", "act", "events", "typ", "kid", "token_use", "may_act",
        "authorization_details",
    }
)  # fmt: skip
_EMPTY: tuple[Json, ...] = (None, "", {})  # an empty list says something: no roles, for instance


class UserStatus(StrEnum):
    """Whether the person may come in; a disabled user is refused at every door."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Role(StrEnum):
    """What a person may do to the system itself."""

    USER = "user"
    SUPPORT = "support"
    CLIENT_MANAGER = "client_manager"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
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
    deletes_at: datetime | None = None
    email_verified_at: datetime | None = field(default=None, compare=False)  # kept by the store

    @property
    def is_active(self) -> bool:
        """Say whether the person may come in at all."""
        return self.status is UserStatus.ACTIVE

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the groups that the person is in, each once, sorted."""
        named = self.claims.get("groups")
        return tuple(sorted({name for name in named if isinstance(name, str)})) if isinstance(named, list) else ()

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
    if len(text) > 2 * MAX_IDENTIFIER:
        raise BadIdentifier("too long")
    normal = unicodedata.normalize("NFKC", text.strip(" "))
    if not normal or len(normal) > MAX_IDENTIFIER:
        raise BadIdentifier("empty or too long")
    if _BLANK.search(normal) or any(unicodedata.category(character) in _INVISIBLE for character in normal):
        raise BadIdentifier("with invisible characters")
    return normal


def _fold(text: str) -> str:
    """Drop case and compatibility forms; twice, since one pass can leave something to fold (Unicode §3.13, D146)."""
    for _ in range(2):
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    return text


def normalise_email(text: str) -> str:
    """Return the one spelling of an address that is compared and digested; raise BadIdentifier.

    One plain address: one @, no quoted local part, domain as A-labels; plus-tags stay distinct.
    """
    local, at, domain = _plain(text).partition("@")
    local = _fold(local)
    try:
        ascii_domain = domain.rstrip(".").encode("idna").decode().lower()
    except UnicodeError as error:
        raise BadIdentifier("not a domain") from error
    labels = ascii_domain.split(".")
    if not at or not _LOCAL_PART.fullmatch(local) or "" in local.split("."):
        raise BadIdentifier("not an e-mail address")
    if (len(labels) < 2 and ascii_domain != "localhost") or labels[-1].isdigit() or domain.endswith("."):
        raise BadIdentifier("not a domain, or a bare IP address")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(local) + 1 + len(ascii_domain) > MAX_IDENTIFIER:
        raise BadIdentifier("not a domain, or too long")
    return f"{local}@{ascii_domain}"


def plain_email(text: str) -> str:
    """Return the spelling of an address that is kept and written to: as typed if plain ASCII, else as compared.

    A look-alike that is folded when compared must not reach another mailbox when mail is sent (LG68).
    """
    typed, normal = text.strip(" "), normalise_email(text)
    return typed if typed.isascii() and typed.lower() == normal else normal


def normalise_username(text: str) -> str:
    """Return the one spelling of a username that is compared; raise BadIdentifier."""
    folded = _fold(_plain(text))
    if not _USERNAME.fullmatch(folded):
        raise BadIdentifier("a username has 1 to 64 characters, no spaces and no @")
    return folded


def normalise_identifier(text: str) -> str:
    """Fold whatever a person typed as their name: an e-mail address, a username, or neither.

    Never raises: what cannot be anybody's name folds to itself, so that unknown names cost
    and count like known ones.
    """
    for normalise in (normalise_email, normalise_username):  # whatever one of them accepts, the other refuses
        with suppress(BadIdentifier):
            return normalise(text)
    return text[: MAX_IDENTIFIER + 1]  # longer than any name that is stored, so that no name begins like it


def all_claims(user: User) -> dict[str, Json]:
    """Return every claim we can give about a person, with the types of OIDC Core §5.1; empty ones left out."""
    claims: dict[str, Json] = {
        name: value for name, value in user.claims.items() if name not in RESERVED_CLAIMS and value not in _EMPTY
    }
    claims.pop("updated_at", None)
    if user.username:
        claims.setdefault("preferred_username", user.username)
    claims.pop("email", None)
    claims.pop("email_verified", None)
    if user.email:
        claims |= {"email": user.email, "email_verified": user.email_verified}
    if claims.get("phone_number"):
        claims["phone_number_verified"] = claims.get("phone_number_verified") is True  # the text "false" is no yes
    else:
        claims.pop("phone_number_verified", None)
    if user.updated_at is not None:
        claims["updated_at"] = int(user.updated_at.timestamp())
    return claims
