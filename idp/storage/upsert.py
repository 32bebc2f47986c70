"""INSERT … ON CONFLICT in the dialect of the connection at hand; SQLite and PostgreSQL spell it alike."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

_SQLITE_DUPLICATES = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
_POSTGRES_DUPLICATE = "23505"


def upsert(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT into the table that can say what happens on a conflict."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def is_duplicate(error: IntegrityError) -> bool:
    """Say whether somebody else's row has this key already; any other broken constraint is a mistake of ours."""
    name, state = (getattr(error.orig, attribute, None) for attribute in ("sqlite_errorname", "sqlstate"))
    return name in _SQLITE_DUPLICATES or state == _POSTGRES_DUPLICATE
