"""What people's sign-ins taught, one row each: keyed digests and counts, never an address or an agent."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from sqlalchemy import Column, ForeignKey, Integer, String, Table, bindparam, delete, select, update

from idp.domain.json import Json
from idp.storage.columns import JsonText, UtcTime, metadata
from idp.storage.database import Prepared, Transaction
from idp.storage.upsert import upsert

risk_profiles = Table(
    "risk_profiles",
    metadata,
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("content", JsonText, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)
StoredProfile = tuple[int, Mapping[str, Json]]


class RiskProfileStore:
    """Profiles of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def find(self, user_id: str) -> StoredProfile | None:
        """Return version and content of a person's profile."""
        row = (await self._connection.execute(_FIND, {"user_id": user_id})).first()
        return None if row is None else (row.version, cast(dict[str, Json], row.content))

    async def save(self, user_id: str, content: Mapping[str, Json], *, after: int, now: datetime) -> bool:
        """Store a profile learnt from version `after` (0: there was none); False if another sign-in was faster."""
        values = {"version": after + 1, "content": dict(content), "updated_at": now}
        if after == 0:
            row = upsert(self._connection, risk_profiles).values(user_id=user_id, **values)
            done = await self._connection.execute(
                row.on_conflict_do_nothing(index_elements=[risk_profiles.c.user_id]).returning(risk_profiles.c.user_id)
            )
            return done.first() is not None
        done = await self._connection.execute(
            update(risk_profiles)
            .where(risk_profiles.c.user_id == user_id, risk_profiles.c.version == after)
            .values(**values)
            .returning(risk_profiles.c.user_id)
        )
        return done.first() is not None

    async def forget(self, user_id: str) -> None:
        """Remove all that was learnt of a person."""
        await self._connection.execute(delete(risk_profiles).where(risk_profiles.c.user_id == user_id))


_FIND = Prepared(
    select(risk_profiles.c.version, risk_profiles.c.content).where(risk_profiles.c.user_id == bindparam("user_id"))
)
