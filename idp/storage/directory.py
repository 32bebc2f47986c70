"""People and groups as a directory asks for them: counted, chosen by what has an index, a slice at a time.

Not here: what is sealed, which only whoever opens the rows can choose by → flows/admin/scim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Column, ColumnElement, ForeignKey, Select, String, Table, delete, func, or_, select

from idp.domain.secret import Digester
from idp.domain.user import User, UserStatus
from idp.storage.columns import is_key, metadata
from idp.storage.database import Transaction
from idp.storage.groups import Group, groups
from idp.storage.upsert import upsert
from idp.storage.users import USER_COLUMNS, UserStore, user_groups, users

#: The ids that a directory elsewhere knows groups by; those of people stand with the people.
group_external_ids = Table(
    "group_external_ids",
    metadata,
    Column("group_id", String(32), ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("external_id", String(255), nullable=False, index=True),
)
_GROUP_COLUMNS = (*groups.c, group_external_ids.c.external_id)


class Order(Enum):
    """What a list is sorted by, with an index."""

    ID = "id"
    CREATED = "created"
    NAME = "name"  # of groups only


class Moment(Enum):
    """How a time is compared."""

    AFTER = "gt"
    SINCE = "ge"
    BEFORE = "lt"
    UNTIL = "le"


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a list: `limit` rows behind the first `offset`, in this order; or behind the id `after`."""

    offset: int
    limit: int
    order: Order = Order.ID
    is_descending: bool = False
    after: str | None = None


@dataclass(frozen=True, slots=True)
class People:
    """Which people: all conditions that are given hold."""

    id: str | None = None
    name: str | None = None  # e-mail address or username, in any spelling
    external_id: str | None = None
    status: UserStatus | None = None
    changed: Sequence[tuple[Moment, datetime]] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """Which groups: all conditions that are given hold."""

    id: str | None = None
    names: Sequence[str] | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class KnownGroup:
    """A group, and what a directory elsewhere knows it by."""

    group: Group
    external_id: str | None


class Directory:
    """Lists of one transaction."""

    def __init__(self, connection: Transaction, people: UserStore, digester: Digester) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._people = people
        self._digester = digester

    async def count_people(self, wanted: People) -> int:
        """Return how many people there are."""
        return await self._count(self._chosen(select(func.count()).select_from(users), wanted))

    async def people(self, wanted: People, part: Slice) -> Sequence[User]:
        """Return people."""
        query = _sliced(self._chosen(select(*USER_COLUMNS), wanted), users, part)
        return [self._people.read(row) for row in await self._connection.execute(query)]

    async def count_groups(self, wanted: Groups) -> int:
        """Return how many groups there are."""
        return await self._count(_chosen_groups(select(func.count()).select_from(_known()), wanted))

    async def groups(self, wanted: Groups, part: Slice) -> Sequence[KnownGroup]:
        """Return groups."""
        query = _sliced(_chosen_groups(select(*_GROUP_COLUMNS).select_from(_known()), wanted), groups, part)
        return [
            KnownGroup(Group(row.id, row.name, row.description, row.created_at, row.updated_at), row.external_id)
            for row in await self._connection.execute(query)
        ]

    async def members(self, name: str, *, limit: int) -> Sequence[str]:
        """Return the ids of the people in a group, sorted."""
        digest = self._digester.digest("group", name)
        query = select(user_groups.c.user_id).where(user_groups.c.group_digest == digest)
        return (await self._connection.execute(query.order_by(user_groups.c.user_id).limit(limit))).scalars()

    async def set_external_id(self, group_id: str, external_id: str | None) -> None:
        """Store what a group is known by elsewhere; None takes it away."""
        if external_id is None:
            await self._connection.execute(delete(group_external_ids).where(group_external_ids.c.group_id == group_id))
            return
        row = upsert(self._connection, group_external_ids).values(group_id=group_id, external_id=external_id)
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=[group_external_ids.c.group_id], set_={"external_id": external_id})
        )

    async def _count(self, query: Select[Any]) -> int:
        found: int = (await self._connection.execute(query)).scalar_one()
        return found

    def _chosen(self, query: Select[Any], wanted: People) -> Select[Any]:
        if wanted.id is not None:
            query = query.where(users.c.id == (wanted.id if is_key(wanted.id) else ""))
        if wanted.name is not None:
            digest = self._people.name_digest(wanted.name)
            query = query.where(or_(users.c.email_digest == digest, users.c.username_digest == digest))
        if wanted.external_id is not None:
            query = query.where(users.c.external_digest == self._digester.digest("external", wanted.external_id))
        if wanted.status is not None:
            query = query.where(users.c.status == wanted.status.value)
        for how, moment in wanted.changed:
            query = query.where(_compared(users.c.updated_at, how, moment))
        if wanted.group is not None:
            query = query.where(users.c.id == user_groups.c.user_id)
            query = query.where(user_groups.c.group_digest == self._digester.digest("group", wanted.group))
        return query


def _known() -> Any:
    return groups.outerjoin(group_external_ids, group_external_ids.c.group_id == groups.c.id)


def _chosen_groups(query: Select[Any], wanted: Groups) -> Select[Any]:
    if wanted.id is not None:
        query = query.where(groups.c.id == (wanted.id if is_key(wanted.id) else ""))
    if wanted.names is not None:
        query = query.where(or_(groups.c.id == "", *(groups.c.name == name for name in wanted.names)))
    if wanted.external_id is not None:
        query = query.where(group_external_ids.c.external_id == wanted.external_id)
    return query


def _compared(column: Column[datetime], how: Moment, moment: datetime) -> ColumnElement[bool]:
    if how is Moment.AFTER:
        return column > moment
    if how is Moment.SINCE:
        return column >= moment
    return column < moment if how is Moment.BEFORE else column <= moment


def _sliced(query: Select[Any], table: Table, part: Slice) -> Select[Any]:
    columns = {
        Order.ID: [table.c.id], Order.CREATED: [table.c.created_at, table.c.id],
        Order.NAME: [table.c.get("name", table.c.id), table.c.id],
    }[part.order]  # fmt: skip
    ordered = [column.desc() for column in columns] if part.is_descending else columns
    query = query.where(table.c.id > part.after) if part.after is not None else query
    return query.order_by(*ordered).limit(part.limit).offset(part.offset)
