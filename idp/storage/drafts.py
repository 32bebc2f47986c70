"""What was drafted for operators: words and texts that wait for a person, and those that one approved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, String, Table, Text, delete, select, update

from idp.storage.columns import UtcTime, metadata
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

drafts = Table(
    "drafts",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("text", Text, nullable=False),
    Column("model", String(128)),  # that wrote it; none if it came from an administrator's own names
    Column("made_at", UtcTime, nullable=False),
    Column("approved_by", String(80)),
    Column("approved_at", UtcTime),
)


class DraftKind(StrEnum):
    """What a draft is."""

    WORD = "word"  # no password may be made of it
    GUIDANCE = "guidance"  # how to do better after a refused password; its name is CODE:LANGUAGE


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """One draft; it counts for nothing until `approved_by` says who took it."""

    kind: DraftKind
    name: str
    text: str
    model: str | None
    made_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None


class DraftStore:
    """The drafts of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def propose(self, kind: DraftKind, name: str, text: str, *, model: str | None, now: datetime) -> bool:
        """Keep a draft until somebody looks at it; False if one of this name was approved: that stays."""
        values = {"text": text, "model": model, "made_at": now}
        row = upsert(self._connection, drafts).values(kind=kind.value, name=name, **values)
        done = await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[drafts.c.kind, drafts.c.name], set_=values, where=drafts.c.approved_by.is_(None)
            ).returning(drafts.c.name)
        )
        return done.first() is not None

    async def approve(self, draft: StoredDraft, *, by: str, now: datetime) -> bool:
        """Note that somebody took a draft as they read it; False if it is another one now, or taken already."""
        done = await self._connection.execute(
            update(drafts)
            .where(
                drafts.c.kind == draft.kind.value, drafts.c.name == draft.name, drafts.c.text == draft.text,
                drafts.c.approved_by.is_(None),
            )
            .values(approved_by=by[:80], approved_at=now)
            .returning(drafts.c.name)
        )  # fmt: skip
        return done.first() is not None

    async def remove(self, kind: DraftKind, name: str) -> bool:
        """Remove a draft, approved or not; False if there is none."""
        where = (drafts.c.kind == kind.value, drafts.c.name == name)
        done = await self._connection.execute(delete(drafts).where(*where).returning(drafts.c.name))
        return done.first() is not None

    async def all(self, kind: DraftKind) -> Sequence[StoredDraft]:
        """Return the drafts of a kind by name."""
        query = select(drafts).where(drafts.c.kind == kind.value).order_by(drafts.c.name)
        return [
            StoredDraft(kind, row.name, row.text, row.model, row.made_at, row.approved_by, row.approved_at)
            for row in await self._connection.execute(query)
        ]

    async def approved(self) -> Sequence[tuple[DraftKind, str, str]]:
        """Return kind, name and text of all that was approved."""
        query = select(drafts.c.kind, drafts.c.name, drafts.c.text).where(drafts.c.approved_by.is_not(None))
        rows = await self._connection.execute(query.order_by(drafts.c.kind, drafts.c.name))
        return [(DraftKind(row.kind), row.name, row.text) for row in rows]
