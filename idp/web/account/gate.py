"""What every account page shares: who is here, whether they proved enough recently, and the token of their forms."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.refusal import Refused
from idp.flows import authorization
from idp.flows.admin.callers import role_may
from idp.flows.browser_session import OpenedSession
from idp.flows.self_service import REAUTHENTICATION, Event, Leave, Owner, owner_of
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.web import csrf, pages
from idp.web.admin.navigation import sections
from idp.web.authorize import bind, see_other, stuck, to_response
from idp.web.cookies import SESSION
from idp.web.forms import form_of, single
from idp.web.login import STATUS, wait_seconds, with_retry
from idp.web.site import context_of, jar_of, site_of, visit_of

PURPOSE = "account"


@dataclass(frozen=True, slots=True)
class Desk:
    """One request of a person at their own account, inside its transaction."""

    request: Request
    context: Context
    visit: Visit
    owner: Owner
    fields: dict[str, str]

    @property
    def is_post(self) -> bool:
        """Say whether a form was sent."""
        return self.request.method == "POST"

    def go(self, path: str) -> Response:
        """Lead to another page of ours."""
        return see_other(f"{site_of(self.request).settings.issuer}{path}")

    def page(
        self, template: str, *, refused: Refused | None = None, scripts: tuple[str, ...] = (), **facts: object
    ) -> Response:
        """Return a page of the account."""
        base = site_of(self.request).settings.base_path
        response = pages.page(
            self.request,
            template,
            status=STATUS.get(refused.reason, 400) if refused else 200,
            scripts=scripts,
            csrf=csrf.token(self.request, self.visit, PURPOSE),
            action=base + self.request.scope["idp.path"],
            account=pages.account(self.owner.user),
            error=refused.reason.value if refused else None,
            wait_seconds=wait_seconds(refused),
            here=self.request.scope["idp.path"],
            deletes_at=self.owner.user.deletes_at,
            console=self._console(),
            strength_url=f"{base}/password/strength",
            **facts,  # type: ignore[arg-type]
        )
        return with_retry(response, refused)

    def _console(self) -> str | None:
        """Return where the administration begins for this person, None if they have no part in it."""
        user = self.owner.user
        found = sections(lambda permission: role_may(user.role, permission), "")
        return found[0].path if found else None

    def with_session(self, response: Response, opened: OpenedSession | None) -> Response:
        """Give the browser the new cookie of a session that was raised."""
        if opened is not None:
            name, value = jar_of(self.request).set(SESSION, opened.secret)
            response.headers.append(name, value)
        return response


Handler = Callable[[Desk], Awaitable[Response]]


async def enter(
    request: Request, handler: Handler, *, fresh: bool, fields: dict[str, str], event: Event = Event.CREDENTIAL_CHANGE
) -> Response:
    """Run a handler for whoever is signed in here, in one transaction; anybody else is led to sign in first."""
    visit, is_new = visit_of(request)
    site, path = site_of(request), request.scope["idp.path"]
    if request.method == "POST":
        csrf.check(request, visit, PURPOSE, fields.get("csrf"))
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        owner = await owner_of(context, visit)
        leave = await owner.may(context, visit, event) if owner is not None and fresh else Leave.YES
        if leave is Leave.NO:
            return stuck(request, "refused", "/account")
        if owner is None or leave is Leave.PROVE:
            within = REAUTHENTICATION if owner is not None else None
            go_to = await authorization.begin_without_client(
                context, visit, return_path=path, fresh_within=within, event=event
            )
            return bind(request, visit, is_new, to_response(request, go_to))
        return await handler(Desk(request, context, visit, owner, fields))


def own(
    handler: Handler, *, fresh: bool = False, event: Event = Event.CREDENTIAL_CHANGE
) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of an account page; `fresh` ones ask for everything the account has, proved just now."""

    async def endpoint(request: Request) -> Response:
        fields = single(await form_of(request)) if request.method == "POST" else {}
        return await enter(request, handler, fresh=fresh, fields=fields, event=event)

    return endpoint
