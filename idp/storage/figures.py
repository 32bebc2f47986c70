"""Figures over time, counted from the trail and from decisions: how many of what, in each slice of a span."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, func, literal_column, or_, select, type_coerce

from idp.storage.columns import EPOCH, MICROSECOND, to_micros
from idp.storage.database import Transaction
from idp.storage.decisions import decisions
from idp.storage.events import events, id_at
from idp.storage.figure_hours import FigureHourStore

Counted = Mapping[tuple[datetime, str], int]


class FigureStore:
    """Counts of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self.hours = FigureHourStore(connection)

    async def events(self, kinds: Iterable[str], begin: datetime, end: datetime, *, slice_: timedelta) -> Counted:
        """Return how many events of each kind there were in each slice, by its beginning."""
        number = type_coerce(events.c.at, BigInteger).op("/")(literal_column(str(slice_ // MICROSECOND)))
        query = (
            select(number.label("slice"), events.c.kind.label("what"), func.count().label("count"))
            .where(events.c.id >= id_at(begin), events.c.id < id_at(end))
            .where(or_(*(events.c.kind == kind for kind in sorted(kinds))))
            .group_by(literal_column("1"), literal_column("2"))
        )
        return {
            (EPOCH + row.slice * slice_, row.what): row.count for row in await self._connection.execute(query)
        }  # fmt: skip

    async def bands(self, begin: datetime, end: datetime, *, slice_: timedelta) -> Counted:
        """Return how many sign-ins of each risk band there were in each slice, by its beginning."""
        number = type_coerce(decisions.c.decided_at, BigInteger).op("/")(literal_column(str(slice_ // MICROSECOND)))
        low, high = to_micros(begin), to_micros(end)
        query = (
            select(number.label("slice"), decisions.c.band.label("what"), func.count().label("count"))
            .where(decisions.c.event == "login")
            .where(type_coerce(decisions.c.decided_at, BigInteger) >= low)
            .where(type_coerce(decisions.c.decided_at, BigInteger) < high)
            .group_by(literal_column("1"), literal_column("2"))
        )
        return {(EPOCH + row.slice * slice_, row.what): row.count for row in await self._connection.execute(query)}
