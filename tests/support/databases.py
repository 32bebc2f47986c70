"""A fresh, migrated database for whoever asks: a copied SQLite file, or a copy inside a real PostgreSQL."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support import session
from tests.support.postgres import Postgres
from tests.support.session import clean_environment

MIGRATION_SECONDS = 120
KINDS = ("sqlite", "postgresql")


@asynccontextmanager
async def fresh_database(kind: str, folder: Path) -> AsyncIterator[str]:
    """Yield the URL of a new database with the current schema; a SQLite file is put into `folder`."""
    if kind == "sqlite":
        path = folder / "idp.sqlite3"
        shutil.copyfile(await _sqlite_template(), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    postgres = await Postgres.shared()
    async with postgres.database(await postgres.template("current", upgrade)) as url:
        yield url


def upgrade(url: str) -> None:
    """Bring a database to the current schema, the way an operator does."""
    done = subprocess.run(
        [sys.executable, "-m", "idp", "db", "upgrade"],
        env=clean_environment() | {"IDP_MODE": "test", "IDP_DATABASE_URL": url},
        cwd=session.folder(),  # away from the checkout, whose .env file is not meant for tests
        capture_output=True,
        text=True,
        timeout=MIGRATION_SECONDS,
    )
    if done.returncode != 0:
        raise RuntimeError(f"idp db upgrade failed on {url}:\n{done.stdout}{done.stderr}")


async def _sqlite_template() -> Path:
    path = session.folder() / "template.sqlite3"
    async with session.locked("template.sqlite3"):
        if not path.exists():
            draft = path.with_suffix(".draft")
            await asyncio.to_thread(upgrade, f"sqlite+aiosqlite:///{draft}")
            draft.rename(path)
    return path
