"""/authorize, and what every page of an interaction shares: binding to the browser, cookies, and where to go next."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from idp.domain.authorization import ResponseMode
from idp.flows import authorization, client_refusals
from idp.flows.authorization import Answered, GoTo, Outcome, Standing, Stuck
from idp.flows.visit import Visit
from idp.oauth import authorization_response
from idp.oauth.errors import UnregisteredRedirect
from idp.oauth.extensions.response_modes import Delivery, Unsealed
from idp.web import pages
from idp.web.client_documents import gather
from idp.web.cookies import BROWSER
from idp.web.errors import notice
from idp.web.forms import BadForm, form_of, query_of
from idp.web.site import context_of, jar_of, request_id_of, site_of, visit_of
from idp.wiring import Stores

MAX_POSTED = 6000
YEAR_SECONDS = 365 * 24 * 3600


async def authorize(request: Request) -> Response:
    """Begin an authorization (RFC 6749 §3.1, OIDC Core §3.1.2.1)."""
    if request.method == "POST":
        return await come_back_by_get(request)
    visit, is_new = visit_of(request)
    pairs = query_of(request)
    site = site_of(request)
    await site.watch.refresh()
    await site.engine.keyring.refresh()
    gathered = await gather(request, pairs)
    path = f"/authorize?{request.scope['query_string'].decode()}"

    async def work(stores: Stores) -> Outcome:
        context = gathered.given_to(context_of(request, stores, query=pairs))
        return await authorization.begin(context, visit, pairs, path=path, tell=site.alerts.of_attempt)

    try:
        outcome = await site.transactions.run(work, write=True, request_id=visit.request_id)
    except UnregisteredRedirect as error:
        await tell_of_refusal(request, error.client_id, client_refusals.UNREGISTERED)
        raise
    return bind(request, visit, is_new, to_response(request, outcome))


async def tell_of_refusal(request: Request, client_id: str, error: str, refused_by: str | None = None) -> None:
    """Leave a row for whoever looks after a client, of what was refused in its name."""
    site = site_of(request)

    async def work(stores: Stores) -> bool:
        context = context_of(request, stores)
        return await client_refusals.tell(
            stores, site.digester, client_id, error, context.now, address=context.http.address, refused_by=refused_by
        )

    await site.transactions.run(work, write=True, request_id=request_id_of(request))


async def come_back_by_get(request: Request) -> Response:
    """Redirect a POST to ourselves as GET: a POST from another site carries no Lax cookie, the GET behind it does."""
    encoded = urlencode([*query_of(request), *await form_of(request)])
    if len(encoded) > MAX_POSTED:
        raise BadForm(413, "the request is too large")
    return see_other(f"{site_of(request).settings.issuer}{request.scope['idp.path']}?{encoded}")


def to_response(request: Request, outcome: Outcome | str) -> Response:
    """Turn where to go next into a response."""
    issuer = site_of(request).settings.issuer
    match outcome:
        case GoTo(step, interaction_id):
            return see_other(f"{issuer}/{step.value}/{interaction_id}")
        case Delivery(unsealed=Unsealed() as unsealed):
            return _Sealed(request, unsealed)
        case Delivery() if outcome.mode is ResponseMode.FORM_POST:
            return pages.form_post(request, outcome)
        case Delivery():
            return see_other(outcome.location)
        case Answered():
            return _answered(request, outcome)
        case Stuck(why, retry_path):
            return stuck(request, why, retry_path)
        case str():
            return see_other(issuer + outcome)


class _Sealed(Response):
    """An answer that is encrypted as it is sent: the transaction is over then, so the client's keys may be fetched."""

    def __init__(self, request: Request, unsealed: Unsealed) -> None:
        """Keep what to send; cookies are set on this response as on any other."""
        super().__init__()
        self._request = request
        self._unsealed = unsealed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Learn the client's keys, encrypt, and send the redirect or the form."""
        request, unsealed, site = self._request, self._unsealed, site_of(self._request)
        if site.engine.remote_keys is not None:
            await site.engine.remote_keys.learn(unsealed.route.client, None)
        delivery = authorization_response.seal(site.engine, unsealed, site.clock.now())
        response = to_response(request, delivery)
        response.raw_headers.extend(pair for pair in self.raw_headers if pair[0] == b"set-cookie")
        await response(scope, receive, send)


def _answered(request: Request, answered: Answered) -> Response:
    """Say what became of a request that another device waits for."""
    outcome = "late" if not answered.is_kept else "allowed" if answered.is_allowed else "denied"
    channel, status = answered.approval.channel.value, 200 if answered.is_kept else 400
    return pages.page(request, "consent/answered.html", status=status, outcome=outcome, channel=channel)


def stuck(request: Request, why: str, retry_path: str | None) -> Response:
    """Say why this browser cannot go on with an interaction, and what to do."""
    kind = {"foreign": "interaction_foreign", "done": "interaction_done", "refused": "interaction_refused"}.get(
        why, "interaction_expired"
    )
    retry = site_of(request).settings.issuer + retry_path if retry_path else None
    return notice(request, kind, status=400 if why != "unknown" else 404, retry_uri=retry)


def see_other(location: str) -> Response:
    """Redirect with 303, so that no browser repeats a post elsewhere (RFC 9700 §4.12)."""
    response = RedirectResponse("/", 303)
    response.headers["location"] = location
    response.headers["cache-control"] = "no-store"
    return response


def bind(request: Request, visit: Visit, is_new: bool, response: Response) -> Response:
    """Set the cookie that binds interactions to this browser, if it came without one."""
    if is_new:
        name, value = jar_of(request).set(BROWSER, visit.browser, max_age=YEAR_SECONDS)
        response.headers.append(name, value)
    return response


def redirect_target(standing: Standing) -> str | None:
    """Return where a form of this interaction may lead by redirect, for the page's content security policy."""
    return (standing.request.redirect_uri or None) if standing.request else None


def ui_locales(standing: Standing) -> str | None:
    """Return the languages that the client wished for."""
    return standing.request.ui_locales if standing.request else None
