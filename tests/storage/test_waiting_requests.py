"""Requests that wait on another device: one answer, one fetch, polls counted, dead with their session."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from idp.domain.approval import Channel
from idp.domain.secret import Digest
from idp.domain.waiting import WaitingRequest, WaitingState
from idp.storage.stores import Stores, Transactions
from idp.storage.waiting_requests import WaitingStore
from tests.support.builders import MINUTE, NOW, TICK, digest, grant, user
from tests.support.storage import Crowd, World
from tests.support.waiting import waiting

SECOND = timedelta(seconds=1)
END = NOW + 10 * MINUTE


async def asked(
    stores: Stores, world: World, channel: Channel = Channel.DEVICE, **changes: Any
) -> tuple[WaitingRequest, Digest]:
    """Store a request; return it with the digest of its secret."""
    made, secret = waiting(world.client.id, **changes), digest()
    if channel is Channel.DEVICE:
        await stores.device_requests.add(made, device_code=secret, user_code=digest(), now=NOW)
    else:
        made = replace(made, user_id=made.user_id or world.user.id)
        await stores.ciba_requests.add(made, digest=secret, now=NOW, ping=("an-id", "a-token"))
    return made, secret


def allowed(made: WaitingRequest, world: World) -> Any:
    """Return the grant by which the world's person approves."""
    return replace(grant(world.client.id, world.user.id, world.session.id), id=made.id)


async def approve(store: WaitingStore, made: WaitingRequest, world: World, now: datetime = NOW) -> bool:
    return await store.approve(allowed(made, world), now, fetched_by=now + MINUTE)


@pytest.mark.parametrize("channel", Channel)
async def test_a_request_is_read_as_it_was_asked_and_as_it_was_approved(
    stores: Stores, world: World, channel: Channel
) -> None:
    made, secret = await asked(stores, world, channel)
    store = stores.waiting(channel)
    assert await store.find(digest()) is None
    assert await store.find_by_id("\0") is None
    assert await store.find(secret) == made

    assert await approve(store, made, world)

    found = await store.find_by_id(made.id)
    assert found == replace(made, user_id=world.user.id, state=WaitingState.APPROVED, grant=allowed(made, world))


@pytest.mark.parametrize("channel", Channel)
async def test_a_request_is_answered_once_whichever_way(stores: Stores, world: World, channel: Channel) -> None:
    store = stores.waiting(channel)
    made, _ = await asked(stores, world, channel)
    assert await approve(store, made, world)
    assert not await approve(store, made, world)
    assert not await store.deny(made.id, world.user.id, NOW)

    other, secret = await asked(stores, world, channel)
    assert await store.deny(other.id, world.user.id, NOW)
    assert not await approve(store, other, world)
    found = await store.find(secret)
    assert found is not None
    assert found.state is WaitingState.DENIED


async def test_nobody_but_the_person_who_is_asked_can_answer(stores: Stores, world: World) -> None:
    stranger = user()
    await stores.users.add(stranger)
    made, secret = await asked(stores, world, Channel.CIBA)

    assert not await stores.ciba_requests.deny(made.id, stranger.id, NOW)
    theirs = replace(allowed(made, world), user_id=stranger.id)
    assert not await stores.ciba_requests.approve(theirs, NOW, fetched_by=END)
    assert not await stores.ciba_requests.approve(replace(theirs, user_id=None), NOW, fetched_by=END)

    found = await stores.ciba_requests.find(secret)
    assert found is not None
    assert found.state is WaitingState.PENDING


async def test_a_request_can_be_answered_until_it_ends_to_the_tick(stores: Stores, world: World) -> None:
    early, _ = await asked(stores, world)
    late, _ = await asked(stores, world)

    assert await approve(stores.device_requests, early, world, END - TICK)
    assert not await approve(stores.device_requests, late, world, END)
    assert not await stores.device_requests.deny(late.id, world.user.id, END)


async def test_an_answer_of_the_last_second_can_be_fetched_for_a_while(stores: Stores, world: World) -> None:
    made, _ = await asked(stores, world)
    assert await approve(stores.device_requests, made, world, END - TICK)

    assert not await stores.device_requests.spend(made.id, END - TICK + MINUTE)
    assert await stores.device_requests.spend(made.id, END - TICK + MINUTE - TICK)


async def test_what_was_allowed_is_fetched_once_and_nothing_else_is(stores: Stores, world: World) -> None:
    pending, _ = await asked(stores, world)
    denied, _ = await asked(stores, world)
    await stores.device_requests.deny(denied.id, world.user.id, NOW)
    made, _ = await asked(stores, world)
    await approve(stores.device_requests, made, world)

    assert not await stores.device_requests.spend(pending.id, NOW)
    assert not await stores.device_requests.spend(denied.id, NOW)
    assert await stores.device_requests.spend(made.id, NOW)
    assert not await stores.device_requests.spend(made.id, NOW)


async def test_a_poll_that_comes_too_early_makes_every_later_one_wait_five_seconds_more(
    stores: Stores, world: World
) -> None:
    made, secret = await asked(stores, world)
    store = stores.device_requests

    async def poll(at: datetime) -> bool:
        found = await store.find(secret)
        assert found is not None
        return await store.may_poll(found, at)

    assert await poll(NOW)
    assert await poll(NOW + 5 * SECOND)
    assert not await poll(NOW + 10 * SECOND - TICK)
    again = NOW + 10 * SECOND - TICK
    assert not await poll(again + 10 * SECOND - TICK)
    assert await poll(again + 10 * SECOND - TICK + 15 * SECOND)
    found = await store.find(secret)
    assert found == replace(made, interval=15)


