"""Columns over time: each kind stands on the one before it, and the highest column fills the picture."""

import re

from hypothesis import given
from hypothesis import strategies as st

from idp.templating import _DRAWING
from idp.web.admin.columns import HEIGHT, draw

ROWS = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=30)
PATH = re.compile(r'class="c(\d)" d="M(\d+) ([\d.]+)h8v([\d.]+)h-8z"')


@given(ROWS)
def test_columns_stand_on_the_ground_and_reach_their_share_of_the_height(rows: list[tuple[int, int]]) -> None:
    svg = draw(rows, [0, 1])
    most = max(map(sum, rows), default=0)

    assert _DRAWING.fullmatch(svg)
    for n, row in enumerate(rows):
        parts = [part for part in PATH.findall(svg) if int(part[1]) // 10 == n]
        assert len(parts) == sum(count > 0 for count in row)
        if parts:
            assert abs(float(parts[0][2]) + float(parts[0][3]) - HEIGHT) < 0.02
            assert abs(sum(float(part[3]) for part in parts) - HEIGHT * sum(row) / most) < 0.03


def test_a_kind_keeps_its_colour_where_another_is_missing() -> None:
    assert [part[0] for part in PATH.findall(draw([[0, 2], [1, 0]], [3, 1]))] == ["1", "3"]
