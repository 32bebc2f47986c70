"""Forgotten password, lost second factor, and the links that come by mail: shown by GET, spent by POST only."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.refusal import Refusal, Refused
from idp.flows import authorization
from idp.flows.authorization import Standing, Stuck
from idp.flows.notices import SECURE, UNDO_EMAIL
from idp.flows.own_data import KEEP
from idp.flows.recovery import CANCEL_LOST, LOST, RESET
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.web import csrf, pages
from idp.web.authorize import bind, redirect_target, see_other, stuck, to_response, ui_locales
from idp.web.errors import notice
from idp.web.forms import form_of, single
from idp.web.login import STATUS, cancel, check_unless_foreign, shared, wait_seconds, with_retry
from idp.web.site import context_of, site_of, visit_of
from idp.wiring import Site

LINK = "link"
GONE = 410


async def begin_forgot(request: Request) -> Response:
    """Begin a recovery that leads to the account pages; mails link here."""
    visit, is_new = visit_of(request)
    site = site_of(request)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        go_to = await authorization.begin_without_client(context_of(request, stores), visit, return_path="/account")
    return bind(request, visit, is_new, see_other(f"{site.settings.issuer}/forgot/{go_to.interaction_id}"))


async def show_forgot(request: Request) -> Response:
    """Ask whose password was forgotten."""
    visit, _ = visit_of(request)
    async with site_of(request).transactions.open(write=True, request_id=visit.request_id) as stores:
        standing = await authorization.stand(context_of(request, stores), visit, request.path_params["interaction"])
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    return _forgot_page(request, standing, visit, is_sent="sent" in request.query_params)


def _forgot_page(
    request: Request, standing: Standing, visit: Visit, *, is_sent: bool = False, refused: Refused | None = None
) -> Response:
    response = pages.page(
        request,
        "recovery/forgot.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        **shared(request, visit, standing, "forgot"),  # type: ignore[arg-type]
        username=((standing.request.login_hint if standing.request else None) or "")[:254],
        is_sent=is_sent,
        error=refused.reason.value if refused else None,
        wait_seconds=wait_seconds(refused),
        back=f"{site_of(request).settings.base_path}/login/{standing.interaction.id}",
    )
    return with_retry(response, refused)


async def submit_forgot(request: Request) -> Response:
    """Send a link if there is somebody to send it to; say the same in any case."""
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    if "login-cancel" in fields:
        return await cancel(request, visit, fields)
    site = site_of(request)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, request.path_params["interaction"])
        check_unless_foreign(request, visit, fields, standing)
        if isinstance(standing, Stuck):
            return stuck(request, standing.why, standing.retry_path)
        name = fields.get("username", "")[:1024]
        if not name.strip():
            return _forgot_page(request, standing, visit, refused=Refused(Refusal.MISSING_FIELDS))
        refused = await site.accounts.recovery.forgot(
            context, visit, name, interaction_id=standing.interaction.id, locale=pages.locale(request)
        )
    if refused is not None:
        return _forgot_page(request, standing, visit, refused=refused)
    return see_other(f"{site.settings.issuer}/forgot/{standing.interaction.id}?sent=1")


async def show_reset(request: Request) -> Response:
    """Show the form for a new password while the link is open; nothing is spent."""
    visit, is_new = visit_of(request)
    site = site_of(request)
    async with site.transactions.open(write=False) as stores:
        found = await site.accounts.recovery.owner(context_of(request, stores), request.path_params["link"], RESET)
    if found is None:
        return notice(request, "link_spent", status=GONE)
    return bind(request, visit, is_new, _reset_page(request, visit))


def _reset_page(request: Request, visit: Visit, refused: Refused | None = None) -> Response:
    base = site_of(request).settings.base_path
    return pages.page(
        request,
        "recovery/reset.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        scripts=("password.js",),
        action=base + request.scope["idp.path"],
        csrf=csrf.token(request, visit, LINK),
        error=refused.reason.value if refused else None,
        strength_url=f"{base}/password/strength",
    )


async def submit_reset(request: Request) -> Response:
    """Spend the link for a new password, and lead back to the sign-in that was interrupted."""
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    csrf.check(request, visit, LINK, fields.get("csrf"))
    site, secret = site_of(request), request.path_params["link"]
    recovery = site.accounts.recovery
    async with site.transactions.open(write=False) as stores:
        found = await recovery.owner(context_of(request, stores), secret, RESET)
    if found is None:
        return notice(request, "link_spent", status=GONE)
    user = found[0]
    accepted = await recovery.new_password.accept(
        fields.get("new-password", ""), email=user.email, name=user.display_name, user=user
    )
    if isinstance(accepted, Refused):
        return _reset_page(request, visit, accepted)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        done = await recovery.reset(context, secret, accepted)
        if isinstance(done, Refused):
            return notice(request, "link_spent", status=GONE)
        standing = await authorization.stand(context, visit, done[1].text("interaction") or "-")
    if isinstance(standing, Stuck):
        return see_other(f"{site.settings.issuer}/account/sign-in")
    return see_other(f"{site.settings.issuer}/login/{standing.interaction.id}")


async def show_lost(request: Request) -> Response:
    """Offer somebody who proved their password, and has nothing else any more, to wait."""
    visit, _ = visit_of(request)
    return await _lost(request, visit, {})


async def submit_lost(request: Request) -> Response:
    """Begin the wait."""
    visit, _ = visit_of(request)
    return await _lost(request, visit, single(await form_of(request)))


async def _lost(request: Request, visit: Visit, fields: dict[str, str]) -> Response:
    site = site_of(request)
    if "login-cancel" in fields:
        return await cancel(request, visit, fields)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, request.path_params["interaction"])
        if request.method == "POST":
            check_unless_foreign(request, visit, fields, standing)
        if isinstance(standing, Stuck):
            return stuck(request, standing.why, standing.retry_path)
        recovery = site.accounts.recovery
        act = recovery.start_waiting if "lost-start" in fields else recovery.pending
        pending = await act(context, standing)
        if pending is None:
            return to_response(request, await authorization.resume(context, visit, standing.interaction.id))
    return pages.page(
        request,
        "recovery/lost.html",
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        **shared(request, visit, standing, "lost"),  # type: ignore[arg-type]
        due=pending.due_at,
        days=max(site.settings.lost_factor_wait.days, 1),
        back=f"{site.settings.base_path}/step-up/{standing.interaction.id}",
    )


@dataclass(frozen=True, slots=True)
class Act:
    """What a link in a mail does when its button is pressed."""

    purpose: str
    run: Callable[[Site, Context, str], Awaitable[bool]]


async def _secure(site: Site, context: Context, secret: str) -> bool:
    return await site.accounts.recovery.secure(context, secret) is not None


ACTS = {
    "secure": Act(SECURE, _secure),
    "lost-confirm": Act(
        LOST, lambda site, context, secret: site.accounts.recovery.remove_lost_factors(context, secret)
    ),
    "lost-cancel": Act(
        CANCEL_LOST, lambda site, context, secret: site.accounts.recovery.cancel_waiting(context, secret)
    ),
    "undo-email": Act(
        UNDO_EMAIL, lambda site, context, secret: site.accounts.profile.undo_email_change(context, secret)
    ),
    "keep-account": Act(
        KEEP, lambda site, context, secret: site.accounts.own_data.undo_deletion_by_link(context, secret)
    ),
}


def link_page(kind: str) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of a link in a mail: GET shows a button, POST spends the link."""
    act = ACTS[kind]

    async def handle(request: Request) -> Response:
        visit, is_new = visit_of(request)
        site, secret = site_of(request), request.path_params["link"]
        is_done = False
        if request.method == "POST":
            csrf.check(request, visit, LINK, single(await form_of(request)).get("csrf"))
            async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
                is_done = await act.run(site, context_of(request, stores), secret)
        else:
            async with site.transactions.open(write=False) as stores:
                digest = site.digester.digest("link", secret)
                if not await stores.links.is_open(digest, purpose=act.purpose, now=site.clock.now()):
                    return notice(request, "link_spent", status=GONE)
        if request.method == "POST" and not is_done:
            return notice(request, "link_spent", status=GONE)
        page = pages.page(
            request,
            "recovery/link.html",
            kind=kind,
            is_done=is_done,
            action=site.settings.base_path + request.scope["idp.path"],
            csrf=csrf.token(request, visit, LINK),
        )
        return bind(request, visit, is_new, page)

    return handle
