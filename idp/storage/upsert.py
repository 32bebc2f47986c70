"""INSERT … ON CONFLICT in the dialect of the connection at hand; SQLite and PostgreSQL spell it alike."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from idp.storage.database import Transaction


def upsert(connection: Transaction, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT into the table that can say what happens on a conflict."""
    return postgresql.insert(table) if connection.dialect_name == "postgresql" else sqlite.insert(table)
