"""Advice has to beat a lower threshold before it may be called useful (comparison.py)."""

import json
import random
from dataclasses import replace

import pytest

from idp.risk.comparison import ZONE, Answer, Comparison, compare, final_score, read_answers
from idp.risk.evaluation import Engine, evaluate
from idp.risk.event_file import BrokenLine, Scored, read_events, read_scored, scored_line
from idp.risk.shipped import default_tables
from tests.support.worlds import world
from tests.support.worlds_shapes import HARDER


@pytest.fixture(scope="module")
def logins() -> tuple[list[Scored], list[str | None]]:
    """A harder world: attackers and owners mix in its grey zone."""
    lines = world(replace(HARDER, people=250), 1001)
    pairs = list(evaluate(read_events(lines), engine=Engine.NDL, tables=default_tables()))
    return list(read_scored(scored_line(*pair) for pair in pairs)), [event.id for event, _ in pairs]


def advised(logins: tuple[list[Scored], list[str | None]], attacks: float, owners: float) -> Comparison:
    """Compare with an adviser that raises these shares of the grey zone."""
    dice = random.Random(7)
    lines, ids = logins
    answers = {}
    for line, name in zip(lines, ids, strict=True):
        if line.score in ZONE and name is not None:
            raises = dice.random() < (owners if line.label is None else attacks)
            answers[name] = Answer(70 if raises else 10, is_sure=True, reasons=("NET_NEW_IP",))
    return compare(lines, ids, answers)


def test_an_adviser_that_tells_attackers_from_owners_passes(logins: tuple[list[Scored], list[str | None]]) -> None:
    found = advised(logins, 0.6, 0.1)

    assert found.passes
    assert found.caught > found.caught_locally
    assert found.calls > len(found.flips) > 0
    assert found.advised.partial.value is not None
    assert found.local.partial.value is not None
    assert found.advised.partial.value > found.local.partial.value


@pytest.mark.parametrize(("attacks", "owners"), [(0.3, 0.15), (0.5, 0.5), (0.0, 0.0), (1.0, 1.0)])
def test_one_that_a_lower_threshold_beats_fails(
    logins: tuple[list[Scored], list[str | None]], attacks: float, owners: float
) -> None:
    assert not advised(logins, attacks, owners).passes


def test_few_attacks_prove_nothing(logins: tuple[list[Scored], list[str | None]]) -> None:
    lines, ids = logins
    attacks = [number for number, line in enumerate(lines) if line.label == "E-very"][:150]
    kept = sorted([*attacks, *(number for number, line in enumerate(lines) if line.label is None)])

    found = advised(([lines[number] for number in kept], [ids[number] for number in kept]), 1.0, 0.0)

    assert found.gain.low is not None
    assert found.gain.low > 0
    assert not found.passes


@pytest.mark.parametrize(
    ("local", "answer", "final"),
    [
        (30, None, 30),
        (30, Answer(None, is_sure=True), 30),
        (30, Answer(90, is_sure=False), 30),
        (30, Answer(10, is_sure=True), 30),
        (30, Answer(50, is_sure=True), 50),
        (30, Answer(100, is_sure=True), 55),
        (19, Answer(100, is_sure=True), 19),
        (40, Answer(100, is_sure=True), 40),
    ],
)
def test_advice_raises_within_its_step_and_the_grey_zone(local: int, answer: Answer | None, final: int) -> None:
    assert final_score(local, answer) == final


def test_answers_are_read_by_the_id_of_their_event() -> None:
    line = {"id": "e1", "score": 70, "confidence": "high", "reasons": ["NONE"], "latency_ms": 12.5, "tokens_in": 3}

    found = read_answers([json.dumps(line), "", '{"id":"e2","score":null}'])

    assert found["e1"] == Answer(70, True, ("NONE",), 12.5, 3, 0)
    assert found["e2"] == Answer(None, False)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"id":"a"}', '{"id":"a","score":101}', '{"id":"a","score":1,"reasons":"x"}',
     '{"id":"a","score":1,"latency_ms":"x"}', '{"id":"a","score":1,"tokens_in":-1}'],
)  # fmt: skip
def test_a_broken_answer_ends_with_its_line(text: str) -> None:
    with pytest.raises(BrokenLine) as broken:
        read_answers(['{"id":"e2","score":null}', text])

    assert broken.value.number == 2