async def test_a_user_code_finds_its_request_only_while_it_can_be_answered(stores: Stores, world: World) -> None:
    made, code = waiting(world.client.id), digest()
    assert not await stores.device_requests.knows_user_code(code)
    await stores.device_requests.add(made, device_code=digest(), user_code=code, now=NOW)

    assert await stores.device_requests.find_by_user_code(digest(), NOW) is None
    assert await stores.device_requests.find_by_user_code(code, END) is None
    assert await stores.device_requests.find_by_user_code(code, END - TICK) == made
    await approve(stores.device_requests, made, world)
    assert await stores.device_requests.find_by_user_code(code, NOW) is None
    assert await stores.device_requests.knows_user_code(code)


@pytest.mark.parametrize("channel", Channel)
async def test_what_was_approved_and_not_fetched_dies_with_its_session_and_its_person(
    stores: Stores, world: World, channel: Channel
) -> None:
    store = stores.waiting(channel)
    made = [(await asked(stores, world, channel))[0] for _ in range(4)]
    for each in made[:3]:
        await approve(store, each, world)

    await stores.burn_of_user(world.user.id, NOW, client_id="another")
    await stores.burn_of_session("another", NOW)
    assert await store.spend(made[0].id, NOW)
    await stores.burn_of_session(world.session.id, NOW)
    assert not await store.spend(made[1].id, NOW)
    await stores.burn_of_user(world.user.id, NOW)
    assert not await store.spend(made[2].id, NOW)
    assert await approve(store, made[3], world), "what nobody answered yet lives on"


async def test_open_requests_of_a_person_are_those_they_can_answer_now(stores: Stores, world: World) -> None:
    made = [(await asked(stores, world, Channel.CIBA))[0] for _ in range(3)]
    await stores.ciba_requests.deny(made[0].id, world.user.id, NOW)

    assert {each.id for each in await stores.ciba_requests.open_of(world.user.id, NOW)} == {made[1].id, made[2].id}
    count = stores.ciba_requests.count_open
    assert await count(world.user.id, END - TICK, asked_after=END) == 2
    assert await count(world.user.id, END, asked_after=END) == 0
    assert await count(world.user.id, END, asked_after=NOW - TICK) == 2, "asked lately, and never answered"
    assert await count(user().id, NOW, asked_after=NOW - TICK) == 0


async def test_a_ping_is_taken_by_one_worker_and_comes_back_unless_it_is_settled(stores: Stores, world: World) -> None:
    made, _ = await asked(stores, world, Channel.CIBA)
    silent = waiting(world.client.id, user_id=world.user.id)
    await stores.ciba_requests.add(silent, digest=digest(), now=NOW)
    assert not await stores.ciba_requests.any_ping_due(NOW)
    for each in (made, silent):
        await stores.ciba_requests.owe_ping(each.id, NOW)
    assert not await stores.ciba_requests.any_ping_due(NOW - TICK)

    (ping,) = await stores.ciba_requests.claim_pings(NOW, until=NOW + MINUTE, limit=10)

    assert (ping.request_id, ping.auth_req_id, ping.token, ping.tries) == (made.id, "an-id", "a-token", 1)
    assert not await stores.ciba_requests.claim_pings(NOW, until=NOW + MINUTE, limit=10)
    (again,) = await stores.ciba_requests.claim_pings(NOW + MINUTE, until=NOW + 2 * MINUTE, limit=10)
    assert again.tries == 2
    await stores.ciba_requests.settle_ping(made.id, None)
    assert not await stores.ciba_requests.any_ping_due(END)


@pytest.mark.parametrize("channel", Channel)
async def test_of_many_polls_at_once_one_gets_the_tokens(
    url: str, transactions: Transactions, world: World, channel: Channel
) -> None:
    async with transactions.open(write=True) as stores:
        made, _ = await asked(stores, world, channel)
        await approve(stores.waiting(channel), made, world)

    async with Crowd.on(url) as crowd:
        won = await crowd.race(12, lambda stores: stores.waiting(channel).spend(made.id, NOW))

    assert sorted(won) == [False] * 11 + [True]


async def test_of_many_polls_at_once_one_came_in_time(url: str, transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        made, _ = await asked(stores, world)

    async with Crowd.on(url) as crowd:
        won = await crowd.race(6, lambda stores: stores.device_requests.may_poll(made, NOW))

    assert sorted(won) == [False] * 5 + [True]


async def test_of_yes_and_no_at_once_one_counts(url: str, transactions: Transactions, world: World) -> None:
    async with transactions.open(write=True) as stores:
        made, _ = await asked(stores, world)
    turn = iter(range(12))

    async def answer(stores: Stores) -> bool:
        store = stores.device_requests
        if next(turn) % 2:
            return await approve(store, made, world)
        return await store.deny(made.id, world.user.id, NOW)

    async with Crowd.on(url) as crowd:
        won = await crowd.race(6, answer)

    assert sorted(won) == [False] * 5 + [True]
