"""The audit trail: append-only, written in the transaction of the effect, so no effect goes without its row."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, String, Table, bindparam, insert, select

from idp.domain.event import Event
from idp.domain.secret import Sealer, make_id
from idp.storage.columns import AnyRow, JsonText, UtcTime, metadata, place, to_micros
from idp.storage.database import Prepared, Transaction

events = Table(
    "events",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("user_id", String(32)),
    Column("client_id", String(128)),
    Column("session_id", String(32)),
    Column("sealed_address", LargeBinary),
    Column("request_id", String(32)),
    Column("detail", JsonText),
    Index("ix_events_at", "at"),
    Index("ix_events_user_id_at", "user_id", "at"),
)


class EventStore:
    """The audit trail of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer, *, request_id: str | None) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer
        self._request_id = request_id
        self._written = 0

    async def add(self, event: Event, now: datetime) -> None:
        """Append an event."""
        # Ordered by writing, also within one moment: the trail reads as it happened, the index grows at its end.
        event_id = f"{to_micros(now):014x}{self._written:03x}{make_id()}"
        self._written += 1
        address = None
        if event.address is not None:
            address = self._sealer.seal(event.address.encode(), place=place("events", "address", event_id))
        await self._connection.execute(
            _ADD,
            {
                "id": event_id,
                "at": now,
                "kind": event.kind.value,
                "user_id": event.user_id,
                "client_id": event.client_id,
                "session_id": event.session_id,
                "sealed_address": address,
                "request_id": self._request_id,
                "detail": dict(event.detail) or None,
            },
        )

    async def list(self, *, kind: str | None = None, user_id: str | None = None, limit: int = 100) -> Sequence[AnyRow]:
        """Return the newest events first."""
        query = select(events).order_by(events.c.id.desc()).limit(limit)
        if kind is not None:
            query = query.where(events.c.kind == kind)
        if user_id is not None:
            query = query.where(events.c.user_id == user_id)
        return (await self._connection.execute(query)).all()


_ADD = Prepared(insert(events).values({column.name: bindparam(column.name) for column in events.c}))
