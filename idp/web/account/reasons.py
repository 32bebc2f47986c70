"""Why somebody was asked, and the two buttons: this was me, this was not me."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from idp.flows.reasons import Answer
from idp.web import pages
from idp.web.account.gate import Desk, own
from idp.web.site import site_of


async def _why(desk: Desk) -> Response:
    reasons = site_of(desk.request).accounts.reasons
    user, session, decision = desk.owner.user, desk.owner.session, desk.request.path_params["decision"]
    answer = None
    if "was-me" in desk.fields:
        answer = await reasons.was_me(desk.context, user, session, decision)
    elif "was-not-me" in desk.fields:
        answer = await reasons.was_not_me(desk.context, user, session, decision)
    if answer is Answer.SECURED:
        return pages.page(desk.request, "recovery/link.html", kind="secure", is_done=True)
    if answer is Answer.CHANGE_PASSWORD:
        return desk.go("/account/password")
    if answer is not None and answer is not Answer.THIS_SESSION:
        return desk.go(f"/account/activity/{decision}/why")
    reason = await reasons.explain(desk.context, user, session, decision, locale=pages.locale(desk.request))
    if reason is None:
        raise HTTPException(404)
    return desk.page("account/why.html", reason=reason)


why = own(_why)
