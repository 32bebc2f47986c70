"""Setting up a factor on the way in, when somebody demands one that the person does not have yet."""

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.assurance import Factor
from idp.domain.refusal import Refused
from idp.factors.factor import Challenge
from idp.factors.webauthn_ceremony import as_json
from idp.flows import authorization
from idp.flows.authorization import Standing, Step, Stuck
from idp.flows.devices import describe_agent
from idp.flows.enrolment import Added, Enrolment
from idp.flows.visit import Visit
from idp.oauth.context import Context
from idp.web import csrf, pages
from idp.web.account.gate import PURPOSE
from idp.web.authorize import redirect_target, stuck, to_response, ui_locales
from idp.web.forms import form_of, single
from idp.web.login import STATUS, cancel, carry_on, check_unless_foreign, shared, wait_seconds, with_retry
from idp.web.site import context_of, site_of, visit_of

OFFERED = (Factor.WEBAUTHN, Factor.TOTP, Factor.SMS_OTP)


async def show(request: Request) -> Response:
    """Show the factors that can be set up, or the one that was chosen."""
    return await _enter(request, {})


async def submit(request: Request) -> Response:
    """Take an answer, or a phone number to send a code to."""
    return await _enter(request, single(await form_of(request)))


async def _enter(request: Request, fields: dict[str, str]) -> Response:
    visit, _ = visit_of(request)
    if "login-cancel" in fields:
        return await cancel(request, visit, fields)
    site = site_of(request)
    await site.watch.refresh()
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, request.path_params["interaction"])
        if request.method == "POST":
            check_unless_foreign(request, visit, fields, standing)
        if isinstance(standing, Stuck):
            return stuck(request, standing.why, standing.retry_path)
        if standing.step is not Step.ENROL or standing.user is None:
            return to_response(request, await authorization.resume(context, visit, standing.interaction.id))
        chosen = fields.get("factor") or request.query_params.get("factor", "")
        factor = next((each for each in OFFERED if each.value == chosen), None)
        if factor is None or (factor is Factor.SMS_OTP and not context.engine.rules.sends_sms):
            return _page(request, visit, standing, None)
        if "passkey-answer" in fields or "otp-code" in fields:
            return await _confirm(request, context, visit, standing, factor, fields)
        wish = fields.get("phone", "")
        if factor is Factor.SMS_OTP and not wish:
            return _page(request, visit, standing, factor)
        begun = await site.accounts.enrolment.begin(
            context, standing.user, factor, binding=standing.interaction.id, wish=wish
        )
        if isinstance(begun, Refused):
            return _page(request, visit, standing, factor, refused=begun, phone=wish)
        return _page(request, visit, standing, factor, challenge=begun, phone=wish)


async def _confirm(
    request: Request, context: Context, visit: Visit, standing: Standing, factor: Factor, fields: dict[str, str]
) -> Response:
    enrolment: Enrolment = site_of(request).accounts.enrolment
    assert standing.user is not None
    user, binding = standing.user, standing.interaction.id
    credential_id, phone = fields.get("credential", ""), fields.get("phone", "")
    added = await enrolment.confirm(
        context, user, factor, binding=binding, credential_id=credential_id,
        answer=fields.get("passkey-answer") or fields.get("otp-code", ""),
        name=fields.get("name", "") or describe_agent(visit.user_agent),
        session_id=standing.session.id if standing.session is not None else None,
    )  # fmt: skip
    if isinstance(added, Added):
        proceeded = await site_of(request).sign_in.record(context, visit, standing, user, added.proof)
        response = carry_on(request, proceeded)
        if not added.codes:
            return response
        return _with_codes(request, visit, standing, added, response)
    challenge: Challenge | None = None
    if factor is Factor.TOTP:
        attempt = enrolment.attempt(context, user, binding)
        challenge = await enrolment.catalog.totp.resume(attempt, credential_id)
    elif factor is Factor.SMS_OTP:
        challenge = Challenge(destination=phone)
    else:
        begun = await enrolment.begin(context, user, factor, binding=binding)
        challenge = begun if isinstance(begun, Challenge) else None
    return _page(request, visit, standing, factor, challenge=challenge, refused=added, phone=phone)


def _with_codes(request: Request, visit: Visit, standing: Standing, added: Added, response: Response) -> Response:
    """Show the recovery codes once, with the cookies of the session that has just been opened."""
    page = pages.page(
        request, "enrol/codes.html", brand_of=standing.client, ui_locales=ui_locales(standing),
        scripts=("print.js",), codes=added.codes, csrf=csrf.token(request, visit, PURPOSE),
        onward=f"{site_of(request).settings.base_path}/login/{standing.interaction.id}",
        client=pages.party(request, standing.client),
    )  # fmt: skip
    for name, value in response.headers.items():
        if name == "set-cookie":
            page.headers.append(name, value)
    return page


def _page(
    request: Request, visit: Visit, standing: Standing, factor: Factor | None, *, challenge: Challenge | None = None,
    refused: Refused | None = None, phone: str = "",
) -> Response:  # fmt: skip
    options = as_json(challenge.options) if challenge is not None and challenge.options is not None else ""
    response = pages.page(
        request,
        "enrol/enrol.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        scripts=("webauthn.js",) if factor is Factor.WEBAUTHN else (),
        **shared(request, visit, standing, "enrol"),
        account=pages.account(standing.user),
        factor=factor.value if factor else None,
        offered=[each.value for each in OFFERED if each is not Factor.SMS_OTP or _sends_sms(request)],
        challenge=challenge,
        passkey_options=options,
        phone=phone[:40],
        error=refused.reason.value if refused else None,
        wait_seconds=wait_seconds(refused),
    )
    return with_retry(response, refused)


def _sends_sms(request: Request) -> bool:
    return site_of(request).engine.rules.sends_sms
