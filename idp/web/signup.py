"""Making an account: a form, a code that is mailed, and the link in the same mail."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from idp.domain.refusal import Refusal, Refused
from idp.flows import authorization
from idp.flows.authorization import Standing, Stuck
from idp.flows.sign_in import Proceeded
from idp.flows.signup import INVITATION, PURPOSE, Opened, Wish
from idp.flows.visit import Visit
from idp.web import csrf, pages
from idp.web.authorize import bind, redirect_target, see_other, stuck, ui_locales
from idp.web.errors import notice
from idp.web.forms import form_of, single
from idp.web.login import STATUS, cancel, carry_on, check_unless_foreign, shared, wait_seconds, with_retry
from idp.web.site import context_of, site_of, visit_of
from idp.wiring import Stores

LINK = "link"


def _must_be_open(request: Request) -> None:
    if site_of(request).settings.registration.value != "open":
        raise HTTPException(404)


async def show(request: Request) -> Response:
    """Show the form."""
    _must_be_open(request)
    visit, _ = visit_of(request)
    async with site_of(request).transactions.open(write=True, request_id=visit.request_id) as stores:
        standing = await authorization.stand(context_of(request, stores), visit, request.path_params["interaction"])
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    return _form(request, visit, standing)


def _form(
    request: Request, visit: Visit, standing: Standing, *, refused: Refused | None = None, email: str = "",
    name: str = "",
) -> Response:  # fmt: skip
    base = site_of(request).settings.base_path
    response = pages.page(
        request,
        "signup/signup.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        scripts=("password.js",),
        **shared(request, visit, standing, "signup"),
        email=(email or (standing.request.login_hint if standing.request else None) or "")[:254],
        name=name[:200],
        error=refused.reason.value if refused else None,
        wait_seconds=wait_seconds(refused),
        strength_url=f"{base}/password/strength",
        back=f"{base}/login/{standing.interaction.id}",
    )
    return with_retry(response, refused)


async def submit(request: Request) -> Response:
    """Take the form; the answer is the same whether the address has an account or not."""
    _must_be_open(request)
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    if "login-cancel" in fields:
        return await cancel(request, visit, fields)
    site, signup = site_of(request), site_of(request).accounts.signup
    wish = Wish(fields.get("email", ""), fields.get("name", ""), pages.locale(request))

    def again(standing: Standing, refused: Refused) -> Response:
        return _form(request, visit, standing, refused=refused, email=wish.email, name=wish.name)

    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        standing = await authorization.stand(context_of(request, stores), visit, request.path_params["interaction"])
    check_unless_foreign(request, visit, fields, standing)
    if isinstance(standing, Stuck):
        return stuck(request, standing.why, standing.retry_path)
    email = signup.check(wish)
    if isinstance(email, Refused):
        return again(standing, email)
    accepted = await signup.new_password.accept(fields.get("new-password", ""), email=email, name=wish.name)
    if isinstance(accepted, Refused):
        return again(standing, accepted)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        refused = await signup.start(context, visit, standing, wish, email, accepted)
    if refused is not None:
        return again(standing, refused)
    return see_other(f"{site.settings.issuer}/signup/{standing.interaction.id}/code")


async def show_code(request: Request) -> Response:
    """Ask for the code that was mailed."""
    visit, _ = visit_of(request)
    async with site_of(request).transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, request.path_params["interaction"])
        if isinstance(standing, Stuck):
            return stuck(request, standing.why, standing.retry_path)
        return await _code_page(request, visit, standing, stores)


async def _code_page(
    request: Request, visit: Visit, standing: Standing, stores: Stores, *, refused: Refused | None = None
) -> Response:
    site = site_of(request)
    waiting = await site.accounts.signup.waiting(context_of(request, stores), standing)
    if waiting is None:
        return see_other(f"{site.settings.issuer}/login/{standing.interaction.id}")
    response = pages.page(
        request,
        "signup/code.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        brand_of=standing.client,
        ui_locales=ui_locales(standing),
        form_target=redirect_target(standing),
        **shared(request, visit, standing, "signup") | {"action": site.settings.base_path + request.url.path},  # type: ignore[arg-type]
        email=waiting.text("email"),
        error=refused.reason.value if refused else None,
        wait_seconds=wait_seconds(refused),
        back=f"{site.settings.base_path}/{_back(waiting.text('hash'), standing)}",
    )
    return with_retry(response, refused)


def _back(hash_: str | None, standing: Standing) -> str:
    """Return where an address was typed: the usual form, or that of somebody who came from another provider."""
    here = standing.interaction.id
    return f"upstream/{here}/new" if hash_ is None else f"signup/{here}"


async def submit_code(request: Request) -> Response:
    """Take the code, or send another one."""
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
        signup = site.accounts.signup
        result: Proceeded | Refused | None
        if "otp-resend" in fields:
            result = await signup.resend(context, standing)
        else:
            result = await signup.confirm(context, visit, standing, fields.get("otp-code", ""))
        if isinstance(result, Proceeded):
            return carry_on(request, result)
        return await _code_page(request, visit, standing, stores, refused=result)


async def show_link(request: Request) -> Response:
    """Show what the link of a sign-up or an invitation leads to; nothing is spent."""
    visit, is_new = visit_of(request)
    opened = await _look(request, visit)
    if opened is None:
        return notice(request, "link_spent", status=410)
    return bind(request, visit, is_new, _link_page(request, visit, opened))


def _purpose(request: Request) -> str:
    return INVITATION if request.scope["idp.path"].startswith("/invitation/") else PURPOSE


async def _look(request: Request, visit: Visit) -> Opened | None:
    site = site_of(request)
    if _purpose(request) == INVITATION and site.settings.registration.value == "closed":
        raise HTTPException(404)
    async with site.transactions.open(write=False) as stores:
        return await site.accounts.signup.look(
            context_of(request, stores), visit, request.path_params["link"], _purpose(request)
        )


def _link_page(
    request: Request, visit: Visit, opened: Opened, *, refused: Refused | None = None, name: str | None = None
) -> Response:
    base = site_of(request).settings.base_path
    return pages.page(
        request,
        "signup/link.html",
        status=STATUS.get(refused.reason, 400) if refused else 200,
        scripts=() if opened.is_same_browser else ("password.js",),
        action=base + request.scope["idp.path"],
        csrf=csrf.token(request, visit, LINK),
        email=opened.email,
        name=(opened.name if name is None else name)[:200],
        is_same_browser=opened.is_same_browser,
        error=refused.reason.value if refused else None,
        strength_url=f"{base}/password/strength",
    )


async def submit_link(request: Request) -> Response:
    """Spend the link: here as it was typed, elsewhere with a password that is chosen there."""
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    csrf.check(request, visit, LINK, fields.get("csrf"))
    opened = await _look(request, visit)
    if opened is None:
        return notice(request, "link_spent", status=410)
    if opened.is_same_browser:
        return await _finish_here(request, visit, opened)
    site, signup, name = site_of(request), site_of(request).accounts.signup, fields.get("name", "")
    if not name.strip():
        return _link_page(request, visit, opened, refused=Refused(Refusal.MISSING_FIELDS), name=name)
    accepted = await signup.new_password.accept(fields.get("new-password", ""), email=opened.email, name=name)
    if isinstance(accepted, Refused):
        return _link_page(request, visit, opened, refused=accepted, name=name)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        made = await signup.by_link(
            context_of(request, stores), request.path_params["link"], _purpose(request), name=name,
            locale=pages.locale(request), accepted=accepted,
        )  # fmt: skip
    if isinstance(made, Refused):
        return notice(request, "link_spent" if made.reason is Refusal.LINK_SPENT else "address_taken", status=410)
    return see_other(f"{site.settings.issuer}/account/sign-in")


async def _finish_here(request: Request, visit: Visit, opened: Opened) -> Response:
    site = site_of(request)
    async with site.transactions.open(write=True, request_id=visit.request_id) as stores:
        context = context_of(request, stores)
        standing = await authorization.stand(context, visit, opened.interaction_id)
        if isinstance(standing, Stuck):
            return stuck(request, standing.why, standing.retry_path)
        result = await site.accounts.signup.by_link_here(context, visit, standing, request.path_params["link"])
    if isinstance(result, Refused):
        return notice(request, "link_spent", status=410)
    return carry_on(request, result)
