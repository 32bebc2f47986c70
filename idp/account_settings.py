"""The options of accounts and factors: who may make one, what is asked, how what was lost comes back."""

import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def read_duration(text: object) -> object:
    """Read `15m`, `24h` or `30d`; leave anything else to the type's own check."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text) if isinstance(text, str) else None
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]]) if found else text


def _listed(text: object) -> object:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


Duration = Annotated[timedelta, BeforeValidator(read_duration)]
Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Registration(StrEnum):
    """Who may make an account."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class SecondFactor(StrEnum):
    """Whether everybody must have a second factor."""

    OPTIONAL = "optional"
    REQUIRED = "required"


class Attestation(StrEnum):
    """Whether authenticators must say who made them."""

    NONE = "none"
    DIRECT = "direct"


class AccountSettings(BaseModel):
    """How people get accounts, prove who they are, and recover."""

    registration: Registration = Field(
        Registration.CLOSED, description="who may make an account: `open` (dev), `invite` or `closed`"
    )
    second_factor: SecondFactor = Field(
        SecondFactor.OPTIONAL, description="`required`: everybody sets up a second factor at the next sign-in"
    )
    remember_browsers: bool = Field(
        True, description="lets people spare the second factor on a browser of theirs for 30 days; never a step-up"
    )
    lost_factor_wait: Duration = Field(
        timedelta(days=3),
        description="how long somebody who lost every second factor waits, with notices, until the password alone is "
        "enough; `0s` means never",
    )
    deletion_delay: Duration = Field(
        timedelta(days=14), description="how long a person can undo the deletion of their account"
    )
    geo_db: Path | None = Field(
        None, description="MaxMind-format file of cities or countries; people then see where their sessions are"
    )
    password_history: int = Field(5, ge=0, le=24, description="earlier passwords that may not be taken again")
    webauthn_rp_id: str | None = Field(
        None, pattern=r"^[a-z0-9.-]+$", description="domain that passkeys belong to; the issuer's host if empty"
    )
    webauthn_origins: Listed = Field(
        (), description="further origins that may use our passkeys; also told at /.well-known/webauthn"
    )
    webauthn_attestation: Attestation = Field(
        Attestation.NONE, description="`direct`: passkeys must say who made them, and be on the list"
    )
    webauthn_aaguids: Listed = Field((), description="makes of authenticators that are taken; all if empty")
    webauthn_revoked_file: Path | None = Field(
        None,
        description="makes of authenticators that are not trusted any more: a list of AAGUIDs, or a FIDO metadata BLOB",
    )
    webauthn_roots_file: Path | None = Field(None, description="PEM file of roots that attestations must lead to")
