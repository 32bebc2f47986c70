"""What happened to an account, in plain words."""

from starlette.responses import Response

from idp.web import pages
from idp.web.account.gate import Desk, own
from idp.web.site import site_of

LONGEST_ID = 40


async def _activity(desk: Desk) -> Response:
    before = desk.request.query_params.get("before", "")[:LONGEST_ID]
    own_data = site_of(desk.request).accounts.own_data
    found = await own_data.activity(
        desk.context, desk.owner.user, before=before if before and before.isascii() and "\0" not in before else None
    )
    clients = {client.id: client.name for client in await desk.context.stores.clients.list()}
    locale = pages.locale(desk.request)
    lines = [
        (each, clients.get(each.client_id or "", each.client_id), own_data.place(each.address, locale))
        for each in found
    ]
    return desk.page(
        "account/activity.html", events=lines, next=found[-1].id if len(found) == own_data.activity_page else None
    )


activity = own(_activity)
