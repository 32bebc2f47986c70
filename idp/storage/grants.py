"""Grants, which are also families of refresh tokens, and the live facts that every token check needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Update,
    and_,
    bindparam,
    exists,
    insert,
    literal,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from idp.domain.secret import Digest
from idp.domain.tokens import Grant, RefreshState
from idp.domain.user import User, UserStatus
from idp.storage.clients import clients
from idp.storage.columns import AnyRow, JsonText, UtcTime, Words, metadata
from idp.storage.database import Prepared, Transaction
from idp.storage.grant_rows import grant_values, read_grant
from idp.storage.revoked_tokens import revoked_tokens
from idp.storage.sessions import sessions
from idp.storage.users import USER_COLUMNS, UserStore, users

grants = Table(
    "grants",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE")),
    Column("session_id", String(32), index=True),
    Column("scopes", Words, nullable=False),
    Column("audience", Words, nullable=False),
    Column("auth_time", UtcTime),
    Column("acr", String(64)),
    Column("amr", Words, nullable=False),
    Column("claims", JsonText),
    Column("is_offline", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("refresh_digest", LargeBinary(32)),
    Column("refresh_expires_at", UtcTime),
    Column("predecessor_digest", LargeBinary(32)),
    Column("rotated_at", UtcTime),
    Column("sealed_successor", LargeBinary),
    Column("terms", JsonText),  # what few grants have: a key, authorization details, an actor
    Column("parent_id", String(32), index=True),
    Column("networks", JsonText),  # digests of the autonomous systems that used the family
    Index("ix_grants_expires_at", "expires_at"),
    Index("ix_grants_user_id_client_id", "user_id", "client_id"),
    Index("ix_grants_client_id", "client_id"),
)


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A grant whose person, session and self are alive now, and the end of its refresh family if it has one."""

    grant: Grant
    user: User | None
    refresh: RefreshState | None
    networks: tuple[str, ...] = ()  # digests of the autonomous systems that used the family, oldest first


class GrantStore:
    """Grants of one transaction."""

    def __init__(self, connection: Transaction, users_: UserStore) -> None:
        """Work inside the connection's transaction; `users_` opens the joined person."""
        self._connection = connection
        self._users = users_

    async def add(self, grant: Grant, refresh: RefreshState | None = None) -> None:
        """Store a new grant with its first refresh token, if it has one."""
        await self._connection.execute(_ADD, _new_row(grant, refresh))

    async def redeem(self, grant: Grant, refresh: RefreshState | None = None) -> bool:
        """Store what a code stands for; False if its grant began at /authorize and has ended since (OIDC Core §3.3).

        What began there keeps its tokens, and gets the refresh token, the end and the terms of the redeemed code.
        """
        statement = _REDEEM[self._connection.dialect_name]
        return (await self._connection.execute(statement, _new_row(grant, refresh))).first() is not None

    async def find_live(self, grant_id: str, now: datetime, *, jti: str = "") -> LiveGrant | None:
        """Return the grant unless it, its person or (unless offline) its session has ended.

        With `jti`, None too if that one access token was revoked by itself.
        """
        row = (await self._connection.execute(_LIVE, {"id": grant_id, "now": now, "jti": jti})).first()
        if row is None or (row.parent_id is not None and not await self._lives_above(row.parent_id, now)):
            return None
        user = self._users.read(row) if row.user_id is not None else None
        return LiveGrant(read_grant(row), user, _refresh(row), tuple(row.networks or ()))

    async def _lives_above(self, grant_id: str, now: datetime) -> bool:
        """Say whether a grant and all that it came from by token exchange are alive, and their clients enabled."""
        chain = (await self._connection.execute(_ABOVE, {"id": grant_id})).all()
        return (
            bool(chain)
            and chain[-1].parent_id is None
            and all(each.revoked_at is None and each.expires_at > now and each.is_active for each in chain)
        )

    async def rotate(
        self, grant_id: str, *, old: Digest, new: Digest, sealed_new: bytes, now: datetime, expires_at: datetime
    ) -> bool:
        """Spend the current refresh token and put its successor in place; False if another was faster, or it expired.

        One UPDATE decides the race (RFC 9700 §4.14.2).
        """
        done = await self._connection.execute(
            _ROTATE,
            {"of": grant_id, "old": old, "new": new, "sealed": sealed_new, "now": now, "until": expires_at},
        )
        return done.first() is not None

    async def keep(self, grant_id: str, current: Digest, *, now: datetime, expires_at: datetime) -> bool:
        """Move the idle limit of a refresh token that stays the same; False if it is not the current one any more."""
        values = {"of": grant_id, "old": current, "now": now, "until": expires_at}
        return (await self._connection.execute(_KEEP, values)).first() is not None

    async def note_networks(self, grant_id: str, networks: tuple[str, ...]) -> None:
        """Remember from which networks a family was used."""
        await self._connection.execute(update(grants).where(grants.c.id == grant_id).values(networks=list(networks)))

    async def revoke(self, grant_id: str, now: datetime) -> bool:
        """End a grant with every token it gave, and what came of it by token exchange; False if it had ended before."""
        ended = await self._connection.execute(_end_families(now, grants.c.id == grant_id).returning(grants.c.id))
        return any(row.id == grant_id for row in ended)

    async def revoke_of_user(self, user_id: str, now: datetime, *, client_id: str | None = None) -> None:
        """End all grants of a person, or those for one client."""
        mine = [grants.c.user_id == user_id, grants.c.revoked_at.is_(None)]
        if client_id is not None:
            mine.append(grants.c.client_id == client_id)
        await self._connection.execute(_end_families(now, *mine))

    async def of_user(self, user_id: str, now: datetime) -> Sequence[Grant]:
        """Return a person's live grants, newest first."""
        query = (
            select(*grants.c)
            .where(grants.c.user_id == user_id, grants.c.revoked_at.is_(None), grants.c.expires_at > now)
            .order_by(grants.c.created_at.desc())
        )
        return [read_grant(row) for row in await self._connection.execute(query)]

    async def forget_successor(self, grant_id: str, predecessor: Digest) -> None:
        """Drop the sealed successor once its grace has ended."""
        await self._connection.execute(
            update(grants)
            .where(grants.c.id == grant_id, grants.c.predecessor_digest == predecessor)
            .values(sealed_successor=None)
        )


