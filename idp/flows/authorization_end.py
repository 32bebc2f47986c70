"""How a request to /authorize ends: with what the person allowed, or with an error; what it consumed is spent."""

from idp.domain.authorization import AuthorizationRequest
from idp.domain.client import Client
from idp.domain.event import EventKind
from idp.domain.session import Session
from idp.flows import approvals
from idp.flows.approvals import Answered
from idp.oauth import authorization_response, client_test
from idp.oauth.context import Context
from idp.oauth.errors import RedirectError
from idp.oauth.extensions import front_channel, jar, par
from idp.oauth.extensions.response_modes import Delivery, Route
from idp.policy.prompts import Fail


async def grant(
    context: Context, request: AuthorizationRequest, client: Client, session: Session
) -> Delivery | Answered:
    """Give the client what the person of a session allowed: what it asked for at once, or to whoever polls for it."""
    user = await context.stores.users.find(session.user_id)
    if user is None or not user.is_active:
        return await refuse(context, request, client, Fail("access_denied", "this person may not sign in"), session)
    if request.approves is not None:
        return await approvals.approve(context, request, session)
    if request.object_id is not None and not await jar.spend(context, request.object_id):
        fail = Fail("invalid_request_object", "this request object was answered before")
        return await refuse(context, request, client, fail, session)
    if request.pushed is not None:
        await par.spend(context, request.pushed)
    if request.tested_by is None:
        parameters = await front_channel.respond(context, request, client, session, user)
    else:
        code = await client_test.issue_code(context, request, session)
        if code is None:
            fail = Fail("access_denied", "this is not whoever began the test")
            return await refuse(context, request, client, fail, session)
        parameters = [("code", code)]
    return authorization_response.answer(context, Route.of(request, client), parameters)


async def refuse(
    context: Context, request: AuthorizationRequest, client: Client, fail: Fail, session: Session | None
) -> Delivery | Answered:
    """Send an error to the client; what a signed-in person was refused stands in the trail.

    Of a stranger there is nothing to tell, and whoever asks a million times must not fill the trail.
    """
    if session is not None:
        await context.record(
            EventKind.AUTHORIZATION_REFUSED,
            user_id=session.user_id,
            client_id=request.client_id,
            session_id=session.id,
            error=fail.error,
        )
    if request.pushed is not None:
        await par.spend(context, request.pushed)
    if request.approves is not None:
        return await approvals.refuse(context, request, session)
    error = RedirectError(fail.error, fail.description)
    return authorization_response.refuse(context, Route.of(request, client), error)
