"""Consents: what a person allows a client from now on."""

from idp.domain.consent import Consent
from idp.storage.stores import Stores
from tests.support.builders import DAY, NOW, client, user
from tests.support.storage import World


def consent(world: World, *scopes: str, claims: frozenset[str] = frozenset()) -> Consent:
    return Consent(world.user.id, world.client.id, frozenset(scopes), claims)


async def test_a_consent_replaces_the_one_before(stores: Stores, world: World) -> None:
    first = consent(world, "openid", "email", claims=frozenset({"gender"}))
    second = consent(world, "openid")

    await stores.consents.save(first, NOW)
    assert await stores.consents.find(world.user.id, world.client.id) == first
    await stores.consents.save(second, NOW + DAY)

    assert await stores.consents.find(world.user.id, world.client.id) == second
    assert await stores.consents.of_user(world.user.id) == [second]


async def test_an_empty_consent_allows_nothing_and_is_one(stores: Stores, world: World) -> None:
    await stores.consents.save(consent(world), NOW)

    assert await stores.consents.find(world.user.id, world.client.id) == consent(world)


async def test_a_consent_is_for_one_person_and_one_client(stores: Stores, world: World) -> None:
    other_user, other_client = user(), client()
    await stores.users.add(other_user)
    await stores.clients.add(other_client, NOW)
    await stores.consents.save(consent(world, "openid"), NOW)

    assert await stores.consents.find(other_user.id, world.client.id) is None
    assert await stores.consents.find(world.user.id, other_client.id) is None
    assert await stores.consents.of_user(other_user.id) == []


async def test_a_withdrawn_consent_is_gone(stores: Stores, world: World) -> None:
    await stores.consents.save(consent(world, "openid"), NOW)

    assert await stores.consents.withdraw(world.user.id, world.client.id)

    assert await stores.consents.find(world.user.id, world.client.id) is None
    assert not await stores.consents.withdraw(world.user.id, world.client.id)
