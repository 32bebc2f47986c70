"""The page that asks for a further factor."""

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.assurance import Factor
from idp.domain.refusal import Refusal, Refused
from idp.factors.webauthn_ceremony import as_json
from idp.flows import authorization
from idp.flows.authorization import Standing, Step, Stuck
from idp.flows.sign_in import Proceeded
from idp.flows.step_up import Asked, choices
from idp.flows.visit import Visit
from idp.web import pages
from idp.web.authorize import redirect_target, see_other, stuck, to_response, ui_locales
from idp.web.forms import form_of, single
from idp.web.login import STATUS, cancel, carry_on, check_unless_foreign, shared, wait_seconds, with_retry
from idp.web.site import context_of, site_of, visit_of


async def show(request: Request) -> Response:
    """Show what is asked, or go where this interaction really stands."""
    visit, _ = visit_of(request)
    site = site_of(request)
    await site.watch.refresh()
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, request.path_params["interaction"])
        if isinstance(standing, Stuck):
            return stuck(request, standing.why, standing.retry_path)
        if standing.step is not Step.STEP_UP:
            return to_response(request, await authorization.resume(context, visit, standing.interaction.id))
        if "choose" in request.query_params:
            return _choices_page(request, visit, standing)
        return _page(request, visit, standing, await site.step_up.ask(context, standing))


async def submit(request: Request) -> Response:
    """Take an answer, a wish for another way, or for another code: all in one transaction."""
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    if "login-cancel" in fields:
        return await cancel(request, visit, fields)
    site, interaction_id = site_of(request), request.path_params["interaction"]
    await site.watch.refresh()
    here = f"{site.settings.issuer}/step-up/{interaction_id}"
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, interaction_id)
        check_unless_foreign(request, visit, fields, standing)
        if isinstance(standing, Stuck):
            return stuck(request, standing.why, standing.retry_path)
        if standing.step is not Step.STEP_UP:
            return to_response(request, await authorization.resume(context, visit, interaction_id))
        if "other-method" in fields:
            return see_other(f"{here}?choose=1")
        if "method" in fields:
            await site.step_up.choose(context, standing, fields["method"])
            return see_other(here)
        if "otp-resend" in fields:
            return _page(request, visit, standing, await site.step_up.resend(context, standing))
        answer = fields.get("passkey-answer") or fields.get("otp-code", "")
        if not answer.strip():
            missing = Refused(Refusal.MISSING_FIELDS)  # nothing was guessed, so nothing is counted
            return _page(request, visit, standing, await site.step_up.ask(context, standing, refused=missing))
        result = await site.step_up.answer(context, visit, standing, answer, remember="remember" in fields)
        if isinstance(result, Proceeded):
            return carry_on(request, result)
        return _page(request, visit, standing, await site.step_up.ask(context, standing, refused=result))


def _page(request: Request, visit: Visit, standing: Standing, asked: Asked) -> Response:
    refused: Refused | None = asked.refused
    response = pages.page(
        request,
        "step_up/step_up.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        scripts=("webauthn.js",) if asked.factor is Factor.WEBAUTHN else (),
        **shared(request, visit, standing, "step-up"),
        account=pages.account(standing.user),
        factor=asked.factor.value,
        has_others=bool(asked.others),
        destination=asked.destination,
        passkey_options=as_json(asked.options) if asked.options is not None else "",
        may_remember=asked.may_remember,
        error=refused.reason.value if refused else None,
        wait_seconds=wait_seconds(refused),
        lost=_lost(request, standing),
        why=_why(standing),
    )
    return with_retry(response, refused)


def _lost(request: Request, standing: Standing) -> str | None:
    """Return where somebody goes who has lost every further factor, where the operator lets time stand in for one."""
    settings = site_of(request).settings
    if not settings.lost_factor_wait or standing.interaction.user_id is None:
        return None
    return f"{settings.base_path}/lost/{standing.interaction.id}"


def _why(standing: Standing) -> str | None:
    """Return what somebody who is signed in may read of this attempt; nobody else sees anything of an account."""
    judgement, session, user = standing.situation.judgement, standing.session, standing.user
    if judgement is None or judgement.decision_id is None or session is None or user is None:
        return None
    if session.user_id != user.id:
        return None
    return judgement.decision_id


def _choices_page(request: Request, visit: Visit, standing: Standing) -> Response:
    return pages.page(
        request,
        "step_up/choices.html",
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        **shared(request, visit, standing, "step-up"),  # type: ignore[arg-type]
        account=pages.account(standing.user),
        factors=[factor.value for factor in choices(standing)],
        lost=_lost(request, standing),
    )
