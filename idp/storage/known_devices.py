"""Known devices: which generation of a browser's device cookie is the current one, and whether an old one came back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, bindparam, delete, insert, select, update

from idp.storage.columns import UtcTime, metadata
from idp.storage.database import Prepared, Transaction

known_devices = Table(
    "known_devices",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("rotated_at", UtcTime, nullable=False),
    Column("stale_at", UtcTime),  # when an old generation was last used to sign in
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_known_devices_user_id", "user_id", "rotated_at"),
    Index("ix_known_devices_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A browser that somebody has signed in from."""

    id: str
    generation: int
    rotated_at: datetime
    stale_at: datetime | None


class KnownDeviceStore:
    """Known devices of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def find(self, device_id: str, user_id: str, now: datetime) -> KnownDevice | None:
        """Return a person's device, unless it was forgotten or not seen for too long."""
        row = (await self._connection.execute(_FIND, {"id": device_id, "user_id": user_id, "now": now})).first()
        return None if row is None else KnownDevice(row.id, row.generation, row.rotated_at, row.stale_at)

    async def add(self, device_id: str, user_id: str, now: datetime, *, life: timedelta, keep: int) -> None:
        """Store a device in its first generation; those least recently used beyond `keep` are forgotten."""
        values = {"id": device_id, "user_id": user_id, "generation": 1, "rotated_at": now, "expires_at": now + life}
        await self._connection.execute(insert(known_devices).values(**values))
        surplus = (
            select(known_devices.c.id)
            .where(known_devices.c.user_id == user_id)
            .order_by(known_devices.c.rotated_at.desc(), known_devices.c.id)
            .offset(keep)
            .limit(100)
        )
        await self._connection.execute(delete(known_devices).where(known_devices.c.id.in_(surplus)))

    async def rotate(self, device_id: str, now: datetime, *, life: timedelta, is_stale: bool) -> int | None:
        """Begin a device's next generation and return its number; None if the device is gone by now."""
        values = {"generation": known_devices.c.generation + 1, "rotated_at": now, "expires_at": now + life}
        if is_stale:
            values["stale_at"] = now
        done = await self._connection.execute(
            update(known_devices)
            .where(known_devices.c.id == device_id)
            .values(**values)
            .returning(known_devices.c.generation)
        )
        row = done.first()
        return None if row is None else row.generation

    async def forget(self, user_id: str, device_id: str | None = None) -> None:
        """Forget one device of a person, or all."""
        query = delete(known_devices).where(known_devices.c.user_id == user_id)
        if device_id is not None:
            query = query.where(known_devices.c.id == device_id)
        await self._connection.execute(query)


_FIND = Prepared(
    select(known_devices.c.id, known_devices.c.generation, known_devices.c.rotated_at, known_devices.c.stale_at).where(
        known_devices.c.id == bindparam("id"),
        known_devices.c.user_id == bindparam("user_id"),
        known_devices.c.expires_at > bindparam("now"),
    )
)
