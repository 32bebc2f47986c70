"""jti values already seen, by all workers, until they could not be accepted any more."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, Table

from idp.domain.secret import Digest
from idp.storage.columns import UtcTime, metadata
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

replays = Table(
    "replays",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_replays_expires_at", "expires_at"),
)


class ReplayStore:
    """Replay memory of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def remember(self, digest: Digest, expires_at: datetime) -> bool:
        """Spend a one-time value; False if somebody spent it before. One INSERT decides the race."""
        row = upsert(self._connection, replays).values(digest=digest, expires_at=expires_at)
        done = await self._connection.execute(
            row.on_conflict_do_nothing(index_elements=[replays.c.digest]).returning(replays.c.digest)
        )
        return done.first() is not None
