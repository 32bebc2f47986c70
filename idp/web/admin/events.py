"""The audit trail: filtered, read and exported."""

from datetime import UTC, datetime

from starlette.responses import Response

from idp.domain.event import EventKind
from idp.domain.permission import Permission
from idp.domain.user import USER_ID
from idp.flows.admin import events, users
from idp.flows.admin.events import EventShown
from idp.flows.admin.problem import Problem, invalid
from idp.web.admin.export import export
from idp.web.admin.filters import filters, going_on, lead, with_query
from idp.web.admin.gate import Desk, admin
from idp.web.admin.sessions import names
from idp.web.admin.typed import Typed, refused

FILTERS = ("kind", "user_id", "client_id", "since", "until")


async def _list(desk: Desk) -> Response:
    typed = filters(desk, FILTERS)
    try:
        wanted = _read(typed)
        if desk.is_post:
            return lead(desk, "/admin/events", {**typed, **await _person(desk, typed)})
        found = await desk.do(events.LIST, **wanted, cursor=desk.request.query_params.get("cursor"))
    except Problem as problem:
        return _page(desk, refused(typed, problem, FILTERS), [], status=problem.status)
    who = (each for event in found.items for each in (event.user_id, _actor(event)))
    return _page(desk, Typed(typed), found.items, names=await names(desk, who), older=going_on(typed, found.next))


def _actor(event: EventShown) -> str | None:
    return event.actor_id if event.actor_kind == "user" else None


def _page(desk: Desk, form: Typed, found: object, *, status: int = 200, **facts: object) -> Response:
    return desk.page(
        "admin/events.html", status=status, form=form, events=found, kinds=sorted(EventKind),
        exports=with_query("", dict(form.typed)).removeprefix("?"), **{"names": {}, "older": "", **facts},
    )  # fmt: skip


async def _person(desk: Desk, typed: dict[str, str]) -> dict[str, str]:
    """Return the id of a person whose name was typed, so that names stay out of the address; raise Problem for none."""
    text = typed.get("user_id", "")
    if not text or USER_ID.fullmatch(text):
        return {}
    found = await desk.do(users.LIST, find=text) if desk.may(Permission.USERS_READ) else None
    if found is None or len(found.items) != 1:
        raise invalid("user_id", "no such person")
    return {"user_id": found.items[0].id}


def _read(typed: dict[str, str]) -> dict[str, object]:
    """Return the input for these filters; moments are typed in UTC."""
    moments: dict[str, object] = {name: _moment(name, typed[name]) for name in ("since", "until") if name in typed}
    return {**typed, **moments}


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(name, "is no moment") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


async def _export(desk: Desk) -> Response:
    return await export(desk, events.LIST, EventShown, **_read(filters(desk, FILTERS)))


listed = admin(_list, Permission.EVENTS_READ, fresh=False)
exported = admin(_export, Permission.EVENTS_READ, fresh=False, reading=EventKind.LIST_EXPORTED)
