"""Opaque access tokens as digests, and the ids of single JWTs that were revoked before their time."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, bindparam, insert, select, update

from idp.domain.secret import Digest
from idp.domain.tokens import AccessToken, read_confirmation
from idp.storage.columns import AnyRow, JsonText, UtcTime, Words, metadata
from idp.storage.database import Prepared, Transaction
from idp.storage.revoked_tokens import revoked_tokens
from idp.storage.upsert import upsert

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("jti", String(64), nullable=False),
    Column("grant_id", String(32), ForeignKey("grants.id", ondelete="CASCADE"), nullable=False),
    Column("client_id", String(128), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("scopes", Words, nullable=False),
    Column("audience", Words, nullable=False),
    Column("cnf", JsonText),
    Column("details", JsonText),
    Column("issued_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Index("ix_access_tokens_expires_at", "expires_at"),
    Index("ix_access_tokens_grant_id", "grant_id"),
)


class AccessTokenStore:
    """Access tokens of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def add(self, token: AccessToken, digest: Digest) -> None:
        """Store an opaque token."""
        await self._connection.execute(
            insert(access_tokens).values(
                digest=digest,
                jti=token.jti,
                grant_id=token.grant_id,
                client_id=token.client_id,
                subject=token.subject,
                scopes=token.scopes,
                audience=token.audience,
                cnf=token.confirmation.as_claim() if token.confirmation else None,
                details=[dict(each) for each in token.details] or None,
                issued_at=token.issued_at,
                expires_at=token.expires_at,
            )
        )

    async def find(self, digest: Digest, now: datetime) -> AccessToken | None:
        """Return an opaque token that has neither expired nor been revoked."""
        row = (await self._connection.execute(_FIND, {"digest": digest, "now": now})).first()
        return _token(row) if row else None

    async def is_revoked(self, jti: str) -> bool:
        """Say whether a single JWT was revoked."""
        return (await self._connection.execute(_REVOKED, {"jti": jti})).first() is not None

    async def revoke(self, token: AccessToken, now: datetime) -> None:
        """Revoke one access token, whatever its format (RFC 7009 §2)."""
        await self._connection.execute(
            update(access_tokens)
            .where(access_tokens.c.jti == token.jti, access_tokens.c.grant_id == token.grant_id)
            .values(revoked_at=now)
        )
        row = upsert(self._connection, revoked_tokens).values(jti=token.jti, expires_at=token.expires_at)
        await self._connection.execute(row.on_conflict_do_nothing(index_elements=[revoked_tokens.c.jti]))


def _token(row: AnyRow) -> AccessToken:
    return AccessToken(
        jti=row.jti,
        grant_id=row.grant_id,
        client_id=row.client_id,
        subject=row.subject,
        scopes=row.scopes,
        audience=row.audience,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        confirmation=read_confirmation(row.cnf),
        details=tuple(row.details or ()),
    )


_FIND = Prepared(
    select(access_tokens).where(
        access_tokens.c.digest == bindparam("digest"),
        access_tokens.c.revoked_at.is_(None),
        access_tokens.c.expires_at > bindparam("now", type_=UtcTime),
    )
)
_REVOKED = Prepared(select(revoked_tokens.c.jti).where(revoked_tokens.c.jti == bindparam("jti")))
