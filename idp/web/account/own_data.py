"""Taking one's data along, and leaving."""

import json

from starlette.responses import Response

from idp.flows.export import export
from idp.web.account.gate import Desk, own
from idp.web.site import site_of


async def _data(desk: Desk) -> Response:
    if not desk.is_post:
        return desk.page("account/data.html")
    document = await export(desk.context, desk.owner.user)
    headers = {"content-disposition": 'attachment; filename="my-data.json"', "cache-control": "no-store"}
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return Response(text, headers=headers, media_type="application/json")


async def _delete(desk: Desk) -> Response:
    if not desk.is_post:
        days = site_of(desk.request).settings.deletion_delay.days
        return desk.page("account/delete.html", days=days)
    await site_of(desk.request).accounts.own_data.schedule_deletion(
        desk.context, desk.owner.user, this=desk.owner.session.id
    )
    return desk.go("/account")


data = own(_data, fresh=True)
delete = own(_delete, fresh=True)
