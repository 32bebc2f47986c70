"""What all processes share about an adviser: answers that are still good, and small states changed by one at a time."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from sqlalchemy import Column, Index, Integer, String, Table, select, update

from idp.domain.json import Json
from idp.storage.columns import JsonText, UtcTime, metadata
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

adviser_answers = Table(
    "adviser_answers",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("answer", JsonText, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_adviser_answers_expires_at", "expires_at"),
)
shared_states = Table(
    "shared_states",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("content", JsonText, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_shared_states_expires_at", "expires_at"),
)
SharedState = tuple[int, Mapping[str, Json]]


class AdviserStore:
    """Answers and states of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def find_answer(self, key: str, now: datetime) -> Mapping[str, Json] | None:
        """Return the answer unless it is unknown or expired."""
        table = adviser_answers.c
        query = select(table.answer).where(table.key == key, table.expires_at > now)
        answer = (await self._connection.execute(query)).scalar_one_or_none()
        return cast(dict[str, Json], answer) if answer is not None else None

    async def keep_answer(self, key: str, answer: Mapping[str, Json], now: datetime, expires_at: datetime) -> None:
        """Store an answer; the first one stands until it expires."""
        table = adviser_answers.c
        row = upsert(self._connection, adviser_answers).values(key=key, answer=dict(answer), expires_at=expires_at)
        await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[table.key],
                set_={"answer": row.excluded.answer, "expires_at": row.excluded.expires_at},
                where=table.expires_at <= now,
            )
        )

    async def state(self, name: str) -> SharedState:
        """Return version and content of a state; version 0 and nothing if there is none."""
        table = shared_states.c
        query = select(table.version, table.content).where(table.name == name)
        row = (await self._connection.execute(query)).first()
        return (0, {}) if row is None else (row.version, cast(dict[str, Json], row.content))

    async def save_state(self, name: str, content: Mapping[str, Json], *, after: int, expires_at: datetime) -> bool:
        """Store the state that follows version `after`; False if another process was faster."""
        table = shared_states.c
        values = {"version": after + 1, "content": dict(content), "expires_at": expires_at}
        if after == 0:
            row = upsert(self._connection, shared_states).values(name=name, **values)
            done = await self._connection.execute(
                row.on_conflict_do_nothing(index_elements=[table.name]).returning(table.name)
            )
            return done.first() is not None
        done = await self._connection.execute(
            update(shared_states)
            .where(table.name == name, table.version == after)
            .values(**values)
            .returning(table.name)
        )
        return done.first() is not None
