"""Authentication requests of CIBA: the auth_req_id as a digest, what came of it, and the ping that is owed for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Index, Integer, LargeBinary, Table, func, or_, select, update

from idp.domain.secret import Digest
from idp.domain.waiting import WaitingRequest, WaitingState
from idp.storage.columns import AnyRow, UtcTime, metadata, place
from idp.storage.waiting_requests import WaitingStore, waiting_columns

ciba_requests = Table(
    "ciba_requests",
    metadata,
    *waiting_columns(),
    Column("sealed_ping", LargeBinary),  # auth_req_id and client_notification_token; none without a ping
    Column("ping_due_at", UtcTime),  # none while nothing is owed
    Column("ping_tries", Integer, nullable=False),
    Index("ix_ciba_requests_request_expires_at", "request_expires_at"),
    Index("ix_ciba_requests_user_id_state", "user_id", "state"),
    Index("ix_ciba_requests_client_id", "client_id"),
    Index("ix_ciba_requests_session_id", "session_id"),
    Index("ix_ciba_requests_ping_due_at", "ping_due_at"),
)


@dataclass(frozen=True, slots=True)
class Ping:
    """A notification that a client is owed: what it is about, the client's token for it, and tries begun so far."""

    request_id: str
    client_id: str
    auth_req_id: str
    token: str
    ends_at: datetime
    tries: int = 0


class CibaRequestStore(WaitingStore):
    """CIBA requests of one transaction."""

    table = ciba_requests

    async def add(
        self, waiting: WaitingRequest, *, digest: Digest, now: datetime, ping: tuple[str, str] | None = None
    ) -> None:
        """Store a new request, which nobody has answered; `ping` is its auth_req_id and the client's token."""
        sealed = None
        if ping is not None:
            text = " ".join(ping).encode()
            sealed = self._sealer.seal(text, place=place("ciba_requests", "ping", waiting.id))
        await self._connection.execute(self._new(waiting, digest, now).values(sealed_ping=sealed, ping_tries=0))

    async def open_of(self, user_id: str, now: datetime) -> Sequence[WaitingRequest]:
        """Return what a person is asked now, oldest first."""
        query = select(ciba_requests).where(*_is_open(user_id, now)).order_by(ciba_requests.c.asked_at)
        return [self._read(row) for row in await self._connection.execute(query)]

    async def count_open(self, user_id: str, now: datetime, *, asked_after: datetime) -> int:
        """Return how many requests wait for a person's answer, or were made after a moment and never got one."""
        table = ciba_requests.c
        query = select(func.count()).where(
            table.user_id == user_id, table.state == WaitingState.PENDING.value,
            or_(table.request_expires_at > now, table.asked_at > asked_after),
        )  # fmt: skip
        count: int = (await self._connection.execute(query)).scalar_one()
        return count

    async def owe_ping(self, request_id: str, now: datetime) -> None:
        """Note that the client is to be told that there is an answer, if it asked for that (CIBA §10.2)."""
        wanted = (ciba_requests.c.id == request_id, ciba_requests.c.sealed_ping.is_not(None))
        await self._connection.execute(update(ciba_requests).where(*wanted).values(ping_due_at=now))

    async def any_ping_due(self, now: datetime) -> bool:
        """Say whether a client is owed a notification now."""
        query = select(ciba_requests.c.id).where(ciba_requests.c.ping_due_at <= now).limit(1)
        return (await self._connection.execute(query)).first() is not None

    async def claim_pings(self, now: datetime, *, until: datetime, limit: int) -> Sequence[Ping]:
        """Take pings that are due for oneself until then, and count the try; nobody else has them meanwhile."""
        table = ciba_requests.c
        due = select(table.id).where(table.ping_due_at <= now).order_by(table.ping_due_at).limit(limit)
        found = [row.id for row in await self._connection.execute(due)]
        claimed = []
        for request_id in found:
            done = await self._connection.execute(
                update(ciba_requests)
                .where(table.id == request_id, table.ping_due_at <= now)
                .values(ping_due_at=until, ping_tries=table.ping_tries + 1)
                .returning(table.id, table.client_id, table.sealed_ping, table.request_expires_at, table.ping_tries)
            )
            row = done.first()
            if row is not None:
                claimed.append(self._ping(row))
        return claimed

    async def settle_ping(self, request_id: str, due_at: datetime | None) -> None:
        """Note when the next try is due; None if there will be none."""
        table = ciba_requests.c
        await self._connection.execute(update(ciba_requests).where(table.id == request_id).values(ping_due_at=due_at))

    def _ping(self, row: AnyRow) -> Ping:
        text = self._sealer.open(row.sealed_ping, place=place("ciba_requests", "ping", row.id)).decode()
        auth_req_id, _, token = text.partition(" ")
        return Ping(row.id, row.client_id, auth_req_id, token, row.request_expires_at, row.ping_tries)


def _is_open(user_id: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    table = ciba_requests.c
    return table.user_id == user_id, table.state == WaitingState.PENDING.value, table.request_expires_at > now
