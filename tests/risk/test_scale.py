"""Scores, bands and floors (scale.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.risk import Band, Floor, Reading, band_of
from idp.risk.scale import lift, score_of

sums = st.floats(-60, 60)


@pytest.mark.parametrize(
    ("llr", "score"),
    [
        (-20, 0),
        (-8, 0),
        (-4, 20),
        (-2.11, 29),
        (-0.01, 39),
        (0, 40),
        (1, 52),
        (2.5, 70),
        (4.2, 90),
        (5, 100),
        (50, 100),
    ],
)
def test_a_score_is_steep_above_even_odds_and_flat_below(llr: float, score: int) -> None:
    assert score_of(llr) == score


@given(sums, sums)
def test_a_score_never_falls_as_the_sum_rises(one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert 0 <= score_of(low) <= score_of(high) <= 100


@pytest.mark.parametrize("band", list(Band))
def test_a_floor_lifts_to_the_start_of_its_band(band: Band) -> None:
    score, floors = lift(10, [Reading("X", floor=band)])

    assert score == max(10, band.start)
    assert floors == (Floor("X", band),)


def test_a_floor_never_lowers() -> None:
    assert lift(95, [Reading("X", floor=Band.MEDIUM)])[0] == 95


@pytest.mark.parametrize(("score", "lifted"), [(0, 40), (39, 40), (40, 70), (75, 90), (90, 90), (100, 100)])
def test_spraying_lifts_by_one_band(score: int, lifted: int) -> None:
    found, floors = lift(score, [Reading("SPRAY_ACTIVE", one_band_up=True)])

    assert found == lifted
    assert floors == (Floor("SPRAY_ACTIVE", band_of(lifted)),)


def test_one_band_up_counts_from_what_the_other_floors_leave() -> None:
    readings = [Reading("SPRAY_ACTIVE", one_band_up=True), Reading("LIST_TOR", floor=Band.MEDIUM)]

    assert lift(10, readings)[0] == Band.HIGH.start


@given(st.integers(0, 100), st.lists(st.builds(Reading, st.just("X"), floor=st.none() | st.sampled_from(Band),
                                               one_band_up=st.booleans()), max_size=4))  # fmt: skip
def test_one_more_floor_never_lowers(score: int, readings: list[Reading]) -> None:
    assert lift(score, readings)[0] >= lift(score, readings[:-1])[0] >= score
