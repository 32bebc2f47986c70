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
from idp.flows.admin.operation import Caller, I, O, Operation
from idp.flows.admin.problem import Code, Problem
from idp.flows.decision_view import ADMINISTRATOR
from idp.flows.policy_states import Mover
from idp.flows.self_service import ADMINISTRATION, REAUTHENTICATION, Event, Leave, Owner, owner_of
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.risk.desk import RiskDesk
from idp.web import csrf, pages
from idp.web.admin import navigation, notices
from idp.web.authorize import bind, see_other, stuck, to_response
from idp.web.errors import notice
from idp.web.forms import form_of, single
from idp.web.site import context_of, site_of, visit_of

PURPOSE = "admin"
LONGEST_ID = 40
#: Pages about what is weighed; there are none at a provider that weighs nothing.
OF_RISK = frozenset({Permission.DECISIONS_READ, Permission.POLICIES_READ, Permission.POLICIES_WRITE})


@dataclass(frozen=True, slots=True)
class Guard:
    """What an administrators' page asks for: a permission, another one for its form, and whether a proof just now."""

    permission: Permission
    writing: Permission
    is_fresh: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """One request of an administrator."""

    request: Request
    visit: Visit
    user: User
    session_id: str
    weighing: RiskDesk | None
    fields: dict[str, str]
    caller: Caller

    @property
    def risk(self) -> RiskDesk:
        """Return what weighs risk; only for pages that are not there without it."""
        assert self.weighing is not None, "the door says that there is no such page"
        return self.weighing

    @property
    def is_post(self) -> bool:
        """Say whether a form was sent."""
        return self.request.method == "POST"

    @property
    def mover(self) -> Mover:
        """Return who is acting, by an opaque id."""
        return Mover(f"{ADMINISTRATOR}{self.user.id}")

    def may(self, permission: Permission) -> bool:
        """Say whether they have a permission, for a part of a page."""
        return self.caller.may(permission) and (self.weighing is not None or permission not in OF_RISK)

    async def do(self, operation: Operation[I, O], **given: object) -> O:
        """Do an operation in their name; raise Problem if it is refused."""
        return await site_of(self.request).administration.call(operation, self.caller, given)

    def go(self, path: str, *, done: str | None = None, about: str = "") -> Response:
        """Lead to another page of ours, which says what was done, and how that is undone where it can be."""
        site = site_of(self.request)
        said = notices.write(site.digester, self.visit, path, done, about) if done is not None else ""
        return see_other(f"{site.settings.issuer}{path}{said}")

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
            may=sorted(each.value for each in Permission if self.may(each)),
            sections=navigation.sections(self.may, path),
            notice=notices.read(site_of(self.request).digester, self.visit, path, self.request.query_params),
            **facts,  # type: ignore[arg-type]
        )

    def refused(self, problem: Problem, *, back: str = "") -> Response:
        """Say why something was not done, on a page of its own."""
        if problem.code is Code.NOT_FOUND:
            return self.missing()
        return self.page(
            "admin/refused.html", status=problem.status, code=problem.code.value, detail=problem.detail, back=back
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

    guard = Guard(permission, writing if writing is not None else permission, fresh)

    async def endpoint(request: Request) -> Response:
        visit, is_new = visit_of(request)
        site = site_of(request)
        fields = single(await form_of(request)) if request.method == "POST" else {}
        async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
            context = context_of(request, stores)
            owner = await owner_of(context, visit)
            needed = guard.writing if request.method == "POST" else permission
            is_there = context.engine.risk is not None or permission not in OF_RISK
            if owner is not None and not (is_there and role_may(owner.user.role, needed)):
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
            caller = of_person(owner.user, is_fresh=fresh, address=visit.address, request_id=visit.request_id)
            desk = Desk(request, visit, owner.user, owner.session.id, context.engine.risk, fields, caller)
        try:
            return await handler(desk)
        except Problem as problem:
            return desk.refused(problem)

    endpoint.guard = guard  # type: ignore[attr-defined]  # for whoever asks what a page is guarded by
    return endpoint


def guard_of(page: object) -> Guard | None:
    """Return what a page asks for, None if it is none of the administrators'."""
    found = getattr(page, "guard", None)
    return found if isinstance(found, Guard) else None


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
