"""Single-use links: digest stored, one purpose, spent by one statement."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, String, Table, insert, select, update

from idp.domain.secret import Digest
from idp.storage.columns import UtcTime, metadata
from idp.storage.database import Transaction

links = Table(
    "links",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("purpose", String(32), nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("spent_at", UtcTime),
    Index("ix_links_expires_at", "expires_at"),
)


class LinkStore:
    """Links of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def add(self, digest: Digest, *, purpose: str, expires_at: datetime, now: datetime) -> None:
        """Store a link; older ones of the same purpose die, since only the newest counts."""
        await self._connection.execute(
            update(links).where(links.c.purpose == purpose, links.c.spent_at.is_(None)).values(spent_at=now)
        )
        await self._connection.execute(insert(links).values(digest=digest, purpose=purpose, expires_at=expires_at))

    async def is_open(self, digest: Digest, *, purpose: str, now: datetime) -> bool:
        """Say whether the link could still be spent, without spending it."""
        query = select(links.c.digest).where(
            links.c.digest == digest,
            links.c.purpose == purpose,
            links.c.spent_at.is_(None),
            links.c.expires_at > now,
        )
        return (await self._connection.execute(query)).first() is not None

    async def spend(self, digest: Digest, *, purpose: str, now: datetime) -> bool:
        """Spend the link; False if unknown, expired or spent."""
        done = await self._connection.execute(
            update(links)
            .where(
                links.c.digest == digest,
                links.c.purpose == purpose,
                links.c.spent_at.is_(None),
                links.c.expires_at > now,
            )
            .values(spent_at=now)
            .returning(links.c.digest)
        )
        return done.first() is not None
