"""The door of the administrators' pages: their role, everything the account has proved just now, and an audit row.

Whoever lacks the role is told what everybody is told of a page that does not exist. The door's transaction ends before
a page is made, so that a page may open its own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.event import EventKind
from idp.domain.permission import Permission
from idp.domain.user import User
from idp.flows import authorization
from idp.flows.admin.callers import of_person, role_may
from idp.flows.admin.operation import Caller
from idp.flows.decision_view import ADMINISTRATOR
from idp.flows.policy_states import Mover
from idp.flows.self_service import ADMINISTRATION, REAUTHENTICATION, Event, Leave, Owner, owner_of
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.risk.desk import RiskDesk
from idp.web import csrf, pages
from idp.web.authorize import bind, see_other, stuck, to_response
from idp.web.errors import notice
from idp.web.forms import form_of, single
from idp.web.site import context_of, site_of, visit_of

PURPOSE = "admin"
LONGEST_ID = 40


@dataclass(frozen=True, slots=True)
class Desk:
    """One request of an administrator."""

    request: Request
    visit: Visit
    user: User
    risk: RiskDesk
    fields: dict[str, str]
    caller: Caller

    @property
    def is_post(self) -> bool:
        """Say whether a form was sent."""
        return self.request.method == "POST"

    @property
    def mover(self) -> Mover:
        """Return who is acting, by an opaque id."""
        return Mover(f"{ADMINISTRATOR}{self.user.id}")

    def go(self, path: str) -> Response:
        """Lead to another page of ours."""
        return see_other(f"{site_of(self.request).settings.issuer}{path}")

    def missing(self) -> Response:
        """Say that there is no such page."""
        return notice(self.request, "not_found", status=404)

    def page(self, template: str, *, status: int = 200, **facts: object) -> Response:
        """Return a page of the administration."""
        path = self.request.scope["idp.path"]
        return pages.page(
            self.request,
            template,
            status=status,
            csrf=csrf.token(self.request, self.visit, PURPOSE),
            action=site_of(self.request).settings.base_path + path,
            here=path,
            **facts,  # type: ignore[arg-type]
        )


Handler = Callable[[Desk], Awaitable[Response]]
Page = Callable[[Request], Awaitable[Response]]


def admin(
    handler: Handler, permission: Permission, *, writing: Permission | None = None, fresh: bool = True,
    reading: EventKind | None = None,
) -> Page:  # fmt: skip
    """Return the endpoint of an administrators' page; `reading` is the audit row that looking at it leaves.

    A form that is sent needs the permission `writing`, if it is another. Without `fresh` the proofs may be as old as
    an administrator's session.
    """

    async def endpoint(request: Request) -> Response:
        visit, is_new = visit_of(request)
        site = site_of(request)
        fields = single(await form_of(request)) if request.method == "POST" else {}
        async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
            context = context_of(request, stores)
            owner = await owner_of(context, visit)
            needed = writing if writing is not None and request.method == "POST" else permission
            if owner is not None and (context.engine.risk is None or not role_may(owner.user.role, needed)):
                return notice(request, "not_found", status=404)
            if owner is not None and request.method == "POST":
                csrf.check(request, visit, PURPOSE, fields.get("csrf"))
            leave = await _leave(context, visit, owner, fresh=fresh) if owner is not None else Leave.PROVE
            if leave is Leave.NO:
                return stuck(request, "refused", "/account")
            if owner is None or leave is Leave.PROVE:
                return await _sign_in(request, context, visit, owner, is_new=is_new, fresh=fresh)
            if reading is not None:
                await _note(request, context, owner, reading)
            assert context.engine.risk is not None
            caller = of_person(owner.user, is_fresh=fresh, address=visit.address, request_id=visit.request_id)
            desk = Desk(request, visit, owner.user, context.engine.risk, fields, caller)
        return await handler(desk)

    return endpoint


async def _leave(context: Context, visit: Visit, owner: Owner, *, fresh: bool) -> Leave:
    if fresh:
        return await owner.may(context, visit, Event.CONSENT_ADMIN)
    return await owner.may(context, visit, Event.AUTHORIZE, within=ADMINISTRATION)


async def _sign_in(
    request: Request, context: Context, visit: Visit, owner: Owner | None, *, is_new: bool, fresh: bool
) -> Response:
    within = REAUTHENTICATION if fresh else ADMINISTRATION
    path = request.scope["idp.path"]
    go_to = await authorization.begin_without_client(
        context, visit, return_path=path, fresh_within=within if owner is not None else None,
        event=Event.CONSENT_ADMIN if fresh else Event.LOGIN,
    )  # fmt: skip
    return bind(request, visit, is_new, to_response(request, go_to))


async def _note(request: Request, context: Context, owner: Owner, kind: EventKind) -> None:
    decision = request.path_params.get("decision")
    detail = {} if decision is None else {"decision": str(decision)[:LONGEST_ID]}
    await context.record(kind, user_id=owner.user.id, session_id=owner.session.id, **detail)
