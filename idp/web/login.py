"""The sign-in page and the account chooser."""

from collections.abc import Callable
from math import ceil

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.authorization import Prompt
from idp.domain.refusal import Refusal, Refused
from idp.flows import authorization
from idp.flows.authorization import Outcome, Standing, Step, Stuck
from idp.flows.login import SignedIn
from idp.flows.visit import Visit
from idp.metrics import SIGN_INS
from idp.web import csrf, pages
from idp.web.authorize import redirect_target, stuck, to_response, ui_locales
from idp.web.cookies import DEVICE, SESSION
from idp.web.forms import form_of, single
from idp.web.site import context_of, jar_of, site_of, visit_of
from idp.wiring import Stores

DEVICE_SECONDS = 30 * 24 * 3600
LONGEST_WAIT_TOLD = 24 * 3600  # a password that is off until its reset has no end to name
STATUS = {Refusal.MISSING_FIELDS: 400, Refusal.WRONG_CREDENTIALS: 403, Refusal.THROTTLED: 429}


async def show(request: Request) -> Response:
    """Show the sign-in page, or go where this interaction really stands."""
    return await _show(request, Step.LOGIN, _login_page)


async def show_accounts(request: Request) -> Response:
    """Show the account chooser, or go where this interaction really stands."""
    return await _show(request, Step.ACCOUNTS, _accounts_page)


async def _show(request: Request, step: Step, render: Callable[[Request, Visit, Standing], Response]) -> Response:
    visit, _ = visit_of(request)
    standing = await stand(request, visit)
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    if standing.step is not step:
        return await proceed(request, visit)
    return render(request, visit, standing)


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
    *,
    username: str | None = None,
    refused: Refused | None = None,
) -> Response:
    wished = standing.request
    chose_other = standing.interaction.account_chosen and standing.interaction.session_id == ""
    is_again = (
        standing.user is not None and not chose_other and not (wished and Prompt.SELECT_ACCOUNT in wished.prompts)
    )
    prefill = username if username is not None else (wished.login_hint if wished else None) or ""
    if is_again and standing.user is not None:
        prefill = standing.user.label
    wait = _wait_seconds(refused)
    response = pages.page(
        request,
        "login/login.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        **_shared(request, visit, standing, "login"),
        account=pages.account(standing.user) if is_again else None,
        username=prefill[:254],
        error=refused.reason.value if refused else None,
        wait_seconds=wait,
        cancellable=True,
        reauthentication=is_again,
    )
    if refused is not None and refused.reason is Refusal.THROTTLED:
        response.headers["retry-after"] = str(wait or LONGEST_WAIT_TOLD)  # RFC 6585 §4
    return response


def _wait_seconds(refused: Refused | None) -> int | None:
    """Return how long to wait; None when there is nothing to wait for, or it is longer than anybody would."""
    if refused is None or refused.wait is None:
        return None
    seconds = ceil(refused.wait.total_seconds())
    return seconds if seconds <= LONGEST_WAIT_TOLD else None


def _shared(request: Request, visit: Visit, standing: Standing, step: str) -> dict[str, object]:
    interaction_id = standing.interaction.id
    return {
        "action": f"{site_of(request).settings.base_path}/{step}/{interaction_id}",
        "csrf": csrf.token(request, visit, interaction_id),
        "client": pages.party(request, standing.client),
    }


def _accounts_page(request: Request, visit: Visit, standing: Standing) -> Response:
    return pages.page(
        request,
        "accounts/accounts.html",
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        **_shared(request, visit, standing, "accounts"),  # type: ignore[arg-type]
        account=pages.account(standing.user),
    )


async def submit(request: Request) -> Response:
    """Take name and password."""
    visit, fields, standing = await receive(request)
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    if "login-cancel" in fields:
        return await cancel(request, visit)
    if standing.step is not Step.LOGIN:
        return await proceed(request, visit)
    username = fields.get("username", "")[:1024]
    result = await site_of(request).login.with_password(
        visit, username=username, password=fields.get("password", ""), interaction_id=standing.interaction.id
    )
    if isinstance(result, Refused):
        SIGN_INS.labels(result.reason.value).inc()
        return _login_page(request, visit, standing, username=username, refused=result)
    SIGN_INS.labels("signed_in").inc()
    return await _carry_on(request, visit, result)


async def _carry_on(request: Request, visit: Visit, result: SignedIn) -> Response:
    """Go on as the person who just signed in, and give the browser its new session."""
    visit = Visit(visit.browser, result.opened.secret, result.device, visit.address, visit.user_agent, visit.request_id)
    response = await proceed(request, visit)
    jar = jar_of(request)
    for name, value in (
        jar.set(SESSION, result.opened.secret),
        jar.set(DEVICE, result.device, max_age=DEVICE_SECONDS),
    ):
        response.headers.append(name, value)
    return response


async def receive(request: Request) -> tuple[Visit, dict[str, str], Standing | Stuck]:
    """Read a page's form, refuse it unless it is ours, and say where its interaction stands."""
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    standing = await stand(request, visit)
    if not isinstance(standing, Stuck) or standing.why not in ("foreign", "unknown"):
        csrf.check(request, visit, request.path_params["interaction"], fields.get("csrf"))
    return visit, fields, standing


async def cancel(request: Request, visit: Visit) -> Response:
    """End the interaction at the person's wish."""
    site = site_of(request)

    async def work(stores: Stores) -> Outcome | str:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, request.path_params["interaction"])
        return standing if isinstance(standing, Stuck) else await authorization.cancel(context, standing)

    return to_response(request, await site.transactions.run(work, write=True, request_id=visit.request_id))


async def submit_accounts(request: Request) -> Response:
    """Take the answer of the account chooser."""
    visit, fields, standing = await receive(request)
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    if "login-cancel" in fields:
        return await cancel(request, visit)
    if standing.step is Step.ACCOUNTS and ("account-continue" in fields or "account-other" in fields):
        site = site_of(request)
        async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
            context = context_of(request, stores)
            await authorization.choose_account(context, standing, go_on="account-continue" in fields)
    return await proceed(request, visit)
