"""A surge is far more failures than in the hours of the past week; what is not known is no surge."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.risk.signals.failed_attempts import SURGE
from idp.risk.surge import DAY, FEW, FRESH, HOUR, WEEK, Surges, hour_of, z_of
from tests.support.builders import NOW

START = NOW.replace(minute=0, second=0, microsecond=0)
THIS = hour_of(START)
MINUTE = timedelta(minutes=1)


def week(each: int = 10, *, hours: int = WEEK) -> dict[int, int]:
    """Return a past with as many failures in every hour."""
    return {THIS - 1 - back: each for back in range(1, hours + 1)}


def test_a_quiet_week_and_an_hour_like_the_others_is_none() -> None:
    assert z_of(week(100) | {THIS - 1: 100}, START) == pytest.approx(0.0)


def test_the_deviation_is_at_least_that_of_a_poisson_process() -> None:
    assert z_of(week(100) | {THIS - 1: 100, THIS: 30}, START) == pytest.approx(3.0)


def test_without_a_day_of_history_nothing_is_called_a_surge() -> None:
    assert z_of(week(hours=DAY - 1) | {THIS: 10_000}, START) is None
    assert z_of(week(hours=DAY) | {THIS: 10_000}, START) is not None
    assert z_of({}, START) is None


def test_a_handful_of_failures_is_none_however_quiet_the_week_was() -> None:
    assert z_of({THIS - 100: 1, THIS: FEW - 1}, START) == 0.0
    assert (z_of({THIS - 100: 1, THIS: FEW}, START) or 0) > SURGE


def test_the_hour_before_counts_as_far_as_it_lies_within_sixty_minutes() -> None:
    counts = week(0) | {THIS - 1: 120, THIS: 0}
    rates = [z_of(counts, START + minutes * MINUTE) for minutes in (0, 15, 30, 45)]

    assert rates == [120.0, 90.0, 60.0, 30.0]


def test_a_week_that_was_restless_makes_a_surge_higher() -> None:
    restless = {hour: (0 if hour % 2 else 200) for hour in week()}

    assert (z_of(restless | {THIS: 250}, START) or 0) < SURGE < (z_of(week(100) | {THIS: 250}, START) or 0)


@given(st.dictionaries(st.integers(THIS - 400, THIS), st.integers(0, 10**9), max_size=60), st.integers(0, 3599))
def test_more_failures_now_never_make_it_less_unusual(counts: Mapping[int, int], second: int) -> None:
    now = START + timedelta(seconds=second)
    before, after = z_of(counts, now), z_of({**counts, THIS: counts.get(THIS, 0) + 100}, now)

    if before is not None:
        assert after is not None
        assert after >= before


class CountedReads:
    """What a Surges reads from, and how often."""

    def __init__(self, counts: Mapping[int, int]) -> None:
        self.counts = counts
        self.reads = 0

    @property
    def failure_hours(self) -> "CountedReads":
        return self

    async def since(self, hour: int) -> Mapping[int, int]:
        self.reads += 1
        return {each: count for each, count in self.counts.items() if each >= hour}


async def test_what_was_read_serves_for_a_quarter_of_a_minute() -> None:
    surges, stores = Surges(), CountedReads(week(100) | {THIS: 500})
    seen = []
    for moment in (START, START + FRESH - MINUTE / 60, START + FRESH, START + FRESH + HOUR, START):
        await surges.z(stores, moment)  # type: ignore[arg-type]
        seen.append(stores.reads)

    assert seen == [1, 1, 2, 3, 4]
