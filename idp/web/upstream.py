"""Signing in at another provider: away, back, and what becomes of an identity that leads into no account yet."""

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.refusal import Refused
from idp.flows import authorization
from idp.flows.authorization import Standing, Step, Stuck
from idp.flows.sign_in import Proceeded
from idp.flows.signup import Wish
from idp.flows.upstream_account import CodeSent, Offer
from idp.flows.upstream_sign_in import Failed, Leaving, Linked, Waiting
from idp.flows.visit import Visit
from idp.metrics import SIGN_INS
from idp.oauth.context import Context
from idp.web import csrf, pages
from idp.web.authorize import redirect_target, see_other, stuck, to_response, ui_locales
from idp.web.errors import notice
from idp.web.forms import form_of, query_of, single
from idp.web.login import STATUS, cancel, carry_on, check_unless_foreign, shared
from idp.web.site import context_of, site_of, visit_of
from idp.wiring import Stores

ACCOUNT = "/account/security/sign-ins"
RETRY_SECONDS = 10


async def go(request: Request) -> Response:
    """Lead somebody who presses a button of the sign-in page to that provider."""
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    site, interaction_id = site_of(request), request.path_params["interaction"]
    await site.watch.refresh()

    def check() -> None:
        csrf.check(request, visit, interaction_id, fields.get("csrf"))

    def make_context(stores: Stores) -> Context:
        return context_of(request, stores)

    result = await site.upstreams.sign_in.leave(
        make_context, visit, interaction_id, fields.get("upstream", ""), check
    )  # fmt: skip
    return outcome(request, result)


async def callback(request: Request) -> Response:
    """Take the answer of another provider (RFC 6749 §4.1.2): its one redirect URI."""
    visit, _ = visit_of(request)
    site = site_of(request)
    await site.watch.refresh()
    await site.engine.keyring.refresh()

    def make_context(stores: Stores) -> Context:
        return context_of(request, stores)

    answer = single(query_of(request))
    return outcome(
        request, await site.upstreams.sign_in.come_back(make_context, visit, request.path_params["upstream"], answer)
    )


def outcome(request: Request, result: Leaving | Proceeded | Waiting | Linked | Failed | Stuck) -> Response:
    """Turn what came of it into a response."""
    issuer = site_of(request).settings.issuer
    match result:
        case Leaving(url, name):
            # A page of its own: browsers hold every redirect behind a form against the policy of the form's page, and
            # that of the sign-in page cannot know where another provider leads people.
            return pages.page(request, "upstream/leaving.html", url=url, name=name)
        case Proceeded():
            return carry_on(request, result)
        case Waiting(interaction_id):
            return see_other(f"{issuer}/upstream/{interaction_id}/new")
        case Linked(refused):
            return see_other(f"{issuer}{ACCOUNT}?{'linked=1' if refused is None else f'problem={refused}'}")
        case Failed():
            return _failed(request, result)
        case Stuck(why, retry_path):
            return stuck(request, why, retry_path)


def _failed(request: Request, failed: Failed) -> Response:
    SIGN_INS.labels(f"upstream_{failed.reason}").inc()
    issuer, interaction_id = site_of(request).settings.issuer, failed.interaction_id
    back = f"{issuer}{ACCOUNT}" if interaction_id is None else f"{issuer}/login/{interaction_id}"
    match failed.reason:
        case "unknown":
            return notice(request, "upstream_unknown", status=400)
        case "away":
            return notice(request, "upstream_away", status=503, retry_uri=back, retry_after=RETRY_SECONDS)
        case "broken":
            return notice(request, "upstream_broken", status=502, retry_uri=back)
    return see_other(f"{back}?problem={failed.reason}")


async def show_new(request: Request) -> Response:
    """Say that we do not know who came back, and what they can do."""
    visit, _ = visit_of(request)
    site = site_of(request)
    await site.watch.refresh()
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, request.path_params["interaction"])
        if isinstance(standing, Stuck):
            return stuck(request, standing.why, standing.retry_path)
        offer = await site.upstreams.accounts.offer(context, standing)
        if offer is None or standing.step is not Step.LOGIN:
            return to_response(request, await authorization.resume(context, visit, standing.interaction.id))
        return _new_page(request, visit, standing, offer)


