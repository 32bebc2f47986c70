"""The audit trail as it is read: who, what, on whom, from where, with which result."""

from datetime import datetime
from typing import Annotated, Any, cast

from pydantic import Field

from idp.domain.event import EventKind
from idp.domain.permission import Permission as P
from idp.flows.admin.listing import Listing, Page, paged, read_cursor
from idp.flows.admin.operation import Operation, Output, Work
from idp.flows.admin.problem import invalid
from idp.flows.admin.values import Id
from idp.storage.columns import AnyRow


class EventShown(Output):
    """One event."""

    id: str
    at: datetime
    kind: str
    result: str | None
    actor_kind: str | None
    actor_id: str | None
    actor_role: str | None
    user_id: str | None
    client_id: str | None
    session_id: str | None
    target_kind: str | None
    target_id: str | None
    address: str | None
    request_id: str | None
    detail: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class EventsWanted(Listing):
    """A page of events, newest first."""

    kind: Annotated[str, Field(max_length=32)] | None = None
    user_id: Id | None = None
    client_id: Id | None = None
    since: Annotated[datetime, Field(strict=False)] | None = None
    until: Annotated[datetime, Field(strict=False)] | None = None


def _shown(work: Work, row: AnyRow) -> EventShown:
    return EventShown(
        id=row.id, at=row.at, kind=row.kind, result=row.result, actor_kind=row.actor_kind, actor_id=row.actor_id,
        actor_role=row.actor_role, user_id=row.user_id, client_id=row.client_id, session_id=row.session_id,
        target_kind=row.target_kind, target_id=row.target_id, address=work.stores.events.address(row),
        request_id=row.request_id, detail=cast(dict[str, Any], row.detail or {}),
        before=cast("dict[str, Any] | None", row.before), after=cast("dict[str, Any] | None", row.after),
    )  # fmt: skip


async def _list(work: Work, wanted: EventsWanted) -> Page[EventShown]:
    if wanted.kind is not None and wanted.kind not in set(EventKind):
        raise invalid("kind", "is no kind of event")
    for name, moment in (("since", wanted.since), ("until", wanted.until)):
        if moment is not None and moment.tzinfo is None:
            raise invalid(name, "needs its offset from UTC")
    digester = work.tools.engine.digester
    key = read_cursor(digester, wanted)
    rows = await work.stores.events.list(
        kind=wanted.kind, user_id=wanted.user_id, client_id=wanted.client_id, since=wanted.since, until=wanted.until,
        before=str(key[0]) if key is not None else None, limit=wanted.limit + 1,
    )  # fmt: skip
    return paged(digester, wanted, [_shown(work, each) for each in rows], [(each.id,) for each in rows])


LIST = Operation(
    "events.list", "Read the trail", P.EVENTS_READ, EventsWanted, Page[EventShown], _list, "GET", "/events"
)
OPERATIONS = (LIST,)
