"""How many sign-ins failed in each hour, whoever's and from wherever: what a surge is measured against."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Column, Index, Integer, Table, bindparam, func, select

from idp.storage.columns import UtcTime, metadata
from idp.storage.database import Prepared, Transaction
from idp.storage.upsert import upsert

failure_hours = Table(
    "failure_hours",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),  # since 1970, in UTC
    Column("shard", Integer, primary_key=True, autoincrement=False),  # so that many failures at once do not queue
    Column("count", Integer, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_failure_hours_expires_at", "expires_at"),
)


class FailureHourStore:
    """Counts of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def add(self, hour: int, shard: int, *, expires_at: datetime) -> None:
        """Count one failure."""
        row = upsert(self._connection, failure_hours).values(hour=hour, shard=shard, count=1, expires_at=expires_at)
        await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[failure_hours.c.hour, failure_hours.c.shard],
                set_={"count": failure_hours.c.count + 1},
            )
        )

    async def since(self, hour: int) -> Mapping[int, int]:
        """Return the counts from an hour on; hours without a failure are left out."""
        return {row.hour: row.total for row in await self._connection.execute(_SINCE, {"hour": hour})}


_SINCE = Prepared(
    select(failure_hours.c.hour, func.sum(failure_hours.c.count).label("total"))
    .where(failure_hours.c.hour >= bindparam("hour"))
    .group_by(failure_hours.c.hour)
)
