"""How clients came to be that registered themselves: the token that opens each, what it may ask for, and its use.

A row dies with its client. Whether a client was used is found out by the sweep, so that no sign-in pays for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, exists, insert, select, update

from idp.domain.secret import Digest
from idp.storage.columns import UtcTime, Words, metadata
from idp.storage.database import Transaction
from idp.storage.grants import grants

registrations = Table(
    "registrations",
    metadata,
    Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("way", String(16), nullable=False),
    Column("scopes", Words, nullable=False),
    Column("grant_types", Words, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),  # unless it is used before; none once it was
    Index("ix_registrations_expires_at", "expires_at"),
)


class Way(StrEnum):
    """How a client was registered."""

    OPEN = "open"
    TOKEN = "token"


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration: the digest of its access token, and the limits that hold for its changes too."""

    client_id: str
    digest: Digest
    way: Way
    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None


class RegistrationStore:
    """Registrations of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def add(self, registration: Registration) -> None:
        """Store how a client was registered."""
        await self._connection.execute(
            insert(registrations).values(
                client_id=registration.client_id, digest=registration.digest, way=registration.way.value,
                scopes=registration.scopes, grant_types=registration.grant_types,
                created_at=registration.created_at, expires_at=registration.expires_at,
            )
        )  # fmt: skip

    async def find(self, client_id: str) -> Registration | None:
        """Return how a client was registered, None if an operator made it."""
        query = select(registrations).where(registrations.c.client_id == client_id)
        row = (await self._connection.execute(query)).first()
        if row is None:
            return None
        return Registration(
            row.client_id, Digest(row.digest), Way(row.way), row.scopes, row.grant_types, row.created_at, row.expires_at
        )

    async def note_used(self) -> None:
        """Let every client that was ever granted something stay for good."""
        was_used = exists().where(grants.c.client_id == registrations.c.client_id)
        await self._connection.execute(
            update(registrations).where(registrations.c.expires_at.is_not(None), was_used).values(expires_at=None)
        )

    async def unused(self, now: datetime, *, limit: int) -> Sequence[str]:
        """Return clients that nobody used in time; call `note_used` before."""
        query = select(registrations.c.client_id).where(registrations.c.expires_at <= now).limit(limit)
        return [row.client_id for row in await self._connection.execute(query)]