def _new_row(grant: Grant, refresh: RefreshState | None) -> dict[str, Any]:
    return {
        **grant_values(grant),
        "parent_id": grant.parent_id,
        "refresh_digest": refresh.current if refresh else None,
        "refresh_expires_at": refresh.expires_at if refresh else None,
    }


def _end_families(now: datetime, *roots: ColumnElement[bool]) -> Update:
    """Return the statement that ends grants and everything that came of them by token exchange (RFC 8693)."""
    family = select(grants.c.id).where(*roots).cte("family", recursive=True)
    family = family.union(select(grants.c.id).where(grants.c.parent_id == family.c.id))
    alive = (grants.c.id.in_(select(family.c.id)), grants.c.revoked_at.is_(None))
    return update(grants).where(*alive).values(revoked_at=now, sealed_successor=None)


def _above() -> Prepared:
    """Return the query for a grant and those above it, upwards, each with whether its client is enabled."""
    columns = (grants.c.id, grants.c.parent_id, grants.c.client_id, grants.c.revoked_at, grants.c.expires_at)
    chain = select(*columns, literal(0).label("steps")).where(grants.c.id == bindparam("id")).cte(recursive=True)
    chain = chain.union_all(select(*columns, chain.c.steps + 1).where(grants.c.id == chain.c.parent_id))
    query = select(chain, clients.c.is_active).join(clients, clients.c.id == chain.c.client_id)
    return Prepared(query.order_by(chain.c.steps))


def _refresh(row: AnyRow) -> RefreshState | None:
    if row.refresh_digest is None:
        return None
    return RefreshState(
        current=Digest(row.refresh_digest),
        expires_at=row.refresh_expires_at,
        predecessor=Digest(row.predecessor_digest) if row.predecessor_digest else None,
        rotated_at=row.rotated_at,
        sealed_successor=row.sealed_successor,
    )


_NOW = bindparam("now", type_=UtcTime)
_ABOVE = _above()
_NEW: dict[str, Any] = {
    name: bindparam(name)
    for name in (
        "id", "client_id", "user_id", "session_id", "scopes", "audience", "auth_time", "acr", "amr", "claims",
        "is_offline", "terms", "parent_id", "created_at", "expires_at", "refresh_digest", "refresh_expires_at",
    )
}  # fmt: skip
_ADD = Prepared(insert(grants).values(_NEW))


def _redeeming(new: postgresql.Insert | sqlite.Insert) -> Prepared:
    """Return the statement that stores what a code stands for, on the dialect of the INSERT."""
    changed = ("audience", "is_offline", "terms", "expires_at", "refresh_digest", "refresh_expires_at")
    statement = new.on_conflict_do_update(
        index_elements=[grants.c.id], set_={name: new.excluded[name] for name in changed},
        where=grants.c.revoked_at.is_(None),
    )  # fmt: skip
    return Prepared(statement.returning(grants.c.id))


_REDEEM = {
    "sqlite": _redeeming(sqlite.insert(grants).values(_NEW)),
    "postgresql": _redeeming(postgresql.insert(grants).values(_NEW)),
}
_LIVE = Prepared(
    select(
        *(column for column in grants.c if column.name != "user_id"),
        *(column for column in USER_COLUMNS if column.name != "user_id"),
        grants.c.user_id,
    )
    .select_from(
        grants.outerjoin(users, users.c.id == grants.c.user_id).outerjoin(
            sessions, and_(sessions.c.id == grants.c.session_id, grants.c.is_offline.is_(False))
        )
    )
    .where(
        grants.c.id == bindparam("id"),
        grants.c.revoked_at.is_(None),
        grants.c.expires_at > _NOW,
        not_(exists().where(revoked_tokens.c.jti == bindparam("jti"))),
        or_(grants.c.user_id.is_(None), users.c.status == UserStatus.ACTIVE.value),
        or_(
            grants.c.session_id.is_(None),
            grants.c.is_offline.is_(True),
            and_(sessions.c.ended_at.is_(None), sessions.c.expires_at > _NOW),
        ),
    )
)
_CURRENT = (
    grants.c.id == bindparam("of"),
    grants.c.refresh_digest == bindparam("old"),
    grants.c.revoked_at.is_(None),
    grants.c.refresh_expires_at > _NOW,
    grants.c.expires_at > _NOW,
)
_KEEP = Prepared(
    update(grants).where(*_CURRENT).values(refresh_expires_at=bindparam("until", type_=UtcTime)).returning(grants.c.id)
)
_ROTATE = Prepared(
    update(grants)
    .where(*_CURRENT)
    .values(
        refresh_digest=bindparam("new"),
        refresh_expires_at=bindparam("until", type_=UtcTime),
        predecessor_digest=bindparam("old"),
        rotated_at=_NOW,
        sealed_successor=bindparam("sealed"),
    )
    .returning(grants.c.id)
)
