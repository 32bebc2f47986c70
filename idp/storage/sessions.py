"""Browser sessions: who is signed in where."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, bindparam, insert, select, update

from idp.domain.secret import Digest, Sealer
from idp.domain.session import Session
from idp.storage.columns import AnyRow, JsonText, UtcTime, metadata, older_than, place
from idp.storage.database import Prepared, Transaction
from idp.storage.proofs import proofs_from_json, proofs_to_json

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("proofs", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("auth_time", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("idle_expires_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("sealed_device", LargeBinary),
    Column("sealed_address", LargeBinary),
    Column("risk", Integer, nullable=False, server_default="0"),
    Index("ix_sessions_expires_at", "expires_at"),
    Index("ix_sessions_created_at_id", "created_at", "id"),
)


#: What is to be done for sessions (id and person) that have just ended; no end can leave it out.
OnEnd = Callable[[Sequence[tuple[str, str]], datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as its person sees it."""

    session: Session
    device: str
    address: str


class SessionStore:
    """Sessions of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer, *, on_end: OnEnd) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer
        self._on_end = on_end

    async def open(self, session: Session, digest: Digest, *, device: str, address: str = "") -> None:
        """Store a new session; `device` (the browser's own description) and `address` are sealed."""
        await self._connection.execute(
            insert(sessions).values(
                id=session.id,
                digest=digest,
                user_id=session.user_id,
                proofs=proofs_to_json(session.proofs),
                created_at=session.created_at,
                auth_time=session.auth_time,
                seen_at=session.seen_at,
                idle_expires_at=session.idle_expires_at,
                expires_at=session.expires_at,
                sealed_device=self._sealer.seal(device.encode(), place=place("sessions", "device", session.id)),
                sealed_address=self._sealer.seal(address.encode(), place=place("sessions", "address", session.id)),
                risk=session.risk,
            )
        )

    async def find(self, digest: Digest, now: datetime) -> Session | None:
        """Return the live session behind a cookie, None if unknown, ended or expired."""
        found = (await self._connection.execute(_FIND, {"digest": digest, "now": now})).first()
        return _session(found) if found else None

    async def find_by_id(self, session_id: str, now: datetime) -> Session | None:
        """Return a live session by its internal id."""
        query = select(*_COLUMNS).where(sessions.c.id == session_id, _alive(now))
        found = (await self._connection.execute(query)).first()
        return _session(found) if found else None

    async def touch(self, session: Session, *, now: datetime, idle_expires_at: datetime) -> Session:
        """Note that the session is in use, which moves its idle limit."""
        await self._connection.execute(
            update(sessions).where(sessions.c.id == session.id).values(seen_at=now, idle_expires_at=idle_expires_at)
        )
        return replace(session, seen_at=now, idle_expires_at=idle_expires_at)

    async def raise_proofs(self, session: Session, *, old: Digest, new: Digest) -> bool:
        """Store fresh proofs under a new cookie secret; False if the session ended meanwhile."""
        done = await self._connection.execute(
            update(sessions)
            .where(sessions.c.id == session.id, sessions.c.digest == old, sessions.c.ended_at.is_(None))
            .values(
                digest=new,
                proofs=proofs_to_json(session.proofs),
                auth_time=session.auth_time,
                seen_at=session.seen_at,
                idle_expires_at=session.idle_expires_at,
                expires_at=session.expires_at,
                risk=session.risk,
            )
            .returning(sessions.c.id)
        )
        return done.first() is not None

    async def raise_risk(self, session_id: str, risk: int) -> None:
        """Raise the risk of a session to a score; a higher one stays."""
        await self._connection.execute(
            update(sessions).where(sessions.c.id == session_id, sessions.c.risk < risk).values(risk=risk)
        )

    async def raise_risk_of_user(self, user_id: str, risk: int) -> None:
        """Raise the risk of all sessions of a person."""
        await self._connection.execute(
            update(sessions)
            .where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None), sessions.c.risk < risk)
            .values(risk=risk)
        )

    async def end(self, session_id: str, now: datetime) -> bool:
        """End a session; False if it had ended before."""
        return bool(await self._end(sessions.c.id == session_id, now))

    async def _end(self, which: Any, now: datetime) -> Sequence[str]:
        """End those sessions that have not ended yet, with all that this means for others; return their ids."""
        done = await self._connection.execute(
            update(sessions)
            .where(which, sessions.c.ended_at.is_(None))
            .values(ended_at=now)
            .returning(sessions.c.id, sessions.c.user_id)
        )
        ended = [(row.id, row.user_id) for row in done]
        if ended:
            await self._on_end(ended, now)
        return [session_id for session_id, _user_id in ended]

    async def of_user(self, user_id: str, now: datetime) -> Sequence["ListedSession"]:
        """Return a person's live sessions, most recently used first."""
        query = (
            select(*_COLUMNS, sessions.c.sealed_device, sessions.c.sealed_address)
            .where(sessions.c.user_id == user_id, _alive(now))
            .order_by(sessions.c.seen_at.desc())
        )
        return [self._listed(row) for row in await self._connection.execute(query)]

    async def page(
        self, now: datetime, *, user_id: str | None = None, before: tuple[datetime, str] | None = None, limit: int
    ) -> Sequence["ListedSession"]:
        """Return live sessions of all people or of one, newest first, older than `before` (opening and id)."""
        query = (
            select(*_COLUMNS, sessions.c.sealed_device, sessions.c.sealed_address)
            .where(_alive(now))
            .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
            .limit(limit)
        )
        query = query.where(sessions.c.user_id == user_id) if user_id is not None else query
        if before is not None:
            query = query.where(older_than(sessions.c.created_at, sessions.c.id, before))
        return [self._listed(row) for row in await self._connection.execute(query)]

    def _listed(self, row: AnyRow) -> "ListedSession":
        device = self._open(row.sealed_device, "device", row.id)
        return ListedSession(_session(row), device, self._open(row.sealed_address, "address", row.id))

    def _open(self, sealed: bytes | None, column: str, row: str) -> str:
        return "" if sealed is None else self._sealer.open(sealed, place=place("sessions", column, row)).decode()

    async def end_all_of(self, user_id: str, now: datetime, *, spare: str | None = None) -> Sequence[str]:
        """End every session of a person, but for the one to spare, and return their ids."""
        return await self._end((sessions.c.user_id == user_id) & (sessions.c.id != (spare or "")), now)

    async def end_oldest_beyond(self, user_id: str, *, keep: int, now: datetime, spare: str | None = None) -> None:
        """End the least recently used sessions of a person beyond `keep`.

        `spare` is not among them: a worker whose clock is behind must not end the session it has just opened.
        """
        surplus = (
            select(sessions.c.id)
            .where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None), sessions.c.expires_at > now)
            .where(sessions.c.id != (spare or ""))
            .order_by(sessions.c.seen_at.desc())
            .offset(keep - 1 if spare else keep)
            .limit(100)
        )
        await self._end(sessions.c.id.in_(surplus.scalar_subquery()), now)


def _alive(now: datetime) -> Any:
    return sessions.c.ended_at.is_(None) & (sessions.c.expires_at > now) & (sessions.c.idle_expires_at > now)


def _session(row: AnyRow) -> Session:
    return Session(
        id=row.id,
        user_id=row.user_id,
        proofs=proofs_from_json(row.proofs),
        created_at=row.created_at,
        auth_time=row.auth_time,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        idle_expires_at=row.idle_expires_at,
        risk=row.risk,
    )


_COLUMNS = (
    sessions.c.id, sessions.c.user_id, sessions.c.proofs, sessions.c.created_at, sessions.c.auth_time,
    sessions.c.seen_at, sessions.c.expires_at, sessions.c.idle_expires_at, sessions.c.risk,
)  # fmt: skip

_NOW = bindparam("now", type_=UtcTime)
_FIND = Prepared(
    select(*_COLUMNS).where(
        sessions.c.digest == bindparam("digest"),
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > _NOW,
        sessions.c.idle_expires_at > _NOW,
    )
)
