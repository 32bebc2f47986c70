"""What an account is made of, and whether there can be one."""

from dataclasses import dataclass

from idp.domain.json import JsonObject
from idp.domain.refusal import Refusal
from idp.domain.secret import make_user_id
from idp.domain.user import (
    RESERVED_CLAIMS,
    BadIdentifier,
    Role,
    User,
    UserStatus,
    normalise_username,
    plain_email,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewUser:
    """What is needed to make an account."""

    email: str | None
    username: str | None
    password: str | None
    claims: JsonObject
    email_verified: bool = False
    role: Role = Role.USER


def account_of(new: NewUser) -> User | Refusal:
    """Return the account that would be made, with a new id, or why there can be none."""
    try:
        email = plain_email(new.email) if new.email else None
    except BadIdentifier:
        return Refusal.EMAIL_INVALID
    try:
        username = normalise_username(new.username) and new.username.strip() if new.username else None
    except BadIdentifier:
        return Refusal.USERNAME_INVALID
    if email is None and username is None:
        return Refusal.MISSING_FIELDS
    claims = {name: value for name, value in new.claims.items() if name not in RESERVED_CLAIMS}
    return User(make_user_id(), UserStatus.ACTIVE, new.role, email, new.email_verified, username, claims)
