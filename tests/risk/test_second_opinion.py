"""The published baseline ranks a sign-in among those before it; what was not kept gives no rank (second_opinion.py)."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.risk import second_opinion
from idp.risk.engine import observe
from idp.risk.evaluation import Engine, evaluate, plain_digest
from idp.risk.event_file import read_events
from idp.risk.hierarchy import AgentLevels, NetLevels
from idp.risk.profile import Observation
from idp.risk.second_opinion import FEWEST, Baseline, Past, correlation, ranks
from idp.risk.shipped import default_tables
from tests.support.worlds import world
from tests.support.worlds_shapes import CALIBRATED


@pytest.fixture(scope="module")
def past() -> list[Past]:
    """The sign-ins of a small world, as decisions keep them."""
    events = list(read_events(world(replace(CALIBRATED, people=30), 1002)))
    own = evaluate(events, engine=Engine.NDL, tables=default_tables())
    return [
        Past(event.user, observe(event.now, plain_digest), found.llr, found.logins, event.learn) for event, found in own
    ]


def test_the_baseline_over_kept_decisions_is_the_baseline_over_the_file(past: list[Past]) -> None:
    events = list(read_events(world(replace(CALIBRATED, people=30), 1002)))
    expected = [found.llr for _, found in evaluate(events, engine=Engine.FREEMAN, tables=default_tables())
                if found.logins]  # fmt: skip
    baseline = Baseline()

    baseline.go_over(past)

    assert [llr for _, llr in baseline.scored] == expected


def test_a_new_place_and_agent_rank_high_to_both(past: list[Past]) -> None:
    baseline = Baseline()
    baseline.go_over(past)
    stranger = Observation(
        0, NetLevels(b"a" * 8, b"b" * 8, b"c" * 8), AgentLevels(b"d" * 8, b"e" * 8, b"f" * 8, b"g" * 8)
    )

    ranked = baseline.rank(Past(past[0].user, stranger, 9.0, 5, has_taught=False))

    assert not isinstance(ranked, str)
    assert ranked.own > 0.9
    assert ranked.baseline > 0.9
    assert {part.code for part in ranked.parts} == {"FREEMAN_ADDRESS", "FREEMAN_AGENT", "FREEMAN_USER"}


def test_what_cannot_be_ranked_says_why(past: list[Past]) -> None:
    baseline = Baseline()
    known = next(each for each in past if each.has_taught)

    assert baseline.rank(replace(known, seen=None)) == "what it was compared by was not kept"
    assert "learnt of this person" in str(baseline.rank(replace(known, user="nobody", logins=3)))
    baseline.go_over(past[:5])
    assert len(baseline.scored) < FEWEST
    learnt = replace(next(each for each in past[:5] if each.has_taught), logins=1)
    assert "can be ranked" in str(baseline.rank(learnt))


@given(st.builds(
    Observation, st.just(0),
    st.builds(NetLevels, *[st.none() | st.binary(min_size=8, max_size=8)] * 3),
    st.none() | st.builds(AgentLevels, *[st.binary(min_size=8, max_size=8)] * 4),
))  # fmt: skip
def test_what_was_compared_comes_back_from_a_record(seen: Observation) -> None:
    assert second_opinion.from_json(json.loads(json.dumps(second_opinion.to_json(seen)))) == seen


@pytest.mark.parametrize(
    "kept",
    [None, {}, [], "x", {"net": [], "agent": None}, {"net": [1, 2, 3], "agent": None},
     {"net": ["%", None, None], "agent": None}, {"net": [None] * 3, "agent": [None] * 4}],
)  # fmt: skip
def test_a_record_that_kept_nothing_or_nonsense_gives_nothing(kept: object) -> None:
    assert second_opinion.from_json(kept) is None


def test_ranks_share_ties_and_orders_are_compared_not_sizes() -> None:
    assert ranks([3.0, 1.0, 3.0, 2.0]) == [2.5, 0.0, 2.5, 1.0]
    assert correlation([(1, 10), (2, 1000), (3, 1001)]) == pytest.approx(1)
    assert correlation([(1, 3), (2, 2), (3, 1)]) == pytest.approx(-1)
    assert correlation([(1, 1), (2, 1)]) is None
    assert correlation([]) is None
