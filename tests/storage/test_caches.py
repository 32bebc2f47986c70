"""What a process remembers of the database is at most half a second old, and never older than its epoch."""

from dataclasses import replace

from idp.domain.client import Client
from idp.domain.detail_type import DetailType
from idp.storage.caches import ClientDirectory, DefinitionDirectory, EpochWatch
from idp.storage.clients import EPOCH_NAME
from idp.storage.database import Database
from idp.storage.definitions import DETAIL_TYPE
from idp.storage.stores import Transactions
from tests.support.builders import NOW, client
from tests.support.storage import World


async def fresh(database: Database) -> EpochWatch:
    """Return a watch that has just looked."""
    watch = EpochWatch(database)
    await watch.refresh()
    return watch


async def found(directory: ClientDirectory, transactions: Transactions, client_id: str) -> Client | None:
    async with transactions.open(write=False) as stores:
        return await directory.find(stores.clients, client_id)


async def disable(transactions: Transactions, rp: Client) -> Client:
    disabled = replace(rp, is_active=False)
    async with transactions.open(write=True) as stores:
        await stores.clients.save(disabled, NOW)
    return disabled


async def test_a_watch_sees_every_change(database: Database, transactions: Transactions, world: World) -> None:
    before = (await fresh(database)).get(EPOCH_NAME)

    await disable(transactions, world.client)

    assert (await fresh(database)).get(EPOCH_NAME) == before + 1
    assert (await fresh(database)).get("nothing") == 0


async def test_a_watch_asks_once_in_half_a_second(database: Database, transactions: Transactions, world: World) -> None:
    watch = await fresh(database)
    before = watch.get(EPOCH_NAME)

    await disable(transactions, world.client)
    await watch.refresh()

    assert watch.get(EPOCH_NAME) == before


async def test_a_client_is_remembered_until_the_epoch_changes(
    database: Database, transactions: Transactions, world: World
) -> None:
    watch = await fresh(database)
    directory = ClientDirectory(watch)
    assert await found(directory, transactions, world.client.id) == world.client

    disabled = await disable(transactions, world.client)

    assert await found(directory, transactions, world.client.id) == world.client
    watch._checked_at = -1  # half a second later
    await watch.refresh()
    assert await found(directory, transactions, world.client.id) == disabled


async def test_an_older_transaction_never_fills_the_cache(
    database: Database, transactions: Transactions, world: World
) -> None:
    """It began before the client was disabled, and looks it up after everybody else knows."""
    watch = await fresh(database)
    directory = ClientDirectory(watch)
    async with transactions.open(write=False) as old:
        await old.epochs.all()  # from here on, SQLite shows it the database of this moment
        disabled = await disable(transactions, world.client)
        watch._checked_at = -1
        await watch.refresh()
        await directory.find(old.clients, world.client.id)

    assert await found(directory, transactions, world.client.id) == disabled


async def test_unknown_clients_fill_no_memory(database: Database, transactions: Transactions, world: World) -> None:
    directory = ClientDirectory(await fresh(database))

    for number in range(10):
        assert await found(directory, transactions, f"unknown-{number}") is None

    assert len(directory._clients) == 0


async def test_a_client_is_known_as_soon_as_it_exists(
    database: Database, transactions: Transactions, world: World
) -> None:
    directory, late = ClientDirectory(await fresh(database)), client()
    assert await found(directory, transactions, late.id) is None

    async with transactions.open(write=True) as stores:
        await stores.clients.add(late, NOW)

    assert await found(directory, transactions, late.id) == late


async def test_only_what_is_in_memory_and_current_is_known_without_asking(
    database: Database, transactions: Transactions, world: World
) -> None:
    watch = await fresh(database)
    directory = ClientDirectory(watch)
    assert directory.known(world.client.id) is None
    await found(directory, transactions, world.client.id)
    assert directory.known(world.client.id) == world.client

    await disable(transactions, world.client)
    watch._checked_at -= 1
    await watch.refresh()

    assert directory.known(world.client.id) is None


async def test_definitions_that_were_found_are_known_before_the_watch_sees_a_change(
    database: Database, transactions: Transactions
) -> None:
    """A request is checked by what it found; to a process that just began nothing was known before."""
    directory = DefinitionDirectory(await fresh(database))
    async with transactions.open(write=True) as stores:
        await stores.definitions.add(DETAIL_TYPE, DetailType("id", "payment", {"type": "object"}, "Pay"), NOW)

    async with transactions.open(write=False) as stores:
        found = await directory.current(stores.definitions)

    assert "payment" in found.detail_types
    assert directory.known == found
