"""Signed statements about the chain over the audit trail: where it stood, and what was given up of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table, Text, delete, insert, select

from idp.storage.columns import AnyRow, UtcTime, metadata
from idp.storage.database import Transaction

event_checkpoints = Table(
    "event_checkpoints",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("signed_at", UtcTime, nullable=False, index=True),
    Column("kid", String(64), nullable=False),
    Column("jws", Text, nullable=False),
    Column("mark", LargeBinary(32), nullable=False),
)
event_removals = Table(
    "event_removals",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("signed_at", UtcTime, nullable=False),
    Column("kid", String(64), nullable=False),
    Column("jws", Text, nullable=False),
    Column("mark", LargeBinary(32), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement: up to `seq` the chain had `hash`; or all up to `seq`, which had `hash`, was given up."""

    seq: int
    hash: bytes
    signed_at: datetime
    kid: str
    jws: str
    mark: bytes


class EventCheckpointStore:
    """Checkpoints and removals of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def add(self, checkpoint: Signed) -> None:
        """Store a checkpoint."""
        await self._connection.execute(insert(event_checkpoints).values(_values(checkpoint)))

    async def newest(self, *, until: int | None = None, before: datetime | None = None) -> Signed | None:
        """Return the newest checkpoint, of those up to a number or signed before a moment if that is said."""
        query = select(event_checkpoints).order_by(event_checkpoints.c.seq.desc()).limit(1)
        if until is not None:
            query = query.where(event_checkpoints.c.seq <= until)
        if before is not None:
            query = query.where(event_checkpoints.c.signed_at < before)
        return _first(await self._connection.execute(query))

    async def after(self, seq: int, *, until: int) -> Sequence[Signed]:
        """Return checkpoints after a number, up to and with another, oldest first."""
        where = (event_checkpoints.c.seq > seq, event_checkpoints.c.seq <= until)
        query = select(event_checkpoints).where(*where).order_by(event_checkpoints.c.seq)
        return [_signed(row) for row in await self._connection.execute(query)]

    async def remove(self, before: int, *, limit: int) -> int:
        """Remove the oldest checkpoints before a number; return how many went."""
        old = select(event_checkpoints.c.seq).where(event_checkpoints.c.seq < before)
        which = event_checkpoints.c.seq.in_(old.order_by(event_checkpoints.c.seq).limit(limit))
        gone = await self._connection.execute(delete(event_checkpoints).where(which).returning(event_checkpoints.c.seq))
        return len(gone.all())

    async def add_removal(self, removal: Signed) -> None:
        """Store what was given up."""
        await self._connection.execute(insert(event_removals).values(_values(removal)))

    async def removals(self) -> Sequence[Signed]:
        """Return all that was given up, oldest first; there is at most one a day."""
        rows = await self._connection.execute(select(event_removals).order_by(event_removals.c.seq))
        return [_signed(row) for row in rows]

    async def newest_removal(self) -> Signed | None:
        """Return what was given up last."""
        query = select(event_removals).order_by(event_removals.c.seq.desc()).limit(1)
        return _first(await self._connection.execute(query))


def _values(signed: Signed) -> dict[str, object]:
    return {name: getattr(signed, name) for name in Signed.__slots__}


def _signed(row: AnyRow) -> Signed:
    return Signed(row.seq, row.hash, row.signed_at, row.kid, row.jws, row.mark)


def _first(rows: object) -> Signed | None:
    row = rows.first()  # type: ignore[attr-defined]
    return None if row is None else _signed(row)
