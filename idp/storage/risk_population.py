"""How deep the sign-ins of all people match their histories, in counts that say nothing of anybody."""

from collections.abc import Mapping

from sqlalchemy import Column, Integer, String, Table, select

from idp.storage.columns import metadata
from idp.storage.database import Prepared, Transaction
from idp.storage.upsert import upsert

risk_population = Table(
    "risk_population",
    metadata,
    Column("name", String(32), primary_key=True),  # `cell:BUCKET:NET:AGENT:DEV`, `hour:H` or `devices`
    Column("count", Integer, nullable=False),
)


class RiskPopulationStore:
    """The counts of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def all(self) -> Mapping[str, int]:
        """Return every count by its name."""
        return {row.name: row.count for row in await self._connection.execute(_ALL)}

    async def add(self, names: tuple[str, ...], *, step: int = 1) -> None:
        """Add to counts, in the order of their names, so that two transactions never wait for each other in a ring."""
        table = risk_population.c
        for name in sorted(names):
            row = upsert(self._connection, risk_population).values(name=name, count=max(step, 0))
            await self._connection.execute(
                row.on_conflict_do_update(index_elements=[table.name], set_={"count": table.count + step})
            )


_ALL = Prepared(select(risk_population.c.name, risk_population.c.count))
