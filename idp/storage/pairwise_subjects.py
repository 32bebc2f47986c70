"""Which person a pairwise subject stands for: written when a client first hears it, so that it can be read back.

A subject is made from the sector and the person (openid/subject.py); nothing else here tells whom it is about.
"""

from sqlalchemy import Column, ForeignKey, String, Table, select

from idp.storage.columns import metadata
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

pairwise_subjects = Table(
    "pairwise_subjects",
    metadata,
    Column("subject", String(64), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
)
LONGEST = 64


class PairwiseSubjectStore:
    """Pairwise subjects of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def note(self, subject: str, user_id: str) -> None:
        """Remember whom a subject stands for; that never changes."""
        row = upsert(self._connection, pairwise_subjects).values(subject=subject, user_id=user_id)
        await self._connection.execute(row.on_conflict_do_nothing())

    async def person(self, subject: str) -> str | None:
        """Return the id of the person, None for a subject that no client was ever told."""
        if len(subject) > LONGEST or "\0" in subject:
            return None
        query = select(pairwise_subjects.c.user_id).where(pairwise_subjects.c.subject == subject)
        row = (await self._connection.execute(query)).first()
        return row.user_id if row else None
