"""The past scored again by another table: exactly where everything it rests on was kept, and nowhere else."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import time

import pytest

from idp.domain.risk import Band, band_of
from idp.policy import rule_file, shipped
from idp.policy.facts import ordinary
from idp.policy.record import RecordedSignIn
from idp.risk.engine import assess, observe
from idp.risk.evaluation import plain_digest
from idp.risk.event_file import Event, read_events
from idp.risk.population import Population
from idp.risk.profile import EMPTY, Profile, Taught, learn
from idp.risk.rescoring import Rescoring
from idp.risk.shipped import NONE, Tables, default_tables
from tests.support.recorded import history
from tests.support.worlds import world
from tests.support.worlds_shapes import CALIBRATED

RULES = rule_file.read(shipped.text("balanced"))
Lesson = tuple[RecordedSignIn, Taught | None]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(read_events(world(replace(CALIBRATED, people=25), 1003)))


@pytest.fixture(scope="module")
def model() -> RecordedSignIn:
    """Any record: what the engine said and the facts are replaced."""
    return next(iter(history(RULES, 1)))


def recorded(events: list[Event], model: RecordedSignIn, tables: Tables) -> Iterator[Lesson]:
    """Yield the events as decisions scored by a table would have kept them."""
    population = Population(tables)
    profiles: dict[str, Profile] = {}
    for event in events:
        seen, profile = observe(event.now, plain_digest), profiles.get(event.user, EMPTY)
        found = assess(event.now, seen, profile, population)
        hours = {} if event.now.hour is None else {"time.local": time(event.now.hour, 30)}
        facts = ordinary().but({"risk.score": found.score, "risk.band": found.band, **hours})
        facts = facts if hours else facts.but({}, frozenset({"time.local"}))
        assessed = {
            "score": found.score, "local": found.score, "llr": found.llr, "history": found.logins,
            "parts": [{"code": part.code, "nats": part.nats} for part in found.parts],
            "floors": [{"code": each.code, "band": each.band.value} for each in found.floors],
            "engine": found.engine, "tables": found.tables, "adviser": {"effect": 0},
        }  # fmt: skip
        taught = None
        if event.learn:
            profiles[event.user], taught = learn(profile, seen)
            population.add(taught)
        yield (
            replace(model, at=event.now.at, user=event.user, facts=facts, assessed=json.loads(json.dumps(assessed))),
            taught,
        )


def scores(scoring: Rescoring, past: list[Lesson]) -> list[int | None]:
    found = []
    for record in scoring.over(past):
        facts = scoring.facts_of(record)
        score = None if facts is None else facts["risk.score"]
        assert score is None or isinstance(score, int)
        found.append(score)
    return found


def test_the_same_table_gives_what_was_recorded(events: list[Event], model: RecordedSignIn) -> None:
    past = list(recorded(events, model, default_tables()))
    scoring = Rescoring(default_tables(), [default_tables()], band_of)

    found = scores(scoring, past)

    assert scoring.tally.rescored > 0.9 * len(past)
    assert scoring.tally.furthest < 1e-9
    assert all(score in (None, record.assessed["score"]) for score, (record, _) in zip(found, past, strict=True))


def test_another_table_gives_what_it_would_have_given(events: list[Event], model: RecordedSignIn) -> None:
    past = list(recorded(events, model, default_tables()))
    would_be = [record.assessed["score"] for record, _ in recorded(events, model, NONE)]
    scoring = Rescoring(NONE, [default_tables()], band_of)

    found = scores(scoring, past)

    assert [score for score in found if score is not None] == [
        expected for expected, score in zip(would_be, found, strict=True) if score is not None
    ]
    assert found != [record.assessed["score"] for record, _ in past]


def test_what_is_not_kept_is_left_out_and_named(events: list[Event], model: RecordedSignIn) -> None:
    past = list(recorded(events, model, default_tables()))[len(events) // 2 :]
    scoring = Rescoring(NONE, [default_tables()], band_of)

    found = scores(scoring, past)

    assert found.count(None) == sum(scoring.tally.skipped.values()) > len(past) / 2
    assert set(scoring.tally.skipped) <= {
        "earlier sign-ins of the person are not kept", "the counts of that moment are not kept",
        "network or agent was not known whole",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"engine": "ndl-0"}, "scored by another engine"),
        ({"tables": "default-0"}, "scored by a table that is not here"),
        ({"llr": 3.0}, "the counts of that moment are not kept"),
        ({"history": 4}, "earlier sign-ins of the person are not kept"),
    ],
)
def test_a_record_that_does_not_come_out_again_is_not_scored(
    events: list[Event], model: RecordedSignIn, change: dict[str, object], why: str
) -> None:
    record, _ = next(recorded(events, model, default_tables()))
    scoring = Rescoring(NONE, [default_tables()], band_of)

    assert scores(scoring, [(replace(record, assessed=record.assessed | change), None)]) == [None]  # type: ignore[operator]
    assert scoring.tally.skipped == {why: 1}


def test_what_lifted_a_score_beside_the_engine_lifts_the_new_one_too(
    events: list[Event], model: RecordedSignIn
) -> None:
    lower = replace(default_tables(), attack=replace(default_tables().attack, net=(0.9, 0.05, 0.03, 0.02)))
    record, _ = next(recorded(events, model, default_tables()))
    held = replace(record, assessed={**record.assessed, "score": 75}, facts=record.facts.but({"risk.score": 75}))
    person = replace(record, facts=record.facts.but({"risk.user_band": Band.MEDIUM}))

    scoring = Rescoring(lower, [default_tables()], band_of)

    assert scores(scoring, [(record, None), (held, None), (person, None)])[1:] == [75, 40]


def test_advice_for_another_score_is_left_out_and_counted(events: list[Event], model: RecordedSignIn) -> None:
    lower = replace(default_tables(), attack=replace(default_tables().attack, net=(0.9, 0.05, 0.03, 0.02)))
    record, _ = next(recorded(events, model, default_tables()))
    local = record.assessed["local"]
    assert isinstance(local, int)
    advised = replace(record, assessed={**record.assessed, "adviser": {"effect": 10}, "score": local + 10})
    scoring = Rescoring(lower, [default_tables()], band_of)

    (score,) = scores(scoring, [(advised, None)])

    assert score is not None
    assert score < local
    assert scoring.tally.without_advice == 1
