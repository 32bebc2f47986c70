"""Messages that leave after commit: written with their cause, claimed by one worker at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, select, update

from idp.domain.message import Channel, Message
from idp.domain.secret import Digest, Sealer
from idp.storage.columns import UtcTime, is_key, metadata, older_than, open_json, seal_json
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("channel", String(8), nullable=False),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("sent_at", UtcTime),
    Column("failed_at", UtcTime),
    Column("dedupe", LargeBinary(32), unique=True),  # of messages that may be wanted twice and must leave once
    Index("ix_outbox_due_at", "due_at"),
    Index("ix_outbox_created_at_id", "created_at", "id"),
    Index("ix_outbox_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this worker may send now; `tries` counts this one."""

    message: Message
    tries: int
    expires_at: datetime


class State(StrEnum):
    """How far a message has come."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Listed:
    """A message as those see it who look after the provider."""

    message: Message
    state: State
    tries: int
    expires_at: datetime
    sent_at: datetime | None
    failed_at: datetime | None


class OutboxStore:
    """Messages of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def add(
        self, message: Message, *, expires_at: datetime, due_at: datetime | None = None, dedupe: Digest | None = None
    ) -> bool:
        """Write a message that leaves once the transaction has committed, and not before it is due.

        Of several with the same `dedupe` only the first is written, also when two are at once; False for the others.
        """
        content = {"to": message.to, "subject": message.subject, "text": message.text, "html": message.html}
        if message.code is not None:
            content["code"] = message.code
        row = upsert(self._connection, outbox).values(
            id=message.id,
            channel=message.channel.value,
            sealed_content=seal_json(self._sealer, content, table="outbox", column="content", row=message.id),
            created_at=message.created_at,
            expires_at=expires_at,
            due_at=due_at or message.created_at,
            tries=0,
            dedupe=dedupe,
        )
        written = await self._connection.execute(
            row.on_conflict_do_nothing(index_elements=[outbox.c.dedupe]).returning(outbox.c.id)
        )
        return written.first() is not None

    async def claim(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[Claimed]:
        """Take due messages for this worker; the lease lets another take over if it dies."""
        due = (
            select(outbox.c.id)
            .where(outbox.c.sent_at.is_(None), outbox.c.failed_at.is_(None), outbox.c.due_at <= now,
                   outbox.c.expires_at > now)
            .order_by(outbox.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            # A common table, so that PostgreSQL looks once: a subquery may be run again for each row, limit and all.
            .cte("due")
        )  # fmt: skip
        rows = await self._connection.execute(
            update(outbox)
            .where(outbox.c.id.in_(select(due.c.id)))
            .values(due_at=now + lease, tries=outbox.c.tries + 1)
            .returning(
                outbox.c.id, outbox.c.channel, outbox.c.sealed_content, outbox.c.created_at, outbox.c.tries,
                outbox.c.expires_at,
            )
        )  # fmt: skip
        return [Claimed(self._message(row), row.tries, row.expires_at) for row in rows]

    async def sent(self, message_id: str, now: datetime) -> None:
        """Note that a provider accepted the message."""
        await self._connection.execute(update(outbox).where(outbox.c.id == message_id).values(sent_at=now))

    async def postpone(self, message_id: str, due_at: datetime) -> None:
        """Try again later."""
        await self._connection.execute(update(outbox).where(outbox.c.id == message_id).values(due_at=due_at))

    async def fail(self, message_id: str, now: datetime) -> None:
        """Note that the message will never be accepted."""
        await self._connection.execute(update(outbox).where(outbox.c.id == message_id).values(failed_at=now))

    async def cancel(self, message_id: str, now: datetime) -> None:
        """Keep a message that has not left from leaving; one that is on its way just now still arrives."""
        unsent = (outbox.c.id == message_id, outbox.c.sent_at.is_(None), outbox.c.failed_at.is_(None))
        await self._connection.execute(update(outbox).where(*unsent).values(failed_at=now))

    async def sent_messages(self, *, limit: int = 200) -> Sequence[tuple[Message, datetime]]:
        """Return what was sent, newest first, for the development mailbox."""
        query = (
            select(outbox)
            .where(outbox.c.sent_at.is_not(None))
            .order_by(outbox.c.sent_at.desc(), outbox.c.id)
            .limit(limit)
        )
        return [(self._message(row), row.sent_at) for row in await self._connection.execute(query)]

    async def page(
        self, *, state: State | None = None, before: tuple[datetime, str] | None = None, limit: int
    ) -> Sequence[Listed]:
        """Return messages, newest first, older than `before` (writing and id)."""
        query = select(outbox).order_by(outbox.c.created_at.desc(), outbox.c.id.desc()).limit(limit)
        query = query.where(*_IN_STATE[state]) if state is not None else query
        if before is not None:
            query = query.where(older_than(outbox.c.created_at, outbox.c.id, before))
        return [self._listed(row) for row in await self._connection.execute(query)]

    async def find(self, message_id: str) -> Listed | None:
        """Return a message."""
        if not is_key(message_id):
            return None
        row = (await self._connection.execute(select(outbox).where(outbox.c.id == message_id))).first()
        return self._listed(row) if row else None

    async def send_again(self, message_id: str, *, expires_at: datetime, now: datetime) -> bool:
        """Let a message that failed leave once more; False if it did not fail."""
        done = await self._connection.execute(
            update(outbox)
            .where(outbox.c.id == message_id, outbox.c.failed_at.is_not(None), outbox.c.sent_at.is_(None))
            .values(failed_at=None, tries=0, due_at=now, expires_at=expires_at)
            .returning(outbox.c.id)
        )
        return done.first() is not None

    def _listed(self, row: Any) -> Listed:
        state = State.SENT if row.sent_at else State.FAILED if row.failed_at else State.WAITING
        return Listed(self._message(row), state, row.tries, row.expires_at, row.sent_at, row.failed_at)

    def _message(self, row: Any) -> Message:
        sealed = open_json(self._sealer, row.sealed_content, table="outbox", column="content", row=row.id)
        return Message(
            id=row.id, channel=Channel(row.channel), created_at=row.created_at, **cast(dict[str, Any], sealed)
        )


_IN_STATE = {
    State.WAITING: (outbox.c.sent_at.is_(None), outbox.c.failed_at.is_(None)),
    State.SENT: (outbox.c.sent_at.is_not(None),),
    State.FAILED: (outbox.c.sent_at.is_(None), outbox.c.failed_at.is_not(None)),
}
