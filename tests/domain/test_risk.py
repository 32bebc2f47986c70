"""Bands of scores (docs/risk.md)."""

import pytest

from idp.domain.risk import Band, band_of


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (0, Band.LOW), (39, Band.LOW), (40, Band.MEDIUM), (69, Band.MEDIUM),
        (70, Band.HIGH), (89, Band.HIGH), (90, Band.CRITICAL), (100, Band.CRITICAL),
    ],
)  # fmt: skip
def test_a_band_begins_at_its_lowest_score(score: int, band: Band) -> None:
    assert band_of(score) is band


def test_bands_are_ordered_by_severity() -> None:
    assert Band.HIGH.at_least(Band.MEDIUM)
    assert Band.HIGH.at_least(Band.HIGH)
    assert not Band.MEDIUM.at_least(Band.HIGH)
