"""The schema: from nothing to the newest revision, as written here, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from idp import resources
from idp.storage import schema
from idp.storage.columns import metadata
from idp.storage.database import Database
from idp.storage.maintenance import maintenance
from tests.support.databases import KINDS
from tests.support.storage import empty_database, migrated_database, opened

FOLDER = resources.folder("alembic")


@pytest.fixture(params=KINDS)
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database without tables."""
    async with empty_database(request.param, tmp_path) as url, opened(url) as database:
        yield database


@pytest.fixture
async def url(kind: str, tmp_path: Path) -> AsyncIterator[str]:
    """A database of our own, since its schema will change."""
    async with migrated_database(kind, tmp_path) as url:
        yield url


async def upgrade(database: Database) -> None:
    async with maintenance(database.url) as connection:
        await schema.upgrade(connection, FOLDER)


async def current(database: Database) -> str | None:
    async with database.transaction(write=False) as connection:
        return await schema.current(connection)


async def drift(database: Database) -> str | None:
    async with maintenance(database.url) as connection:
        return await schema.drift(connection, FOLDER)


async def execute(database: Database, statement: str) -> None:
    async with database.transaction(write=True) as connection:
        await connection.execute(text(statement))


async def test_an_empty_database_comes_to_the_newest_revision(empty: Database) -> None:
    assert await current(empty) is None

    await upgrade(empty)

    assert await current(empty) == schema.newest(FOLDER)


async def test_what_is_migrated_is_what_is_written_here(database: Database) -> None:
    assert await drift(database) is None


async def test_every_table_is_migrated(database: Database) -> None:
    def names(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names())

    async with maintenance(database.url) as connection:
        assert await connection.run_sync(names) == set(metadata.tables) | {"alembic_version"}


async def test_an_upgrade_of_the_newest_revision_changes_nothing(database: Database) -> None:
    await upgrade(database)

    assert await current(database) == schema.newest(FOLDER)
    assert await drift(database) is None


async def test_an_upgrade_that_fails_leaves_nothing_behind(empty: Database) -> None:
    """It is one transaction: the next try begins from the same place."""
    await execute(empty, "CREATE TABLE users (id INTEGER)")

    with pytest.raises(Exception, match="already exists"):
        await upgrade(empty)

    assert await current(empty) is None
    await execute(empty, "DROP TABLE users")
    await upgrade(empty)
    assert await drift(empty) is None


async def test_a_database_that_was_not_upgraded_differs(empty: Database) -> None:
    assert await drift(empty) is not None


@pytest.mark.parametrize(
    "change",
    [
        "DROP INDEX ix_replays_expires_at",
        "DROP INDEX uq_signing_keys_active_alg",
        "ALTER TABLE users ADD COLUMN shoe_size INTEGER",
        "DROP TABLE links",
    ],
)
async def test_a_changed_schema_is_noticed(database: Database, change: str) -> None:
    await execute(database, change)

    assert await drift(database) is not None


async def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    await execute(database, "UPDATE alembic_version SET version_num = 'from_the_future'")

    with pytest.raises(CommandError, match="from_the_future"):
        await upgrade(database)

    assert await current(database) == "from_the_future"
    assert await drift(database) is not None
