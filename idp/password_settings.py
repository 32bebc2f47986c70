"""The options of passwords: what else is known of bad ones, and where we may ask about them."""

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, Field, ValidationInfo, field_validator

_PLACE = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+):[0-9]{1,5}")
_PORTS = {"https": 443, "http": 80}


def _listed(text: object) -> object:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


def _places(text: object) -> object:
    places = _listed(text.lower() if isinstance(text, str) else text)
    if isinstance(places, tuple) and not all(_PLACE.fullmatch(place) for place in places):
        raise ValueError("must be a list of host:port")
    return places


class PasswordSettings(BaseModel):
    """Which passwords nobody may use, and what may be fetched from outside."""

    password_words: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (), max_length=32, description="words that no password may be made of, besides the product's and people's names"
    )
    breached_passwords_file: Path | None = Field(
        None, description="filter of breached passwords, made by `idp passwords import`"
    )
    outbound_allow: Annotated[tuple[str, ...], BeforeValidator(_places)] = Field(
        (), description="`host:port` list of what may be fetched from though it is private or has no TLS"
    )
    outbound_ca_file: Path | None = Field(
        None, description="PEM file of roots to trust, besides the system's, when we fetch something"
    )
    password_range_url: str | None = Field(
        None,
        pattern=r"^https?://[!-~]+/$",
        description="service that knows breached passwords, `https://…/range/`; it learns 5 of the 40 digits of a new "
        "password's SHA-1",
    )

    @field_validator("password_range_url")
    @classmethod
    def _is_reached_safely(cls, url: str | None, info: ValidationInfo) -> str | None:
        parts = urlsplit(url or "https:")
        allowed: tuple[str, ...] = info.data.get("outbound_allow", ())
        if parts.scheme != "https" and f"{parts.hostname}:{parts.port or _PORTS[parts.scheme]}" not in allowed:
            raise ValueError("must be an https URL, or be listed in IDP_OUTBOUND_ALLOW")
        return url
