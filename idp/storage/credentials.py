"""Credentials: one row per password, authenticator, passkey or phone; names and secrets sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)  # fmt: skip

from idp.domain.assurance import Factor
from idp.domain.credential import Credential
from idp.domain.secret import Digest, Sealer, make_id
from idp.domain.user import UserStatus
from idp.storage.columns import AnyRow, UtcTime, is_key, metadata, open_json, seal_json
from idp.storage.database import DuplicateKey, Prepared, Transaction
from idp.storage.upsert import upsert
from idp.storage.users import user_groups, users

ONE_PASSWORD = text("factor = 'password'")
credentials = Table(
    "credentials",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("factor", String(16), nullable=False),
    Column("hash", Text),  # of a password
    Column("lookup", LargeBinary(32), unique=True),  # digest of a passkey's own id
    Column("sealed_content", LargeBinary),
    Column("counter", BigInteger, nullable=False, server_default="0"),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime),
    Index("ix_credentials_user_id", "user_id"),
    Index("uq_credentials_password", "user_id", unique=True, sqlite_where=ONE_PASSWORD, postgresql_where=ONE_PASSWORD),
)


class CredentialTaken(Exception):
    """This passkey is registered already."""


@dataclass(frozen=True, slots=True)
class StoredHash:
    """A password's hash and the time from which it counts."""

    hash: str
    created_at: datetime


