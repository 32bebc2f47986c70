"""Relying parties: their metadata as JSON, secrets as digests, and the epoch that empties caches."""

import builtins
import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    or_,
    select,
    type_coerce,
    update,
)

from idp.domain.client import AuthMethod, Client, Profile, TokenFormat
from idp.domain.json import Json
from idp.domain.secret import Digest, Sealer, base64url, from_base64url
from idp.storage.columns import AnyRow, JsonText, UtcTime, is_key, metadata, place
from idp.storage.database import Transaction
from idp.storage.epochs import EpochStore
from idp.storage.upsert import upsert

clients = Table(
    "clients",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("metadata", JsonText, nullable=False),
    Column("secret_digests", JsonText, nullable=False),
    Column("sealed_hmac_secret", LargeBinary),
    Column("logo", LargeBinary),
    Column("logo_type", String(32)),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)
#: Which people look after which clients; a client manager sees no others.
client_managers = Table(
    "client_managers",
    metadata,
    Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
)
EPOCH_NAME, DEFINITIONS = "clients", "definitions"
_OUTSIDE_METADATA = frozenset({"id", "name", "is_active", "secret_digests", "hmac_secret", "created_at", "has_logo"})


class ClientStore:
    """Clients of one transaction; every change bumps the epoch that all workers watch."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer
        self._epochs = EpochStore(connection)

    async def find(self, client_id: str) -> Client | None:
        """Return a client, active or not."""
        if not is_key(client_id):
            return None
        row = (await self._connection.execute(select(*_COLUMNS).where(clients.c.id == client_id))).first()
        return self._client(row) if row else None

    async def lock(self, client_id: str) -> Client | None:
        """Return a client and keep others from changing it until this transaction has ended."""
        if not is_key(client_id):
            return None
        query = select(*_COLUMNS).where(clients.c.id == client_id).with_for_update()
        row = (await self._connection.execute(query)).first()
        return self._client(row) if row else None

    async def page(
        self, *, text: str = "", managed_by: str | None = None, after: tuple[str, str] | None = None, limit: int
    ) -> Sequence[Client]:
        """Return clients in the order of name and id, starting behind `after`; `text` is how name or id begins."""
        query = select(*_COLUMNS).order_by(clients.c.name, clients.c.id).limit(limit)
        if text:
            query = query.where(clients.c.name.startswith(text, autoescape=True) | (clients.c.id == text))
        if managed_by is not None:
            query = query.where(clients.c.id == client_managers.c.client_id, client_managers.c.user_id == managed_by)
        if after is not None:
            name, key = after
            query = query.where((clients.c.name > name) | ((clients.c.name == name) & (clients.c.id > key)))
        return [self._client(row) for row in await self._connection.execute(query)]

    async def managers(self, client_id: str) -> Sequence[str]:
        """Return the ids of the people who look after a client."""
        query = select(client_managers.c.user_id).where(client_managers.c.client_id == client_id)
        return list((await self._connection.execute(query.order_by(client_managers.c.user_id))).scalars())

    async def manages(self, user_id: str, client_id: str) -> bool:
        """Say whether a person looks after a client."""
        query = select(client_managers.c.user_id).where(
            client_managers.c.client_id == client_id, client_managers.c.user_id == user_id
        )
        return (await self._connection.execute(query)).first() is not None

    async def add_manager(self, client_id: str, user_id: str) -> None:
        """Let a person look after a client."""
        row = upsert(self._connection, client_managers).values(client_id=client_id, user_id=user_id)
        await self._connection.execute(row.on_conflict_do_nothing())

    async def remove_manager(self, client_id: str, user_id: str) -> bool:
        """Take a client out of a person's care; False if it was not in it."""
        done = await self._connection.execute(
            delete(client_managers)
            .where(client_managers.c.client_id == client_id, client_managers.c.user_id == user_id)
            .returning(client_managers.c.user_id)
        )
        return done.first() is not None

    async def introspecting(self, audiences: Sequence[str]) -> dict[str, builtins.list[str]]:
        """Return the ids of the clients that introspect for each of these audiences."""
        stored = type_coerce(clients.c.metadata, Text)
        named = [stored.contains(json.dumps(each, ensure_ascii=False), autoescape=True) for each in audiences]
        query = select(*_COLUMNS).where(or_(*named)).order_by(clients.c.id) if named else None
        rows = await self._connection.execute(query) if query is not None else ()
        found: dict[str, builtins.list[str]] = {}
        for client in [self._client(row) for row in rows]:
            for audience in set(client.audiences) & set(audiences):
                found.setdefault(audience, []).append(client.id)
        return found

    async def epoch(self) -> int:
        """Return how often clients have changed, as this transaction sees it."""
        return (await self._epochs.all()).get(EPOCH_NAME, 0)

    async def list(self) -> Sequence[Client]:
        """Return all clients by name."""
        rows = await self._connection.execute(select(*_COLUMNS).order_by(clients.c.name, clients.c.id))
        return [self._client(row) for row in rows]

    async def has_any_of(self, profile: Profile) -> bool:
        """Say whether a client of a profile exists."""
        text = f'%"profile":"{profile.value}"%'
        query = select(clients.c.id).where(type_coerce(clients.c.metadata, String).like(text)).limit(1)
        return (await self._connection.execute(query)).first() is not None

    async def add(self, client: Client, now: datetime) -> bool:
        """Store a new client; False if its id is taken."""
        row = upsert(self._connection, clients).values(**self._values(client, now), created_at=now)
        done = await self._connection.execute(row.on_conflict_do_nothing(index_elements=["id"]).returning(clients.c.id))
        await self._epochs.bump(EPOCH_NAME)
        return done.first() is not None

    async def save(self, client: Client, now: datetime) -> None:
        """Store a changed client."""
        await self._connection.execute(
            update(clients).where(clients.c.id == client.id).values(**self._values(client, now))
        )
        await self._epochs.bump(EPOCH_NAME)

    async def delete(self, client_id: str) -> bool:
        """Remove a client and, by foreign keys, its grants and consents."""
        done = await self._connection.execute(delete(clients).where(clients.c.id == client_id).returning(clients.c.id))
        await self._epochs.bump(EPOCH_NAME)
        await self._epochs.bump(DEFINITIONS)  # its rules of exchange went with it
        return done.first() is not None

    async def logo(self, client_id: str) -> tuple[bytes, str] | None:
        """Return a client's logo and its media type."""
        row = (
            await self._connection.execute(select(clients.c.logo, clients.c.logo_type).where(clients.c.id == client_id))
        ).first()
        return (row.logo, row.logo_type) if row and row.logo else None

    async def set_logo(self, client_id: str, logo: bytes | None, media_type: str | None) -> None:
        """Store a client's logo, a raster image that was checked before, or take it away."""
        await self._connection.execute(
            update(clients).where(clients.c.id == client_id).values(logo=logo, logo_type=media_type)
        )
        await self._epochs.bump(EPOCH_NAME)

    def _values(self, client: Client, now: datetime) -> dict[str, Any]:
        sealed = None
        if client.hmac_secret is not None:
            sealed = self._sealer.seal(client.hmac_secret.encode(), place=place("clients", "hmac_secret", client.id))
        return {
            "id": client.id,
            "name": client.name,
            "is_active": client.is_active,
            "metadata": _metadata(client),
            "secret_digests": [base64url(digest) for digest in client.secret_digests],
            "sealed_hmac_secret": sealed,
            "updated_at": now,
        }

    def _client(self, row: AnyRow) -> Client:
        members = cast(dict[str, Any], row.metadata)
        secret = None
        if row.sealed_hmac_secret is not None:
            secret = self._sealer.open(row.sealed_hmac_secret, place=place("clients", "hmac_secret", row.id)).decode()
        known = {field.name for field in fields(Client)}
        facts: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in members.items() if name in known
        }
        facts["profile"] = Profile(facts["profile"])
        facts["auth_method"] = AuthMethod(facts["auth_method"])
        facts["token_format"] = TokenFormat(facts["token_format"])
        return Client(
            id=row.id,
            name=row.name,
            is_active=row.is_active,
            has_logo=row.logo_type is not None,
            secret_digests=tuple(Digest(from_base64url(text)) for text in cast(list[str], row.secret_digests)),
            hmac_secret=secret,
            created_at=row.created_at,
            **facts,
        )


def _metadata(client: Client) -> Json:
    members: dict[str, Any] = {}
    for field in fields(Client):
        if field.name not in _OUTSIDE_METADATA:
            value = getattr(client, field.name)
            members[field.name] = list(value) if isinstance(value, tuple) else value
    return members


_COLUMNS = tuple(column for column in clients.c if column.name != "logo")
