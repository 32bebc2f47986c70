"""The figures that the engine has to reach, on small worlds that nothing was trained or tuned on.

The bars are those of docs/risk.md with a margin for the size of these worlds; the figures themselves stand there.
"""

import functools
from dataclasses import replace

import pytest

from idp.risk.evaluation import Engine, evaluate
from idp.risk.event_file import read_events, read_scored, scored_line
from idp.risk.report import Report, report
from idp.risk.shipped import NONE, default_tables
from tests.support.worlds import World, training, world
from tests.support.worlds_shapes import ATTACKERS, CALIBRATED, HARDER, SHAPES, TRAINING, Shape

SEED = 1000


@functools.cache
def figures(shape: Shape, *, all_signals: bool = True, engine: Engine = Engine.NDL) -> Report:
    lines = world(replace(shape, people=250), SEED, all_signals=all_signals)
    tables = default_tables() if engine is Engine.NDL else NONE
    scored = (scored_line(*each) for each in evaluate(read_events(lines), engine=engine, tables=tables))
    return report(list(read_scored(scored)), warmup=0.15)


def test_test_seeds_train_nothing() -> None:
    assert all(seed < 100 for _, seed in TRAINING)
    assert not any("label" in each and '"label": "' in each for each in training()[:200])


def test_every_person_is_attacked_equally_often_inside_their_history() -> None:
    events = World(replace(CALIBRATED, people=20), SEED).events()

    for user in {str(event["user"]) for event in events}:
        mine = [event for event in events if event["user"] == user]
        owned = [str(event["t"]) for event in mine if event["label"] is None]
        attacks = [event for event in mine if event["label"] is not None]
        assert sorted(str(event["label"]) for event in attacks) == sorted(ATTACKERS)
        assert all(owned[0] <= str(event["t"]) <= owned[-1] and not event["learn"] for event in attacks)


@pytest.mark.parametrize(
    ("shape", "bars"),
    [
        (CALIBRATED, {"P-targeted": (0.90, 0.98), "E-targeted": (0.72, 0.95), "E-very": (0.50, 0.94)}),
        (HARDER, {"P-targeted": (0.84, 0.97), "E-targeted": (0.55, 0.93), "E-very": (0.25, 0.91)}),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_attacks_are_seen_at_five_per_cent_challenged(shape: Shape, bars: dict[str, tuple[float, float]]) -> None:
    found = figures(shape).attackers

    for label, (tpr, auc) in bars.items():
        assert (found[label].tpr[0.05].value or 0) >= tpr, label
        assert (found[label].auc.value or 0) >= auc, label


@pytest.mark.parametrize("shape", [CALIBRATED, HARDER], ids=lambda shape: shape.name)
def test_owners_are_rarely_challenged(shape: Shape) -> None:
    medium = figures(shape).strata["all"]["medium"].value

    assert medium is not None
    assert medium <= 0.07


def test_our_ranks_are_better_than_those_of_the_published_engine_in_the_same_world() -> None:
    ours = figures(CALIBRATED, all_signals=False).attackers
    published = figures(CALIBRATED, all_signals=False, engine=Engine.FREEMAN).attackers

    for label in ("P-naive", "P-vpn", "P-targeted", "E-targeted", "E-very"):
        assert (ours[label].auc.value or 0) > (published[label].auc.value or 0), label


def test_a_stolen_cookie_is_out_of_reach_of_login_risk() -> None:
    assert (figures(CALIBRATED).attackers["E-cookie"].tpr[0.05].value or 0) < 0.1


@pytest.mark.parametrize("shape", SHAPES[2:], ids=lambda shape: shape.name)
def test_adversarial_worlds_shut_nobody_out(shape: Shape) -> None:
    found = figures(shape)

    critical, naive = found.strata["all"]["critical"].value, found.attackers["P-naive"].tpr[0.05].value
    assert critical is not None
    assert critical <= 0.02
    assert (naive or 0) >= 0.9
