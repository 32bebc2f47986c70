"""What came of a grant by token exchange ends with it, however it ends, and whatever lies between."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from idp.storage.stores import Stores, Transactions
from tests.support.builders import DAY, NOW, TICK, client, grant
from tests.support.storage import World

Act = Callable[[Stores, World], Awaitable[object]]


async def family(transactions: Transactions, world: World) -> tuple[str, str]:
    """Store a child and a grandchild of the world's grant, of other clients; return their ids."""
    one, other = client(), client()
    child = grant(one.id, world.user.id, world.session.id, parent_id=world.grant.id)
    grandchild = grant(other.id, world.user.id, world.session.id, parent_id=child.id)
    async with transactions.open(write=True) as stores:
        for each in (one, other):
            await stores.clients.add(each, NOW)
        for each in (child, grandchild):
            await stores.grants.add(each)
    return child.id, grandchild.id


async def live(transactions: Transactions, *ids: str, now: object = NOW) -> list[bool]:
    async with transactions.open(write=False) as stores:
        return [await stores.grants.find_live(each, now) is not None for each in ids]  # type: ignore[arg-type]


async def revoke(stores: Stores, world: World) -> object:
    return await stores.grants.revoke(world.grant.id, NOW)


async def revoke_all(stores: Stores, world: World) -> object:
    return await stores.grants.revoke_of_user(world.user.id, NOW)


async def revoke_of_client(stores: Stores, world: World) -> object:
    return await stores.grants.revoke_of_user(world.user.id, NOW, client_id=world.client.id)


async def delete_client(stores: Stores, world: World) -> object:
    return await stores.clients.delete(world.client.id)


async def disable_client(stores: Stores, world: World) -> object:
    return await stores.clients.save(replace(world.client, is_active=False), NOW)


async def delete_user(stores: Stores, world: World) -> object:
    return await stores.users.delete(world.user.id)


async def end_session(stores: Stores, world: World) -> object:
    return await stores.sessions.end(world.session.id, NOW)


@pytest.mark.parametrize(
    "act", [revoke, revoke_all, revoke_of_client, delete_client, disable_client, delete_user, end_session]
)
async def test_a_child_and_its_child_end_with_the_grant_they_came_from(
    transactions: Transactions, world: World, act: Act
) -> None:
    ids = await family(transactions, world)
    assert await live(transactions, *ids) == [True, True]
    async with transactions.open(write=True) as stores:
        await act(stores, world)
    assert await live(transactions, *ids) == [False, False]


async def test_a_grandchild_ends_with_what_lies_between_and_nothing_above_does(
    transactions: Transactions, world: World
) -> None:
    child, grandchild = await family(transactions, world)
    async with transactions.open(write=True) as stores:
        assert await stores.grants.revoke(child, NOW)
        assert not await stores.grants.revoke(child, NOW)
    assert await live(transactions, world.grant.id, child, grandchild) == [True, False, False]


async def test_a_child_that_was_stored_while_its_parent_ended_is_not_alive(
    transactions: Transactions, world: World
) -> None:
    async with transactions.open(write=True) as stores:
        await stores.grants.revoke(world.grant.id, NOW)
    ids = await family(transactions, world)
    assert await live(transactions, *ids) == [False, False]


async def test_a_child_does_not_outlive_its_parent(transactions: Transactions, world: World) -> None:
    ids = await family(transactions, replace(world, grant=replace(world.grant, id=await short(transactions, world))))
    assert await live(transactions, *ids, now=NOW + DAY / 2 - TICK) == [True, True]
    assert await live(transactions, *ids, now=NOW + DAY / 2) == [False, False]


async def short(transactions: Transactions, world: World) -> str:
    """Store a grant that ends before its session does; return its id."""
    made = grant(world.client.id, world.user.id, world.session.id, expires_at=NOW + DAY / 2)
    async with transactions.open(write=True) as stores:
        await stores.grants.add(made)
    return made.id
