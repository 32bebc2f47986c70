"""The published baseline, term by term (freeman.py)."""

from dataclasses import replace
from math import log

import pytest

from idp.risk.freeman import History
from tests.support.worlds_events import FIREFOX, IPHONE, ORDINARY, seen

OTHER = replace(ORDINARY, address="198.51.100.1", asn=1, country="SE", agent=IPHONE)


def learnt() -> History:
    """Three logins of one person, one of another."""
    history = History()
    for user, now in (("a", ORDINARY), ("a", ORDINARY), ("a", replace(ORDINARY, address="192.0.2.8")), ("b", OTHER)):
        history.learn(user, seen(now))
    return history


def nats(history: History, user: str, now: object) -> dict[str, float]:
    return {part.code: part.nats for part in history.assess(user, seen(now)).parts}  # type: ignore[arg-type]


def test_a_known_login_compares_all_with_this_person() -> None:
    found = nats(learnt(), "a", ORDINARY)

    unseen = 1 + 2 + 2  # two autonomous systems, two countries
    finest = 2 / 4 * (1 - unseen / (4 + unseen)) * 2 / (2 + 3)
    common = 0.6 * finest + 0.3 * 3 / 4 + 0.1 * 3 / 4
    personal = 0.6 * 2 / 3 + 0.3 + 0.1
    assert found["FREEMAN_ADDRESS"] == pytest.approx(log(common / personal))


def test_an_unseen_value_of_the_finest_level_is_smoothed() -> None:
    found = nats(learnt(), "a", replace(ORDINARY, address="203.0.113.1"))

    common = 0.6 / (4 + 5) + 0.3 * 3 / 4 + 0.1 * 3 / 4
    assert found["FREEMAN_ADDRESS"] == pytest.approx(log(common / (0.3 + 0.1)))


def test_agents_have_four_levels_with_the_published_weights() -> None:
    found = nats(learnt(), "a", replace(ORDINARY, agent=FIREFOX.format(99)))

    unseen = 1 + 2 + 2 + 2
    common = 0.5386654 / (4 + unseen) + (0.1881830 + 0.0051065) * 3 / 4
    assert found["FREEMAN_AGENT"] == pytest.approx(log(common / (0.1881830 + 0.0051065)))


def test_what_was_never_seen_of_a_person_counts_four_times() -> None:
    found = nats(learnt(), "a", OTHER)

    assert found["FREEMAN_ADDRESS"] == found["FREEMAN_AGENT"] == pytest.approx(log(4))


def test_active_people_are_likelier() -> None:
    history = learnt()

    assert nats(history, "a", ORDINARY)["FREEMAN_USER"] == pytest.approx(log((1 / 2) / (3 / 4)))
    assert nats(history, "b", ORDINARY)["FREEMAN_USER"] == pytest.approx(log((1 / 2) / (1 / 4)))


def test_without_history_there_is_no_score() -> None:
    found = learnt().assess("nobody", seen())

    assert found.llr == 0
    assert [part.code for part in found.parts] == ["NO_HISTORY"]
    assert found.logins == 0


def test_an_unknown_level_weighs_nothing() -> None:
    found = nats(learnt(), "a", replace(ORDINARY, asn=None, country=None, address=None, agent=None))

    assert found["FREEMAN_ADDRESS"] == found["FREEMAN_AGENT"] == 0


def test_the_parts_add_up() -> None:
    found = learnt().assess("a", seen(OTHER))

    assert found.llr == pytest.approx(sum(part.nats for part in found.parts), abs=1e-9)
    assert found.engine == "freeman-1"
