"""`idp db`: schema, backup and restore."""

import asyncio
import os
from pathlib import Path

import click

from idp import resources
from idp.cli.running import default_mode, fail, json_option, read_settings, show, upgrade
from idp.clock import SystemClock
from idp.settings import Settings
from idp.storage import backup as backups
from idp.storage import schema
from idp.storage.database import Database
from idp.storage.maintenance import maintenance


@click.group()
def db() -> None:
    """Schema and data."""


@db.command("upgrade")
@json_option
@click.pass_context
def upgrade_(context: click.Context, as_json: bool) -> None:
    """Bring the database to the newest schema."""
    options = read_settings(context, mode=default_mode())
    asyncio.run(upgrade(options))
    newest = schema.newest(resources.folder("alembic"))
    show(as_json, {"revision": newest}, f"schema is at {newest}")


@db.command()
@json_option
@click.pass_context
def check(context: click.Context, as_json: bool) -> None:
    """Say whether the schema is current; exit 1 if not."""
    found = asyncio.run(_revision(read_settings(context, mode=default_mode())))
    newest = schema.newest(resources.folder("alembic"))
    is_current = found == newest
    show(as_json, {"revision": found, "newest": newest, "current": is_current},
         "schema is current" if is_current else f"schema is at {found or 'nothing'}, newest is {newest}")  # fmt: skip
    if not is_current:
        context.exit(1)


async def _revision(options: Settings) -> str | None:
    database = Database(options.database_url)
    try:
        async with database.transaction(write=False) as connection:
            return await schema.current(connection)
    finally:
        await database.close()


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def backup(context: click.Context, file: Path, as_json: bool) -> None:
    """Write all data to FILE. Keep it with the master key and the keys folder: sealed data opens only with them."""
    rows = asyncio.run(_backup(read_settings(context, mode=default_mode()), file))
    show(as_json, {"rows": rows, "file": str(file)}, f"{rows} rows written to {file}")


async def _backup(options: Settings, file: Path) -> int:
    count = -1
    revision = await _revision(options) or ""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as target:
            async with maintenance(options.database_url, write=False) as connection:
                async for line in backups.lines(connection, revision):
                    target.write(line + "\n")
                    count += 1
    except OSError as error:
        raise fail(f"{file}: {error.strerror}") from error
    return count


@db.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@json_option
@click.pass_context
def restore(context: click.Context, file: Path, as_json: bool) -> None:
    """Fill an empty database from FILE; sessions, tokens, codes and links in it are void."""
    rows = asyncio.run(_restore(read_settings(context, mode=default_mode()), file))
    show(as_json, {"rows": rows}, f"{rows} rows restored; everybody must sign in again")


async def _restore(options: Settings, file: Path) -> int:
    await upgrade(options)
    revision = await _revision(options) or ""
    try:
        with file.open() as source:
            async with maintenance(options.database_url) as connection:
                return await backups.restore(connection, source, revision=revision, now=SystemClock().now())
    except backups.BadBackup as error:
        raise fail(str(error)) from error
