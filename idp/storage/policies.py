"""Versions of the step-up policy, and who moved each from one state to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Index, Integer, String, Table, Text, func, insert, or_, select, update

from idp.domain.secret import make_id
from idp.storage.columns import AnyRow, UtcTime, metadata
from idp.storage.database import DuplicateKey, Transaction
from idp.storage.epochs import EpochStore

EPOCH_NAME = "policy"
policies = Table(
    "policies",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("state", String(16), nullable=False),
    Column("share", Integer, nullable=False),  # per cent of users, while the state is canary
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)
policy_changes = Table(
    "policy_changes",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("by", String(80), nullable=False),
    Column("why", String(200), nullable=False),
    Index("ix_policy_changes_at", "at"),
)


class VersionRaced(Exception):
    """Somebody else stored a version at the same moment."""


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """One version of the policy."""

    version: int
    text: str
    digest: str
    state: str
    share: int  # per cent of users while the state is canary
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """Who moved a version to a state, and why."""

    version: int
    state: str
    at: datetime
    by: str
    why: str


class PolicyStore:
    """Versions of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def add(self, text: str, digest: str, state: str, *, by: str, now: datetime) -> StoredPolicy:
        """Store a new version; raise VersionRaced if its number was taken meanwhile."""
        newest = (await self._connection.execute(select(func.max(policies.c.version)))).scalar_one_or_none()
        stored = StoredPolicy((newest or 0) + 1, text, digest, state, 0, now, now)
        values = {name: getattr(stored, name) for name in stored.__slots__}
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(insert(policies).values(**values))
        except DuplicateKey as error:
            raise VersionRaced from error
        await self._note(stored.version, state, by=by, why="", now=now)
        return stored

    async def find(self, version: int) -> StoredPolicy | None:
        """Return a version."""
        query = select(policies).where(policies.c.version == version)
        row = (await self._connection.execute(query)).first()
        return None if row is None else _policy(row)

    async def in_states(self, *states: str) -> Sequence[StoredPolicy]:
        """Return the versions in one of these states, newest first."""
        query = (
            select(policies)
            .where(or_(*(policies.c.state == state for state in states)))
            .order_by(policies.c.version.desc())
        )
        return [_policy(row) for row in await self._connection.execute(query)]

    async def all(self, *, limit: int = 100) -> Sequence[StoredPolicy]:
        """Return the versions, newest first."""
        query = select(policies).order_by(policies.c.version.desc()).limit(limit)
        return [_policy(row) for row in await self._connection.execute(query)]

    async def move(
        self, version: int, state: str, *, was: str, by: str, now: datetime, share: int = 0, why: str = ""
    ) -> bool:
        """Move a version from one state to another; False if it was moved meanwhile."""
        done = await self._connection.execute(
            update(policies)
            .where(policies.c.version == version, policies.c.state == was)
            .values(state=state, share=share, changed_at=now)
            .returning(policies.c.version)
        )
        if done.first() is None:
            return False
        await self._note(version, state, by=by, why=why, now=now)
        return True

    async def changes(self, *, limit: int = 100) -> Sequence[PolicyChange]:
        """Return who moved which version when, newest first."""
        query = select(policy_changes).order_by(policy_changes.c.at.desc(), policy_changes.c.id.desc()).limit(limit)
        return [
            PolicyChange(row.version, row.state, row.at, row.by, row.why)
            for row in await self._connection.execute(query)
        ]

    async def _note(self, version: int, state: str, *, by: str, why: str, now: datetime) -> None:
        values = {"id": make_id(), "version": version, "state": state, "at": now, "by": by[:80], "why": why[:200]}
        await self._connection.execute(insert(policy_changes).values(**values))
        await EpochStore(self._connection).bump(EPOCH_NAME)


def _policy(row: AnyRow) -> StoredPolicy:
    return StoredPolicy(row.version, row.text, row.digest, row.state, row.share, row.created_at, row.changed_at)
