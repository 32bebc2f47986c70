"""Which clients are still to be told that a session has ended: written with its end, gone when they took it.

Subject and `sid` are made when a token is: so a row holds no more than the ids, also of a person who is gone by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)  # fmt: skip

from idp.domain.secret import make_id
from idp.storage.clients import clients
from idp.storage.columns import AnyRow, UtcTime, metadata
from idp.storage.database import Prepared, Transaction
from idp.storage.grants import grants

logout_deliveries = Table(
    "logout_deliveries",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("user_id", String(32), nullable=False),
    Column("session_id", String(32), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_logout_deliveries_due_at", "due_at"),
    Index("ix_logout_deliveries_expires_at", "expires_at"),
)
KEPT = timedelta(days=1)  # a provider that was down for longer has nothing to tell that clients would still wait for


@dataclass(frozen=True, slots=True)
class LogoutDelivery:
    """One client to be told of the end of one session; `tries` that were begun, with this one."""

    id: str
    client_id: str
    user_id: str
    session_id: str
    tries: int


class LogoutDeliveryStore:
    """What clients are still to be told, in one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self.has_new = False  #: whether somebody waits for this transaction to be committed

    async def owe(self, ended: Sequence[tuple[str, str]], now: datetime) -> None:
        """Note that these sessions (id and person) ended, for every client that signed in there and wants to know.

        Grants that were revoked meanwhile count: the application may still think that the person is there.
        """
        for session_id, user_id in ended:
            rows = (await self._connection.execute(_CLIENTS, {"session_id": session_id})).all()
            for client_id in [row.id for row in rows if _wants(row)]:
                self.has_new = True
                await self._connection.execute(
                    insert(logout_deliveries).values(
                        id=make_id(), client_id=client_id, user_id=user_id, session_id=session_id, tries=0, due_at=now,
                        expires_at=now + KEPT,
                    )
                )  # fmt: skip

    async def parties(self, session_id: str) -> Sequence[str]:
        """Return the ids of the clients that signed in to a session, in an order that stays."""
        return sorted(row.id for row in await self._connection.execute(_CLIENTS, {"session_id": session_id}))

    async def any_due(self, now: datetime) -> bool:
        """Say whether somebody is to be told now."""
        query = select(logout_deliveries.c.id).where(*_is_due(now)).limit(1)
        return (await self._connection.execute(query)).first() is not None

    async def claim(
        self, now: datetime, *, until: datetime, limit: int, busy: Sequence[str] = ()
    ) -> Sequence[LogoutDelivery]:
        """Begin a try of what is due the longest, but for those clients; nobody else tries it until then."""
        table = logout_deliveries.c
        due = (
            select(table.id)
            .where(*_is_due(now), *(table.client_id != client_id for client_id in busy))
            .order_by(table.due_at, table.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        rows = await self._connection.execute(
            update(logout_deliveries)
            .where(table.id.in_(select(due.c.id)))
            .values(tries=table.tries + 1, due_at=until)
            .returning(*table)
        )
        return [_read(row) for row in rows]

    async def end(self, delivery: LogoutDelivery) -> bool:
        """Forget a delivery that was taken or given up; False if another worker began a later try."""
        done = await self._connection.execute(
            delete(logout_deliveries).where(*_is_try(delivery)).returning(logout_deliveries.c.id)
        )
        return done.first() is not None

    async def postpone(self, delivery: LogoutDelivery, due_at: datetime) -> None:
        """Let a delivery be tried again, not before then."""
        await self._connection.execute(update(logout_deliveries).where(*_is_try(delivery)).values(due_at=due_at))


def _is_due(now: datetime) -> tuple[Any, ...]:
    return logout_deliveries.c.due_at <= now, logout_deliveries.c.expires_at > now


def _is_try(delivery: LogoutDelivery) -> tuple[Any, ...]:
    return logout_deliveries.c.id == delivery.id, logout_deliveries.c.tries == delivery.tries


def _wants(row: AnyRow) -> bool:
    return row.is_active and cast(dict[str, Any], row.metadata).get("backchannel_logout_uri") is not None


def _read(row: AnyRow) -> LogoutDelivery:
    return LogoutDelivery(row.id, row.client_id, row.user_id, row.session_id, row.tries)


_CLIENTS = Prepared(
    select(clients.c.id, clients.c.is_active, clients.c.metadata).where(
        clients.c.id.in_(select(grants.c.client_id).where(grants.c.session_id == bindparam("session_id")))
    )
)
