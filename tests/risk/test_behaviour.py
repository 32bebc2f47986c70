"""User risk and sequences: what counts, how it fades, and both sides of every window (first judgements included)."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.event import EventKind
from idp.domain.risk import Band, Floor
from idp.risk.behaviour import (
    HABIT,
    KINDS,
    LOOK_BACK,
    MOST,
    POINTS,
    Act,
    Happened,
    Mark,
    UserRisk,
    detail_of,
    floors_of,
    read_event,
    user_risk,
)

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TICK = timedelta(microseconds=1)
EMAIL, ADDED, REMOVED = EventKind.EMAIL_CHANGED, EventKind.FACTOR_ADDED, EventKind.FACTOR_REMOVED
STRONG = frozenset({Mark.STRONG_PROOF})
ADMIN_CONSENT = Happened(EventKind.CONSENT_GIVEN, NOW, marks=frozenset({Mark.FIRST_ADMIN_SCOPE}))


def event(kind: EventKind, ago: timedelta = timedelta(), *marks: Mark, days: int | None = None) -> Happened:
    return Happened(kind, NOW - ago, days, frozenset(marks))


def proof(ago: timedelta) -> Happened:
    return event(EventKind.FACTOR_PROVED, ago, Mark.STRONG_PROOF)


def new_device(ago: timedelta) -> Happened:
    return event(EventKind.SIGNED_IN, ago, Mark.NEW_DEVICE)


def parts_of(risk: UserRisk) -> dict[str, float]:
    return {part.code: part.points for part in risk.parts}


events_up_to_now = st.lists(
    st.builds(
        Happened,
        st.sampled_from(sorted(KINDS)),
        st.integers(0, 40 * 24 * 60).map(lambda minutes: NOW - minutes * MINUTE),
        st.none() | st.integers(0, 60),
        st.frozensets(st.sampled_from(Mark), max_size=2),
    ),
    max_size=20,
)


# Points


@pytest.mark.parametrize(
    ("kind", "marks", "act", "points"),
    [
        (EMAIL, (), Act.CONTACT_CHANGED, 25),
        (EventKind.PHONE_CHANGED, (), Act.CONTACT_CHANGED, 25),
        (REMOVED, (), Act.FACTOR_REMOVED, 30),
        (ADDED, (), Act.FACTOR_ADDED, 15),
        (EventKind.RECOVERY_STARTED, (), Act.RECOVERY_STARTED, 10),
        (EventKind.RECOVERY_DONE, (), Act.RECOVERY_FINISHED, 20),
        (EventKind.PASSWORD_RESET, (), Act.RECOVERY_FINISHED, 20),
        (EventKind.RECOVERY_CODES_MADE, (), Act.CODES_VIEWED, 15),
        (EventKind.CONSENT_GIVEN, (Mark.FIRST_ADMIN_SCOPE,), Act.ADMIN_SCOPE, 20),
        (EventKind.TOKENS_ISSUED, (Mark.TOKEN_EXPORT,), Act.TOKEN_EXPORTED, 15),
    ],
)
def test_each_act_has_its_points_half_of_them_a_day_later(
    kind: EventKind, marks: tuple[Mark, ...], act: Act, points: int
) -> None:
    risk = user_risk([event(kind, timedelta(), *marks)], NOW)

    assert parts_of(risk) == {act.value: points}
    assert (risk.points, risk.floors) == (points, ())
    assert parts_of(user_risk([event(kind, DAY, *marks)], NOW)) == {act.value: points / 2}


@pytest.mark.parametrize("kind", [EventKind.SIGNED_IN, EventKind.CONSENT_GIVEN, EventKind.RESET_ASKED])
def test_what_is_ordinary_or_done_by_strangers_has_no_points(kind: EventKind) -> None:
    assert user_risk([event(kind)] * 20, NOW) == UserRisk(0, (), ())


@pytest.mark.parametrize(("days", "expected"), [(None, 25), (0, 25), (30, 25), (31, 12.5)])
def test_a_device_known_for_over_thirty_days_halves_what_it_does(days: int | None, expected: float) -> None:
    assert parts_of(user_risk([event(EMAIL, days=days)], NOW)) == {"ACT_CONTACT_CHANGED": expected}


def test_a_strong_proof_zeroes_what_came_before_it_and_nothing_after() -> None:
    before, at_once, after = event(EMAIL, 2 * HOUR), event(EMAIL, HOUR), event(EMAIL, HOUR - TICK)

    assert user_risk([before, at_once, proof(HOUR)], NOW).points == 0
    assert user_risk([before, after, proof(HOUR)], NOW) == user_risk([after], NOW)
    assert user_risk([before, event(EventKind.FACTOR_PROVED, HOUR)], NOW).points > 0


def test_what_a_clock_ahead_put_into_the_future_counts_as_of_now() -> None:
    assert user_risk([event(EMAIL, -MINUTE)], NOW).points == 25


def test_points_never_add_up_to_critical() -> None:
    risk = user_risk([event(REMOVED)] * 9, NOW)

    assert (risk.points, risk.score, risk.band) == (MOST, MOST, Band.HIGH)


# Three times as many as usual


def test_three_acts_in_a_day_are_many_for_somebody_who_has_none_and_two_are_not() -> None:
    day = [event(ADDED), event(ADDED, HOUR), event(ADDED, DAY - TICK)]

    assert HABIT not in parts_of(user_risk(day[:2], NOW))
    assert parts_of(user_risk(day, NOW))[HABIT] == 15
    assert HABIT not in parts_of(user_risk([*day[:2], event(ADDED, DAY)], NOW))


def test_many_are_fewer_than_three_times_what_a_person_is_used_to() -> None:
    used_to_two = [event(ADDED, DAY * days, days=90) for days in range(1, 29) for _ in range(2)]
    today = [event(ADDED) for _ in range(6)]

    assert HABIT not in parts_of(user_risk([*used_to_two, *today[:5]], NOW))
    assert parts_of(user_risk([*used_to_two, *today], NOW))[HABIT] == 15
    used_to_four = [*used_to_two, *used_to_two]
    assert parts_of(user_risk([*used_to_four, *today], NOW))[HABIT] < 1e-3  # what is left of the very first days


def test_many_acts_count_half_if_every_one_came_from_a_device_long_known() -> None:
    known = [event(ADDED, days=31)] * 3

    assert parts_of(user_risk(known, NOW))[HABIT] == 7.5
    assert parts_of(user_risk([*known, event(ADDED, days=3)], NOW))[HABIT] == 15


def test_many_acts_before_a_strong_proof_are_forgotten() -> None:
    assert HABIT not in parts_of(user_risk([event(ADDED, HOUR), event(ADDED, HOUR), proof(MINUTE), event(ADDED)], NOW))


# Properties


@given(events_up_to_now)
def test_risk_is_a_score_below_critical_and_its_parts_add_up(events: list[Happened]) -> None:
    risk = user_risk(events, NOW)

    assert 0 <= risk.points <= risk.score <= MOST
    assert risk.points == min(MOST, round(sum(part.points for part in risk.parts)))
    assert all(part.points > 0 for part in risk.parts)


@given(events_up_to_now, st.randoms(use_true_random=False))
def test_the_order_in_which_events_are_read_is_irrelevant(events: list[Happened], shuffler: random.Random) -> None:
    shuffled = list(events)
    shuffler.shuffle(shuffled)

    assert user_risk(shuffled, NOW) == user_risk(events, NOW)


@given(events_up_to_now, st.sampled_from(sorted(KINDS)), st.frozensets(st.sampled_from(Mark)), st.booleans())
def test_one_more_thing_never_lowers_risk_unless_it_is_a_strong_proof(
    events: list[Happened], kind: EventKind, marks: frozenset[Mark], from_known: bool
) -> None:
    more = Happened(kind, NOW, 90 if from_known else None, marks - STRONG)

    before, after = user_risk(events, NOW), user_risk([*events, more], NOW)

    assert after.score >= before.score
    assert set(after.floors) >= set(before.floors)
    assert all(parts_of(after)[code] >= points for code, points in parts_of(before).items())


@given(events_up_to_now, st.integers(0, 5 * 24 * 60), st.integers(0, 24 * 60))
def test_risk_only_fades_while_nothing_happens(events: list[Happened], minutes: int, more: int) -> None:
    earlier, later = NOW + minutes * MINUTE, NOW + (minutes + more) * MINUTE

    assert user_risk(events, later).score <= user_risk(events, earlier).score


@given(events_up_to_now)
def test_after_a_strong_proof_only_floors_are_left(events: list[Happened]) -> None:
    risk = user_risk([*events, proof(timedelta())], NOW)

    assert risk.points == 0
    assert risk.floors == floors_of(sorted(events, key=lambda each: each.at), NOW)


def test_what_is_older_than_the_look_back_cannot_be_seen() -> None:
    assert user_risk([event(REMOVED, LOOK_BACK)] * 100, NOW).points == 0


# Sequences


def floors_at(events: list[Happened], now: datetime = NOW) -> tuple[Floor, ...]:
    return user_risk(events, now).floors


@pytest.mark.parametrize(
    ("code", "band", "within", "steps"),
    [
        ("SEQ_TAKEOVER", Band.HIGH, HOUR, (new_device(timedelta()), event(EMAIL), event(REMOVED))),
        ("SEQ_RESET_ENROL", Band.HIGH, DAY, (event(EventKind.PASSWORD_RESET), event(ADDED), event(REMOVED))),
        ("SEQ_RESET_ENROL", Band.HIGH, DAY, (event(EventKind.RECOVERY_DONE), event(ADDED), event(REMOVED))),
        ("SEQ_NEW_ADMIN", Band.MEDIUM, HOUR, (new_device(timedelta()), ADMIN_CONSENT)),
    ],
)  # fmt: skip
def test_a_sequence_is_a_floor_for_a_day_if_its_steps_follow_each_other_in_time(
    code: str, band: Band, within: timedelta, steps: tuple[Happened, ...]
) -> None:
    pause = within / (len(steps) - 1)
    chain = [replace(step, at=NOW - within + number * pause) for number, step in enumerate(steps)]
    too_late = [replace(chain[0], at=chain[0].at - TICK), *chain[1:]]
    backwards = [replace(step, at=chain[-1 - number].at) for number, step in enumerate(chain)]

    assert floors_at(chain) == (Floor(code, band),)
    assert floors_at(chain[::-1]) == (Floor(code, band),)
    assert user_risk(chain, NOW).score >= band.start
    assert floors_at(chain, NOW + DAY - TICK) == (Floor(code, band),)
    assert floors_at(chain, NOW + DAY) == ()
    assert floors_at(too_late) == ()
    assert floors_at(backwards) == ()
    for number in range(len(chain)):
        assert floors_at(chain[:number] + chain[number + 1 :]) == ()


def test_a_strong_proof_lifts_no_sequence() -> None:
    taken_over = [new_device(3 * MINUTE), event(EMAIL, 2 * MINUTE), event(REMOVED, MINUTE)]

    risk = user_risk([*taken_over, proof(timedelta())], NOW)

    assert (risk.points, risk.score, risk.band) == (0, 70, Band.HIGH)


def test_a_later_step_of_the_same_kind_does_not_hide_a_sequence() -> None:
    chain = [new_device(50 * MINUTE), event(EMAIL, 40 * MINUTE), event(REMOVED, 30 * MINUTE)]

    assert floors_at([*chain, event(EMAIL, MINUTE), new_device(timedelta())]) == (Floor("SEQ_TAKEOVER", Band.HIGH),)


def test_a_device_that_is_known_begins_no_sequence() -> None:
    assert floors_at([event(EventKind.SIGNED_IN, HOUR), event(EMAIL, HOUR), event(REMOVED)]) == ()


# The audit trail


@given(st.sampled_from(sorted(KINDS)), st.none() | st.integers(0, 999), st.frozensets(st.sampled_from(Mark)))
def test_an_event_is_read_as_its_detail_was_written(kind: EventKind, days: int | None, marks: frozenset[Mark]) -> None:
    written = detail_of(device_known_days=days, marks=marks)

    assert read_event(kind.value, NOW, {"factor": "totp", **written}) == Happened(kind, NOW, days, marks)


def test_kinds_that_do_not_matter_are_passed_over_and_odd_details_say_nothing() -> None:
    assert read_event("code_sent", NOW, {}) is None
    assert read_event("signed_in", NOW, {"device_days": True, "new_device": "yes"}) == Happened(
        EventKind.SIGNED_IN, NOW
    )


def test_every_act_has_points() -> None:
    assert set(POINTS) == set(Act)
