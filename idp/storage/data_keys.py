"""Data keys of the deployment: random, sealed under the master key, so that the master key can change."""

from collections.abc import Mapping

from sqlalchemy import Column, LargeBinary, String, Table, select, update

from idp.storage.columns import metadata
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

data_keys = Table(
    "data_keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)


class DataKeyStore:
    """Data keys of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def all(self) -> Mapping[str, bytes]:
        """Return every sealed data key by name."""
        return {row.name: row.sealed for row in await self._connection.execute(select(data_keys))}

    async def add(self, name: str, sealed: bytes) -> None:
        """Store a data key unless another process made it first."""
        row = upsert(self._connection, data_keys).values(name=name, sealed=sealed)
        await self._connection.execute(row.on_conflict_do_nothing(index_elements=[data_keys.c.name]))

    async def replace(self, name: str, sealed: bytes) -> None:
        """Store the same key, sealed anew under another master key."""
        await self._connection.execute(update(data_keys).where(data_keys.c.name == name).values(sealed=sealed))
