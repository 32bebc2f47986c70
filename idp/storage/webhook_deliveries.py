"""What subscriptions are owed: one row for each event and subscription, written once, with the bytes that are sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    func,
    or_,
    select,
    update,
)  # fmt: skip

from idp.domain.secret import Sealer
from idp.storage.columns import AnyRow, UtcTime, is_key, metadata, older_than, place
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("webhook_id", String(32), ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("seq", BigInteger),  # of its event in the trail; none for a test
    Column("position", BigInteger, nullable=False),
    Column("kind", String(128), nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("state", String(8), nullable=False),
    Column("status", Integer),
    Column("reason", String(200)),
    Column("ended_at", UtcTime),
    Column("expires_at", UtcTime),  # none while it is owed
    UniqueConstraint("webhook_id", "seq", "kind"),
    Index("ix_webhook_deliveries_order", "webhook_id", "state", "position", "id"),
    Index("ix_webhook_deliveries_created_at", "webhook_id", "created_at"),
    Index("ix_webhook_deliveries_expires_at", "expires_at"),
)
SENT_KEPT = timedelta(days=7)
FAILED_KEPT = timedelta(days=30)
LONGEST_REASON = 200


class DeliveryState(StrEnum):
    """How far a delivery has come."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one subscription; `tries` that were begun, `status` and `reason` of the last answer."""

    id: str
    webhook_id: str
    seq: int | None
    kind: str
    body: bytes
    created_at: datetime
    due_at: datetime
    tries: int = 0
    state: DeliveryState = DeliveryState.WAITING
    status: int | None = None
    reason: str | None = None
    ended_at: datetime | None = None


