"""Where people type the code that a device shows them (RFC 8628 §3.3), and what they read once they have answered."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.approval import read_user_code, show_user_code
from idp.domain.refusal import Refused
from idp.flows import authorization, device_approval
from idp.flows.authorization import Outcome
from idp.flows.self_service import Owner, owner_of
from idp.flows.visit import Visit
from idp.web import csrf, pages
from idp.web.authorize import bind, to_response
from idp.web.forms import form_of, query_of, single
from idp.web.login import STATUS, wait_seconds, with_retry
from idp.web.site import context_of, site_of, visit_of
from idp.wiring import Stores

PURPOSE = "device"
LONGEST_TYPED = 64


async def show(request: Request) -> Response:
    """Ask for the code; a link that carries it fills the field, and allows nothing."""
    visit, is_new = visit_of(request)
    code = read_user_code(single(query_of(request)).get("user_code", ""))
    typed = show_user_code(code) if code is not None else ""
    site = site_of(request)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        owner = await owner_of(context, visit)
        if owner is None:
            back = device_approval.PATH + (f"?user_code={quote(typed)}" if typed else "")
            go_to = await authorization.begin_without_client(context, visit, return_path=back)
            return bind(request, visit, is_new, to_response(request, go_to))
        return _page(request, visit, owner, typed)


def _page(request: Request, visit: Visit, owner: Owner, typed: str, refused: Refused | None = None) -> Response:
    response = pages.page(
        request,
        "device/device.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        action=site_of(request).settings.base_path + device_approval.PATH,
        csrf=csrf.token(request, visit, PURPOSE),
        account=pages.account(owner.user),
        user_code=typed,
        error=refused.reason.value if refused else None,
        wait_seconds=wait_seconds(refused),
    )
    return with_retry(response, refused)


async def submit(request: Request) -> Response:
    """Go on to the approval of the request behind the code, or say that there is none."""
    visit, _ = visit_of(request)
    fields, site = single(await form_of(request)), site_of(request)
    csrf.check(request, visit, PURPOSE, fields.get("csrf"))
    typed = fields.get("user-code", "")[:LONGEST_TYPED]
    await site.watch.refresh()

    async def work(stores: Stores) -> tuple[Owner | None, Outcome | Refused | None]:
        context = context_of(request, stores)
        owner = await owner_of(context, visit)
        if owner is None:
            return None, None
        return owner, await device_approval.begin(context, visit, owner, typed, tell=site.alerts.of_attempt)

    owner, outcome = await site.transactions.run(work, write=True, request_id=visit.request_id)
    if owner is None or outcome is None:
        return await show(request)
    if isinstance(outcome, Refused):
        return _page(request, visit, owner, typed, outcome)
    return to_response(request, outcome)
