"""A database of the first version comes to the newest one with every row that was in it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import BigInteger, Boolean, Connection, Integer, LargeBinary, MetaData, insert, inspect, select, text

from idp import resources
from idp.storage import schema
from idp.storage.database import Database
from idp.storage.maintenance import maintenance
from tests.support.databases import KINDS
from tests.support.storage import empty_database, opened

FOLDER = resources.folder("alembic")
FIRST = "9ac34c15ddd1"
#: Values that a column must have; any other is told by its type.
GIVEN = {("credentials", "factor"): "password", ("credentials", "hash"): "v1$hash"}


@pytest.fixture(params=KINDS)
async def first(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of the first version, with a row in every table."""
    async with empty_database(request.param, tmp_path) as url, opened(url) as database:
        async with maintenance(database.url) as connection:
            await connection.run_sync(_make_first)
        yield database


def _make_first(connection: Connection) -> None:
    config = schema._config(FOLDER)
    config.attributes["connection"] = connection
    command.upgrade(config, FIRST)
    tables = MetaData()
    tables.reflect(connection)
    for table in tables.sorted_tables:
        if table.name != "alembic_version":
            connection.execute(insert(table).values({column.name: _value(table, column) for column in table.columns}))


def _value(table: Any, column: Any) -> Any:
    if (table.name, column.name) in GIVEN:
        return GIVEN[table.name, column.name]
    for key in column.foreign_keys:
        return _value(key.column.table, key.column)
    if isinstance(column.type, LargeBinary):
        return bytes(range(32))
    if isinstance(column.type, BigInteger | Integer) and not isinstance(column.type, Boolean):
        return 1
    return True if isinstance(column.type, Boolean) else "x"


def _content(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    tables = MetaData()
    tables.reflect(connection)
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in tables.sorted_tables
        if table.name != "alembic_version"
    }


async def test_every_row_of_the_first_version_stays(first: Database) -> None:
    """On SQLite a table that is built anew takes nothing with it that refers to it."""
    async with maintenance(first.url, write=False) as connection:
        before = await connection.run_sync(_content)
    assert {len(rows) for rows in before.values()} == {1}

    async with maintenance(first.url) as connection:
        await schema.upgrade(connection, FOLDER)

    async with maintenance(first.url, write=False) as connection:
        after = await connection.run_sync(_content)
    for name, (row,) in before.items():
        assert len(after[name]) == 1, name
        assert row.items() <= after[name][0].items(), name


async def test_what_was_migrated_is_like_what_is_new(first: Database) -> None:
    async with maintenance(first.url) as connection:
        await schema.upgrade(connection, FOLDER)

    async with maintenance(first.url) as connection:
        assert await schema.drift(connection, FOLDER) is None
        assert await connection.run_sync(_violations) == []


def _violations(connection: Connection) -> list[Any]:
    """Return the references that lead nowhere; PostgreSQL allows none."""
    if connection.dialect.name != "sqlite":
        return []
    return list(connection.execute(text("PRAGMA foreign_key_check")))


async def test_people_keep_their_passwords_and_may_add_factors(first: Database) -> None:
    async with maintenance(first.url) as connection:
        await schema.upgrade(connection, FOLDER)
        await connection.run_sync(_add_factor)

    async with maintenance(first.url, write=False) as connection:
        found = (
            await connection.execute(text("SELECT factor, hash, is_active FROM credentials ORDER BY factor"))
        ).all()
    assert [(row.factor, row.hash, bool(row.is_active)) for row in found] == [
        ("password", "v1$hash", True),
        ("totp", None, True),
        ("totp", None, True),
    ]


def _add_factor(connection: Connection) -> None:
    assert "uq_credentials_user_id_factor" not in str(inspect(connection).get_unique_constraints("credentials"))
    for name in ("one", "two"):
        connection.execute(
            text(
                "INSERT INTO credentials (id, user_id, factor, counter, created_at) VALUES (:name, 'x', 'totp', 0, 1)"
            ),
            {"name": name},
        )
