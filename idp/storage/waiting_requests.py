"""What device requests and CIBA requests have in common: columns, and the statements by which they change.

A secret is kept as its digest. Every change is one UPDATE that names the state it starts from, so of two polls, two
answers, or a poll and an answer at once one wins.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table, insert, or_, select, update

from idp.domain.secret import Digest, Sealer
from idp.domain.tokens import Grant
from idp.domain.waiting import WaitingRequest, WaitingState
from idp.storage.columns import AnyRow, JsonText, UtcTime, Words, is_key, open_json, seal_json
from idp.storage.database import Transaction
from idp.storage.grant_rows import grant_values, read_grant
from idp.storage.interactions import request_from_json, request_to_json

SLOWER = 5  # seconds that a hasty client waits longer from then on (RFC 8628 §3.5)
_OF_REQUEST = frozenset({"id", "client_id", "user_id"})  # a grant's columns that the request has before


def waiting_columns() -> tuple[Column[Any], ...]:
    """Return the columns of such a table; those of the grant are empty until the person approves."""
    return (
        Column("id", String(32), primary_key=True),
        Column("digest", LargeBinary(32), nullable=False, unique=True),
        Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
        Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE")),
        Column("sealed_request", LargeBinary, nullable=False),
        Column("state", String(8), nullable=False),
        Column("interval", Integer, nullable=False),
        Column("next_poll_at", UtcTime, nullable=False),
        Column("asked_at", UtcTime, nullable=False),
        Column("request_expires_at", UtcTime, nullable=False),
        Column("session_id", String(32)),
        Column("scopes", Words),
        Column("audience", Words),
        Column("auth_time", UtcTime),
        Column("acr", String(64)),
        Column("amr", Words),
        Column("claims", JsonText),
        Column("terms", JsonText),
        Column("is_offline", Boolean),
        Column("created_at", UtcTime),
        Column("expires_at", UtcTime),
    )


class WaitingStore:
    """Waiting requests of one kind, in one transaction."""

    table: Table

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def find(self, digest: Digest) -> WaitingRequest | None:
        """Return the request of a secret, whatever its state and age."""
        return await self._first(self.table.c.digest == digest)

    async def find_by_id(self, request_id: str) -> WaitingRequest | None:
        """Return a request, whatever its state and age."""
        return await self._first(self.table.c.id == request_id) if is_key(request_id) else None

    async def approve(self, grant: Grant, now: datetime, *, fetched_by: datetime) -> bool:
        """Keep what the grant's person allowed; False if it was answered before, is too old, or another must answer.

        The client has until `fetched_by` at least to fetch it.
        """
        values = {name: value for name, value in grant_values(grant).items() if name not in _OF_REQUEST}
        waiting = await self.find_by_id(grant.id)
        if waiting is None or grant.user_id is None:
            return False
        request_expires_at = max(waiting.expires_at, fetched_by)
        return await self._answer(
            grant.id, grant.user_id, WaitingState.APPROVED, now, request_expires_at=request_expires_at, **values
        )

    async def deny(self, request_id: str, user_id: str, now: datetime) -> bool:
        """Keep that a person refused; False if it was answered before, is too old, or another must answer."""
        return await self._answer(request_id, user_id, WaitingState.DENIED, now)

    async def _answer(self, request_id: str, user_id: str, state: WaitingState, now: datetime, **values: Any) -> bool:
        table = self.table.c
        done = await self._connection.execute(
            update(self.table)
            .where(
                table.id == request_id,
                table.state == WaitingState.PENDING.value,
                table.request_expires_at > now,
                or_(table.user_id.is_(None), table.user_id == user_id),
            )
            .values(state=state.value, user_id=user_id, **values)
            .returning(table.id)
        )
        return done.first() is not None

    async def may_poll(self, waiting: WaitingRequest, now: datetime) -> bool:
        """Count a poll of a request that nobody answered yet; False if it came too early (RFC 8628 §3.5)."""
        table, pause = self.table.c, timedelta(seconds=waiting.interval)
        is_pending = (table.id == waiting.id, table.state == WaitingState.PENDING.value)
        in_time = (
            update(self.table)
            .where(*is_pending, table.next_poll_at <= now)
            .values(next_poll_at=now + pause)
            .returning(table.id)
        )
        if (await self._connection.execute(in_time)).first() is not None:
            return True
        slower = {"interval": table.interval + SLOWER, "next_poll_at": now + pause + timedelta(seconds=SLOWER)}
        too_early = update(self.table).where(*is_pending, table.next_poll_at > now).values(**slower).returning(table.id)
        return (await self._connection.execute(too_early)).first() is None

    async def spend(self, request_id: str, now: datetime) -> bool:
        """Spend what was allowed; False if another was faster, or it is too old."""
        table = self.table.c
        done = await self._connection.execute(
            update(self.table)
            .where(table.id == request_id, table.state == WaitingState.APPROVED.value, table.request_expires_at > now)
            .values(state=WaitingState.SPENT.value)
            .returning(table.id)
        )
        return done.first() is not None

    async def burn_of_session(self, session_id: str) -> None:
        """Make what a session allowed, and nobody fetched, worthless."""
        await self._burn(self.table.c.session_id == session_id)

    async def burn_of_user(self, user_id: str, *, client_id: str | None = None) -> None:
        """Make what a person allowed, and nobody fetched, worthless; or that of one client."""
        mine = [self.table.c.user_id == user_id]
        if client_id is not None:
            mine.append(self.table.c.client_id == client_id)
        await self._burn(*mine)

    async def _burn(self, *which: Any) -> None:
        approved = self.table.c.state == WaitingState.APPROVED.value
        await self._connection.execute(update(self.table).where(*which, approved).values(state=WaitingState.SPENT))

    async def _first(self, *which: Any) -> WaitingRequest | None:
        row = (await self._connection.execute(select(self.table).where(*which))).first()
        return self._read(row) if row else None

    def _new(self, waiting: WaitingRequest, digest: Digest, asked_at: datetime) -> Any:
        """Return the insert of a new request; it may be polled at once."""
        content = {"request": request_to_json(waiting.request)}
        sealed = seal_json(self._sealer, content, table=self.table.name, column="request", row=waiting.id)
        return insert(self.table).values(
            id=waiting.id, digest=digest, client_id=waiting.client_id, user_id=waiting.user_id, sealed_request=sealed,
            state=WaitingState.PENDING.value, interval=waiting.interval, next_poll_at=asked_at, asked_at=asked_at,
            request_expires_at=waiting.expires_at,
        )  # fmt: skip

    def _read(self, row: AnyRow) -> WaitingRequest:
        sealed = open_json(self._sealer, row.sealed_request, table=self.table.name, column="request", row=row.id)
        return WaitingRequest(
            id=row.id,
            client_id=row.client_id,
            user_id=row.user_id,
            request=request_from_json(cast(dict[str, Any], sealed)["request"]),
            state=WaitingState(row.state),
            interval=row.interval,
            expires_at=row.request_expires_at,
            grant=None if row.expires_at is None else read_grant(row),
        )
