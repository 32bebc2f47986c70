"""The options of the risk adviser: who gives a second opinion, where it is asked, and what it may cost in a day."""

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr

ADVISER_SECRETS = ("openai_api_key",)


class AdviserName(StrEnum):
    """Who gives a second opinion on risk."""

    OFF = "off"
    LOCAL = "local"
    OPENAI = "openai"


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be an http(s) URL without user, query and fragment")
    return text.rstrip("/")


class AdviserSettings(BaseModel):
    """A second opinion on risk; it can only ask for more, and nothing else depends on it."""

    adviser: AdviserName = Field(
        AdviserName.LOCAL,
        description="second opinion on risk: `off`, `local` (in the house) or `openai` (see docs/adviser.md)",
    )
    # Any text: a key that cannot be used is a fault of the adviser, and people sign in without it.
    openai_api_key: SecretStr | None = Field(None, description="key of the adviser's service")
    openai_base_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "https://api.openai.com/v1", description="where the adviser is asked; anything that speaks chat completions"
    )
    openai_model: str = Field(
        "gpt-5.4-mini-2026-03-17",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$",
        description="model that is asked; name a dated one, so that it does not change unnoticed",
    )
    adviser_tokens_per_day: int = Field(
        1_000_000, ge=0, le=10**12, description="tokens the adviser may use in a day (UTC); a call takes about 580"
    )
    adviser_cost_per_day: float = Field(
        5.0, ge=0, allow_inf_nan=False, description="what the adviser may cost in a day, once its prices are set"
    )
    adviser_price_in: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="price of a million tokens that are sent; 0 means unknown"
    )
    adviser_price_out: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="price of a million tokens that come back; 0 means unknown"
    )
