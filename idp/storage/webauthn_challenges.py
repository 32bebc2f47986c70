"""Challenges of passkey ceremonies: bound to a sign-in or session and a purpose, spent by the first answer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, delete

from idp.storage.columns import UtcTime, metadata
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

webauthn_challenges = Table(
    "webauthn_challenges",
    metadata,
    Column("binding", String(32), primary_key=True),
    Column("purpose", String(32), primary_key=True),
    Column("challenge", LargeBinary(32), nullable=False),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE")),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_webauthn_challenges_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class StoredChallenge:
    """A challenge as it was given out; `user_id` if it was meant for one person only."""

    challenge: bytes
    user_id: str | None


class WebauthnChallengeStore:
    """Challenges of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def put(
        self, binding: str, purpose: str, challenge: bytes, *, user_id: str | None, expires_at: datetime
    ) -> None:
        """Store a challenge; it replaces the one before."""
        changed = {"challenge": challenge, "user_id": user_id, "expires_at": expires_at}
        row = upsert(self._connection, webauthn_challenges).values(binding=binding, purpose=purpose, **changed)
        await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[webauthn_challenges.c.binding, webauthn_challenges.c.purpose], set_=changed
            )
        )

    async def take(self, binding: str, purpose: str, now: datetime) -> StoredChallenge | None:
        """Spend the challenge, whatever the answer will be worth; None if there is none or it is too old."""
        done = await self._connection.execute(
            delete(webauthn_challenges)
            .where(webauthn_challenges.c.binding == binding, webauthn_challenges.c.purpose == purpose)
            .returning(*webauthn_challenges.c)
        )
        row = done.first()
        return StoredChallenge(row.challenge, row.user_id) if row and row.expires_at > now else None
