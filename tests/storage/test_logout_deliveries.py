"""Whoever ends a session, the clients that signed in there are owed a word; and one worker at a time gives it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from idp.domain.client import Client
from idp.domain.event import Actor, ActorKind
from idp.domain.session import Session
from idp.storage.logout_deliveries import KEPT, LogoutDelivery
from idp.storage.stores import Stores, Transactions
from tests.support.builders import MINUTE, NOW, TICK, client, digest, grant, session
from tests.support.storage import World

TOLD = "https://rp.example/back-channel"
UNTIL = NOW + timedelta(seconds=30)
End = Callable[[Stores, World], Awaitable[object]]
ENDS: dict[str, End] = {
    "one": lambda stores, world: stores.sessions.end(world.session.id, NOW),
    "all": lambda stores, world: stores.sessions.end_all_of(world.user.id, NOW),
    "too many": lambda stores, world: stores.sessions.end_oldest_beyond(world.user.id, keep=0, now=NOW),
}


async def told(stores: Stores, world: World, session_: Session | None = None, **changes: object) -> Client:
    """Store a client that wants to be told, and signed in to this session."""
    party = client(**{"backchannel_logout_uri": TOLD, **changes})
    await stores.clients.add(party, NOW)
    await stores.grants.add(grant(party.id, world.user.id, session_id=(session_ or world.session).id))
    return party


async def claimed(stores: Stores, **wanted: object) -> list[LogoutDelivery]:
    found = await stores.logout_deliveries.claim(NOW, **{"until": UNTIL, "limit": 10, **wanted})  # type: ignore[arg-type]
    return list(found)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_every_way_in_which_a_session_ends_is_told(end: End, transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        party = await told(stores, world)
        await end(stores, world)
        owed = await claimed(stores)

    assert [(each.client_id, each.session_id, each.user_id) for each in owed] == [
        (party.id, world.session.id, world.user.id)
    ]


async def test_who_registered_no_address_or_was_not_there_is_owed_nothing(
    transactions: Transactions, world: World
) -> None:
    async with transactions.open(write=True) as stores:
        await told(stores, world, backchannel_logout_uri=None)
        await told(stores, world, is_active=False)
        other = session(world.user.id)
        await stores.sessions.open(other, digest(), device="")
        await told(stores, world, other)

        await stores.sessions.end(world.session.id, NOW)

        assert await claimed(stores) == []
        assert not stores.has_news


async def test_a_client_is_told_once_however_often_it_asked_and_though_its_grants_were_revoked(
    transactions: Transactions, world: World
) -> None:
    async with transactions.open(write=True) as stores:
        party = await told(stores, world)
        again = grant(party.id, world.user.id, session_id=world.session.id)
        await stores.grants.add(again)
        await stores.grants.revoke(again.id, NOW)
        await stores.sessions.end(world.session.id, NOW)
        await stores.sessions.end(world.session.id, NOW + TICK)

        assert len(await claimed(stores)) == 1


async def test_what_is_owed_outlives_the_person(transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        await told(stores, world)
        await stores.sessions.end_all_of(world.user.id, NOW)
        await stores.users.delete(world.user.id)

        assert [each.user_id for each in await claimed(stores)] == [world.user.id]


async def test_a_try_belongs_to_one_worker_until_it_was_given_up(transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        await told(stores, world)
        await stores.sessions.end(world.session.id, NOW)
        [first] = await claimed(stores)
        assert await claimed(stores) == []

        [second] = await stores.logout_deliveries.claim(UNTIL, until=UNTIL + MINUTE, limit=10)

        assert (first.tries, second.tries) == (1, 2)
        assert not await stores.logout_deliveries.end(first)  # it took too long: somebody else is at it
        await stores.logout_deliveries.postpone(first, NOW)
        assert not await stores.logout_deliveries.any_due(UNTIL)
        assert await stores.logout_deliveries.end(second)
        assert not await stores.logout_deliveries.any_due(UNTIL + MINUTE)


async def test_clients_at_work_are_left_out_and_a_postponed_try_waits(transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        slow, other = await told(stores, world), await told(stores, world)
        await stores.sessions.end(world.session.id, NOW)

        [mine] = await claimed(stores, busy=[slow.id])
        assert mine.client_id == other.id
        await stores.logout_deliveries.postpone(mine, UNTIL)

        assert [each.client_id for each in await claimed(stores)] == [slow.id]


async def test_nobody_is_told_of_what_is_long_past(transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        await told(stores, world)
        await stores.sessions.end(world.session.id, NOW)

        assert await stores.logout_deliveries.any_due(NOW + KEPT - TICK)
        assert not await stores.logout_deliveries.any_due(NOW + KEPT)


async def test_the_process_learns_of_it_when_it_is_committed_and_not_before(
    transactions: Transactions, world: World
) -> None:
    async def work(stores: Stores) -> None:
        await told(stores, world)
        await stores.sessions.end(world.session.id, NOW)

    async def break_off(stores: Stores) -> None:
        await work(stores)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await transactions.run(break_off, write=True)
    assert not transactions.news.is_set()

    await transactions.acting(Actor(ActorKind.USER, "somebody")).run(work, write=True)

    assert transactions.news.is_set()


async def test_a_subject_that_was_told_leads_back_to_its_person(transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        subjects = stores.pairwise_subjects
        await subjects.note("abc", world.user.id)
        await subjects.note("abc", world.user.id)

        assert await subjects.person("abc") == world.user.id
        assert await subjects.person("abd") is None
        assert await subjects.person("a" * 65) is None
        assert await subjects.person("\0") is None