class CredentialStore:
    """Credentials of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def group_has_passkey(self, group: Digest) -> bool:
        """Say whether somebody in a group (by the digest of its name) can sign in with a passkey."""
        query = (
            select(credentials.c.id)
            .join(user_groups, user_groups.c.user_id == credentials.c.user_id)
            .join(users, users.c.id == credentials.c.user_id)
            .where(user_groups.c.group_digest == group, users.c.status == UserStatus.ACTIVE.value)
            .where(credentials.c.factor == Factor.WEBAUTHN.value, credentials.c.is_active.is_(True))
            .limit(1)
        )
        return (await self._connection.execute(query)).first() is not None

    async def password_of(self, user_id: str) -> StoredHash | None:
        """Return a person's password hash, None if they have no password."""
        row = (await self._connection.execute(_PASSWORD, {"user_id": user_id})).first()
        return StoredHash(row.hash, row.created_at) if row else None

    async def add_password(self, user_id: str, hash_: str, now: datetime) -> None:
        """Store the first password of somebody who has none."""
        given = {"id": make_id(), "user_id": user_id, "hash": hash_, "created_at": now}
        await self._connection.execute(_ADD_PASSWORD, given)

    async def set_password(self, user_id: str, hash_: str, now: datetime) -> None:
        """Replace a person's password."""
        row = upsert(self._connection, credentials).values(
            id=make_id(), user_id=user_id, factor=Factor.PASSWORD.value, hash=hash_, counter=0, is_active=True,
            created_at=now,
        )  # fmt: skip
        await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[credentials.c.user_id],
                index_where=ONE_PASSWORD,
                set_={"hash": hash_, "created_at": now},
            )
        )

    async def upgrade_password(self, user_id: str, *, old: str, new: str) -> bool:
        """Swap one hash of a password for a stronger one of the same; False if it changed meanwhile."""
        done = await self._connection.execute(
            update(credentials)
            .where(
                credentials.c.user_id == user_id,
                credentials.c.factor == Factor.PASSWORD.value,
                credentials.c.hash == old,
            )
            .values(hash=new)
            .returning(credentials.c.id)
        )
        return done.first() is not None

    async def add(self, credential: Credential, *, lookup: Digest | None = None) -> None:
        """Store a new credential; raise CredentialTaken if its look-up value is somebody's already."""
        values = {
            "id": credential.id,
            "user_id": credential.user_id,
            "factor": credential.factor.value,
            "lookup": lookup,
            "sealed_content": self._seal(credential),
            "counter": credential.counter,
            "is_active": credential.is_active,
            "created_at": credential.created_at,
        }
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(insert(credentials).values(**values))
        except DuplicateKey as error:
            raise CredentialTaken from error

    async def factors_of(self, user_id: str) -> frozenset[Factor]:
        """Return which factors a person has set up and confirmed."""
        rows = await self._connection.execute(_FACTORS, {"user_id": user_id})
        return frozenset(Factor(row.factor) for row in rows)

    async def of_user(self, user_id: str, factor: Factor | None = None) -> Sequence[Credential]:
        """Return a person's confirmed credentials except the password, oldest first."""
        query = select(credentials).where(
            credentials.c.user_id == user_id,
            credentials.c.is_active.is_(True),
            credentials.c.factor != Factor.PASSWORD.value,
        )
        if factor is not None:
            query = query.where(credentials.c.factor == factor.value)
        rows = await self._connection.execute(query.order_by(credentials.c.created_at, credentials.c.id))
        return [self._credential(row) for row in rows]

    async def find(self, user_id: str, credential_id: str) -> Credential | None:
        """Return a person's credential, confirmed or not; somebody else's is unknown."""
        if not is_key(credential_id):
            return None
        query = select(credentials).where(credentials.c.id == credential_id, credentials.c.user_id == user_id)
        row = (await self._connection.execute(query)).first()
        return self._credential(row) if row and row.sealed_content is not None else None

    async def find_by_lookup(self, lookup: Digest) -> Credential | None:
        """Return the confirmed credential with this look-up value."""
        query = select(credentials).where(credentials.c.lookup == lookup, credentials.c.is_active.is_(True))
        row = (await self._connection.execute(query)).first()
        return self._credential(row) if row else None

    async def advance(self, credential_id: str, counter: int, now: datetime) -> bool:
        """Move an authenticator's last time step forward; False if it is not ahead of the last one (RFC 6238 §5.2)."""
        done = await self._connection.execute(
            update(credentials)
            .where(credentials.c.id == credential_id, credentials.c.counter < counter)
            .values(counter=counter, last_used_at=now)
            .returning(credentials.c.id)
        )
        return done.first() is not None

    async def note_use(self, credential: Credential, *, old_counter: int, now: datetime) -> bool:
        """Store what a ceremony changed; False if the credential is gone or was used meanwhile."""
        done = await self._connection.execute(
            update(credentials)
            .where(credentials.c.id == credential.id, credentials.c.counter == old_counter)
            .values(counter=credential.counter, last_used_at=now, sealed_content=self._seal(credential))
            .returning(credentials.c.id)
        )
        return done.first() is not None

    async def activate(self, credential_id: str, *, counter: int, now: datetime) -> bool:
        """Let a credential count, once; the code that confirmed it is spent."""
        done = await self._connection.execute(
            update(credentials)
            .where(credentials.c.id == credential_id, credentials.c.is_active.is_(False))
            .values(is_active=True, counter=counter, last_used_at=now)
            .returning(credentials.c.id)
        )
        return done.first() is not None

    async def rename(self, credential: Credential) -> None:
        """Store a credential's new name."""
        await self._connection.execute(
            update(credentials).where(credentials.c.id == credential.id).values(sealed_content=self._seal(credential))
        )

    async def remove(self, user_id: str, credential_id: str) -> bool:
        """Remove a person's credential; False if it is not theirs or gone."""
        done = await self._connection.execute(
            delete(credentials)
            .where(credentials.c.id == credential_id, credentials.c.user_id == user_id)
            .returning(credentials.c.id)
        )
        return done.first() is not None

    async def remove_all(self, user_id: str, *, factor: Factor | None = None, keep_password: bool = True) -> int:
        """Remove credentials of a person: all, of one factor, or all but the password; return how many went."""
        query = delete(credentials).where(credentials.c.user_id == user_id)
        if factor is not None:
            query = query.where(credentials.c.factor == factor.value)
        if keep_password:
            query = query.where(credentials.c.factor != Factor.PASSWORD.value)
        return len((await self._connection.execute(query.returning(credentials.c.id))).all())

    async def remove_unconfirmed(self, user_id: str, factor: Factor) -> None:
        """Forget what was begun and never confirmed."""
        await self._connection.execute(
            delete(credentials).where(
                credentials.c.user_id == user_id,
                credentials.c.factor == factor.value,
                credentials.c.is_active.is_(False),
            )
        )

    def _seal(self, credential: Credential) -> bytes:
        content = {"name": credential.name, **credential.content}
        return seal_json(self._sealer, content, table="credentials", column="content", row=credential.id)

    def _credential(self, row: AnyRow) -> Credential:
        sealed = open_json(self._sealer, row.sealed_content, table="credentials", column="content", row=row.id)
        content = cast(dict[str, Any], sealed)
        return Credential(
            id=row.id,
            user_id=row.user_id,
            factor=Factor(row.factor),
            name=content.pop("name", ""),
            created_at=row.created_at,
            content=content,
            counter=row.counter,
            is_active=row.is_active,
            last_used_at=row.last_used_at,
        )


_PASSWORD = Prepared(
    select(credentials.c.hash, credentials.c.created_at).where(
        credentials.c.user_id == bindparam("user_id"), credentials.c.factor == Factor.PASSWORD.value
    )
)
_ADD_PASSWORD = Prepared(
    insert(credentials).values(
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        factor=Factor.PASSWORD.value,
        hash=bindparam("hash"),
        counter=0,
        is_active=True,
        created_at=bindparam("created_at"),
    )
)
_FACTORS = Prepared(
    select(credentials.c.factor)
    .where(credentials.c.user_id == bindparam("user_id"), credentials.c.is_active.is_(True))
    .distinct()
)
