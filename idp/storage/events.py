"""The audit trail: append-only, written in the transaction of the effect, so no effect goes without its row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    String,
    Table,
    bindparam,
    insert,
    literal_column,
    or_,
    select,
    text,
)

from idp.domain.event import Actor, Event, actor_of, result_of
from idp.domain.json import Json, JsonObject
from idp.domain.secret import Sealer, make_id
from idp.storage.columns import AnyRow, JsonText, UtcTime, metadata, place, to_micros
from idp.storage.database import Prepared, Transaction

REFUSED = text("result = 'refused'")
events = Table(
    "events",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("user_id", String(32)),
    Column("client_id", String(128)),
    Column("session_id", String(32)),
    Column("sealed_address", LargeBinary),
    Column("request_id", String(32)),
    Column("detail", JsonText),
    Column("actor_kind", String(16)),
    Column("actor_id", String(128)),
    Column("actor_role", String(16)),
    Column("target_kind", String(32)),
    Column("target_id", String(128)),
    Column("result", String(16)),
    Column("before", JsonText),
    Column("after", JsonText),
    Index("ix_events_at", "at"),
    Index("ix_events_user_id_at", "user_id", "at"),
    Index("ix_events_kind_id", "kind", "id"),
    Index("ix_events_client_id_id", "client_id", "id"),
    # Refusals only: what goes well, which is nearly everything, costs nothing more to write.
    Index("ix_events_refused", "client_id", "id", sqlite_where=REFUSED, postgresql_where=REFUSED),
)

event_links = Table(
    "event_links",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", String(40), nullable=False, unique=True),
    Column("hash", LargeBinary(32), nullable=False),
    Column("address_mark", String(64)),
)
MOST_LINKED = 1000


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event with its number in the chain, and all that it says; `actor` and `target` are their parts, or None."""

    seq: int
    id: str
    at: datetime
    kind: str
    result: str | None
    user_id: str | None
    client_id: str | None
    session_id: str | None
    request_id: str | None
    address: str | None
    actor: tuple[str, str | None, str | None] | None
    target: tuple[str, str] | None
    detail: Mapping[str, Json]
    before: JsonObject | None
    after: JsonObject | None


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as its person sees it; `id` orders events and continues a page."""

    id: str
    at: datetime
    kind: str
    client_id: str | None
    address: str
    detail: Mapping[str, Json]


class EventStore:
    """The audit trail of one transaction."""

    def __init__(
        self, connection: Transaction, sealer: Sealer, *, request_id: str | None, actor: Actor | None = None
    ) -> None:
        """Work inside the connection's transaction; what no event says of its actor is said of all by `actor`."""
        self._connection = connection
        self._sealer = sealer
        self._request_id = request_id
        self._actor = actor
        self._written = 0

    async def add(self, event: Event, now: datetime) -> None:
        """Append an event."""
        # Ordered by writing, also within one moment: the trail reads as it happened, the index grows at its end.
        event_id = f"{to_micros(now):014x}{self._written:03x}{make_id()}"
        self._written += 1
        address = None
        if event.address is not None:
            address = self._sealer.seal(event.address.encode(), place=place("events", "address", event_id))
        actor, target = event.actor or self._actor or actor_of(event), event.target
        await self._connection.execute(
            _ADD,
            {
                "id": event_id,
                "at": now,
                "kind": event.kind.value,
                "user_id": event.user_id,
                "client_id": event.client_id,
                "session_id": event.session_id,
                "sealed_address": address,
                "request_id": self._request_id,
                "detail": dict(event.detail) or None,
                "actor_kind": actor and actor.kind.value,
                "actor_id": actor and actor.id,
                "actor_role": actor and actor.role,
                "target_kind": target and target.kind,
                "target_id": target and target.id,
                "result": result_of(event).value,
                "before": event.before,
                "after": event.after,
            },
        )

    async def list(
        self,
        *,
        kind: str | None = None,
        user_id: str | None = None,
        client_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Sequence[AnyRow]:
        """Return the newest events first; from `since` on, before `until`, older than the id `before`."""
        query = select(events).order_by(events.c.id.desc()).limit(limit)
        for column, wanted in ((events.c.kind, kind), (events.c.user_id, user_id), (events.c.client_id, client_id)):
            if wanted is not None:
                query = query.where(column == wanted)
        if since is not None:
            query = query.where(events.c.id >= id_at(since))
        if until is not None:
            query = query.where(events.c.id < id_at(until))
        if before is not None:
            query = query.where(events.c.id < before)
        return (await self._connection.execute(query)).all()

    def address(self, row: AnyRow) -> str | None:
        """Return the address of a row that `list` gave; raise SealBroken if it does not open."""
        sealed = row.sealed_address
        return None if sealed is None else self._sealer.open(sealed, place=place("events", "address", row.id)).decode()

    async def of_user(self, user_id: str, *, before: str | None = None, limit: int) -> Sequence[RecordedEvent]:
        """Return what happened to a person, newest first, older than `before`."""
        query = select(events).where(events.c.user_id == user_id).order_by(events.c.at.desc(), events.c.id.desc())
        if before is not None:
            query = query.where(events.c.id < before)
        return [self._recorded(row) for row in await self._connection.execute(query.limit(limit))]

    async def of_kinds(
        self, user_id: str, kinds: Iterable[str], since: datetime, *, limit: int
    ) -> Sequence[tuple[str, datetime, Mapping[str, Json]]]:
        """Return kind, time and detail of what happened to a person since then, newest first."""
        query = (
            select(events.c.kind, events.c.at, events.c.detail)
            .where(events.c.user_id == user_id, events.c.at >= since)
            .where(or_(*(events.c.kind == kind for kind in sorted(kinds))))
            .order_by(events.c.at.desc(), events.c.id.desc())
            .limit(limit)
        )
        rows = await self._connection.execute(query)
        return [(row.kind, row.at, cast(dict[str, Json], row.detail or {})) for row in rows]

    async def refused_of_client(
        self, client_id: str, since: datetime, *, limit: int
    ) -> Sequence[tuple[str, datetime, Mapping[str, Json]]]:
        """Return kind, time and detail of what was refused to a client since then, newest first."""
        query = (
            select(events.c.kind, events.c.at, events.c.detail)
            .where(events.c.client_id == client_id, events.c.id >= id_at(since), REFUSED)
            .order_by(events.c.id.desc())
            .limit(limit)
        )
        rows = await self._connection.execute(query)
        return [(row.kind, row.at, cast(dict[str, Json], row.detail or {})) for row in rows]

    async def linked_after(self, seq: int, *, limit: int, with_address: bool = True) -> Sequence[NumberedEvent]:
        """Return numbered events after a number, MOST_LINKED at most, in order: none is ever put in between.

        Whoever keeps the last number it saw misses nothing, and sees nothing twice. A number that retention removed is
        skipped. Raises SealBroken if an address that is wanted does not open.
        """
        rows = await self._connection.execute(_LINKED_AFTER, {"seq": seq, "limit": limit})
        return [self._numbered(row, self.address(row) if with_address else None) for row in rows]

    def _numbered(self, row: AnyRow, address: str | None) -> NumberedEvent:
        return NumberedEvent(
            seq=row.seq,
            id=row.id,
            at=row.at,
            kind=row.kind,
            result=row.result,
            user_id=row.user_id,
            client_id=row.client_id,
            session_id=row.session_id,
            request_id=row.request_id,
            address=address,
            actor=(row.actor_kind, row.actor_id, row.actor_role) if row.actor_kind is not None else None,
            target=(row.target_kind, row.target_id) if row.target_kind is not None else None,
            detail=cast(dict[str, Json], row.detail or {}),
            before=row.before,
            after=row.after,
        )

    def _recorded(self, row: AnyRow) -> RecordedEvent:
        detail = cast(dict[str, Json], row.detail or {})
        return RecordedEvent(row.id, row.at, row.kind, row.client_id, self.address(row) or "", detail)


def id_at(moment: datetime) -> str:
    """Return the bound between the ids of events before a moment and of those from it on: ids begin with the time."""
    return f"{to_micros(moment):014x}"


_ADD = Prepared(insert(events).values({column.name: bindparam(column.name) for column in events.c}))
_NEXT_LINKS = (  # a limit that PostgreSQL knows when it plans, so that it looks rows up and reads no whole table
    select(event_links.c.seq, event_links.c.event_id)
    .where(event_links.c.seq > bindparam("seq", type_=BigInteger))
    .order_by(event_links.c.seq)
    .limit(literal_column(str(MOST_LINKED)))
    .subquery("next_links")
)
_LINKED_AFTER = Prepared(
    select(_NEXT_LINKS.c.seq, events)
    .select_from(_NEXT_LINKS.join(events, _NEXT_LINKS.c.event_id == events.c.id))
    .order_by(_NEXT_LINKS.c.seq)
    .limit(bindparam("limit", type_=BigInteger))
)
