"""Sign-ups that wait for their address to be proved; nothing else of an account exists until then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Column, Index, LargeBinary, String, Table, select, update

from idp.domain.json import Json
from idp.domain.secret import Digest, Sealer
from idp.storage.columns import UtcTime, is_key, metadata, open_json, seal_json
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

signups = Table(
    "signups",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("browser_digest", LargeBinary(32), nullable=False),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("completed_at", UtcTime),
    Index("ix_signups_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class Signup:
    """Somebody who wants an account; `content` is what they typed, the password as its hash only."""

    id: str
    browser: Digest
    content: Mapping[str, Json]
    expires_at: datetime

    def text(self, member: str) -> str | None:
        """Return a member that is text."""
        value = self.content.get(member)
        return value if isinstance(value, str) else None


class SignupStore:
    """Sign-ups of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def put(self, signup: Signup, now: datetime) -> bool:
        """Store a sign-up; it replaces one that was begun in the same interaction, unless that one was finished."""
        sealed = seal_json(self._sealer, dict(signup.content), table="signups", column="content", row=signup.id)
        changed = {
            "browser_digest": signup.browser, "sealed_content": sealed, "created_at": now,
            "expires_at": signup.expires_at,
        }  # fmt: skip
        row = upsert(self._connection, signups).values(id=signup.id, **changed)
        stored = await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[signups.c.id], set_=changed, where=signups.c.completed_at.is_(None)
            ).returning(signups.c.id)
        )
        return stored.first() is not None

    async def find(self, signup_id: str, now: datetime) -> Signup | None:
        """Return a sign-up that can still be finished."""
        if not is_key(signup_id):
            return None
        query = select(signups).where(
            signups.c.id == signup_id, signups.c.completed_at.is_(None), signups.c.expires_at > now
        )
        row = (await self._connection.execute(query)).first()
        if row is None:
            return None
        sealed = open_json(self._sealer, row.sealed_content, table="signups", column="content", row=row.id)
        return Signup(row.id, Digest(row.browser_digest), cast(dict[str, Any], sealed), row.expires_at)

    async def complete(self, signup_id: str, now: datetime) -> bool:
        """Spend a sign-up; False if it was finished before or is too old."""
        done = await self._connection.execute(
            update(signups)
            .where(signups.c.id == signup_id, signups.c.completed_at.is_(None), signups.c.expires_at > now)
            .values(completed_at=now)
            .returning(signups.c.id)
        )
        return done.first() is not None
