"""Failures, counted before they are verified, and blocked as policy/lockout says."""

from datetime import timedelta

import pytest

from idp.domain.secret import Digest
from idp.policy.lockout import PASSWORD_MEMORY, PASSWORD_WAITS, password_wait
from idp.storage.attempts import Blocked
from idp.storage.stores import Stores
from tests.support.builders import DAY, HOUR, MINUTE, NOW, TICK, digest

SECOND = timedelta(seconds=1)


async def guess(stores: Stores, subject: Digest, now: object = NOW) -> Blocked | int:
    return await stores.attempts.reserve(subject, now, waits=PASSWORD_WAITS, memory=PASSWORD_MEMORY)  # type: ignore[arg-type]


async def guess_until(stores: Stores, subject: Digest, failures: int, now: object = NOW) -> object:
    """Fail that often, each time as soon as it is allowed; return the time of the last failure."""
    for number in range(1, failures + 1):
        assert await guess(stores, subject, now) == number
        if number < failures:
            now = now + password_wait(number)  # type: ignore[operator]
    return now


async def test_five_guesses_are_free_and_the_sixth_must_wait(stores: Stores) -> None:
    subject = digest()
    outcomes = [await guess(stores, subject) for _ in range(7)]

    until = Blocked(NOW + 30 * SECOND)
    assert outcomes == [1, 2, 3, 4, 5, until, until]


async def test_of_two_guesses_at_once_the_older_may_be_counted_later(stores: Stores) -> None:
    """Both took the time before they took their turn to write; neither has anything to wait for."""
    subject = digest()
    await guess(stores, subject, NOW + TICK)

    assert await guess(stores, subject, NOW) == 2


@pytest.mark.parametrize("failures", [5, 6, 9, 10, 11, 50, 99])
async def test_a_block_lasts_as_long_as_the_policy_says_to_the_tick(stores: Stores, failures: int) -> None:
    """NIST SP 800-63B-4 §3.2.2; cases of group LG."""
    subject = digest()
    last = await guess_until(stores, subject, failures)
    free = last + password_wait(failures)  # type: ignore[operator]

    assert await guess(stores, subject, free - TICK) == Blocked(free)
    assert await guess(stores, subject, free) == failures + 1


async def test_at_the_hundredth_failure_only_a_reset_helps(stores: Stores) -> None:
    subject = digest()
    last = await guess_until(stores, subject, 100)

    much_later = last + PASSWORD_MEMORY + 300 * DAY  # type: ignore[operator]
    await stores.sweep.batch(much_later)
    assert isinstance(await guess(stores, subject, much_later), Blocked)

    await stores.attempts.clear(subject)
    assert await guess(stores, subject, much_later) == 1


async def test_a_success_clears_the_count(stores: Stores) -> None:
    subject = digest()
    await guess_until(stores, subject, 5)

    await stores.attempts.clear(subject)

    assert await stores.attempts.count(subject, NOW) == 0
    assert await guess(stores, subject) == 1


async def test_failures_are_forgotten_after_a_while_to_the_tick(stores: Stores) -> None:
    subject = digest()
    last = await guess_until(stores, subject, 4)
    forgotten = last + PASSWORD_MEMORY  # type: ignore[operator]

    assert await stores.attempts.count(subject, forgotten - TICK) == 4
    assert await stores.attempts.count(subject, forgotten) == 0
    assert await guess(stores, subject, forgotten) == 1


async def test_a_refused_guess_is_no_failure_and_moves_no_limit(stores: Stores) -> None:
    subject = digest()
    await guess_until(stores, subject, 5)

    for second in range(1, 30):
        assert await guess(stores, subject, NOW + second * SECOND) == Blocked(NOW + 30 * SECOND)

    assert await stores.attempts.count(subject, NOW) == 5
    assert await guess(stores, subject, NOW + 30 * SECOND) == 6


async def test_one_subjects_failures_are_not_anothers(stores: Stores) -> None:
    await guess_until(stores, digest(), 5)

    assert await guess(stores, digest()) == 1
    assert await stores.attempts.count(digest(), NOW) == 0


async def test_a_window_begins_with_its_first_and_ends_to_the_tick(stores: Stores) -> None:
    network = digest()

    async def count(now: object) -> int:
        return await stores.attempts.add_in_window(network, now, window=HOUR)  # type: ignore[arg-type]

    assert [await count(NOW), await count(NOW + MINUTE), await count(NOW + HOUR - TICK)] == [1, 2, 3]
    assert await stores.attempts.count(network, NOW + HOUR - TICK) == 3
    assert await stores.attempts.count(network, NOW + HOUR) == 0
    assert [await count(NOW + HOUR), await count(NOW + 2 * HOUR - TICK), await count(NOW + 2 * HOUR)] == [1, 2, 1]


async def test_a_network_is_charged_for_each_account_once(stores: Stores) -> None:
    network, accounts = digest(), [digest() for _ in range(3)]

    async def note(account: Digest, now: object = NOW) -> int:
        return await stores.attempts.note_account(network, account, now, window=HOUR)  # type: ignore[arg-type]

    assert [await note(account) for account in (*accounts, *accounts)] == [1, 2, 3, 3, 3, 3]
    assert await note(digest(), NOW + HOUR - TICK) == 4


async def test_an_account_counts_again_in_a_later_window(stores: Stores) -> None:
    """Also when nothing was swept in between."""
    network, account = digest(), digest()

    async def note(now: object) -> int:
        return await stores.attempts.note_account(network, account, now, window=HOUR)  # type: ignore[arg-type]

    assert await note(NOW) == 1
    assert await note(NOW + HOUR) == 1
    assert await note(NOW + 2 * HOUR - TICK) == 1


async def test_networks_do_not_share_accounts(stores: Stores) -> None:
    account = digest()

    assert await stores.attempts.note_account(digest(), account, NOW, window=HOUR) == 1
    assert await stores.attempts.note_account(digest(), account, NOW, window=HOUR) == 1
