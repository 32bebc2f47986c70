"""The chain over the audit trail: a number and a hash for each event, given after the event was committed.

Writers of events take no part in it. Whoever links holds the lock on the one row that says where the chain ends.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    type_coerce,
    update,
)  # fmt: skip

from idp.domain.chain import GENESIS
from idp.domain.secret import Digester, SealBroken, Sealer, base64url, equal
from idp.storage.columns import AnyRow, JsonText, UtcTime, metadata, place
from idp.storage.database import Prepared, Transaction
from idp.storage.events import event_links, events
from idp.storage.upsert import upsert

event_chain = Table(
    "event_chain",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("passed", String(40), nullable=False),  # the newest event, by id, that was linked in its turn
    Column("checkpoint", BigInteger, nullable=False),  # the newest checkpoint's seq
    Column("checkpointed_at", UtcTime),
    Column("removed", BigInteger, nullable=False),  # the last seq whose event was given up
    Column("mark", LargeBinary(32), nullable=False),
)
NAME = "events"
ROWS = 50
BATCH = 200
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends."""

    seq: int = 0
    hash: bytes = GENESIS
    passed: str = ""
    checkpoint: int = 0
    checkpointed_at: datetime | None = None
    removed: int = 0


@dataclass(frozen=True, slots=True)
class ChainMembers:
    """An event as the chain hashes it."""

    id: str
    at: datetime
    members: Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Link:
    """A number in the chain; `members` is None when its event is gone."""

    seq: int
    event_id: str
    hash: bytes
    members: Mapping[str, str | int | None] | None
    address: str | None = None
    is_address_right: bool = True


class BadHead(Exception):
    """The row that says where the chain ends was removed or changed by somebody else."""


def _raw(column: Column[Any]) -> Any:
    """Return a column as the database keeps it, so that a change of any byte is seen."""
    if isinstance(column.type, JsonText):
        return type_coerce(column, Text).label(column.name)
    if isinstance(column.type, UtcTime):
        return type_coerce(column, BigInteger).label(column.name)
    return column


_RAW = [_raw(column) for column in events.c]
HASHED = tuple(column.name for column in events.c if column.name != "sealed_address")
_OF_EVENT = event_links.c.event_id == events.c.id
_HEAD = Prepared(select(event_chain).where(event_chain.c.name == NAME))
_LOCKED_HEAD = Prepared(select(event_chain).where(event_chain.c.name == NAME).with_for_update(skip_locked=True))
# How many rows are wanted at most stands in the statements, in a part of their own that is ordered by a key: where it
# is a parameter, or where statistics are old, PostgreSQL would read and join whole tables.
_SOME_EVENTS = (
    select(*_RAW)
    .where(events.c.id > bindparam("after"), events.c.id <= bindparam("until"))
    .order_by(events.c.id)
    .limit(literal_column(str(PAGE)))
    .subquery("some_events")
)
_NUMBER = select(event_links.c.seq).where(event_links.c.event_id == _SOME_EVENTS.c.id).scalar_subquery()
_UNLINKED = Prepared(select(_SOME_EVENTS).where(_NUMBER.is_(None)).order_by(_SOME_EVENTS.c.id))
_SOME_LINKS = (
    select(event_links)
    .where(event_links.c.seq > bindparam("after", type_=BigInteger))
    .where(event_links.c.seq <= bindparam("until", type_=BigInteger))
    .order_by(event_links.c.seq)
    .limit(literal_column(str(PAGE)))
    .subquery("some_links")
)
_LINKED = Prepared(
    select(_SOME_LINKS, *_RAW)
    .select_from(_SOME_LINKS.outerjoin(events, _SOME_LINKS.c.event_id == events.c.id))
    .order_by(_SOME_LINKS.c.seq)
)
_PAGE_ENDS = {
    size: Prepared(
        select(events.c.id)
        .where(events.c.id > bindparam("after"))
        .order_by(events.c.id)
        .offset(literal_column(str(size - 1)))
        .limit(literal_column("1"))
    )
    for size in (BATCH, PAGE)
}
_COLUMNS = tuple(column.name for column in event_links.c)
_APPEND = Prepared(insert(event_links).values({name: bindparam(name) for name in _COLUMNS}))
_APPEND_MANY = Prepared(  # compiled once; a list of its own for each call costs more than all else that linking does
    insert(event_links).values([{name: bindparam(f"{name}_{n}") for name in _COLUMNS} for n in range(ROWS)])
)


