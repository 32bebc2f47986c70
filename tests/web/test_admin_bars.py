"""Bars begin where the one before ended, stay inside their frame, and are nothing but paths."""

import re

from hypothesis import given
from hypothesis import strategies as st

from idp.templating import _drawing
from idp.web.admin.bars import AXIS, WIDTH, bars

NATS = st.floats(-50, 50, allow_nan=False)


def spans(drawings: list[str]) -> list[tuple[str, float, float]]:
    """Return kind, start and width of each bar."""
    found = [re.search(r'class="(against|owner)" d="M([\d.-]+) 2h([\d.]+)', each) for each in drawings]
    return [(each[1], float(each[2]), float(each[3])) for each in found if each is not None]


def test_no_addends_make_one_empty_sum() -> None:
    assert len(bars([])) == 1


def test_each_bar_begins_where_the_one_before_ended() -> None:
    first, second, total = spans(bars([3.0, -1.0]))

    assert (first[0], second[0], total[0]) == ("against", "owner", "against")
    assert first[1] + first[2] == second[1] + second[2]
    assert total[1] == first[1]
    assert abs(total[2] - first[2] * 2 / 3) < 0.02


@given(st.lists(NATS, max_size=12))
def test_whatever_the_addends_the_drawing_is_one_that_a_page_accepts(addends: list[float]) -> None:
    drawings = bars(addends)

    assert len(drawings) == len(addends) + 1
    for each in drawings:
        _drawing(each)
    for _, start, width in spans(drawings):
        assert start >= 0
        assert start + width <= WIDTH + AXIS
