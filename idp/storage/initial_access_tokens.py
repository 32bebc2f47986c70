"""Initial access tokens: what an operator allows whoever registers clients by one, spent by single statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Index, Integer, LargeBinary, String, Table, delete, insert, select, update

from idp.domain.client import Profile
from idp.domain.secret import Digest
from idp.storage.columns import AnyRow, UtcTime, Words, metadata
from idp.storage.database import Transaction

initial_access_tokens = Table(
    "initial_access_tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("profile", String(16), nullable=False),
    Column("scopes", Words, nullable=False),
    Column("grant_types", Words, nullable=False),
    Column("remaining", Integer, nullable=False),
    Column("made_by", String(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_initial_access_tokens_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class InitialAccessToken:
    """What one token allows: clients of this profile, with at most these scopes and grant types, so many more."""

    id: str
    profile: Profile
    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    remaining: int
    made_by: str
    created_at: datetime
    expires_at: datetime


class InitialAccessTokenStore:
    """Initial access tokens of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def add(self, token: InitialAccessToken, digest: Digest) -> None:
        """Store a new token."""
        await self._connection.execute(
            insert(initial_access_tokens).values(
                id=token.id, digest=digest, profile=token.profile.value, scopes=token.scopes,
                grant_types=token.grant_types, remaining=token.remaining, made_by=token.made_by[:80],
                created_at=token.created_at, expires_at=token.expires_at,
            )
        )  # fmt: skip

    async def find(self, digest: Digest, now: datetime) -> InitialAccessToken | None:
        """Return a token that can still be used."""
        query = select(initial_access_tokens).where(initial_access_tokens.c.digest == digest, *_is_usable(now))
        row = (await self._connection.execute(query)).first()
        return _read(row) if row else None

    async def has_any_of(self, profile: Profile, now: datetime) -> bool:
        """Say whether a token for clients of a profile can still be used."""
        of_profile = initial_access_tokens.c.profile == profile.value
        query = select(initial_access_tokens.c.id).where(of_profile, *_is_usable(now)).limit(1)
        return (await self._connection.execute(query)).first() is not None

    async def spend(self, token_id: str, now: datetime) -> bool:
        """Take one registration off a token; False if none was left. One UPDATE decides between two at once."""
        done = await self._connection.execute(
            update(initial_access_tokens)
            .where(initial_access_tokens.c.id == token_id, *_is_usable(now))
            .values(remaining=initial_access_tokens.c.remaining - 1)
            .returning(initial_access_tokens.c.id)
        )
        return done.first() is not None

    async def list(self) -> Sequence[InitialAccessToken]:
        """Return all tokens, usable or not, the newest first."""
        query = select(initial_access_tokens).order_by(
            initial_access_tokens.c.created_at.desc(), initial_access_tokens.c.id
        )
        return [_read(row) for row in await self._connection.execute(query)]

    async def remove(self, token_id: str) -> bool:
        """Remove a token; the clients that it registered stay. False if there is none."""
        done = await self._connection.execute(
            delete(initial_access_tokens)
            .where(initial_access_tokens.c.id == token_id)
            .returning(initial_access_tokens.c.id)
        )
        return done.first() is not None


def _is_usable(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return initial_access_tokens.c.remaining > 0, initial_access_tokens.c.expires_at > now


def _read(row: AnyRow) -> InitialAccessToken:
    return InitialAccessToken(
        row.id, Profile(row.profile), row.scopes, row.grant_types, row.remaining, row.made_by, row.created_at,
        row.expires_at,
    )  # fmt: skip
