"""Linked sign-ins: which identities at other providers open the account; another one linked, or one removed."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.refusal import Refusal, Refused
from idp.flows.self_service import Owner
from idp.oauth.context import Context
from idp.web.account.gate import Desk, enter
from idp.web.forms import form_of, single
from idp.web.site import context_of, site_of, visit_of
from idp.web.upstream import outcome
from idp.web.upstream_buttons import PROBLEMS, button
from idp.wiring import Stores


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A linked identity as its owner sees it; it opens nothing while its provider is switched off."""

    id: str
    provider: str
    name: str
    linked_at: datetime
    last_used_at: datetime | None
    is_active: bool


async def lines(stores: Stores, user_id: str) -> list[LinkLine]:
    """Return what a page may say of a person's linked identities."""
    links = await stores.upstream_identities.of_user(user_id)
    known = {each.id: each for each in await stores.upstreams.list()} if links else {}
    return [
        LinkLine(
            each.id, known[each.upstream_id].name, each.label, each.linked_at, each.last_used_at,
            known[each.upstream_id].is_active,
        )
        for each in links if each.upstream_id in known
    ]  # fmt: skip


async def _page(desk: Desk, refused: Refused | None = None) -> Response:
    query = desk.request.query_params
    problem = query.get("problem")
    if problem == Refusal.IDENTITY_TAKEN.value and not desk.is_post:
        refused, problem = Refused(Refusal.IDENTITY_TAKEN), None
    return desk.page(
        "account/sign_ins.html",
        refused=refused,
        links=await lines(desk.context.stores, desk.owner.user.id),
        buttons=[button(desk.request, each) for each in await desk.context.stores.upstreams.active()],
        problem=problem if problem in PROBLEMS else None,
        is_saved="linked" in query or "saved" in query,
    )


async def _handler(desk: Desk) -> Response:
    if not desk.is_post:
        return await _page(desk)
    owner = desk.owner
    refused = await site_of(desk.request).upstreams.sign_in.links.unlink(
        desk.context, owner.user, desk.fields.get("unlink", ""), session_id=owner.session.id
    )
    return desk.go("/account/security/sign-ins?saved=1") if refused is None else await _page(desk, refused)


async def sign_ins(request: Request) -> Response:
    """Show the linked sign-ins, unlink one, or lead to another provider; for whoever proved everything just now."""
    fields = single(await form_of(request)) if request.method == "POST" else {}
    if "upstream" not in fields:
        return await enter(request, _handler, fresh=True, fields=fields)
    entered: list[Owner] = []

    async def admit(desk: Desk) -> Response:
        entered.append(desk.owner)
        return Response(status_code=204)

    response = await enter(request, admit, fresh=True, fields=fields)
    if not entered:
        return response

    def make_context(stores: Stores) -> Context:
        return context_of(request, stores)

    visit, _ = visit_of(request)  # no transaction is open while the other provider is asked
    owner = entered[0]
    result = await site_of(request).upstreams.sign_in.leave_to_link(
        make_context, visit, owner.user, owner.session.id, fields["upstream"]
    )
    return outcome(request, result)
