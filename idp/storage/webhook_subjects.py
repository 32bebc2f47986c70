"""Whom a stream of security events is about: people who signed in to its client, but for those it wants no word of.

An account may be gone when its last event is delivered, so that no row here depends on one in `users`.
"""

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, String, Table, delete, insert, literal, select, union, update

from idp.storage.columns import is_key, metadata
from idp.storage.consents import consents
from idp.storage.database import Transaction
from idp.storage.grants import grants
from idp.storage.upsert import upsert

webhook_subjects = Table(
    "webhook_subjects",
    metadata,
    Column("webhook_id", String(32), ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", String(32), primary_key=True),
    Column("is_wanted", Boolean, nullable=False),
)


class WebhookSubjectStore:
    """Subjects of streams, in one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def begin(self, webhook_id: str, client_id: str) -> None:
        """Begin a stream with everybody whom its client knows by now."""
        known = union(
            select(grants.c.user_id).where(grants.c.client_id == client_id, grants.c.user_id.is_not(None)),
            select(consents.c.user_id).where(consents.c.client_id == client_id),
        ).subquery("known")
        rows = select(literal(webhook_id), known.c.user_id, literal(True))
        columns = ["webhook_id", "user_id", "is_wanted"]
        await self._connection.execute(insert(webhook_subjects).from_select(columns, rows))

    async def note(self, webhook_id: str, user_id: str) -> None:
        """Note that the client has met somebody; who is not wanted stays so."""
        row = upsert(self._connection, webhook_subjects).values(webhook_id=webhook_id, user_id=user_id, is_wanted=True)
        await self._connection.execute(row.on_conflict_do_nothing(index_elements=["webhook_id", "user_id"]))

    async def is_wanted(self, webhook_id: str, user_id: str) -> bool:
        """Say whether a stream tells of somebody."""
        query = select(webhook_subjects.c.is_wanted).where(*_is(webhook_id, user_id))
        return bool((await self._connection.execute(query)).scalar_one_or_none())

    async def want(self, webhook_id: str, user_id: str, *, is_wanted: bool) -> bool:
        """Let a stream tell of somebody or not; False if its client does not know them."""
        if not is_key(user_id):
            return False
        done = await self._connection.execute(
            update(webhook_subjects)
            .where(*_is(webhook_id, user_id))
            .values(is_wanted=is_wanted)
            .returning(webhook_subjects.c.user_id)
        )
        return done.first() is not None

    async def knows(self, client_id: str, user_id: str, scope: str) -> bool:
        """Say whether a person's client may know what a scope tells: by a grant or a consent that stands."""
        granted = select(grants.c.scopes).where(grants.c.client_id == client_id, grants.c.user_id == user_id)
        allowed = select(consents.c.scopes).where(consents.c.client_id == client_id, consents.c.user_id == user_id)
        found = [*await self._connection.execute(granted.limit(100)), *await self._connection.execute(allowed)]
        return any(scope in row.scopes for row in found)

    async def forget(self, webhook_id: str, user_id: str) -> None:
        """Forget somebody whose account is gone."""
        await self._connection.execute(delete(webhook_subjects).where(*_is(webhook_id, user_id)))


def _is(webhook_id: str, user_id: str) -> tuple[Any, ...]:
    return webhook_subjects.c.webhook_id == webhook_id, webhook_subjects.c.user_id == user_id
