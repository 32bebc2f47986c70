"""Mails and SMS on their way, and one that failed sent again."""

from starlette.responses import Response

from idp.domain.permission import Permission
from idp.flows.admin import messages
from idp.flows.admin.problem import Problem
from idp.web.admin.filters import filters, going_on, lead
from idp.web.admin.gate import Desk, admin

BACK = "/admin/messages"
STATES = ("waiting", "sent", "failed")


async def _list(desk: Desk) -> Response:
    wanted = filters(desk, ("state",))
    if desk.is_post:
        return lead(desk, BACK, wanted)
    found = await desk.do(messages.LIST, **wanted, cursor=desk.request.query_params.get("cursor"))
    return desk.page(
        "admin/messages.html", messages=found.items, states=STATES, state=wanted.get("state", ""),
        older=going_on(wanted, found.next),
    )  # fmt: skip


async def _resend(desk: Desk) -> Response:
    if not desk.is_post:
        return desk.go(BACK)
    try:
        await desk.do(messages.RESEND, id=desk.request.path_params["id"])
    except Problem as problem:
        return desk.refused(problem, back=BACK)
    return desk.go(BACK, done="resent")


listed = admin(_list, Permission.MESSAGES_READ, fresh=False)
resend = admin(_resend, Permission.MESSAGES_SEND, fresh=False)
