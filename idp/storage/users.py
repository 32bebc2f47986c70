"""People: claims sealed, looked up by keyed digests of e-mail and username."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    bindparam,
    case,
    delete,
    insert,
    or_,
    select,
    update,
)

from idp.domain.json import Json
from idp.domain.secret import Digester, Sealer
from idp.domain.user import Role, User, UserStatus, normalise_email, normalise_identifier, normalise_username
from idp.storage.columns import EPOCH, AnyRow, UtcTime, is_key, metadata, older_than, open_json, seal_json, to_micros
from idp.storage.database import DuplicateKey, Prepared, Transaction
from idp.storage.groups import GroupStore

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("role", String(16), nullable=False, index=True),
    Column("email_digest", LargeBinary(32), unique=True),
    Column("email_verified", Boolean, nullable=False),
    Column("username_digest", LargeBinary(32), unique=True),
    Column("sealed_profile", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("deletes_at", UtcTime, index=True),
    Column("email_verified_at", UtcTime),
    Column("phone_digest", LargeBinary(32), index=True),
    Column("external_digest", LargeBinary(32), index=True),
    Index("ix_users_created_at_id", "created_at", "id"),
    Index("ix_users_updated_at_id", "updated_at", "id"),
    Index("ix_users_status_created_at_id", "status", "created_at", "id"),
)

#: The `groups` claim the other way round, by keyed digests of the groups' names.
user_groups = Table(
    "user_groups",
    metadata,
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("group_digest", LargeBinary(32), primary_key=True),
    Index("ix_user_groups_group_digest", "group_digest"),
)
MOST_GROUPS = 100
EXTERNAL_ID = "external_id"  # the claim with the id that a directory elsewhere knows a person by


class IdentifierTaken(Exception):
    """Another account has this e-mail address or username."""


class UserStore:
    """People of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer, digester: Digester) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer
        self._digester = digester
        self._groups = GroupStore(connection)

    async def add(self, user: User) -> None:
        """Store a new person; raise IdentifierTaken if e-mail or username is somebody's already."""
        try:
            async with self._connection.begin_nested():
                verified_at = user.created_at if user.email_verified else None
                await self._connection.execute(_ADD, {**self._values(user), "email_verified_at": verified_at})
        except DuplicateKey as error:
            raise IdentifierTaken from error
        await self._note_groups(user)

    async def save(self, user: User) -> None:
        """Store a changed person; raise IdentifierTaken as `add` does."""
        values = self._values(user)
        del values["id"], values["created_at"]
        if user.email_verified:
            is_old = users.c.email_verified.is_(True) & (users.c.email_digest == values["email_digest"])
            values["email_verified_at"] = case(
                (is_old, users.c.email_verified_at), else_=to_micros(user.updated_at or EPOCH)
            )
        else:
            values["email_verified_at"] = None
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(update(users).where(users.c.id == user.id).values(**values))
        except DuplicateKey as error:
            raise IdentifierTaken from error
        await self._connection.execute(delete(user_groups).where(user_groups.c.user_id == user.id))
        await self._note_groups(user)

    async def _note_groups(self, user: User) -> None:
        for group in user.groups[:MOST_GROUPS]:
            await self._groups.ensure(group, user.updated_at or EPOCH)
            digest = self._digester.digest("group", group)
            await self._connection.execute(_JOIN, {"user_id": user.id, "group_digest": digest})

    async def find(self, user_id: str) -> User | None:
        """Return the person with this id."""
        if not is_key(user_id):
            return None
        row = (await self._connection.execute(_BY_ID, {"id": user_id})).first()
        return self.read(row) if row else None

    async def find_by_name(self, name: str) -> User | None:
        """Return the person whose e-mail address or username this is, in any spelling."""
        digest = self.name_digest(name)
        row = (await self._connection.execute(_BY_NAME, {"digest": digest})).first()
        return self.read(row) if row else None

    async def page(
        self, *, status: UserStatus | None = None, role: Role | None = None, group: str | None = None,
        before: tuple[datetime, str] | None = None, limit: int,
    ) -> Sequence[User]:  # fmt: skip
        """Return people, newest first, older than `before` (creation and id)."""
        query = select(*_COLUMNS).order_by(users.c.created_at.desc(), users.c.id.desc()).limit(limit)
        if group is not None:
            query = query.where(users.c.id == user_groups.c.user_id)
            query = query.where(user_groups.c.group_digest == self._digester.digest("group", group))
        query = query.where(users.c.status == status.value) if status is not None else query
        query = query.where(users.c.role == role.value) if role is not None else query
        if before is not None:
            query = query.where(older_than(users.c.created_at, users.c.id, before))
        return [self.read(row) for row in await self._connection.execute(query)]

    async def find_by_phone(self, number: str) -> Sequence[User]:
        """Return the people whose number this is, as it is written in their profile; several may share one."""
        query = select(*_COLUMNS).where(users.c.phone_digest == self._digester.digest("phone", number)).limit(20)
        return [self.read(row) for row in await self._connection.execute(query)]

    async def lock(self, user_id: str) -> User | None:
        """Return a person and keep others from changing them until this transaction has ended."""
        if not is_key(user_id):
            return None
        query = select(*_COLUMNS).where(users.c.id == user_id).with_for_update(of=users)
        row = (await self._connection.execute(query)).first()
        return self.read(row) if row else None

    async def lock_owners(self) -> Sequence[str]:
        """Return the ids of the active owners and keep others from changing them until this transaction has ended."""
        query = select(users.c.id).where(users.c.role == Role.OWNER.value, users.c.status == UserStatus.ACTIVE.value)
        return list((await self._connection.execute(query.order_by(users.c.id).with_for_update())).scalars())

    async def list(self, *, after: str = "", limit: int = 100) -> Sequence[User]:
        """Return people in the order of their ids, starting behind `after`."""
        rows = await self._connection.execute(
            select(*_COLUMNS).where(users.c.id > after).order_by(users.c.id).limit(limit)
        )
        return [self.read(row) for row in rows]

    async def administrators(self, *, limit: int = 100) -> Sequence[User]:
        """Return the active people who run this provider and have a proved address, in the order of their ids."""
        query = select(*_COLUMNS).where(
            or_(users.c.role == Role.OWNER.value, users.c.role == Role.ADMINISTRATOR.value),
            users.c.status == UserStatus.ACTIVE.value,
            users.c.email_verified.is_(True),
        )
        rows = await self._connection.execute(query.order_by(users.c.id).limit(limit))
        return [self.read(row) for row in rows]

    async def due_for_deletion(self, now: datetime, *, limit: int) -> Sequence[User]:
        """Return people whose wish to be deleted has waited long enough."""
        query = select(*_COLUMNS).where(users.c.deletes_at <= now).order_by(users.c.deletes_at).limit(limit)
        return [self.read(row) for row in await self._connection.execute(query)]

    async def set_status(self, user_id: str, status: UserStatus, now: datetime) -> bool:
        """Enable or disable a person; False if there is none with this id."""
        done = await self._connection.execute(
            update(users).where(users.c.id == user_id).values(status=status, updated_at=now).returning(users.c.id)
        )
        return done.first() is not None

    async def delete(self, user_id: str) -> bool:
        """Remove a person and, by foreign keys, everything that hangs on them."""
        done = await self._connection.execute(delete(users).where(users.c.id == user_id).returning(users.c.id))
        return done.first() is not None

    def name_digest(self, name: str) -> bytes:
        """Return the keyed digest under which a name is counted and looked up."""
        return self._digester.digest("name", normalise_identifier(name))

    def _values(self, user: User) -> dict[str, Any]:
        profile: Json = {"email": user.email, "username": user.username, "claims": dict(user.claims)}
        email = self._digester.digest("name", normalise_email(user.email)) if user.email else None
        username = self._digester.digest("name", normalise_username(user.username)) if user.username else None
        number, external = user.claims.get("phone_number"), user.claims.get(EXTERNAL_ID)
        phone = self._digester.digest("phone", number) if isinstance(number, str) and number else None
        foreign = self._digester.digest("external", external) if isinstance(external, str) and external else None
        return {
            "id": user.id,
            "status": user.status.value,
            "role": user.role.value,
            "email_digest": email,
            "email_verified": user.email_verified,
            "username_digest": username,
            "phone_digest": phone,
            "external_digest": foreign,
            "sealed_profile": seal_json(self._sealer, profile, table="users", column="profile", row=user.id),
            "created_at": user.created_at,
            "updated_at": user.updated_at,
            "deletes_at": user.deletes_at,
        }

    def read(self, row: AnyRow) -> User:
        """Open a row of COLUMNS into a person."""
        sealed = open_json(self._sealer, row.sealed_profile, table="users", column="profile", row=row.user_id)
        profile = cast(dict[str, Any], sealed)
        return User(
            id=row.user_id,
            status=UserStatus(row.user_status),
            role=Role(row.user_role),
            email=profile["email"],
            email_verified=row.email_verified,
            username=profile["username"],
            claims=profile["claims"],
            created_at=row.user_created_at,
            updated_at=row.user_updated_at,
            deletes_at=row.deletes_at,
            email_verified_at=row.email_verified_at,
        )


_COLUMNS = (
    users.c.id.label("user_id"),
    users.c.status.label("user_status"),
    users.c.role.label("user_role"),
    users.c.email_verified,
    users.c.sealed_profile,
    users.c.created_at.label("user_created_at"),
    users.c.updated_at.label("user_updated_at"),
    users.c.deletes_at,
    users.c.email_verified_at,
)
USER_COLUMNS = _COLUMNS
_ADD = Prepared(insert(users).values({column.name: bindparam(column.name) for column in users.c}))
_JOIN = Prepared(insert(user_groups).values({column.name: bindparam(column.name) for column in user_groups.c}))
_BY_ID = Prepared(select(*_COLUMNS).where(users.c.id == bindparam("id")))
_BY_NAME = Prepared(
    select(*_COLUMNS).where(
        or_(users.c.email_digest == bindparam("digest"), users.c.username_digest == bindparam("digest"))
    )
)
