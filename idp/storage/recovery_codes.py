"""Recovery codes: a set per person, each looked up by its selector and spent by one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table, delete, func, insert, select, update

from idp.storage.columns import UtcTime, is_key, metadata
from idp.storage.database import Transaction
from idp.storage.users import users

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("selector", String(8), primary_key=True),
    Column("salt", LargeBinary(16), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("spent_at", UtcTime),
)


@dataclass(frozen=True, slots=True)
class HashedCode:
    """What is stored of one recovery code."""

    selector: str
    salt: bytes
    hash: bytes


class RecoveryCodeStore:
    """Recovery codes of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def replace(self, user_id: str, codes: Sequence[HashedCode], now: datetime) -> None:
        """Store a new set; the old one is void, and of two made at once the one that came first."""
        await self._connection.execute(select(users.c.id).where(users.c.id == user_id).with_for_update())
        await self.remove(user_id)
        for code in codes:
            await self._connection.execute(
                insert(recovery_codes).values(
                    user_id=user_id, selector=code.selector, salt=code.salt, hash=code.hash, created_at=now
                )
            )

    async def remove(self, user_id: str) -> None:
        """Void all codes of a person."""
        await self._connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))

    async def find(self, user_id: str, selector: str) -> HashedCode | None:
        """Return the unspent code with this selector."""
        if not is_key(selector):
            return None
        query = select(recovery_codes).where(
            recovery_codes.c.user_id == user_id,
            recovery_codes.c.selector == selector,
            recovery_codes.c.spent_at.is_(None),
        )
        row = (await self._connection.execute(query)).first()
        return HashedCode(row.selector, row.salt, row.hash) if row else None

    async def spend(self, user_id: str, code: HashedCode, now: datetime) -> bool:
        """Spend a code; False if it was spent or replaced meanwhile."""
        done = await self._connection.execute(
            update(recovery_codes)
            .where(
                recovery_codes.c.user_id == user_id,
                recovery_codes.c.selector == code.selector,
                recovery_codes.c.hash == code.hash,
                recovery_codes.c.spent_at.is_(None),
            )
            .values(spent_at=now)
            .returning(recovery_codes.c.selector)
        )
        return done.first() is not None

    async def count(self, user_id: str) -> int:
        """Return how many codes a person has left."""
        query = (
            select(func.count())
            .select_from(recovery_codes)
            .where(recovery_codes.c.user_id == user_id, recovery_codes.c.spent_at.is_(None))
        )
        counted: int = (await self._connection.execute(query)).scalar_one()
        return counted
