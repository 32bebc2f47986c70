"""Browsers that spare their person the second factor for a while: bound to one person, listed, revocable."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, UniqueConstraint, delete, select, update

from idp.domain.secret import Digest, Sealer, make_id
from idp.storage.columns import UtcTime, metadata, place
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

remembered_browsers = Table(
    "remembered_browsers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("sealed_device", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    UniqueConstraint("user_id", "digest"),
    Index("ix_remembered_browsers_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class RememberedBrowser:
    """One remembered browser, as its person sees it."""

    id: str
    device: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


class RememberedBrowserStore:
    """Remembered browsers of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def remember(
        self, user_id: str, digest: Digest, *, device: str, now: datetime, expires_at: datetime, keep: int
    ) -> None:
        """Remember a browser, or renew its time; the least recently used beyond `keep` are forgotten."""
        browser_id = make_id()
        changed = {
            "id": browser_id,
            "sealed_device": self._sealer.seal(
                device.encode(), place=place("remembered_browsers", "device", browser_id)
            ),
            "created_at": now,
            "last_used_at": now,
            "expires_at": expires_at,
        }
        row = upsert(self._connection, remembered_browsers).values(user_id=user_id, digest=digest, **changed)
        await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[remembered_browsers.c.user_id, remembered_browsers.c.digest], set_=changed
            )
        )
        surplus = (
            select(remembered_browsers.c.id)
            .where(remembered_browsers.c.user_id == user_id)
            .order_by(remembered_browsers.c.last_used_at.desc(), remembered_browsers.c.id)
            .offset(keep)
            .limit(100)
        )
        await self._connection.execute(delete(remembered_browsers).where(remembered_browsers.c.id.in_(surplus)))

    async def recognise(self, user_id: str, digest: Digest, now: datetime) -> bool:
        """Say whether this browser is remembered for this person."""
        query = select(remembered_browsers.c.id).where(
            remembered_browsers.c.user_id == user_id,
            remembered_browsers.c.digest == digest,
            remembered_browsers.c.expires_at > now,
        )
        return (await self._connection.execute(query)).first() is not None

    async def touch(self, user_id: str, digest: Digest, now: datetime) -> None:
        """Note that a browser spared its person the second factor."""
        await self._connection.execute(
            update(remembered_browsers)
            .where(remembered_browsers.c.user_id == user_id, remembered_browsers.c.digest == digest)
            .values(last_used_at=now)
        )

    async def of_user(self, user_id: str, now: datetime) -> Sequence[RememberedBrowser]:
        """Return a person's remembered browsers, most recently used first."""
        query = (
            select(remembered_browsers)
            .where(remembered_browsers.c.user_id == user_id, remembered_browsers.c.expires_at > now)
            .order_by(remembered_browsers.c.last_used_at.desc())
        )
        return [
            RememberedBrowser(
                row.id,
                self._sealer.open(row.sealed_device, place=place("remembered_browsers", "device", row.id)).decode(),
                row.created_at,
                row.last_used_at,
                row.expires_at,
            )
            for row in await self._connection.execute(query)
        ]

    async def forget(self, user_id: str, browser_id: str | None = None) -> int:
        """Forget one browser of a person, or all; return how many went."""
        query = delete(remembered_browsers).where(remembered_browsers.c.user_id == user_id)
        if browser_id is not None:
            query = query.where(remembered_browsers.c.id == browser_id)
        return len((await self._connection.execute(query.returning(remembered_browsers.c.id))).all())