class EventLinkStore:
    """The chain, in one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer, digester: Digester) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer
        self._digester = digester

    async def head(self) -> Head | None:
        """Return where the chain ends, None if nothing was ever linked; raise BadHead if somebody changed that."""
        row = (await self._connection.execute(_HEAD)).first()
        if row is None and await self.newest() is not None:
            row = (await self._connection.execute(_HEAD)).first()  # another process may have begun just now
            if row is None:
                raise BadHead("the row that says where the chain ends is gone")
        return None if row is None else self._checked(row)

    async def lock(self) -> Head | None:
        """Return where the chain ends, for nobody else to go on from there before we commit; None if another does.

        Raises BadHead. The lock is that of a row: a process that dies lets go of it.
        """
        if await self.head() is None:
            first = upsert(self._connection, event_chain).values(self._values(Head()) | {"name": NAME})
            await self._connection.execute(first.on_conflict_do_nothing(index_elements=[event_chain.c.name]))
        row = (await self._connection.execute(_LOCKED_HEAD)).first()
        return None if row is None else self._checked(row)

    async def begin_anew(self, head: Head) -> None:
        """Store where the chain ends now, whatever stands there: somebody changed it."""
        row = upsert(self._connection, event_chain).values(self._values(head) | {"name": NAME})
        await self._connection.execute(
            row.on_conflict_do_update(index_elements=[event_chain.c.name], set_=self._values(head))
        )

    async def save(self, head: Head) -> None:
        """Store where the chain ends now; only whoever holds the lock may."""
        where = event_chain.c.name == NAME
        await self._connection.execute(update(event_chain).where(where).values(self._values(head)))

    def _values(self, head: Head) -> dict[str, Any]:
        return {
            "seq": head.seq, "hash": head.hash, "passed": head.passed, "checkpoint": head.checkpoint,
            "checkpointed_at": head.checkpointed_at, "removed": head.removed, "mark": self._mark(head),
        }  # fmt: skip

    def _mark(self, head: Head) -> bytes:
        return self._digester.digest(
            "audit-head", f"{head.seq}|{head.hash.hex()}|{head.checkpoint}|{head.removed}|{head.passed}"
        )

    def _checked(self, row: AnyRow) -> Head:
        head = Head(row.seq, row.hash, row.passed, row.checkpoint, row.checkpointed_at, row.removed)
        if not equal(row.mark, self._mark(head)):
            raise BadHead("the row that says where the chain ends was changed")
        return head

    async def unlinked(self, after: str, until: str) -> Sequence[ChainMembers]:
        """Return which of the first PAGE events up to and with `until` have no number, in the order of their ids."""
        rows = await self._connection.execute(_UNLINKED, {"after": after, "until": until})
        return [ChainMembers(row.id, UtcTime.read(row.at), self._members(row)) for row in rows]  # type: ignore[arg-type]

    async def page_end(self, after: str, size: int = PAGE) -> str | None:
        """Return the id of the last event of a page, of PAGE or BATCH events; None when fewer are left."""
        found = await self._connection.execute(_PAGE_ENDS[size], {"after": after})
        end: str | None = found.scalar()
        return end

    async def append(self, links: Sequence[tuple[int, ChainMembers, bytes]]) -> None:
        """Store numbers with their events and hashes."""
        rows = [(seq, event.id, hash_, event.members["address"]) for seq, event, hash_ in links]
        whole = len(rows) - len(rows) % ROWS
        for start in range(0, whole, ROWS):
            chunk = enumerate(rows[start : start + ROWS])
            values = {f"{name}_{n}": value for n, row in chunk for name, value in zip(_COLUMNS, row, strict=True)}
            await self._connection.execute(_APPEND_MANY, values)
        for row in rows[whole:]:
            await self._connection.execute(_APPEND, dict(zip(_COLUMNS, row, strict=True)))

    async def linked(self, after: int, until: int) -> Sequence[Link]:
        """Return the first PAGE numbered events in their order, up to and with `until`."""
        rows = await self._connection.execute(_LINKED, {"after": after, "until": until})
        return [self._link(row) for row in rows]

    def _link(self, row: AnyRow) -> Link:
        if row.id is None:
            return Link(row.seq, row.event_id, row.hash, None)
        address, mark = self._address(row)
        members = {name: getattr(row, name) for name in HASHED} | {"address": row.address_mark}
        return Link(row.seq, row.event_id, row.hash, members, address, mark == row.address_mark)

    async def find(self, seq: int) -> bytes | None:
        """Return the hash of a number."""
        found = await self._connection.execute(select(event_links.c.hash).where(event_links.c.seq == seq))
        hash_: bytes | None = found.scalar()
        return hash_

    async def newest(self) -> int | None:
        """Return the highest number."""
        found: int | None = (await self._connection.execute(select(func.max(event_links.c.seq)))).scalar()
        return found

    async def remove(self, until: int, *, limit: int) -> int:
        """Remove the oldest numbers up to and with `until`, and their events; return how many numbers went."""
        oldest = (await self._connection.execute(select(func.min(event_links.c.seq)))).scalar()
        if oldest is None or oldest > until:
            return 0
        chosen = event_links.c.seq < min(oldest + limit, until + 1)
        ids = select(event_links.c.event_id).where(chosen)
        await self._connection.execute(delete(events).where(events.c.id.in_(ids)))
        gone = await self._connection.execute(delete(event_links).where(chosen).returning(event_links.c.seq))
        return len(gone.all())

    def _members(self, row: AnyRow) -> dict[str, str | int | None]:
        return {name: getattr(row, name) for name in HASHED} | {"address": self._address(row)[1]}

    def _address(self, row: AnyRow) -> tuple[str | None, str | None]:
        """Return an address and its mark: keyed, so that it says nothing, and the same whatever key seals it."""
        if row.sealed_address is None:
            return None, None
        try:
            address = self._sealer.open(row.sealed_address, place=place("events", "address", row.id)).decode()
        except SealBroken:
            return None, f"sealed:{base64url(hashlib.sha256(row.sealed_address).digest())}"
        return address, f"keyed:{self._digester.tag('audit-address', f'{row.id}|{address}')}"
