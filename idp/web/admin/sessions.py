"""Who is signed in, and what people allowed which application; both can be ended, one by one."""

from collections.abc import Iterable

from starlette.responses import Response

from idp.domain.permission import Permission
from idp.domain.user import USER_ID
from idp.flows.admin import sessions, users
from idp.flows.admin.problem import Problem
from idp.flows.admin.sessions import SessionShown
from idp.flows.devices import describe_agent
from idp.web.admin.filters import filters, going_on
from idp.web.admin.gate import Desk, admin
from idp.web.admin.people import label


async def names(desk: Desk, ids: Iterable[str | None]) -> dict[str, str]:
    """Return what people are called, by id; nothing for whoever may not read people."""
    found = dict[str, str]()
    for user_id in {each for each in ids if each is not None} if desk.may(Permission.USERS_READ) else ():
        try:
            found[user_id] = label(await desk.do(users.SHOW, id=user_id))
        except Problem:
            continue  # is gone
    return found


def devices(found: Iterable[SessionShown]) -> dict[str, str]:
    """Return what browsers are called, by the session's id."""
    return {each.id: describe_agent(each.device) for each in found}


async def _sessions(desk: Desk) -> Response:
    wanted, cursor = filters(desk, ("user_id",)), desk.request.query_params.get("cursor")
    found = await desk.do(sessions.LIST, **wanted, cursor=cursor)
    return desk.page(
        "admin/sessions.html", sessions=found.items, devices=devices(found.items),
        names=await names(desk, (each.user_id for each in found.items)),
        older=going_on(wanted, found.next),
    )  # fmt: skip


async def _end(desk: Desk) -> Response:
    back = _back(desk, "/admin/sessions")
    if not desk.is_post:
        return desk.go(back)
    try:
        await desk.do(sessions.END, id=desk.request.path_params["id"])
    except Problem as problem:
        return desk.refused(problem, back=back)
    return desk.go(back, done="session-ended")


def _back(desk: Desk, listing: str) -> str:
    """Return where a button stood: on the page of a person, or in the list."""
    person = desk.fields.get("person", "")
    return f"/admin/users/{person}" if USER_ID.fullmatch(person) else listing


async def _consents(desk: Desk) -> Response:
    wanted, cursor = filters(desk, ("user_id", "client_id")), desk.request.query_params.get("cursor")
    found = await desk.do(sessions.CONSENTS, **wanted, cursor=cursor)
    return desk.page(
        "admin/consents.html", consents=found.items, names=await names(desk, (each.user_id for each in found.items)),
        older=going_on(wanted, found.next),
    )  # fmt: skip


async def _revoke(desk: Desk) -> Response:
    back = _back(desk, "/admin/consents")
    if not desk.is_post:
        return desk.go(back)
    given = {name: desk.fields.get(name, "") for name in ("user_id", "client_id")}
    try:
        await desk.do(sessions.REVOKE, **given)
    except Problem as problem:
        return desk.refused(problem, back=back)
    return desk.go(back, done="consent-revoked")


listed = admin(_sessions, Permission.SESSIONS_READ, fresh=False)
end = admin(_end, Permission.SESSIONS_END, fresh=False)
consents = admin(_consents, Permission.CONSENTS_READ, fresh=False)
revoke = admin(_revoke, Permission.CONSENTS_REVOKE, fresh=False)
