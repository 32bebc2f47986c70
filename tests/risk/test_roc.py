"""The ROC curve and its areas agree with counting pairs, and the partial area looks at few challenges only (roc.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.risk.report import draw
from idp.risk.roc import POINTS, USABLE, Row, curve, to_json, to_text

SUMS = st.lists(st.integers(0, 6), min_size=1, max_size=30)


def rows(sums: list[int]) -> list[Row]:
    return [((0, float(each)), number) for number, each in enumerate(sums)]


def area(owners: list[int], attacks: list[int]) -> float:
    """Count the pairs in which the attack is above, ties half."""
    pairs = [(attack > owner) + 0.5 * (attack == owner) for attack in attacks for owner in owners]
    return sum(pairs) / len(pairs)


@given(SUMS, SUMS)
def test_the_area_is_the_share_of_pairs_in_order(owners: list[int], attacks: list[int]) -> None:
    found = curve(rows(owners), rows(attacks), [[1] * 40])

    assert found.auc.value == pytest.approx(area(owners, attacks))


@given(SUMS, SUMS)
def test_the_curve_rises_from_challenging_nobody_to_catching_everything(owners: list[int], attacks: list[int]) -> None:
    found = curve(rows(owners), rows(attacks), [[1] * 40])

    caught = [found.points[share] for share in POINTS]
    assert caught == sorted(caught)
    assert caught[-1] == pytest.approx(1)
    assert found.points[0.0] == pytest.approx(sum(each > max(owners) for each in attacks) / len(attacks))


def test_the_partial_area_forgets_what_nobody_would_use() -> None:
    owners = list(range(100))
    high, low = curve(rows(owners), rows([200]), [[1] * 100]), curve(rows(owners), rows([85]), [[1] * 100])

    assert high.partial.value == pytest.approx(1)
    assert low.partial.value == 0  # fifteen in a hundred owners stand at or above it
    assert low.auc.value == pytest.approx(0.855)
    chance = curve(rows(owners), rows(owners), [[1] * 100])
    assert chance.auc.value == pytest.approx(0.5)
    assert chance.partial.value == pytest.approx(USABLE / 2)


def test_areas_have_intervals_over_people_and_nothing_has_no_area() -> None:
    found = curve(rows(list(range(50))), rows([30, 45, 60]), [[1] * 50, *(draw(50, number) for number in range(60))])
    empty = curve(rows([1, 2]), [], [[1, 1]])

    assert found.auc.low is not None
    assert found.auc.high is not None
    assert found.auc.value is not None
    assert found.auc.low <= found.auc.value <= found.auc.high
    assert (empty.auc.value, empty.points) == (None, {})
    assert to_text("local", empty) == ["local: nothing to order"]


def test_the_curve_reads_the_same_for_people_and_programs() -> None:
    found = curve(rows([1, 2, 3, 4]), rows([4, 5]), [[1] * 4])

    assert to_json(found)["auc"] == [found.auc.value, None, None]
    assert to_json(found)["roc"] == [[share, round(found.points[share], 6)] for share in POINTS]
    assert to_text("local", found)[0].startswith("local: AUC 0.938, up to 10% challenged ")
