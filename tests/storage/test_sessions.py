"""Browser sessions: alive between sign-in and either limit, found by the digest of the cookie only."""

from dataclasses import replace
from datetime import datetime

import pytest

from idp.domain.assurance import Factor, Proof
from idp.storage.stores import Stores
from tests.support.builders import DAY, HOUR, MINUTE, NOW, TICK, digest, make_id, session, user
from tests.support.storage import World


async def test_a_session_is_read_as_it_was_opened(stores: Stores, world: World) -> None:
    assert await stores.sessions.find(world.cookie, NOW) == world.session
    assert await stores.sessions.find_by_id(world.session.id, NOW) == world.session


async def test_an_unknown_cookie_finds_no_session(stores: Stores) -> None:
    assert await stores.sessions.find(digest(), NOW) is None
    assert await stores.sessions.find_by_id(make_id(), NOW) is None


@pytest.mark.parametrize(
    ("limits", "now", "alive"),
    [
        ({"idle_expires_at": NOW + HOUR}, NOW + HOUR - TICK, True),
        ({"idle_expires_at": NOW + HOUR}, NOW + HOUR, False),
        ({"idle_expires_at": NOW + 9 * DAY, "expires_at": NOW + DAY}, NOW + DAY - TICK, True),
        ({"idle_expires_at": NOW + 9 * DAY, "expires_at": NOW + DAY}, NOW + DAY, False),
    ],
)
async def test_a_session_dies_at_either_limit(
    stores: Stores, world: World, limits: dict[str, datetime], now: datetime, alive: bool
) -> None:
    opened, cookie = session(world.user.id, **limits), digest()
    await stores.sessions.open(opened, cookie, device="")

    assert (await stores.sessions.find(cookie, now) is not None) is alive
    assert (await stores.sessions.find_by_id(opened.id, now) is not None) is alive
    assert opened.is_alive(now) is alive


async def test_a_session_in_use_lives_on_until_its_absolute_limit(stores: Stores, world: World) -> None:
    later = NOW + 59 * MINUTE

    touched = await stores.sessions.touch(world.session, now=later, idle_expires_at=later + 2 * DAY)

    assert touched == replace(world.session, seen_at=later, idle_expires_at=later + 2 * DAY)
    assert await stores.sessions.find(world.cookie, NOW + DAY - TICK) == touched
    assert await stores.sessions.find(world.cookie, NOW + DAY) is None


async def test_an_ended_session_is_dead_and_ends_once(stores: Stores, world: World) -> None:
    assert await stores.sessions.end(world.session.id, NOW)

    assert await stores.sessions.find(world.cookie, NOW) is None
    assert await stores.sessions.find_by_id(world.session.id, NOW) is None
    assert not await stores.sessions.end(world.session.id, NOW)
    assert not await stores.sessions.end(make_id(), NOW)


async def test_using_an_ended_session_does_not_revive_it(stores: Stores, world: World) -> None:
    """Invariant I8: a request that was under way when the person signed out."""
    await stores.sessions.end(world.session.id, NOW)

    await stores.sessions.touch(world.session, now=NOW, idle_expires_at=NOW + DAY)

    assert not await stores.sessions.raise_proofs(world.session, old=world.cookie, new=digest())
    assert await stores.sessions.find(world.cookie, NOW) is None


async def test_a_new_proof_comes_with_a_new_cookie(stores: Stores, world: World) -> None:
    """ASVS 7.2.4: the session id changes with every factor; the old one is worthless."""
    raised = replace(
        world.session,
        proofs=(*world.session.proofs, Proof(Factor.PASSWORD, NOW + MINUTE)),
        auth_time=NOW + MINUTE,
        seen_at=NOW + MINUTE,
        expires_at=NOW + 2 * DAY,
        idle_expires_at=NOW + 2 * HOUR,
    )
    new = digest()

    assert await stores.sessions.raise_proofs(raised, old=world.cookie, new=new)

    assert await stores.sessions.find(new, NOW) == raised
    assert await stores.sessions.find(world.cookie, NOW) is None
    assert not await stores.sessions.raise_proofs(raised, old=world.cookie, new=digest())


async def test_all_sessions_of_a_person_end_and_nobody_elses(stores: Stores, world: World) -> None:
    other, other_cookie, second = user(), digest(), session(world.user.id)
    await stores.users.add(other)
    await stores.sessions.open(session(other.id), other_cookie, device="")
    await stores.sessions.open(second, digest(), device="")

    ended = await stores.sessions.end_all_of(world.user.id, NOW)

    assert set(ended) == {world.session.id, second.id}
    assert await stores.sessions.find(world.cookie, NOW) is None
    assert await stores.sessions.find(other_cookie, NOW) is not None
    assert await stores.sessions.end_all_of(world.user.id, NOW) == []


async def test_only_the_newest_sessions_of_a_person_are_kept(stores: Stores, world: World) -> None:
    cookies = [digest() for _ in range(5)]
    for minutes, cookie in enumerate(cookies, start=1):
        seen = NOW + minutes * MINUTE
        await stores.sessions.open(session(world.user.id, seen_at=seen), cookie, device="")

    await stores.sessions.end_oldest_beyond(world.user.id, keep=3, now=NOW)

    alive = [await stores.sessions.find(cookie, NOW) is not None for cookie in (world.cookie, *cookies)]
    assert alive == [False, False, False, True, True, True]


async def test_ended_and_expired_sessions_do_not_count_as_kept(stores: Stores, world: World) -> None:
    for minutes in range(1, 4):
        ended = session(world.user.id, seen_at=NOW + minutes * MINUTE)
        await stores.sessions.open(ended, digest(), device="")
        await stores.sessions.end(ended.id, NOW)
    await stores.sessions.open(session(world.user.id, seen_at=NOW + HOUR, expires_at=NOW), digest(), device="")

    await stores.sessions.end_oldest_beyond(world.user.id, keep=1, now=NOW)

    assert await stores.sessions.find(world.cookie, NOW) is not None