def _new_page(
    request: Request, visit: Visit, standing: Standing, offer: Offer, *, refused: Refused | None = None,
    typed: Wish | None = None,
) -> Response:  # fmt: skip
    base, arrival = site_of(request).settings.base_path, offer.arrival
    name = arrival.claims.get("name")
    return pages.page(
        request,
        "upstream/new.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        **shared(request, visit, standing, "upstream") | {"action": f"{base}/upstream/{standing.interaction.id}/new"},  # type: ignore[arg-type]
        provider=offer.upstream.name,
        label=arrival.label,
        may_link=offer.may_link,
        may_create=offer.may_create,
        vouched=offer.email,
        email=(typed.email if typed else arrival.email or "")[:254],
        name=(typed.name if typed else name if isinstance(name, str) else "")[:200],
        error=refused.reason.value if refused else None,
        back=f"{base}/login/{standing.interaction.id}",
    )


async def submit_new(request: Request) -> Response:
    """Take what they want: to sign in once and link, an account of their own, or nothing."""
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    if "login-cancel" in fields:
        return await cancel(request, visit, fields)
    site, interaction_id = site_of(request), request.path_params["interaction"]
    await site.watch.refresh()
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, interaction_id)
        check_unless_foreign(request, visit, fields, standing)
        if isinstance(standing, Stuck):
            return stuck(request, standing.why, standing.retry_path)
        accounts = site.upstreams.accounts
        offer = await accounts.offer(context, standing)
        if offer is None:
            return to_response(request, await authorization.resume(context, visit, interaction_id))
        if "upstream-link" in fields and await accounts.begin_linking(context, standing, offer):
            return see_other(f"{site.settings.issuer}/login/{interaction_id}")
        if "upstream-create" not in fields:
            return _new_page(request, visit, standing, offer)
        wish = Wish(fields.get("email", ""), fields.get("name", ""), pages.locale(request))
        result = await accounts.create(context, visit, standing, offer, wish)
        if isinstance(result, Refused):
            return _new_page(request, visit, standing, offer, refused=result, typed=wish)
    if isinstance(result, CodeSent):
        return see_other(f"{site.settings.issuer}/signup/{interaction_id}/code")
    return carry_on(request, result)


async def show_link(request: Request) -> Response:
    """Ask whoever has just signed in whether the identity that waits is theirs, by its name and by theirs."""
    visit, _ = visit_of(request)
    site = site_of(request)
    await site.watch.refresh()
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, request.path_params["interaction"])
        if isinstance(standing, Stuck):
            return stuck(request, standing.why, standing.retry_path)
        offer = await site.upstreams.accounts.offer(context, standing)
        if offer is None and standing.step is Step.LINK:  # it waited for too long
            await site.upstreams.accounts.leave_unlinked(context, standing)
        if offer is None or standing.step is not Step.LINK:
            return to_response(request, await authorization.resume(context, visit, standing.interaction.id))
    return pages.page(
        request,
        "upstream/link.html",
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        **shared(request, visit, standing, "link"),  # type: ignore[arg-type]
        account=pages.account(standing.user),
        provider=offer.upstream.name,
        label=offer.arrival.label,
    )


async def submit_link(request: Request) -> Response:
    """Take the answer, and go on with the sign-in either way."""
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    site, interaction_id = site_of(request), request.path_params["interaction"]
    await site.watch.refresh()
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, interaction_id)
        check_unless_foreign(request, visit, fields, standing)
        if isinstance(standing, Stuck):
            return stuck(request, standing.why, standing.retry_path)
        if standing.step is Step.LINK and "link-yes" in fields:
            await site.upstreams.accounts.link(
                context, standing
            )  # what cannot be linked is left, and the sign-in goes on
        if standing.step is Step.LINK and ("link-yes" in fields or "link-no" in fields):
            await site.upstreams.accounts.leave_unlinked(context, standing)
        return to_response(request, await authorization.resume(context, visit, interaction_id))
