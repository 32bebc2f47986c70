"""An adviser that fails is left alone, and tried again one question at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.risk.allowance import Bucket, Calls, Prices, Spent
from idp.risk.breaker import FIRST_PAUSE, LONGEST_PAUSE, PROBE_LASTS, Breaker

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def after(answers: str, breaker: Breaker | None = None) -> Breaker:
    """Return the breaker after good (+) and bad (-) answers."""
    breaker = breaker or Breaker()
    for answer in answers:
        breaker = breaker.after(NOW, is_good=answer == "+")
    return breaker


def opened(pause: timedelta = FIRST_PAUSE) -> Breaker:
    return replace(Breaker(), open_until=NOW + pause, pause=pause)


@pytest.mark.parametrize("answers", ["-----", "+-----", "+++-----", "+-" * 9 + "+--" + "-"])
def test_it_opens_after_five_failures_in_a_row_or_more_than_half_of_twenty(answers: str) -> None:
    breaker = after(answers)

    assert breaker.open_until == NOW + FIRST_PAUSE
    assert breaker.admit(NOW + FIRST_PAUSE - SECOND) is None


@pytest.mark.parametrize("answers", ["", "----", "----+----", "-+" * 10, "++-" * 30])
def test_it_stays_closed_up_to_there(answers: str) -> None:
    assert after(answers).is_closed
    assert after(answers).admit(NOW) is not None


def test_after_the_pause_one_probe_goes_and_no_second_one() -> None:
    probing = opened().admit(NOW + FIRST_PAUSE)

    assert probing is not None
    assert probing.admit(NOW + FIRST_PAUSE + SECOND) is None


def test_a_probe_that_never_reports_is_given_up() -> None:
    probing = opened().admit(NOW + FIRST_PAUSE)

    assert probing is not None
    assert probing.admit(NOW + FIRST_PAUSE + PROBE_LASTS) is not None


def test_a_good_probe_closes_it_and_forgets_the_past() -> None:
    probing = opened(LONGEST_PAUSE).admit(NOW + LONGEST_PAUSE)

    assert probing is not None
    assert probing.after(NOW + LONGEST_PAUSE, is_good=True) == Breaker()


def test_each_bad_probe_doubles_the_pause_up_to_a_quarter_of_an_hour() -> None:
    breaker, now, pauses = opened(), NOW, []
    for _ in range(6):
        assert breaker.open_until is not None
        now = breaker.open_until
        probing = breaker.admit(now)
        assert probing is not None
        breaker = probing.after(now, is_good=False)
        pauses.append(breaker.pause.total_seconds() / 60)

    assert pauses == [2, 4, 8, 15, 15, 15]


def test_answers_to_questions_from_before_change_nothing_while_it_is_open() -> None:
    assert after("+-", opened()) == opened()


@given(st.lists(st.booleans(), max_size=60))
def test_it_is_open_exactly_when_the_rule_says_so(answers: list[bool]) -> None:
    breaker, seen = Breaker(), []
    for is_good in answers:
        seen.append(is_good)
        breaker = breaker.after(NOW, is_good=is_good)
        should_open = (len(seen) >= 5 and not any(seen[-5:])) or seen[-20:].count(False) > 10
        assert breaker.is_closed is not should_open
        if should_open:
            return


def test_the_friction_budget_starts_empty_and_holds_one_prompt() -> None:
    bucket = Bucket()

    assert bucket.pay() is None
    for _ in range(99):
        bucket = bucket.earn(0.01)
    assert bucket.pay() is None
    for _ in range(1000):
        bucket = bucket.earn(0.01)
    paid = bucket.pay()
    assert paid is not None
    assert paid.pay() is None


@given(st.lists(st.booleans(), max_size=400), st.sampled_from([0.0, 0.01, 0.02, 0.1, 1.0]))
def test_prompts_never_outnumber_what_sign_ins_earned(tries: list[bool], rate: float) -> None:
    """I4."""
    bucket, paid = Bucket(), 0
    for wants in tries:
        bucket = bucket.earn(rate)
        left = bucket.pay() if wants else None
        if left is not None:
            bucket, paid = left, paid + 1

    assert paid <= rate * len(tries) + 1e-9


def test_calls_count_for_an_hour() -> None:
    calls = Calls()
    for minute in range(3):
        more = calls.add(NOW + timedelta(minutes=minute), 3)
        assert more is not None
        calls = more

    assert calls.add(NOW + timedelta(minutes=59), 3) is None
    assert calls.add(NOW + timedelta(hours=1), 3) is not None


def test_a_day_ends_at_its_tokens_or_its_cost_and_a_new_one_begins_at_nothing() -> None:
    prices = Prices(1740, cost_per_day=1.0)
    day = Spent(NOW.date())
    for _ in range(3):
        more = day.reserve(prices)
        assert more is not None
        day = more

    assert day.reserve(prices) is None
    assert day.on((NOW + timedelta(days=1)).date()).reserve(prices) is not None
    assert Spent(NOW.date()).reserve(Prices(10**6, cost_per_day=0.0005, price_in=1.0, price_out=1.0)) is None


def test_a_calls_own_tokens_replace_the_reckoned_ones_and_unknown_ones_do_not() -> None:
    day = Spent(NOW.date()).reserve(Prices(10**6))

    assert day is not None
    assert day.settle(0, 0) == day
    assert (day.settle(900, 30).tokens_in, day.settle(900, 30).tokens_out) == (900, 30)
    assert Prices(0, price_in=2.0, price_out=10.0).cost(500_000, 100_000) == 2.0
