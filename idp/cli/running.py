"""What commands share: settings, a wired-up process for one command, and output for people or for programs."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from idp import logs, resources, settings
from idp.domain.event import Actor, ActorKind
from idp.settings import Settings
from idp.storage import schema
from idp.storage.database import Database
from idp.storage.maintenance import maintenance
from idp.wiring import Site, build

T = TypeVar("T")


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --json."""
    return click.option("--json", "as_json", is_flag=True, help="one JSON document on standard output")(function)


def read_settings(context: click.Context, *, mode: str | None = None) -> Settings:
    """Return the settings; BadSettings ends the command with exit code 2.

    A command without an explicit mode works on the development database when that is all there is.
    """
    config: Path | None = context.find_root().obj
    options = settings.load(config=config, mode=mode)
    logs.configure(options.log_level if mode else "WARNING")
    settings.hand_down(config=config, mode=mode)
    return options


def with_site(context: click.Context, work: Callable[[Site], Awaitable[T]]) -> T:
    """Run the work of a command on a wired-up process."""
    options = read_settings(context, mode=default_mode())

    async def run() -> T:
        site = await build(options, actor=Actor(ActorKind.COMMAND_LINE, _user_name()))
        try:
            return await work(site)
        finally:
            await site.close()

    return asyncio.run(run())


def _user_name() -> str | None:
    """Return the operating system's name of whoever runs the command; its number where it has no name."""
    if sys.platform == "win32":
        return None
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name[:128]
    except KeyError:
        return str(os.getuid())


def default_mode() -> str | None:
    """Return `dev` when a development installation is here: its master key lies in the default folder."""
    return "dev" if Path("keys/master.key").exists() else None


async def is_current(options: Settings) -> bool:
    """Say whether the database has the newest schema."""
    database = Database(options.database_url)
    try:
        async with database.transaction(write=False) as connection:
            return await schema.current(connection) == schema.newest(resources.folder("alembic"))
    finally:
        await database.close()


async def upgrade(options: Settings) -> None:
    """Bring the database to the newest schema."""
    async with maintenance(options.database_url) as connection:
        await schema.upgrade(connection, resources.folder("alembic"))


def show(as_json: bool, document: Any, text: str) -> None:
    """Print a result: the document for programs, the text for people."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str) if as_json else text)


def fail(message: str) -> click.ClickException:
    """Return the exception that ends a command with exit code 1."""
    return click.ClickException(message)
