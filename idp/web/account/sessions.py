"""Where a person is signed in."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from idp.web import pages
from idp.web.account.gate import Desk, own
from idp.web.site import site_of


async def _sessions(desk: Desk) -> Response:
    own_data, user, this = site_of(desk.request).accounts.own_data, desk.owner.user, desk.owner.session.id
    if "session" in desk.fields:
        if not await own_data.end_session(desk.context, user, desk.fields["session"]):
            raise HTTPException(404)
        return desk.go("/account/sessions?saved=1")
    if "sessions-end-others" in desk.fields:
        await own_data.end_other_sessions(desk.context, user, this=this)
        return desk.go("/account/sessions?saved=1")
    lines = await own_data.sessions(desk.context, user, this=this, locale=pages.locale(desk.request))
    return desk.page("account/sessions.html", sessions=lines, is_saved="saved" in desk.request.query_params)


sessions = own(_sessions)
