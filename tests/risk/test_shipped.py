"""The shipped table: it is what its generator says, and a damaged one is refused (shipped.py)."""

import json
from importlib.resources import files

import pytest

from idp.risk.evaluation import train
from idp.risk.event_file import read_events
from idp.risk.shipped import NONE, BadTable, default_tables, read_tables, rounded
from tests.support.worlds import training
from tests.support.worlds_events import line
from tests.support.worlds_shapes import GENERATOR, TRAINING_SEED

TEXT = files("idp.risk").joinpath("tables").joinpath("default-1.json").read_text("utf-8")


def test_the_shipped_table_is_what_its_generator_gives() -> None:
    found = train(read_events(training()), NONE, version="default-1", generator=GENERATOR, seed=TRAINING_SEED)

    assert found == TEXT


def test_the_shipped_table_has_all_shares() -> None:
    tables = default_tables()

    assert tables.version == "default-1"
    assert [len(cells) for cells in tables.cells] == [40] * 6
    assert all(sum(cells) == pytest.approx(1) for cells in (*tables.cells, tables.hours))


@pytest.mark.parametrize(
    "change",
    [
        {"version": None}, {"D": {}}, {"D": None}, {"hours": [1]}, {"hours": [0.5] * 24}, {"hours": ["x"] * 24},
        {"A": {}}, {"hours": [-1.0, 2.0] + [0.0] * 22},
        {"A": {"net": [0.0, 0.2, 0.3, 0.5], "agent": [0.2] * 5, "dev": [0.5, 0.5]}},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_table_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadTable):
        read_tables(json.dumps(json.loads(TEXT) | change))


def test_what_is_not_json_is_no_table() -> None:
    with pytest.raises(BadTable):
        read_tables("{")


@pytest.mark.parametrize("counts", [[1, 1, 1], [7, 0, 3], [1] + [0] * 39, list(range(40))])
def test_rounded_shares_add_up(counts: list[int]) -> None:
    assert sum(round(share * 1_000_000) for share in rounded(counts)) == 1_000_000


def test_a_bucket_without_logins_is_like_its_neighbour() -> None:
    made = read_tables(train(read_events([line(), line(1)]), NONE, version="x", generator=None, seed=None))

    assert made.cells[5] == made.cells[0]


def test_nobody_who_came_twice_makes_no_table() -> None:
    with pytest.raises(BadTable):
        train(read_events([line()]), NONE, version="x", generator=None, seed=None)
