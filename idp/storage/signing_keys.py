"""Signing keys as the database knows them: public half and state. The private half never comes here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Column, Index, String, Table, insert, select, text, update

from idp.domain.json import JsonObject
from idp.storage.columns import JsonText, UtcTime, metadata
from idp.storage.database import DuplicateKey, Transaction
from idp.storage.epochs import EpochStore

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("alg", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("public_jwk", JsonText, nullable=False),
    Column("private_ref", String(64), nullable=False),
    Column("published_at", UtcTime, nullable=False),
    Column("activates_at", UtcTime),
    Column("activated_at", UtcTime),
    Column("retired_at", UtcTime),
    Column("revoked_at", UtcTime),
    Index("uq_signing_keys_active_alg", "alg", unique=True, sqlite_where=text("state = 'active'"),
          postgresql_where=text("state = 'active'")),
)  # fmt: skip
EPOCH_NAME = "keys"


class KeyState(StrEnum):
    """The life of a key: published as next, signing as active, published on as retired, gone as revoked."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key; `private_ref` names its private half in the key store (two kids may share an RSA key)."""

    kid: str
    alg: str
    state: KeyState
    public_jwk: JsonObject
    private_ref: str
    published_at: datetime
    activates_at: datetime | None = None
    activated_at: datetime | None = None
    retired_at: datetime | None = None


class SigningKeyStore:
    """Keys of one transaction; every change bumps the epoch that all workers watch."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._epochs = EpochStore(connection)

    async def list(self) -> Sequence[SigningKey]:
        """Return every key, revoked ones included, oldest first."""
        rows = await self._connection.execute(
            select(signing_keys).order_by(signing_keys.c.published_at, signing_keys.c.kid)
        )
        return [
            SigningKey(
                kid=row.kid,
                alg=row.alg,
                state=KeyState(row.state),
                public_jwk=cast(dict[str, Any], row.public_jwk),
                private_ref=row.private_ref,
                published_at=row.published_at,
                activates_at=row.activates_at,
                activated_at=row.activated_at,
                retired_at=row.retired_at,
            )
            for row in rows
        ]

    async def add(self, key: SigningKey) -> bool:
        """Publish a key; False if it was to be active and its algorithm has an active key by now."""
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(
                    insert(signing_keys).values(
                        kid=key.kid,
                        alg=key.alg,
                        state=key.state.value,
                        public_jwk=dict(key.public_jwk),
                        private_ref=key.private_ref,
                        published_at=key.published_at,
                        activates_at=key.activates_at,
                        activated_at=key.activated_at,
                    )
                )
        except DuplicateKey:
            return False
        await self._epochs.bump(EPOCH_NAME)
        return True

    async def promote(self, *, kid: str, alg: str, old: str, now: datetime) -> bool:
        """Retire `old` and activate `kid`; False if another process was faster.

        The first UPDATE decides between two that rotate at once; the unique index guards the rest.
        """
        retired = await self._connection.execute(
            update(signing_keys)
            .where(signing_keys.c.kid == old, signing_keys.c.alg == alg, signing_keys.c.state == KeyState.ACTIVE.value)
            .values(state=KeyState.RETIRED.value, retired_at=now)
            .returning(signing_keys.c.kid)
        )
        if retired.first() is None:
            return False
        activated = await self._connection.execute(
            update(signing_keys)
            .where(signing_keys.c.kid == kid, signing_keys.c.alg == alg, signing_keys.c.state == KeyState.NEXT.value)
            .values(state=KeyState.ACTIVE.value, activated_at=now, activates_at=None)
            .returning(signing_keys.c.kid)
        )
        if activated.first() is None:
            raise KeyGone(kid)
        await self._epochs.bump(EPOCH_NAME)
        return True

    async def schedule(self, kid: str, activates_at: datetime) -> None:
        """Set when a published key becomes active."""
        await self._connection.execute(
            update(signing_keys)
            .where(signing_keys.c.kid == kid, signing_keys.c.state == KeyState.NEXT.value)
            .values(activates_at=activates_at)
        )

    async def set_state(self, kid: str, state: KeyState, now: datetime) -> bool:
        """Retire or revoke a key; False if there is none with this kid, or it was revoked and so stays."""
        stamp = {KeyState.RETIRED: "retired_at", KeyState.REVOKED: "revoked_at"}.get(state, "retired_at")
        done = await self._connection.execute(
            update(signing_keys)
            .where(signing_keys.c.kid == kid, signing_keys.c.state != KeyState.REVOKED.value)
            .values({"state": state.value, stamp: now})
            .returning(signing_keys.c.kid)
        )  # fmt: skip
        await self._epochs.bump(EPOCH_NAME)
        return done.first() is not None


class KeyGone(Exception):
    """The key that was to become active is not `next` any more."""
