"""Credentials: one row per person and factor; a password's hash is what is stored here now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKey, String, Table, Text, UniqueConstraint, bindparam, select, update

from idp.domain.assurance import Factor
from idp.domain.secret import make_id
from idp.storage.columns import UtcTime, metadata
from idp.storage.database import Prepared, Transaction
from idp.storage.upsert import upsert

credentials = Table(
    "credentials",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("factor", String(16), nullable=False),
    Column("hash", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("user_id", "factor"),
)


@dataclass(frozen=True, slots=True)
class StoredHash:
    """A password's hash and the time from which it counts."""

    hash: str
    created_at: datetime


class CredentialStore:
    """Credentials of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def password_of(self, user_id: str) -> StoredHash | None:
        """Return a person's password hash, None if they have no password."""
        row = (await self._connection.execute(_PASSWORD, {"user_id": user_id})).first()
        return StoredHash(row.hash, row.created_at) if row else None

    async def set_password(self, user_id: str, hash_: str, now: datetime) -> None:
        """Replace a person's password."""
        row = upsert(self._connection, credentials).values(
            id=make_id(), user_id=user_id, factor=Factor.PASSWORD.value, hash=hash_, created_at=now
        )
        await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[credentials.c.user_id, credentials.c.factor], set_={"hash": hash_, "created_at": now}
            )
        )

    async def upgrade_password(self, user_id: str, *, old: str, new: str) -> bool:
        """Swap one hash of a password for a stronger one of the same; False if it changed meanwhile."""
        done = await self._connection.execute(
            update(credentials)
            .where(
                credentials.c.user_id == user_id,
                credentials.c.factor == Factor.PASSWORD.value,
                credentials.c.hash == old,
            )
            .values(hash=new)
            .returning(credentials.c.id)
        )
        return done.first() is not None


_PASSWORD = Prepared(
    select(credentials.c.hash, credentials.c.created_at).where(
        credentials.c.user_id == bindparam("user_id"), credentials.c.factor == Factor.PASSWORD.value
    )
)
