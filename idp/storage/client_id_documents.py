"""Documents that describe clients: when each was fetched, and until when it counts.

The client itself stands in `clients`, as all others do, and takes its row here along when it goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, String, Table, and_, exists, not_, select

from idp.storage.clients import clients
from idp.storage.columns import UtcTime, is_key, metadata
from idp.storage.database import Transaction
from idp.storage.grants import grants
from idp.storage.upsert import upsert

client_id_documents = Table(
    "client_id_documents",
    metadata,
    Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), primary_key=True),
    Column("fetched_at", UtcTime, nullable=False),
    Column("fresh_until", UtcTime, nullable=False),
    Index("ix_client_id_documents_fetched_at", "fetched_at"),
)


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """When a document was fetched, and until when it counts without being fetched again."""

    client_id: str
    fetched_at: datetime
    fresh_until: datetime


class ClientIdDocumentStore:
    """Documents of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def find(self, client_id: str) -> KeptDocument | None:
        """Return what is known of a document."""
        if not is_key(client_id):
            return None
        query = select(client_id_documents).where(client_id_documents.c.client_id == client_id)
        row = (await self._connection.execute(query)).first()
        return KeptDocument(row.client_id, row.fetched_at, row.fresh_until) if row is not None else None

    async def save(self, document: KeptDocument) -> None:
        """Note that a document was fetched; its client must be stored."""
        row = upsert(self._connection, client_id_documents).values(
            client_id=document.client_id, fetched_at=document.fetched_at, fresh_until=document.fresh_until
        )
        changed = {"fetched_at": document.fetched_at, "fresh_until": document.fresh_until}
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=[client_id_documents.c.client_id], set_=changed)
        )

    async def page(self, *, after: str, limit: int) -> Sequence[str]:
        """Return the ids of clients that describe themselves, in their order, starting behind `after`."""
        key = client_id_documents.c.client_id
        query = select(key).where(key > after).order_by(key).limit(limit)
        return list((await self._connection.execute(query)).scalars())

    async def unused(self, before: datetime, *, limit: int) -> Sequence[str]:
        """Return clients that nobody granted anything, and whose documents were last fetched before that moment.

        One that an operator has disabled stays: it would come back enabled.
        """
        key = client_id_documents.c.client_id
        query = select(key).where(
            client_id_documents.c.fetched_at <= before,
            not_(exists().where(grants.c.client_id == key)),
            exists().where(and_(clients.c.id == key, clients.c.is_active)),
        )
        return list((await self._connection.execute(query.limit(limit))).scalars())
