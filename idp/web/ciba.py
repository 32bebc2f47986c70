"""Where a mail and the account page lead whom an application asks something (CIBA §8); the page itself is consent."""

from starlette.requests import Request
from starlette.responses import Response

from idp.flows import authorization, ciba_approval
from idp.flows.authorization import Outcome
from idp.flows.self_service import owner_of
from idp.web.authorize import bind, to_response
from idp.web.errors import notice
from idp.web.forms import form_of
from idp.web.site import context_of, site_of, visit_of
from idp.wiring import Stores


async def begin(request: Request) -> Response:
    """Begin an answer, or sign in first; a request of somebody else is as unknown as one that never was."""
    if request.method == "POST":
        await form_of(request)  # nothing in it counts, but it is a form
    visit, is_new = visit_of(request)
    site, request_id = site_of(request), request.path_params["request_id"]
    await site.watch.refresh()

    async def work(stores: Stores) -> Outcome | None:
        context = context_of(request, stores)
        owner = await owner_of(context, visit)
        if owner is None:
            path = ciba_approval.path_of(request_id)
            return await authorization.begin_without_client(context, visit, return_path=path)
        return await ciba_approval.begin(context, visit, owner, request_id, tell=site.alerts.of_attempt)

    outcome = await site.transactions.run(work, write=True, request_id=visit.request_id)
    if outcome is None:
        return notice(request, "request_over", status=404)
    return bind(request, visit, is_new, to_response(request, outcome))
