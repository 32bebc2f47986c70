"""A fresh database has the current schema, on both kinds, and nobody else's rows."""

from pathlib import Path

from idp.storage.database import Database
from tests.support.databases import fresh_database


async def test_a_fresh_database_has_the_schema_and_no_rows(database_url: str) -> None:
    database = Database(database_url)
    try:
        async with database.transaction(write=False) as connection:
            revision = await connection.exec_driver_sql("SELECT version_num FROM alembic_version")
            people = await connection.exec_driver_sql("SELECT count(*) FROM users")
    finally:
        await database.close()

    assert revision.scalar_one()
    assert people.scalar_one() == 0


async def test_two_sqlite_databases_are_two_files(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with fresh_database("sqlite", tmp_path) as one, fresh_database("sqlite", tmp_path / "other") as other:
        assert one != other
