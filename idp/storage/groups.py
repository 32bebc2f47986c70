"""Groups of people: their names. Who is in which stands with the people (users.py)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, String, Table, delete, or_, select, update

from idp.domain.secret import make_id
from idp.storage.columns import AnyRow, UtcTime, is_key, metadata
from idp.storage.database import DuplicateKey, Transaction
from idp.storage.upsert import upsert

groups = Table(
    "groups",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("description", String(500), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Group:
    """A group; its name is what the `groups` claim and policies call it."""

    id: str
    name: str
    description: str
    created_at: datetime
    updated_at: datetime


class GroupTaken(Exception):
    """Another group has this name."""


class GroupStore:
    """Groups of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def ensure(self, name: str, now: datetime, *, description: str = "") -> bool:
        """Store a group unless there is one of this name; False if there was."""
        row = upsert(self._connection, groups).values(
            id=make_id(), name=name[:100], description=description, created_at=now, updated_at=now
        )
        done = await self._connection.execute(
            row.on_conflict_do_nothing(index_elements=[groups.c.name]).returning(groups.c.id)
        )
        return done.first() is not None

    async def find(self, group_id: str) -> Group | None:
        """Return a group by its id."""
        if not is_key(group_id):
            return None
        row = (await self._connection.execute(select(groups).where(groups.c.id == group_id))).first()
        return _group(row) if row else None

    async def lock(self, group_id: str) -> Group | None:
        """Return a group and keep others from changing it until this transaction has ended."""
        if not is_key(group_id):
            return None
        query = select(groups).where(groups.c.id == group_id).with_for_update()
        row = (await self._connection.execute(query)).first()
        return _group(row) if row else None

    async def find_by_name(self, name: str) -> Group | None:
        """Return a group by its name."""
        row = (await self._connection.execute(select(groups).where(groups.c.name == name))).first()
        return _group(row) if row else None

    async def named(self, names: Sequence[str]) -> Sequence[Group]:
        """Return the groups of these names, in their order."""
        if not names:
            return []
        query = select(groups).where(or_(*(groups.c.name == name for name in names))).order_by(groups.c.name)
        return [_group(row) for row in await self._connection.execute(query)]

    async def page(self, *, text: str = "", after: str = "", limit: int) -> Sequence[Group]:
        """Return groups in the order of their names, starting behind `after`; `text` is how the name begins."""
        query = select(groups).where(groups.c.name > after).order_by(groups.c.name).limit(limit)
        query = query.where(groups.c.name.startswith(text, autoescape=True)) if text else query
        return [_group(row) for row in await self._connection.execute(query)]

    async def save(self, group: Group) -> None:
        """Store a changed group; raise GroupTaken if the name is another's."""
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(
                    update(groups)
                    .where(groups.c.id == group.id)
                    .values(name=group.name, description=group.description, updated_at=group.updated_at)
                )
        except DuplicateKey as error:
            raise GroupTaken from error

    async def delete(self, group_id: str) -> bool:
        """Remove a group; False if there is none."""
        done = await self._connection.execute(delete(groups).where(groups.c.id == group_id).returning(groups.c.id))
        return done.first() is not None


def _group(row: AnyRow) -> Group:
    return Group(row.id, row.name, row.description, row.created_at, row.updated_at)
