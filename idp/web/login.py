"""The sign-in page and the account chooser."""

from math import ceil

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.authorization import Prompt
from idp.domain.refusal import Refusal, Refused
from idp.flows import authorization, known_device, work
from idp.flows.authorization import Outcome, Standing, Step, Stuck
from idp.flows.login import NotYet
from idp.flows.sign_in import Proceeded
from idp.flows.visit import Visit
from idp.flows.work import Work
from idp.metrics import SIGN_INS
from idp.oauth.context import Context
from idp.web import csrf, pages
from idp.web.authorize import redirect_target, stuck, to_response, ui_locales
from idp.web.cookies import DEVICE, SESSION
from idp.web.forms import form_of, single
from idp.web.site import context_of, jar_of, site_of, visit_of
from idp.web.upstream_buttons import Elsewhere, elsewhere
from idp.wiring import Stores

LONGEST_WAIT_TOLD = 24 * 3600  # a password that is off until its reset has no end to name
STATUS = {
    Refusal.MISSING_FIELDS: 400, Refusal.WRONG_CREDENTIALS: 403, Refusal.THROTTLED: 429, Refusal.TOO_MANY_SENT: 429,
    Refusal.CODE_WRONG: 403, Refusal.CODE_EXPIRED: 403, Refusal.PASSKEY_UNKNOWN: 403,
    Refusal.WORK_MISSING: 403,
}  # fmt: skip


async def show(request: Request) -> Response:
    """Show the sign-in page, or go where this interaction really stands."""
    visit, _ = visit_of(request)
    site = site_of(request)
    await site.watch.refresh()
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, request.path_params["interaction"])
        if not isinstance(standing, Stuck) and standing.step is Step.LOGIN:
            options = await site.login.passkey_options(context, standing)
            others = await elsewhere(request, stores, standing)
            works = await work.is_likely(context, visit)
            return _login_page(request, visit, standing, options, others=others, works=works)
    return await _elsewhere(request, visit, standing)


async def show_accounts(request: Request) -> Response:
    """Show the account chooser, or go where this interaction really stands."""
    visit, _ = visit_of(request)
    standing = await stand(request, visit)
    if isinstance(standing, Stuck) or standing.step is not Step.ACCOUNTS:
        return await _elsewhere(request, visit, standing)
    return _accounts_page(request, visit, standing)


async def _elsewhere(request: Request, visit: Visit, standing: Standing | Stuck) -> Response:
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    return await proceed(request, visit)


async def stand(request: Request, visit: Visit) -> Standing | Stuck:
    """Return where the interaction of this URL stands in this browser."""
    site = site_of(request)
    await site.watch.refresh()
    interaction_id: str = request.path_params["interaction"]
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        return await authorization.stand(context_of(request, stores), visit, interaction_id)


async def proceed(request: Request, visit: Visit) -> Response:
    """Go on from where the interaction of this URL stands now."""
    site = site_of(request)
    interaction_id: str = request.path_params["interaction"]

    async def work(stores: Stores) -> Outcome | str:
        return await authorization.resume(context_of(request, stores), visit, interaction_id)

    return to_response(request, await site.transactions.run(work, write=True, request_id=visit.request_id))


def _login_page(
    request: Request,
    visit: Visit,
    standing: Standing,
    options: str,
    *,
    others: Elsewhere,
    username: str | None = None,
    refused: Refused | None = None,
    works: bool = False,
) -> Response:
    wished = standing.request
    chose_other = standing.interaction.account_chosen and standing.interaction.session_id == ""
    is_again = (
        standing.user is not None and not chose_other and not (wished and Prompt.SELECT_ACCOUNT in wished.prompts)
    )
    prefill = username if username is not None else (wished.login_hint if wished else None) or ""
    if is_again and standing.user is not None:
        prefill = standing.user.label
    site = site_of(request)
    settings, interaction_id = site.settings, standing.interaction.id
    response = pages.page(
        request,
        "login/login.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        scripts=("webauthn.js", "work.js") if works else ("webauthn.js",),
        **shared(request, visit, standing, "login"),
        work=work.challenge(site.digester, interaction_id, site.clock.now()) if works else None,
        work_bits=work.BITS,
        work_wait=int(work.WAIT.total_seconds()),
        account=pages.account(standing.user) if is_again else None,
        username=prefill[:254],
        error=refused.reason.value if refused else None,
        wait_seconds=wait_seconds(refused),
        cancellable=True,
        reauthentication=is_again,
        passkey_options=options,
        others=others,
        forgot=f"{settings.base_path}/forgot/{interaction_id}",
        signup=f"{settings.base_path}/signup/{interaction_id}" if settings.registration.value == "open" else None,
    )
    return with_retry(response, refused)


