"""The first page of the administration: what happened in the last day, week or month, as pictures and as figures."""

from starlette.responses import Response

from idp.domain.permission import Permission
from idp.flows.admin import dashboard
from idp.web.admin.columns import charts
from idp.web.admin.gate import Desk, admin


async def _show(desk: Desk) -> Response:
    asked = desk.request.query_params.get("span", "")
    span = asked if asked in dashboard.SPANS else "day"
    found = await desk.do(dashboard.SHOW, span=span)
    return desk.page(
        "admin/overview.html", span=span, spans=list(dashboard.SPANS), found=found, charts=charts(found),
        slices=found.slices[::-1],
    )  # fmt: skip


overview = admin(_show, Permission.DASHBOARD_READ, fresh=False)
