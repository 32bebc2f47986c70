"""Codes sent by mail or SMS: the newest of each binding and purpose, tries counted before they are checked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, delete, select, update

from idp.domain.secret import Digest, Sealer
from idp.storage.columns import UtcTime, metadata, open_json, seal_json
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

one_time_codes = Table(
    "one_time_codes",
    metadata,
    Column("binding", String(32), primary_key=True),
    Column("purpose", String(32), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE")),
    Column("digest", LargeBinary(32), nullable=False),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("spent_at", UtcTime),
    Index("ix_one_time_codes_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class SentCode:
    """A code that was sent; `destination` is where it went, and the only thing that it proves."""

    digest: Digest
    destination: str
    expires_at: datetime
    tries: int


class OneTimeCodeStore:
    """One-time codes of one transaction. `binding` is the sign-in or session that asked."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def put(
        self, binding: str, purpose: str, *, user_id: str | None, digest: Digest, destination: str, now: datetime,
        expires_at: datetime,
    ) -> None:  # fmt: skip
        """Store a new code; it replaces the one before, whose tries stay counted while the place is the same."""
        sealed = seal_json(
            self._sealer, {"to": destination}, table="one_time_codes", column="content", row=f"{binding}|{purpose}"
        )
        # Locked, so that a try which is counted meanwhile is not forgotten.
        waiting = select(one_time_codes).where(*_waiting(binding, purpose, now)).with_for_update()
        before = self._sent((await self._connection.execute(waiting)).first(), binding, purpose)
        tries = before.tries if before is not None and before.destination == destination else 0
        changed = {
            "user_id": user_id, "digest": digest, "sealed_content": sealed, "created_at": now, "tries": tries,
            "expires_at": expires_at, "spent_at": None,
        }  # fmt: skip
        row = upsert(self._connection, one_time_codes).values(binding=binding, purpose=purpose, **changed)
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=[one_time_codes.c.binding, one_time_codes.c.purpose], set_=changed)
        )

    async def find(self, binding: str, purpose: str, now: datetime) -> SentCode | None:
        """Return the code that waits to be typed in, without counting a try."""
        query = select(one_time_codes).where(*_waiting(binding, purpose, now))
        return self._sent((await self._connection.execute(query)).first(), binding, purpose)

    async def try_one(self, binding: str, purpose: str, now: datetime, *, limit: int) -> SentCode | None:
        """Count a try and return the code to compare with; None if there is none, or none is left."""
        done = await self._connection.execute(
            update(one_time_codes)
            .where(*_waiting(binding, purpose, now), one_time_codes.c.tries < limit)
            .values(tries=one_time_codes.c.tries + 1)
            .returning(*one_time_codes.c)
        )
        return self._sent(done.first(), binding, purpose)

    async def spend(self, binding: str, purpose: str, digest: Digest, now: datetime) -> bool:
        """Spend a code that was typed right; of several at once one wins."""
        done = await self._connection.execute(
            update(one_time_codes)
            .where(*_waiting(binding, purpose, now), one_time_codes.c.digest == digest)
            .values(spent_at=now)
            .returning(one_time_codes.c.binding)
        )
        return done.first() is not None

    async def forget_of_user(self, user_id: str) -> None:
        """Remove every code of a person."""
        await self._connection.execute(delete(one_time_codes).where(one_time_codes.c.user_id == user_id))

    def _sent(self, row: Any, binding: str, purpose: str) -> SentCode | None:
        if row is None:
            return None
        sealed = open_json(
            self._sealer, row.sealed_content, table="one_time_codes", column="content", row=f"{binding}|{purpose}"
        )
        return SentCode(Digest(row.digest), cast(dict[str, Any], sealed)["to"], row.expires_at, row.tries)


def _waiting(binding: str, purpose: str, now: datetime) -> tuple[Any, ...]:
    table = one_time_codes.c
    return table.binding == binding, table.purpose == purpose, table.spent_at.is_(None), table.expires_at > now
