"""The risk of a session, what has moved, and the level that others are told of."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.risk import Band, Floor
from idp.risk.session_risk import (
    AT_ONCE,
    GEO_TWO_AT_ONCE,
    HYSTERESIS,
    REFRESH_CADENCE,
    Level,
    SessionRisk,
    Shown,
    cadence_code,
    moved,
    places_code,
)

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)
TAKEOVER = Floor("SEQ_TAKEOVER", Band.HIGH)
scores = st.integers(0, 100)


# Sessions


@given(scores, scores)
def test_the_risk_of_a_session_only_rises(score: int, to: int) -> None:
    assert SessionRisk(score).raised(to).score == max(score, to)
    assert SessionRisk(score).raised(0, [TAKEOVER]).score == max(score, 70)


@given(scores, scores)
def test_it_falls_only_to_the_local_score_of_a_step_up(score: int, local: int) -> None:
    assert SessionRisk(score).after_step_up(local).score == min(score, local)


def test_a_step_up_lifts_no_sequence() -> None:
    assert SessionRisk(85).after_step_up(10, [TAKEOVER]).score == 70


# Refresh


@pytest.mark.parametrize(
    ("asn", "family", "is_known", "is_same_agent", "expected"),
    [
        (2, {1}, False, False, True),
        (2, {1}, True, False, True),
        (2, {1}, False, True, True),
        (2, {1}, True, True, False),
        (1, {1, 3}, False, False, False),
        (None, {1}, False, False, False),
        (2, set(), False, False, False),
    ],
)
def test_a_session_moved_if_its_network_is_new_unless_the_person_is_known_there_with_the_same_browser(
    asn: int | None, family: set[int], is_known: bool, is_same_agent: bool, expected: bool
) -> None:
    found = moved(asn, family, profile_knows_asn=is_known, agent_unchanged=is_same_agent, confidential=False)

    assert found is expected


@pytest.mark.parametrize(("asn", "expected"), [(1, False), (2, True), (None, False)])
def test_a_confidential_client_is_compared_with_its_own_networks_alone(asn: int | None, expected: bool) -> None:
    assert moved(asn, {1}, profile_knows_asn=True, agent_unchanged=True, confidential=True) is expected


def refreshes(earlier: timedelta, recent: timedelta, count: int = 4) -> list[datetime]:
    first = [NOW + number * earlier for number in range(count + 1)]
    return first + [first[-1] + number * recent for number in range(1, 5)]


def test_a_cadence_four_times_the_familys_own_is_named_and_no_lesser_one() -> None:
    fast = refreshes(8 * MINUTE, 2 * MINUTE)

    assert cadence_code(fast) == REFRESH_CADENCE
    assert cadence_code(fast[::-1]) == REFRESH_CADENCE
    assert cadence_code(refreshes(8 * MINUTE, 2 * MINUTE + TICK)) is None
    assert cadence_code(refreshes(8 * MINUTE, 2 * MINUTE, count=3)) is None
    assert cadence_code(refreshes(timedelta(), timedelta())) is None
    assert cadence_code([]) is None


def test_two_countries_at_once_are_named() -> None:
    assert places_code([(NOW, "DE"), (NOW + AT_ONCE, "BR")]) == GEO_TWO_AT_ONCE
    assert places_code([(NOW, "DE"), (NOW + MINUTE, None), (NOW + MINUTE, "BR")]) == GEO_TWO_AT_ONCE
    assert places_code([(NOW, "DE"), (NOW + AT_ONCE + TICK, "BR")]) is None
    assert places_code([(NOW, "DE"), (NOW, "DE"), (NOW, None)]) is None


# The level others are told of


def test_a_rise_is_told_at_once_and_critical_is_told_as_high() -> None:
    shown = Shown().after(Band.MEDIUM, NOW)

    assert shown == Shown(Level.MEDIUM)
    assert shown.after(Band.CRITICAL, NOW) == Shown(Level.HIGH)


def test_a_fall_is_told_after_ten_minutes_below() -> None:
    below = Shown(Level.HIGH).after(Band.LOW, NOW)

    assert below == Shown(Level.HIGH, NOW)
    assert below.after(Band.MEDIUM, NOW + HYSTERESIS - TICK) == below
    assert below.after(Band.MEDIUM, NOW + HYSTERESIS) == Shown(Level.MEDIUM)


def test_a_fall_that_was_interrupted_begins_anew() -> None:
    again = Shown(Level.HIGH).after(Band.LOW, NOW).after(Band.HIGH, NOW + MINUTE).after(Band.LOW, NOW + 2 * MINUTE)

    assert again == Shown(Level.HIGH, NOW + 2 * MINUTE)


@given(st.lists(st.tuples(st.sampled_from(Band), st.integers(0, 900)), max_size=30))
def test_the_level_never_stands_below_the_risk_and_never_falls_twice_within_ten_minutes(
    looks: list[tuple[Band, int]],
) -> None:
    shown, now, fell_at = Shown(), NOW, NOW - HYSTERESIS
    order = list(Level)
    for band, seconds in looks:
        now += timedelta(seconds=seconds)
        after = shown.after(band, now)
        assert order.index(after.level) >= min(2, list(Band).index(band))
        if order.index(after.level) < order.index(shown.level):
            assert now - fell_at >= HYSTERESIS
            fell_at = now
        shown = after
