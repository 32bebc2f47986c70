"""How failures slow an account and a network down."""

from datetime import timedelta
from itertools import pairwise

import pytest

from idp.policy import lockout
from idp.policy.lockout import PASSWORD_WAITS, password_wait

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("failures", "wait"),
    [
        (0, 0),
        (1, 0),
        (4, 0),
        (5, 30),
        (6, 60),
        (7, 120),
        (8, 240),
        (9, 480),
        (10, 900),
        (11, 900),
        (50, 900),
        (99, 900),
    ],
)
def test_the_wait_begins_at_the_fifth_failure_and_doubles_to_15_minutes(failures: int, wait: int) -> None:
    """NIST SP 800-63B-4 §3.2.2."""
    assert password_wait(failures) == wait * SECOND


def test_at_the_hundredth_failure_the_password_is_off_until_it_is_reset() -> None:
    assert password_wait(100) > timedelta(days=365)
    assert password_wait(1000) == password_wait(100)


def test_one_more_failure_never_shortens_the_wait() -> None:
    assert all(earlier <= later for earlier, later in pairwise(PASSWORD_WAITS))


def test_the_table_says_the_same_as_the_rule() -> None:
    assert [password_wait(failures) for failures in range(101)] == list(PASSWORD_WAITS)


def test_guesses_in_a_day_stay_few() -> None:
    """Goal G05: at most 100 guesses in a row, and no more than 15 minutes' worth each after the tenth."""
    spent, guesses = timedelta(), 0
    while spent < timedelta(days=1) and guesses < 200:
        guesses += 1
        spent += password_wait(guesses)

    assert guesses <= lockout.PASSWORD_STOP


@pytest.mark.parametrize(
    ("count", "most", "window", "shortest"),
    [
        (lockout.NETWORK_FAILURES, 50, lockout.NETWORK_WINDOW, timedelta(hours=1)),
        (lockout.NETWORK_ACCOUNTS, 20, lockout.NETWORK_ACCOUNTS_WINDOW, timedelta(hours=3)),
        (lockout.RANDOM_TOKENS, 60, lockout.RANDOM_TOKENS_WINDOW, timedelta(minutes=1)),
    ],
)
def test_a_network_is_slowed_down_as_promised(count: int, most: int, window: timedelta, shortest: timedelta) -> None:
    assert count <= most
    assert window >= shortest
