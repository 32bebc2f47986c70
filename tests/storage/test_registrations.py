"""Initial access tokens are spent one registration at a time; a registration dies with its client, or unused."""

import asyncio

import pytest

from idp.domain.client import Profile
from idp.storage.database import Database
from idp.storage.registrations import Registration, Way
from idp.storage.stores import Stores, Transactions
from tests.support.builders import DAY, NOW, TICK, client, digest, grant, initial_token
from tests.support.storage import World, count


def registration(client_id: str, **changes: object) -> Registration:
    plain = {
        "digest": digest(), "way": Way.OPEN, "scopes": ("openid",), "grant_types": ("authorization_code",),
        "created_at": NOW, "expires_at": NOW + 30 * DAY,
    }  # fmt: skip
    return Registration(client_id, **(plain | changes))  # type: ignore[arg-type]


async def test_a_token_is_read_as_it_was_made(stores: Stores) -> None:
    secret, made = digest(), initial_token(profile=Profile.OIDC)
    await stores.initial_access_tokens.add(made, secret)

    assert await stores.initial_access_tokens.find(secret, NOW) == made
    assert await stores.initial_access_tokens.list() == [made]
    assert await stores.initial_access_tokens.find(digest(), NOW) is None


async def test_a_token_is_spent_as_often_as_it_says(stores: Stores) -> None:
    secret, made = digest(), initial_token(remaining=2)
    await stores.initial_access_tokens.add(made, secret)

    assert [await stores.initial_access_tokens.spend(made.id, NOW) for _ in range(3)] == [True, True, False]
    assert await stores.initial_access_tokens.find(secret, NOW) is None
    assert [token.remaining for token in await stores.initial_access_tokens.list()] == [0]


async def test_a_token_ends_when_its_time_has_come_and_not_before(stores: Stores) -> None:
    secret, made = digest(), initial_token(expires_at=NOW + DAY)
    await stores.initial_access_tokens.add(made, secret)

    assert await stores.initial_access_tokens.find(secret, NOW + DAY - TICK) is not None
    assert await stores.initial_access_tokens.find(secret, NOW + DAY) is None
    assert not await stores.initial_access_tokens.spend(made.id, NOW + DAY)
    assert await stores.initial_access_tokens.spend(made.id, NOW + DAY - TICK)


async def test_of_two_registrations_at_once_one_takes_the_last(transactions: Transactions) -> None:
    made = initial_token(remaining=1)
    async with transactions.open(write=True) as stores:
        await stores.initial_access_tokens.add(made, digest())

    async def spend() -> bool:
        async with transactions.open(write=True) as stores:
            return await stores.initial_access_tokens.spend(made.id, NOW)

    assert sorted(await asyncio.gather(*(spend() for _ in range(8)))) == [False] * 7 + [True]


async def test_a_removed_token_is_gone(stores: Stores) -> None:
    secret, made = digest(), initial_token()
    await stores.initial_access_tokens.add(made, secret)

    assert await stores.initial_access_tokens.remove(made.id)
    assert not await stores.initial_access_tokens.remove(made.id)
    assert await stores.initial_access_tokens.find(secret, NOW) is None


async def test_a_registration_dies_with_its_client(
    database: Database, transactions: Transactions, world: World
) -> None:
    made = registration(world.client.id)
    async with transactions.open(write=True) as stores:
        await stores.registrations.add(made)
        assert await stores.registrations.find(world.client.id) == made
        assert await stores.registrations.find("other") is None
        await stores.clients.delete(world.client.id)

    assert await count(database, "registrations") == 0


@pytest.mark.parametrize("way", list(Way))
async def test_a_client_that_nobody_used_is_found_and_one_that_was_used_stays(stores: Stores, way: Way) -> None:
    used, unused, by_operator = client(), client(), client()
    for each in (used, unused, by_operator):
        await stores.clients.add(each, NOW)
    for each in (used, unused):
        await stores.registrations.add(registration(each.id, way=way))
    await stores.grants.add(grant(used.id))

    await stores.registrations.note_used()

    assert await stores.registrations.unused(NOW + 30 * DAY - TICK, limit=9) == []
    assert await stores.registrations.unused(NOW + 30 * DAY, limit=9) == [unused.id]
    found = await stores.registrations.find(used.id)
    assert found is not None
    assert found.expires_at is None
