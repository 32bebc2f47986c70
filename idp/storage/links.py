"""Single-use links: digest stored, one purpose, one person, spent by one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, delete, insert, select, update

from idp.domain.json import Json
from idp.domain.secret import Digest, Sealer
from idp.storage.columns import UtcTime, metadata, open_json, seal_json
from idp.storage.database import Transaction

links = Table(
    "links",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("purpose", String(32), nullable=False),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE")),
    Column("sealed_content", LargeBinary),
    Column("expires_at", UtcTime, nullable=False),
    Column("spent_at", UtcTime),
    Index("ix_links_expires_at", "expires_at"),
    Index("ix_links_user_id_purpose", "user_id", "purpose"),
)


@dataclass(frozen=True, slots=True)
class Link:
    """What a link was made for."""

    user_id: str | None
    content: Mapping[str, Json]

    def text(self, member: str) -> str:
        """Return a member of the content that is text, empty if there is none."""
        value = self.content.get(member)
        return value if isinstance(value, str) else ""


class LinkStore:
    """Links of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def add(
        self,
        digest: Digest,
        *,
        purpose: str,
        expires_at: datetime,
        now: datetime,
        user_id: str | None = None,
        content: Mapping[str, Json] | None = None,
        spare: bool = False,
    ) -> None:
        """Store a link; older ones of the same purpose and person die, since only the newest counts.

        With `spare` they live on: each notice has a link of its own that must work.
        """
        if not spare:
            await self.void(purpose, user_id, now)
        sealed = None
        if content is not None:
            sealed = seal_json(self._sealer, dict(content), table="links", column="content", row=digest.hex())
        await self._connection.execute(
            insert(links).values(
                digest=digest, purpose=purpose, user_id=user_id, sealed_content=sealed, expires_at=expires_at
            )
        )

    async def void(self, purpose: str, user_id: str | None, now: datetime) -> int:
        """Kill every open link of this purpose and person; return how many died."""
        whose = links.c.user_id.is_(None) if user_id is None else links.c.user_id == user_id
        done = await self._connection.execute(
            update(links)
            .where(links.c.purpose == purpose, whose, links.c.spent_at.is_(None))
            .values(spent_at=now)
            .returning(links.c.digest)
        )
        return len(done.all())

    async def is_open(self, digest: Digest, *, purpose: str, now: datetime) -> bool:
        """Say whether the link could still be spent, without spending it."""
        return await self.look(digest, purpose=purpose, now=now) is not None

    async def look(self, digest: Digest, *, purpose: str, now: datetime) -> Link | None:
        """Return what an open link was made for, without spending it."""
        query = select(links).where(*_open(digest, purpose, now))
        return self._link((await self._connection.execute(query)).first())

    async def spend(self, digest: Digest, *, purpose: str, now: datetime) -> bool:
        """Spend the link; False if unknown, expired or spent."""
        return await self.take(digest, purpose=purpose, now=now) is not None

    async def take(self, digest: Digest, *, purpose: str, now: datetime) -> Link | None:
        """Spend the link and return what it was made for; None if unknown, expired or spent."""
        done = await self._connection.execute(
            update(links).where(*_open(digest, purpose, now)).values(spent_at=now).returning(*links.c)
        )
        return self._link(done.first())

    async def pull(self, digest: Digest, *, purpose: str, now: datetime) -> Link | None:
        """Remove the link and return what it was made for, which is kept nowhere then; None as `take` says it."""
        done = await self._connection.execute(delete(links).where(*_open(digest, purpose, now)).returning(*links.c))
        return self._link(done.first())

    async def newest(self, purpose: str, user_id: str, now: datetime) -> Link | None:
        """Return what a person's open link of this purpose was made for."""
        query = select(links).where(
            links.c.purpose == purpose, links.c.user_id == user_id, links.c.spent_at.is_(None),
            links.c.expires_at > now,
        )  # fmt: skip
        return self._link((await self._connection.execute(query.order_by(links.c.expires_at.desc()).limit(1))).first())

    async def open_ones(self, purpose: str, now: datetime, *, limit: int = 500) -> Sequence[tuple[str, datetime, Link]]:
        """Return the open links of a purpose, the one that ends last first: digest, end, what it was made for."""
        query = select(links).where(links.c.purpose == purpose, links.c.spent_at.is_(None), links.c.expires_at > now)
        rows = (await self._connection.execute(query.order_by(links.c.expires_at.desc()).limit(limit))).all()
        return [(bytes(row.digest).hex(), row.expires_at, link) for row in rows if (link := self._link(row))]

    async def close(self, digest: Digest, *, purpose: str, now: datetime) -> bool:
        """Kill one open link; False if it is not open."""
        return await self.take(digest, purpose=purpose, now=now) is not None

    def _link(self, row: Any) -> Link | None:
        if row is None:
            return None
        content: Mapping[str, Json] = {}
        if row.sealed_content is not None:
            sealed = open_json(
                self._sealer, row.sealed_content, table="links", column="content", row=bytes(row.digest).hex()
            )
            content = cast(dict[str, Any], sealed)
        return Link(row.user_id, content)


def _open(digest: Digest, purpose: str, now: datetime) -> tuple[Any, ...]:
    return links.c.digest == digest, links.c.purpose == purpose, links.c.spent_at.is_(None), links.c.expires_at > now
