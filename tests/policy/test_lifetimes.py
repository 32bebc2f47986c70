"""Nothing lives longer than the security rules allow (goal G08); the numbers are repeated here on purpose."""

from datetime import timedelta

import pytest

from idp.domain.client import TokenFormat
from idp.policy import lifetimes

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))

LONGEST: dict[str, tuple[timedelta, timedelta]] = {
    "authorization code": (lifetimes.CODE, 60 * SECOND),
    "interaction": (lifetimes.INTERACTION, 30 * MINUTE),
    "ID token": (lifetimes.ID_TOKEN, 10 * MINUTE),
    "access token, JWT": (lifetimes.ACCESS_TOKEN[TokenFormat.JWT], 5 * MINUTE),
    "access token, opaque": (lifetimes.ACCESS_TOKEN[TokenFormat.OPAQUE], 15 * MINUTE),
    "refresh token, idle": (lifetimes.REFRESH_IDLE, 14 * DAY),
    "refresh token, absolute": (lifetimes.REFRESH_ABSOLUTE, 90 * DAY),
    "refresh grace, public": (lifetimes.refresh_grace(is_confidential=False), 10 * SECOND),
    "refresh grace, confidential": (lifetimes.refresh_grace(is_confidential=True), 60 * SECOND),
    "session of one factor": (lifetimes.SESSION_ABSOLUTE, 30 * DAY),
    "session of one factor, idle": (lifetimes.SESSION_IDLE, 30 * DAY),
    "known device": (lifetimes.KNOWN_DEVICE, 365 * DAY),
    "known device, with a counter of its own": (lifetimes.KNOWN_DEVICE_BUDGET, 30 * DAY),
    "administrator link": (lifetimes.ADMINISTRATOR_LINK, HOUR),
    "signing key": (lifetimes.KEY_ACTIVE, 90 * DAY),
    "overlap of two secrets": (lifetimes.SECRET_OVERLAP, 24 * HOUR),
    "leeway for iat and nbf": (lifetimes.SKEW_AHEAD, 30 * SECOND),
    "leeway for exp": (lifetimes.SKEW_PAST, 60 * SECOND),
}


@pytest.mark.parametrize(("lifetime", "longest"), LONGEST.values(), ids=LONGEST.keys())
def test_nothing_lives_longer_than_the_rules_allow(lifetime: timedelta, longest: timedelta) -> None:
    assert timedelta() < lifetime <= longest


def test_every_token_format_has_a_lifetime() -> None:
    assert set(lifetimes.ACCESS_TOKEN) == set(TokenFormat)


def test_sessions_and_interactions_are_limited_in_number() -> None:
    assert lifetimes.SESSIONS_PER_USER <= 20
    assert lifetimes.INTERACTIONS_PER_BROWSER <= 20


def test_a_key_is_published_before_it_signs_and_as_long_as_its_tokens_live() -> None:
    """RFC 8725; case KY02: at least the 10 minutes for which others may cache our JWKS."""
    longest_token = max(lifetimes.ID_TOKEN, *lifetimes.ACCESS_TOKEN.values())

    assert lifetimes.KEY_AHEAD >= 24 * HOUR
    assert longest_token + lifetimes.SKEW_PAST <= lifetimes.KEY_RETIRED_PUBLISHED
    assert lifetimes.KEY_RETIRED_HINTS >= 365 * DAY


def test_noting_that_a_session_is_in_use_never_costs_it_its_life() -> None:
    assert lifetimes.SESSION_TOUCH < lifetimes.SESSION_IDLE / 10