class WebhookDeliveryStore:
    """Deliveries of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def add(self, delivery: Delivery) -> None:
        """Write what is owed; an event that a subscription is owed already is left as it is."""
        row = upsert(self._connection, webhook_deliveries).values(
            id=delivery.id, webhook_id=delivery.webhook_id, seq=delivery.seq, position=delivery.seq or 0,
            kind=delivery.kind, created_at=delivery.created_at, due_at=delivery.due_at, tries=delivery.tries,
            sealed_body=self._sealer.seal(delivery.body, place=_place(delivery.id)), state=delivery.state.value,
        )  # fmt: skip
        await self._connection.execute(row.on_conflict_do_nothing(index_elements=["webhook_id", "seq", "kind"]))

    async def waiting(self, webhook_id: str) -> int:
        """Return how many deliveries a subscription is owed."""
        query = select(func.count()).select_from(webhook_deliveries).where(*_is_waiting(webhook_id))
        count: int = (await self._connection.execute(query)).scalar_one()
        return count

    async def next(self, webhook_id: str, now: datetime, *, holds: int) -> Delivery | None:
        """Return what is to be delivered next, in the order of the trail; it may be due later only.

        What was tried `holds` times without success lets others past, and comes again when it is due itself.
        """
        table = webhook_deliveries.c
        query = (
            select(webhook_deliveries)
            .where(*_is_waiting(webhook_id), or_(table.tries < holds, table.due_at <= now))
            .order_by(table.position, table.id)
            .limit(1)
        )
        row = (await self._connection.execute(query)).first()
        return self._read(row) if row else None

    async def next_due(self, webhook_id: str) -> datetime | None:
        """Return when the first of what is owed is due."""
        query = select(func.min(webhook_deliveries.c.due_at).label("at")).where(*_is_waiting(webhook_id))
        found: datetime | None = (await self._connection.execute(query)).scalar_one()
        return found

    async def oldest(self, webhook_id: str, *, limit: int) -> Sequence[Delivery]:
        """Return what is owed, in the order of the trail."""
        order = webhook_deliveries.c.position, webhook_deliveries.c.id
        query = select(webhook_deliveries).where(*_is_waiting(webhook_id)).order_by(*order).limit(limit)
        return [self._read(row) for row in await self._connection.execute(query)]

    async def begin(self, delivery_id: str) -> None:
        """Count a try before it is made."""
        await self._set(delivery_id, tries=webhook_deliveries.c.tries + 1)

    async def sent(self, delivery_id: str, now: datetime, *, status: int | None = None) -> None:
        """Note that it was taken."""
        ends = {"ended_at": now, "expires_at": now + SENT_KEPT}
        await self._set(delivery_id, state=DeliveryState.SENT.value, status=status, reason=None, **ends)

    async def postpone(self, delivery_id: str, due_at: datetime, *, status: int | None, reason: str) -> None:
        """Note that a try failed, and when the next one is due."""
        await self._set(delivery_id, due_at=due_at, status=status, reason=reason[:LONGEST_REASON])

    async def fail(self, delivery_id: str, now: datetime, *, status: int | None, reason: str) -> None:
        """Note that it is given up."""
        ends = {"ended_at": now, "expires_at": now + FAILED_KEPT}
        what = {"status": status, "reason": reason[:LONGEST_REASON]}
        await self._set(delivery_id, state=DeliveryState.FAILED.value, **what, **ends)

    async def make_due(self, webhook_id: str, now: datetime, *, anew: bool = False) -> None:
        """Let everything that is owed be due now; with a full number of tries if wanted."""
        values: dict[str, Any] = {"due_at": now, "tries": 0} if anew else {"due_at": now}
        await self._connection.execute(update(webhook_deliveries).where(*_is_waiting(webhook_id)).values(**values))

    async def owe_again(self, delivery_id: str, now: datetime) -> bool:
        """Let what has ended be due now with all its tries; False if it is owed already."""
        table = webhook_deliveries.c
        values = {
            "state": DeliveryState.WAITING.value, "due_at": now, "tries": 0, "status": None, "reason": None,
            "ended_at": None, "expires_at": None,
        }  # fmt: skip
        done = await self._connection.execute(
            update(webhook_deliveries)
            .where(table.id == delivery_id, table.state != DeliveryState.WAITING.value)
            .values(**values)
            .returning(table.id)
        )
        return done.first() is not None

    async def give_up(self, webhook_id: str, now: datetime, reason: str) -> None:
        """Give up all that is owed."""
        values = {"state": DeliveryState.FAILED.value, "reason": reason, "ended_at": now, "expires_at": now}
        await self._connection.execute(update(webhook_deliveries).where(*_is_waiting(webhook_id)).values(**values))

    async def take(self, webhook_id: str, delivery_id: str, now: datetime) -> bool:
        """Note that a receiver of a stream has taken what it fetched; False if it is not owed."""
        is_this = (*_is_waiting(webhook_id), webhook_deliveries.c.id == delivery_id)
        values = {"state": DeliveryState.SENT.value, "ended_at": now, "expires_at": now + SENT_KEPT}
        done = await self._connection.execute(
            update(webhook_deliveries).where(*is_this).values(**values).returning(webhook_deliveries.c.id)
        )
        return done.first() is not None

    async def find(self, webhook_id: str, delivery_id: str) -> Delivery | None:
        """Return a delivery of a subscription."""
        table = webhook_deliveries.c
        if not is_key(delivery_id):
            return None
        query = select(webhook_deliveries).where(table.webhook_id == webhook_id, table.id == delivery_id)
        row = (await self._connection.execute(query)).first()
        return self._read(row) if row else None

    async def page(
        self, webhook_id: str, *, state: DeliveryState | None, before: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Delivery]:
        """Return deliveries of a subscription, newest first, older than `before` (writing and id)."""
        table = webhook_deliveries.c
        query = select(webhook_deliveries).where(table.webhook_id == webhook_id)
        query = query.order_by(table.created_at.desc(), table.id.desc()).limit(limit)
        if state is not None:
            query = query.where(table.state == state.value)
        if before is not None:
            query = query.where(older_than(table.created_at, table.id, before))
        return [self._read(row) for row in await self._connection.execute(query)]

    async def _set(self, delivery_id: str, **values: Any) -> None:
        waiting = webhook_deliveries.c.state == DeliveryState.WAITING.value
        which = (webhook_deliveries.c.id == delivery_id, waiting)
        await self._connection.execute(update(webhook_deliveries).where(*which).values(**values))

    def _read(self, row: AnyRow) -> Delivery:
        return Delivery(
            id=row.id, webhook_id=row.webhook_id, seq=row.seq, kind=row.kind,
            body=self._sealer.open(row.sealed_body, place=_place(row.id)), created_at=row.created_at,
            due_at=row.due_at, tries=row.tries, state=DeliveryState(row.state), status=row.status, reason=row.reason,
            ended_at=row.ended_at,
        )  # fmt: skip


def _place(delivery_id: str) -> str:
    return place("webhook_deliveries", "body", delivery_id)


def _is_waiting(webhook_id: str) -> tuple[Any, ...]:
    table = webhook_deliveries.c
    return table.webhook_id == webhook_id, table.state == DeliveryState.WAITING.value