def with_retry(response: Response, refused: Refused | None) -> Response:
    """Say when to come back, where a person must wait (RFC 6585 §4)."""
    if refused is not None and STATUS.get(refused.reason) == 429:
        response.headers["retry-after"] = str(wait_seconds(refused) or LONGEST_WAIT_TOLD)
    return response


def wait_seconds(refused: Refused | None) -> int | None:
    """Return how long to wait; None when there is nothing to wait for, or it is longer than anybody would."""
    if refused is None or refused.wait is None:
        return None
    seconds = ceil(refused.wait.total_seconds())
    return seconds if seconds <= LONGEST_WAIT_TOLD else None


def shared(request: Request, visit: Visit, standing: Standing, step: str) -> dict[str, object]:
    """Return what every page of an interaction shows."""
    interaction_id = standing.interaction.id
    return {
        "action": f"{site_of(request).settings.base_path}/{step}/{interaction_id}",
        "csrf": csrf.token(request, visit, interaction_id),
        "client": pages.party(request, standing.client, redirect_target(standing)),
    }


def _accounts_page(request: Request, visit: Visit, standing: Standing) -> Response:
    return pages.page(
        request,
        "accounts/accounts.html",
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        **shared(request, visit, standing, "accounts"),  # type: ignore[arg-type]
        account=pages.account(standing.user),
    )


async def submit(request: Request) -> Response:
    """Take name and password, or the answer of a passkey."""
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    site, interaction_id = site_of(request), request.path_params["interaction"]
    await site.watch.refresh()
    if "login-cancel" in fields:
        return await cancel(request, visit, fields)

    def check() -> None:
        csrf.check(request, visit, interaction_id, fields.get("csrf"))

    def make_context(stores: Stores) -> Context:
        return context_of(request, stores)

    username = fields.get("username", "")[:1024]
    if fields.get("passkey-answer"):
        result = await site.login.with_passkey(
            make_context, visit, interaction_id, answer=fields["passkey-answer"], check=check
        )
    else:
        result = await site.login.with_password(
            make_context, visit, interaction_id, username=username, password=fields.get("password", ""), check=check,
            work=Work(fields.get("work-challenge", ""), fields.get("work-answer", "")),
        )  # fmt: skip
    if isinstance(result, Stuck):
        return stuck(request, result.why, result.retry_path)
    if isinstance(result, NotYet):
        SIGN_INS.labels(result.refused.reason.value).inc()
        works = result.refused.reason is Refusal.WORK_MISSING or "work-challenge" in fields
        async with site.transactions.open(write=False) as stores:
            others = await elsewhere(request, stores, result.standing)
        return _login_page(
            request, visit, result.standing, result.passkey_options, others=others, username=username,
            refused=result.refused, works=works,
        )  # fmt: skip
    return carry_on(request, result)


def carry_on(request: Request, result: Proceeded) -> Response:
    """Go where the person's sign-in leads, and give the browser its new session if all is proved."""
    response = to_response(request, result.outcome)
    if result.signed_in is None:
        return response
    SIGN_INS.labels("signed_in").inc()
    jar = jar_of(request)
    cookies = [jar.set(SESSION, result.signed_in.opened.secret)]
    if result.signed_in.device is not None:
        cookies.append(jar.set(DEVICE, result.signed_in.device, max_age=known_device.SECONDS))
    for name, value in cookies:
        response.headers.append(name, value)
    return response


async def receive(request: Request) -> tuple[Visit, dict[str, str], Standing | Stuck]:
    """Read a page's form, refuse it unless it is ours, and say where its interaction stands."""
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    standing = await stand(request, visit)
    check_unless_foreign(request, visit, fields, standing)
    return visit, fields, standing


def check_unless_foreign(request: Request, visit: Visit, fields: dict[str, str], standing: Standing | Stuck) -> None:
    """Refuse a form that is not ours; to whom the interaction does not belong we say just that."""
    if not isinstance(standing, Stuck) or standing.why not in ("foreign", "unknown"):
        csrf.check(request, visit, request.path_params["interaction"], fields.get("csrf"))


async def cancel(request: Request, visit: Visit, fields: dict[str, str]) -> Response:
    """End the interaction at the person's wish."""
    site = site_of(request)

    async def work(stores: Stores) -> Outcome | str:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, request.path_params["interaction"])
        check_unless_foreign(request, visit, fields, standing)
        return standing if isinstance(standing, Stuck) else await authorization.cancel(context, standing)

    return to_response(request, await site.transactions.run(work, write=True, request_id=visit.request_id))


async def submit_accounts(request: Request) -> Response:
    """Take the answer of the account chooser."""
    visit, fields, standing = await receive(request)
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    if "login-cancel" in fields:
        return await cancel(request, visit, fields)
    if standing.step is Step.ACCOUNTS and ("account-continue" in fields or "account-other" in fields):
        site = site_of(request)
        async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
            context = context_of(request, stores)
            await authorization.choose_account(context, standing, go_on="account-continue" in fields)
    return await proceed(request, visit)
