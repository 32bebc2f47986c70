"""Password hashes: one per person, replaced whole, upgraded only if nobody changed it meanwhile."""

from idp.storage.credentials import StoredHash
from idp.storage.stores import Stores
from tests.support.builders import DAY, NOW, user
from tests.support.storage import World


async def test_a_password_is_stored_and_replaced(stores: Stores, world: World) -> None:
    assert await stores.credentials.password_of(world.user.id) is None

    await stores.credentials.set_password(world.user.id, "first", NOW)
    await stores.credentials.set_password(world.user.id, "second", NOW + DAY)

    assert await stores.credentials.password_of(world.user.id) == StoredHash("second", NOW + DAY)


async def test_an_upgrade_keeps_the_time_from_which_the_password_counts(stores: Stores, world: World) -> None:
    await stores.credentials.set_password(world.user.id, "cost 10", NOW)

    assert await stores.credentials.upgrade_password(world.user.id, old="cost 10", new="cost 12")

    assert await stores.credentials.password_of(world.user.id) == StoredHash("cost 12", NOW)


async def test_an_upgrade_never_undoes_a_change(stores: Stores, world: World) -> None:
    """Somebody reset the password while the old one was being hashed anew."""
    await stores.credentials.set_password(world.user.id, "old", NOW)
    await stores.credentials.set_password(world.user.id, "new", NOW + DAY)

    assert not await stores.credentials.upgrade_password(world.user.id, old="old", new="old, stronger")

    assert await stores.credentials.password_of(world.user.id) == StoredHash("new", NOW + DAY)


async def test_one_persons_password_is_not_anothers(stores: Stores, world: World) -> None:
    other = user()
    await stores.users.add(other)
    await stores.credentials.set_password(world.user.id, "same hash", NOW)
    await stores.credentials.set_password(other.id, "same hash", NOW)

    await stores.credentials.upgrade_password(other.id, old="same hash", new="upgraded")

    assert await stores.credentials.password_of(world.user.id) == StoredHash("same hash", NOW)
