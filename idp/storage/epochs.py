"""Counters that every change bumps, so that caches in all processes learn of it."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, String, Table, select

from idp.storage.columns import metadata
from idp.storage.database import Prepared, Transaction
from idp.storage.upsert import upsert

epochs = Table(
    "epochs",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
_ALL = Prepared(select(epochs.c.name, epochs.c.value))


class EpochStore:
    """Epochs of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def bump(self, name: str) -> None:
        """Make every cache of this name stale once the transaction commits."""
        row = upsert(self._connection, epochs).values(name=name, value=1)
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=[epochs.c.name], set_={"value": epochs.c.value + 1})
        )

    async def all(self) -> Mapping[str, int]:
        """Return every epoch by name."""
        return {row.name: row.value for row in await self._connection.execute(_ALL)}
