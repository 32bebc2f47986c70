"""Answers of the administrators' API under the caller's idempotency keys, so that a repeated request acts once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, delete, select, update

from idp.domain.json import Json
from idp.domain.secret import Digest, Sealer
from idp.storage.columns import UtcTime, metadata, open_json, seal_json
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

idempotent_answers = Table(
    "idempotent_answers",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("request", LargeBinary(32), nullable=False),
    Column("status", Integer),
    Column("sealed_body", LargeBinary),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_idempotent_answers_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """What is known of a key: the request it was used for, and its answer; None while that is under way."""

    request: Digest
    status: int | None
    body: Json


class IdempotencyStore:
    """Keys of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def claim(self, key: Digest, request: Digest, *, expires_at: datetime, now: datetime) -> Answered | None:
        """Take a key for a request; None if it was free, else what it is used for."""
        await self._connection.execute(
            delete(idempotent_answers).where(idempotent_answers.c.key == key, idempotent_answers.c.expires_at <= now)
        )
        row = upsert(self._connection, idempotent_answers).values(key=key, request=request, expires_at=expires_at)
        done = await self._connection.execute(
            row.on_conflict_do_nothing(index_elements=[idempotent_answers.c.key]).returning(idempotent_answers.c.key)
        )
        return None if done.first() is not None else await self._find(key)

    async def _find(self, key: Digest) -> Answered | None:
        query = select(idempotent_answers).where(idempotent_answers.c.key == key)
        row = cast(Any, (await self._connection.execute(query)).first())
        if row is None:
            return None
        body: Json = None
        if row.sealed_body is not None:
            body = open_json(
                self._sealer, row.sealed_body, table="idempotent_answers", column="body", row=bytes(key).hex()
            )
        return Answered(Digest(bytes(row.request)), row.status, body)

    async def answer(
        self, key: Digest, status: int, body: Json, *, claimed_until: datetime, expires_at: datetime
    ) -> bool:
        """Note the answer of a request that took a key until then; False if another has taken it since."""
        sealed = seal_json(self._sealer, body, table="idempotent_answers", column="body", row=bytes(key).hex())
        done = await self._connection.execute(
            update(idempotent_answers)
            .where(idempotent_answers.c.key == key, idempotent_answers.c.expires_at == claimed_until)
            .values(status=status, sealed_body=sealed, expires_at=expires_at)
            .returning(idempotent_answers.c.key)
        )
        return done.first() is not None

    async def release(self, key: Digest, *, claimed_until: datetime) -> None:
        """Free a key whose request did nothing, so that it may be tried again."""
        await self._connection.execute(
            delete(idempotent_answers).where(
                idempotent_answers.c.key == key, idempotent_answers.c.expires_at == claimed_until,
                idempotent_answers.c.status.is_(None),
            )
        )  # fmt: skip
