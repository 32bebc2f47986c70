"""Who people are at other providers: links from an identity there to an account here, found by a keyed digest."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from idp.domain.secret import Digest, Sealer
from idp.domain.upstream import Arrival, UpstreamIdentity
from idp.storage.columns import AnyRow, UtcTime, is_key, metadata, open_json, seal_json
from idp.storage.database import DuplicateKey, Prepared, Transaction

upstream_identities = Table(
    "upstream_identities",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),  # of upstream, iss and sub together
    Column("upstream_id", String(40), ForeignKey("upstreams.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("linked_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime),
    Index("ix_upstream_identities_user_id", "user_id"),
    Index("ix_upstream_identities_upstream_id", "upstream_id"),
)


class UpstreamIdentityStore:
    """Links of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def add(self, identity: UpstreamIdentity, digest: Digest, arrival: Arrival) -> bool:
        """Store a link; False if that identity is somebody's already: of two at once one wins."""
        content = {"iss": arrival.iss, "sub": arrival.sub, "label": identity.label}
        sealed = seal_json(self._sealer, content, table="upstream_identities", column="content", row=identity.id)
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(
                    insert(upstream_identities).values(
                        id=identity.id, digest=digest, upstream_id=identity.upstream_id, user_id=identity.user_id,
                        sealed_content=sealed, linked_at=identity.linked_at, last_used_at=identity.last_used_at,
                    )
                )  # fmt: skip
        except DuplicateKey:
            return False
        return True

    async def find(self, digest: Digest) -> UpstreamIdentity | None:
        """Return the link of an identity."""
        row = (await self._connection.execute(_BY_DIGEST, {"digest": digest})).first()
        return self._read(row) if row is not None else None

    async def of_user(self, user_id: str) -> Sequence[UpstreamIdentity]:
        """Return the links to an account, the oldest first."""
        return [self._read(row) for row in await self._connection.execute(_OF_USER, {"user_id": user_id})]

    async def touch(self, identity_id: str, now: datetime) -> None:
        """Note that somebody signed in by it."""
        await self._connection.execute(
            update(upstream_identities).where(upstream_identities.c.id == identity_id).values(last_used_at=now)
        )

    async def remove(self, user_id: str, identity_id: str) -> bool:
        """Remove a link of this person; False if it is none of theirs."""
        if not is_key(identity_id):
            return False
        done = await self._connection.execute(
            delete(upstream_identities)
            .where(upstream_identities.c.user_id == user_id, upstream_identities.c.id == identity_id)
            .returning(upstream_identities.c.id)
        )
        return done.first() is not None

    async def remove_all(self, user_id: str) -> None:
        """Remove every link to an account."""
        await self._connection.execute(delete(upstream_identities).where(upstream_identities.c.user_id == user_id))

    async def count(self, upstream_id: str) -> int:
        """Return how many accounts can be reached by an upstream."""
        query = select(func.count()).select_from(upstream_identities)
        found = await self._connection.execute(query.where(upstream_identities.c.upstream_id == upstream_id))
        return int(found.scalar_one())

    def _read(self, row: AnyRow) -> UpstreamIdentity:
        sealed = open_json(self._sealer, row.sealed_content, table="upstream_identities", column="content", row=row.id)
        content = cast(dict[str, Any], sealed)
        return UpstreamIdentity(
            row.id, row.upstream_id, row.user_id, content["label"], row.linked_at, row.last_used_at
        )  # fmt: skip


_BY_DIGEST = Prepared(select(upstream_identities).where(upstream_identities.c.digest == bindparam("digest")))
_OF_USER = Prepared(
    select(upstream_identities)
    .where(upstream_identities.c.user_id == bindparam("user_id"))
    .order_by(upstream_identities.c.linked_at, upstream_identities.c.id)
)
