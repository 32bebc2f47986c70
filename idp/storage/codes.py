"""Authorization codes: stored as digests, spent by one statement, kept until they expire."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from idp.domain.secret import Digest
from idp.domain.tokens import AuthorizationCode
from idp.domain.user import User, UserStatus
from idp.storage.columns import AnyRow, JsonText, UtcTime, Words, metadata
from idp.storage.database import Prepared, Transaction
from idp.storage.grant_rows import grant_values, read_grant
from idp.storage.sessions import sessions
from idp.storage.users import USER_COLUMNS, UserStore, users

codes = Table(
    "codes",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("id", String(32), nullable=False),
    Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("session_id", String(32)),
    Column("scopes", Words, nullable=False),
    Column("audience", Words, nullable=False),
    Column("auth_time", UtcTime),
    Column("acr", String(64)),
    Column("amr", Words, nullable=False),
    Column("claims", JsonText),
    Column("terms", JsonText),
    Column("is_offline", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("redirect_uri", String(2048), nullable=False),
    Column("nonce", String(1024)),
    Column("code_challenge", String(128)),
    Column("code_expires_at", UtcTime, nullable=False),
    Column("spent_at", UtcTime),
    Column("failures", Integer, nullable=False),
    Index("ix_codes_code_expires_at", "code_expires_at"),
    Index("ix_codes_user_id", "user_id"),
)
MAX_FAILURES = 5


class CodeStore:
    """Codes of one transaction."""

    def __init__(self, connection: Transaction, users_: UserStore) -> None:
        """Work inside the connection's transaction; `users_` opens the joined person."""
        self._connection = connection
        self._users = users_

    async def add(self, code: AuthorizationCode) -> None:
        """Store a new code; `digest` is what we keep of it."""
        await self._connection.execute(
            _ADD,
            {
                **grant_values(code.grant),
                "digest": code.digest,
                "redirect_uri": code.redirect_uri,
                "nonce": code.nonce,
                "code_challenge": code.code_challenge,
                "code_expires_at": code.expires_at,
                "failures": 0,
            },
        )

    async def find(self, digest: Digest, now: datetime) -> tuple[AuthorizationCode, User | None] | None:
        """Return an unexpired code, spent or not, and its person while they and their session are alive."""
        row = (await self._connection.execute(_FIND, {"digest": digest, "now": now})).first()
        if row is None:
            return None
        return _code(row), self._users.read(row) if row.is_alive else None

    async def spend(self, digest: Digest, now: datetime) -> bool:
        """Spend the code; False if it was spent, burnt or is too old. Of two requests one wins (RFC 6749 §4.1.2)."""
        return (await self._connection.execute(_SPEND, {"of": digest, "now": now})).first() is not None

    async def count_failure(self, digest: Digest) -> None:
        """Count a failed redemption; the fifth burns the code."""
        await self._connection.execute(_FAIL, {"of": digest})

    async def burn_of_session(self, session_id: str, now: datetime) -> None:
        """Make the pending codes of a session worthless."""
        await self._burn(now, codes.c.session_id == session_id)

    async def burn_of_user(self, user_id: str, now: datetime, *, client_id: str | None = None) -> None:
        """Make the pending codes of a person worthless, or those for one client."""
        mine = codes.c.user_id == user_id
        await self._burn(now, mine if client_id is None else and_(mine, codes.c.client_id == client_id))

    async def _burn(self, now: datetime, which: Any) -> None:
        pending = (which, codes.c.spent_at.is_(None), codes.c.code_expires_at > now)
        await self._connection.execute(update(codes).where(*pending).values(failures=MAX_FAILURES))


def _code(row: AnyRow) -> AuthorizationCode:
    return AuthorizationCode(
        digest=Digest(row.digest),
        grant=read_grant(row),
        redirect_uri=row.redirect_uri,
        nonce=row.nonce,
        code_challenge=row.code_challenge,
        expires_at=row.code_expires_at,
        is_spent=row.spent_at is not None,
        failures=row.failures,
    )


_NOW = bindparam("now", type_=UtcTime)
_ADD = Prepared(
    insert(codes).values({column.name: bindparam(column.name) for column in codes.c if column.name != "spent_at"})
)
_FIND = Prepared(
    select(
        *(column for column in codes.c if column.name != "user_id"),
        *(column for column in USER_COLUMNS if column.name != "user_id"),
        codes.c.user_id,
        and_(
            users.c.status == UserStatus.ACTIVE.value,
            or_(codes.c.session_id.is_(None), and_(sessions.c.ended_at.is_(None), sessions.c.expires_at > _NOW)),
        ).label("is_alive"),
    )
    .select_from(
        codes.join(users, users.c.id == codes.c.user_id).outerjoin(sessions, sessions.c.id == codes.c.session_id)
    )
    .where(codes.c.digest == bindparam("digest"), codes.c.code_expires_at > _NOW)
)
_SPEND = Prepared(
    update(codes)
    .where(
        codes.c.digest == bindparam("of"),
        codes.c.spent_at.is_(None),
        codes.c.failures < MAX_FAILURES,
        codes.c.code_expires_at > _NOW,
    )
    .values(spent_at=_NOW)
    .returning(codes.c.digest)
)
_FAIL = Prepared(update(codes).where(codes.c.digest == bindparam("of")).values(failures=codes.c.failures + 1))
