"""The account's front page, and the way in."""

from starlette.requests import Request
from starlette.responses import Response

from idp.flows import authorization, ciba_approval
from idp.flows.self_service import owner_of
from idp.web import pages
from idp.web.account.gate import Desk, own
from idp.web.authorize import bind, to_response
from idp.web.site import context_of, site_of, visit_of


async def home(request: Request) -> Response:
    """Show the account to whoever is signed in, a way in to anybody else."""
    visit, _ = visit_of(request)
    site = site_of(request)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        owner = await owner_of(context, visit)
        if owner is None:
            return pages.page(request, "account/home.html", account=None, here="/account", deletes_at=None)
        return await _home(Desk(request, context, visit, owner, {}))


async def _home(desk: Desk) -> Response:
    user, facts = desk.owner.user, desk.owner.facts
    sessions = await desk.context.stores.sessions.of_user(user.id, desk.context.now)
    return desk.page(
        "account/home.html",
        email_verified=user.email_verified,
        second_factors=len(facts.second_factors),
        recovery_codes=await desk.context.stores.recovery_codes.count(user.id),
        sessions=len(sessions),
        waiting=await ciba_approval.open_requests(desk.context, desk.owner),
    )


async def sign_in(request: Request) -> Response:
    """Begin a sign-in that leads back to the account's front page."""
    visit, is_new = visit_of(request)
    site = site_of(request)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        go_to = await authorization.begin_without_client(context_of(request, stores), visit, return_path="/account")
    return bind(request, visit, is_new, to_response(request, go_to))


async def _keep(desk: Desk) -> Response:
    await site_of(desk.request).accounts.own_data.undo_deletion(desk.context, desk.owner.user)
    return desk.go("/account")


keep = own(_keep)
