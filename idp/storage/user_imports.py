"""How far the import of each file of people has come; a row is moved in the transaction of what it counts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, String, Table, delete, select, update

from idp.storage.columns import UtcTime, metadata
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

user_imports = Table(
    "user_imports",
    metadata,
    Column("file_digest", String(64), primary_key=True),  # SHA-256, hexadecimal
    Column("options", String(64), nullable=False),
    Column("next_line", BigInteger, nullable=False),
    Column("imported", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
)


@dataclass(frozen=True, slots=True)
class ImportState:
    """How far the import of a file has come; `next_line` counts from 1, `options` are those it was begun with."""

    options: str
    next_line: int
    imported: int
    refused: int
    started_at: datetime
    finished_at: datetime | None = None


class UserImportStore:
    """Imports of people, of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def begin(self, file_digest: str, options: str, now: datetime) -> None:
        """Note that a file is being imported, unless that is known already."""
        row = upsert(self._connection, user_imports).values(
            file_digest=file_digest, options=options, next_line=1, imported=0, refused=0, started_at=now
        )
        await self._connection.execute(row.on_conflict_do_nothing(index_elements=[user_imports.c.file_digest]))

    async def find(self, file_digest: str) -> ImportState | None:
        """Return how far the import of a file has come, None if it never began."""
        query = select(user_imports).where(user_imports.c.file_digest == file_digest)
        row = (await self._connection.execute(query)).first()
        if row is None:
            return None
        return ImportState(row.options, row.next_line, row.imported, row.refused, row.started_at, row.finished_at)

    async def forget(self, file_digest: str) -> None:
        """Let the file begin anew."""
        await self._connection.execute(delete(user_imports).where(user_imports.c.file_digest == file_digest))

    async def advance(self, file_digest: str, *, line: int, to: int) -> bool:
        """Move on to line `to`; False if the import is not at `line`, because somebody else moved it.

        Whoever moves it first holds it until their transaction ends.
        """
        done = await self._connection.execute(
            update(user_imports)
            .where(
                user_imports.c.file_digest == file_digest,
                user_imports.c.next_line == line,
                user_imports.c.finished_at.is_(None),
            )
            .values(next_line=to)
            .returning(user_imports.c.file_digest)
        )
        return done.first() is not None

    async def count(self, file_digest: str, *, imported: int, refused: int) -> None:
        """Add to what was imported and refused."""
        await self._connection.execute(
            update(user_imports)
            .where(user_imports.c.file_digest == file_digest)
            .values(imported=user_imports.c.imported + imported, refused=user_imports.c.refused + refused)
        )

    async def finish(self, file_digest: str, *, line: int, now: datetime) -> bool:
        """Note that nothing is left behind `line`; False if somebody else moved the import, or finished it."""
        done = await self._connection.execute(
            update(user_imports)
            .where(
                user_imports.c.file_digest == file_digest,
                user_imports.c.next_line == line,
                user_imports.c.finished_at.is_(None),
            )
            .values(finished_at=now)
            .returning(user_imports.c.file_digest)
        )
        return done.first() is not None
