"""Consents: which scopes and claims a person allowed a client."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, String, Table, bindparam, delete, select

from idp.domain.consent import Consent
from idp.storage.columns import UtcTime, Words, metadata
from idp.storage.database import Prepared, Transaction
from idp.storage.upsert import upsert

consents = Table(
    "consents",
    metadata,
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), primary_key=True),
    Column("scopes", Words, nullable=False),
    Column("claims", Words, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index("ix_consents_client_id_user_id", "client_id", "user_id"),
)


@dataclass(frozen=True, slots=True)
class ListedConsent:
    """What a person allowed a client, and since when."""

    consent: Consent
    created_at: datetime
    updated_at: datetime


class ConsentStore:
    """Consents of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def find(self, user_id: str, client_id: str) -> Consent | None:
        """Return what the person allowed the client."""
        row = (await self._connection.execute(_FIND, {"user": user_id, "client": client_id})).first()
        return Consent(row.user_id, row.client_id, frozenset(row.scopes), frozenset(row.claims)) if row else None

    async def save(self, consent: Consent, now: datetime) -> None:
        """Store what the person allows from now on."""
        scopes, claims = sorted(consent.scopes), sorted(consent.claims)
        row = upsert(self._connection, consents).values(
            user_id=consent.user_id,
            client_id=consent.client_id,
            scopes=scopes,
            claims=claims,
            created_at=now,
            updated_at=now,
        )
        await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[consents.c.user_id, consents.c.client_id],
                set_={"scopes": row.excluded.scopes, "claims": row.excluded.claims, "updated_at": now},
            )
        )

    async def of_user(self, user_id: str) -> Sequence[Consent]:
        """Return everything that a person has allowed."""
        rows = await self._connection.execute(select(consents).where(consents.c.user_id == user_id))
        return [Consent(row.user_id, row.client_id, frozenset(row.scopes), frozenset(row.claims)) for row in rows]

    async def page(
        self, *, user_id: str | None = None, client_id: str | None = None, after: tuple[str, str] | None = None,
        limit: int,
    ) -> Sequence[ListedConsent]:  # fmt: skip
        """Return consents in the order of person and client, starting behind `after`."""
        query = select(consents).order_by(consents.c.user_id, consents.c.client_id).limit(limit)
        query = query.where(consents.c.user_id == user_id) if user_id is not None else query
        query = query.where(consents.c.client_id == client_id) if client_id is not None else query
        if after is not None:
            user, client = after
            query = query.where(
                (consents.c.user_id > user) | ((consents.c.user_id == user) & (consents.c.client_id > client))
            )
        return [
            ListedConsent(
                Consent(row.user_id, row.client_id, frozenset(row.scopes), frozenset(row.claims)),
                row.created_at, row.updated_at,
            )
            for row in await self._connection.execute(query)
        ]  # fmt: skip

    async def withdraw(self, user_id: str, client_id: str) -> bool:
        """Forget a consent; False if there was none."""
        done = await self._connection.execute(
            delete(consents)
            .where(consents.c.user_id == user_id, consents.c.client_id == client_id)
            .returning(consents.c.client_id)
        )
        return done.first() is not None


_FIND = Prepared(
    select(consents).where(consents.c.user_id == bindparam("user"), consents.c.client_id == bindparam("client"))
)
