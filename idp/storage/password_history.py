"""Hashes of earlier passwords, so that the last few are not taken again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, delete, insert, select

from idp.domain.secret import make_id
from idp.storage.columns import UtcTime, metadata
from idp.storage.database import Transaction

password_history = Table(
    "password_history",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("hash", Text, nullable=False),
    Column("replaced_at", UtcTime, nullable=False),
    Index("ix_password_history_user_id_replaced_at", "user_id", "replaced_at"),
)


class PasswordHistoryStore:
    """Earlier passwords of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def of_user(self, user_id: str, *, limit: int) -> Sequence[str]:
        """Return hashes of a person's earlier passwords, newest first."""
        query = (
            select(password_history.c.hash)
            .where(password_history.c.user_id == user_id)
            .order_by(password_history.c.replaced_at.desc(), password_history.c.id)
            .limit(limit)
        )
        return list((await self._connection.execute(query)).scalars())

    async def add(self, user_id: str, hash_: str, now: datetime, *, keep: int) -> None:
        """Note a password that was replaced; the oldest beyond `keep` go."""
        await self._connection.execute(
            insert(password_history).values(id=make_id(), user_id=user_id, hash=hash_, replaced_at=now)
        )
        surplus = (
            select(password_history.c.id)
            .where(password_history.c.user_id == user_id)
            .order_by(password_history.c.replaced_at.desc(), password_history.c.id)
            .offset(keep)
            .limit(100)
        )
        await self._connection.execute(delete(password_history).where(password_history.c.id.in_(surplus)))
