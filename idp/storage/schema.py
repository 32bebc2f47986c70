"""Which revision the database has, and bringing it to the newest one."""

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from idp.storage import directory, stores  # noqa: F401 - bring every table into the metadata
from idp.storage.database import Transaction

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.ext.asyncio import AsyncConnection


def _config(folder: Path) -> "Config":
    from alembic.config import Config  # loaded only by commands that migrate: a serving worker never pays for it

    config = Config()
    config.set_main_option("script_location", str(folder))
    return config


def newest(folder: Path) -> str:
    """Return the newest revision that ships with this version, read from the files without loading alembic."""
    revisions: dict[str, str | None] = {}
    for file in (folder / "versions").glob("*.py"):
        found: dict[str, str] = {}
        for line in file.read_text().splitlines():
            name, separator, value = line.partition(" = ")
            if separator and name in ("revision", "down_revision"):
                found[name] = value.strip("'\"")
        revisions[found["revision"]] = found["down_revision"]
    return next(revision for revision in revisions if revision not in revisions.values())


async def current(connection: Transaction) -> str | None:
    """Return the revision of the database, None if it is empty."""
    exists = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'",
        "postgresql": "SELECT tablename FROM pg_tables "
        "WHERE schemaname = current_schema() AND tablename = 'alembic_version'",
    }
    if (await connection.exec_driver_sql(exists[connection.dialect_name])).first() is None:
        return None
    found = await connection.exec_driver_sql("SELECT version_num FROM alembic_version")
    revision: str | None = found.scalar_one_or_none()
    return revision


async def upgrade(connection: "AsyncConnection", folder: Path) -> None:
    """Bring the schema to the newest revision, inside the connection's transaction."""
    from alembic import command

    def run(sync: Connection) -> None:
        config = _config(folder)
        config.attributes["connection"] = sync
        command.upgrade(config, "head")

    await connection.run_sync(run)


async def drift(connection: "AsyncConnection", folder: Path) -> str | None:
    """Return what differs between the tables as written here and as migrated, None if nothing does."""
    from alembic import command
    from alembic.util import CommandError

    def run(sync: Connection) -> str | None:
        config = _config(folder)
        config.attributes["connection"] = sync
        config.stdout = StringIO()
        try:
            command.check(config)
        except CommandError as error:  # a difference, or a database that is not at the newest revision
            return str(error)
        return None

    return await connection.run_sync(run)


async def write_revision(connection: "AsyncConnection", folder: Path, message: str) -> None:
    """Write a migration file from the difference; for contributors."""
    from alembic import command

    def run(sync: Connection) -> None:
        config = _config(folder)
        config.attributes["connection"] = sync
        command.revision(config, message, autogenerate=True)

    await connection.run_sync(run)
