"""What takes a version back by itself: each threshold from both sides."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from idp.flows.policy_states import SHADOW_LASTS
from idp.flows.policy_watch import Challenges, PolicyWatch, is_abandoned_too_often, is_unreachable_too_often
from idp.storage.decisions import StoredDecision
from tests.support.builders import decision
from tests.support.policy_past import ADA, OWN, Desk
from tests.support.provider import DAY, HOUR, MINUTE, SECOND

#: A challenge of the first minute is known after 30 minutes, and must have been so for 15.
KNOWN = 46 * MINUTE + SECOND


@pytest.fixture
async def desk(sqlite_url: str) -> AsyncIterator[Desk]:
    async with Desk.at(sqlite_url) as desk:
        yield desk


@pytest.fixture
async def either(database_url: str) -> AsyncIterator[Desk]:
    async with Desk.at(database_url) as desk:
        yield desk


def watch(desk: Desk) -> PolicyWatch:
    return PolicyWatch(desk.transactions, desk.clock, desk.rollout)


def challenges(user: str, policy: str, at: datetime, *, passed: int, abandoned: int) -> list[StoredDecision]:
    """Return challenges of one moment."""
    outcomes = ["passed"] * passed + [None] * abandoned
    return [decision(user, policy=policy, decided_at=at, decision="step_up", outcome=each) for each in outcomes]


async def digest_of(desk: Desk, version: int) -> str:
    return next(each.digest for each in await desk.rollout.versions() if each.version == version)


async def new_version(desk: Desk, *, passed: int, abandoned: int, canary: int | None = None) -> int:
    """Promote a version after a baseline of 10 %; its challenges come within its first minute."""
    user = await desk.person()
    past = desk.clock.now() - DAY
    await desk.keep(*challenges(user.id, OWN.digest, past, passed=36, abandoned=4))
    version = await desk.version(1)
    await desk.rollout.promote(version, ADA, canary=canary)
    soon = desk.clock.now() + MINUTE
    await desk.keep(*challenges(user.id, await digest_of(desk, version), soon, passed=passed, abandoned=abandoned))
    return version


@pytest.mark.parametrize(
    ("now", "before", "is_too_often"),
    [
        (Challenges(20, 4), Challenges(40, 4), False),  # exactly twice
        (Challenges(20, 5), Challenges(40, 4), True),
        (Challenges(19, 19), Challenges(40, 4), False),  # too few to tell
        (Challenges(20, 20), Challenges(19, 0), False),
        (Challenges(20, 2), Challenges(20, 0), False),  # a baseline without any counts as one
        (Challenges(20, 3), Challenges(20, 0), True),
        (Challenges(0, 0), Challenges(0, 0), False),
    ],
)
def test_over_twice_the_baseline_is_too_often(now: Challenges, before: Challenges, is_too_often: bool) -> None:
    assert is_abandoned_too_often(now, before) is is_too_often


@pytest.mark.parametrize(("people", "outside", "is_too_often"), [(200, 1, False), (199, 1, True), (0, 0, False)])
def test_over_half_a_per_cent_of_people_is_too_often(people: int, outside: int, is_too_often: bool) -> None:
    assert is_unreachable_too_often(people, outside) is is_too_often


async def test_a_version_with_twice_the_abandoned_challenges_stays(desk: Desk) -> None:
    await new_version(desk, passed=16, abandoned=4)
    desk.clock.advance(KNOWN)

    assert await watch(desk).look() is None
    assert await desk.states() == ["enforced"]


async def test_a_version_with_more_than_twice_as_many_goes_once_it_was_so_for_a_quarter_of_an_hour(
    either: Desk,
) -> None:
    version = await new_version(either, passed=15, abandoned=5)
    either.clock.advance(KNOWN - SECOND)
    assert await watch(either).look() is None

    either.clock.advance(SECOND)
    done = await watch(either).look()

    assert done is not None
    assert (done.version, done.to, done.ran) == (version, None, KNOWN)
    assert await either.states() == ["retired"]
    assert await watch(either).look() is None
    async with either.transactions.open(write=False) as stores:
        (told,) = await stores.events.list(kind="policy_reverted")
    assert told.detail == {
        "version": version, "to": None, "automatic": True, "why": "challenges are abandoned at over twice the baseline",
    }  # fmt: skip


async def test_people_who_came_back_within_the_quarter_of_an_hour_keep_it(desk: Desk) -> None:
    version = await new_version(desk, passed=15, abandoned=5)
    digest, user = await digest_of(desk, version), await desk.person()
    later = desk.clock.now() + 12 * MINUTE
    await desk.keep(*challenges(user.id, digest, later, passed=5, abandoned=0))
    desk.clock.advance(KNOWN)

    assert await watch(desk).look() is None


async def test_with_nineteen_challenges_nobody_can_tell(desk: Desk) -> None:
    await new_version(desk, passed=0, abandoned=19)
    desk.clock.advance(KNOWN)

    assert await watch(desk).look() is None


@pytest.mark.parametrize(("age", "states"), [(DAY - SECOND, ["retired"]), (DAY, ["enforced"])])
async def test_a_version_is_new_for_a_day(desk: Desk, age: timedelta, states: list[str]) -> None:
    version = await new_version(desk, passed=40, abandoned=0)
    digest, user = await digest_of(desk, version), await desk.person()
    await desk.keep(*challenges(user.id, digest, desk.clock.now() + 22 * HOUR, passed=0, abandoned=40))
    desk.clock.advance(age)

    await watch(desk).look()

    assert await desk.states() == states


async def test_a_canary_goes_and_what_is_enforced_stays(desk: Desk) -> None:
    first = await desk.version(9)
    await desk.rollout.promote(first, ADA)
    user = await desk.person()
    await desk.keep(*challenges(user.id, await digest_of(desk, first), desk.clock.now() + HOUR, passed=39, abandoned=1))
    desk.clock.advance(3 * DAY)
    canary = await desk.version(1)
    await desk.rollout.promote(canary, ADA, canary=10)
    desk.clock.advance(2 * DAY)
    digest = await digest_of(desk, canary)
    await desk.keep(*challenges(user.id, digest, desk.clock.now(), passed=10, abandoned=10))
    desk.clock.advance(KNOWN)

    done = await watch(desk).look()

    assert done is not None
    assert (done.version, done.to) == (canary, first)
    assert await desk.states() == ["enforced", "retired"]


async def test_what_a_revert_put_back_is_not_new(desk: Desk) -> None:
    first = await new_version(desk, passed=20, abandoned=0)
    second = await desk.version(2)
    await desk.rollout.promote(second, ADA)
    desk.clock.advance(MINUTE)
    await desk.rollout.revert(ADA)
    user = await desk.person()
    digest = await digest_of(desk, first)
    await desk.keep(*challenges(user.id, digest, desk.clock.now() + MINUTE, passed=0, abandoned=30))
    desk.clock.advance(KNOWN)

    assert await watch(desk).look() is None
    assert await desk.states() == ["enforced", "retired"]


async def seen_by(desk: Desk, people: int, *, refusal: str = "unreachable") -> int:
    """Promote a version that this many people come to decide by, one of whom is refused."""
    version = await desk.version(1)
    await desk.rollout.promote(version, ADA)
    digest, at = await digest_of(desk, version), desk.clock.now() + MINUTE
    users = [await desk.person(has_password=False) for _ in range(people)]
    await desk.keep(*(decision(user.id, policy=digest, decided_at=at) for user in users))
    await desk.keep(decision(users[0].id, policy=digest, decided_at=at, decision="deny", refusal=refusal))
    return version


async def test_one_in_two_hundred_who_cannot_get_in_is_not_too_many(desk: Desk) -> None:
    await seen_by(desk, 200)
    desk.clock.advance(17 * MINUTE)

    assert await watch(desk).look() is None


async def test_one_more_than_that_takes_it_back_after_a_quarter_of_an_hour(either: Desk) -> None:
    version = await seen_by(either, 199)
    either.clock.advance(16 * MINUTE - SECOND)
    assert await watch(either).look() is None

    either.clock.advance(SECOND)
    done = await watch(either).look()

    assert done is not None
    assert (done.version, done.to) == (version, None)


async def test_whom_a_rule_denies_is_not_unreachable(desk: Desk) -> None:
    await seen_by(desk, 20, refusal="rule")
    desk.clock.advance(HOUR)

    assert await watch(desk).look() is None


@pytest.mark.parametrize(("ago", "state"), [(SHADOW_LASTS - SECOND, "shadow"), (SHADOW_LASTS, "retired")])
async def test_a_shadow_ends_after_28_days(desk: Desk, ago: timedelta, state: str) -> None:
    version = await desk.version(1)
    await desk.rollout.shadow(version, ADA)
    desk.clock.advance(ago)

    await watch(desk).look()

    assert await desk.states() == [state]
