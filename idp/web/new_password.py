"""Choosing a new password on the way in, when the policy asks for one."""

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.refusal import Refused
from idp.flows import authorization, replaced_password
from idp.flows.authorization import Standing, Step, Stuck
from idp.flows.visit import Visit
from idp.web import pages
from idp.web.authorize import redirect_target, stuck, to_response, ui_locales
from idp.web.login import STATUS, cancel, carry_on, proceed, receive, shared, stand
from idp.web.site import context_of, site_of, visit_of


async def show(request: Request) -> Response:
    """Show the form for a new password, and why it is asked for."""
    visit, _ = visit_of(request)
    standing = await stand(request, visit)
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    return _page(request, visit, standing) if _is_asked(standing) else await proceed(request, visit)


async def submit(request: Request) -> Response:
    """Store the new password and go on with the sign-in."""
    visit, fields, standing = await receive(request)
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    if "login-cancel" in fields:
        return await cancel(request, visit, fields)
    if not _is_asked(standing) or standing.user is None:
        return await proceed(request, visit)
    site, user = site_of(request), standing.user
    accepted = await site.accounts.profile.new_password.accept(
        fields.get("new-password", ""), email=user.email, name=user.display_name, user=user, differs=True
    )
    if isinstance(accepted, Refused):
        return _page(request, visit, standing, accepted)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        # As it stands now: another tab may have been faster while this password was judged.
        again = await authorization.stand(context, visit, standing.interaction.id)
        if isinstance(again, Stuck):
            return stuck(request, again.why, again.retry_path)
        if not _is_asked(again):
            return to_response(request, await authorization.proceed(context, again))
        result = await replaced_password.replace_password(
            context, visit, again, accepted, profile=site.accounts.profile, sign_in=site.sign_in
        )
    return carry_on(request, result)


def _is_asked(standing: Standing) -> bool:
    return standing.step is Step.NEW_PASSWORD


def _page(request: Request, visit: Visit, standing: Standing, refused: Refused | None = None) -> Response:
    facts, site = standing.situation.facts, site_of(request)
    return pages.page(
        request,
        "login/new_password.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        scripts=("password.js",),
        **shared(request, visit, standing, Step.NEW_PASSWORD.value),
        account=pages.account(standing.user),
        error=refused.reason.value if refused else None,
        is_breached=replaced_password.is_breached(standing),
        minimum=8 if facts is not None and facts.second_factors else 15,
        strength_url=f"{site.settings.base_path}/password/strength",
    )
