"""Figures of hours that are over, kept so that nobody counts a month of events again for each look at the dashboard."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Column, Integer, String, Table, func, select

from idp.storage.columns import UtcTime, metadata
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

figure_hours = Table(
    "figure_hours",
    metadata,
    Column("hour", UtcTime, primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
)
#: A row of this name says that an hour was counted, also if nothing happened in it.
COUNTED = "counted"


class FigureHourStore:
    """Hours of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def newest(self) -> datetime | None:
        """Return the beginning of the newest hour that was counted."""
        query = select(func.max(figure_hours.c.hour).label("hour")).where(figure_hours.c.name == COUNTED)
        row = (await self._connection.execute(query)).first()
        return None if row is None else row.hour

    async def keep(self, hour: datetime, counts: Mapping[str, int], *, expires_at: datetime) -> None:
        """Keep what was counted in an hour; of two that count the same hour the first stands."""
        for name, count in {**counts, COUNTED: 1}.items():
            row = upsert(self._connection, figure_hours).values(
                hour=hour, name=name, count=count, expires_at=expires_at
            )
            await self._connection.execute(row.on_conflict_do_nothing())

    async def add(self, hour: datetime, counts: Mapping[str, int], *, expires_at: datetime) -> None:
        """Add to what was counted in an hour: of what no row tells, but processes notice."""
        for name, count in counts.items():
            row = upsert(self._connection, figure_hours).values(
                hour=hour, name=name, count=count, expires_at=expires_at
            )
            await self._connection.execute(
                row.on_conflict_do_update(
                    index_elements=[figure_hours.c.hour, figure_hours.c.name],
                    set_={"count": figure_hours.c.count + row.excluded.count},
                )
            )

    async def between(self, begin: datetime, end: datetime) -> Mapping[tuple[datetime, str], int]:
        """Return what was counted in the hours of a span, by hour and name."""
        query = select(figure_hours).where(figure_hours.c.hour >= begin, figure_hours.c.hour < end)
        return {(row.hour, row.name): row.count for row in await self._connection.execute(query)}
