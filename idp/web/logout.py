"""/end_session, its confirmation page, and the signed-out page."""

from starlette.requests import Request
from starlette.responses import Response

from idp.flows import logout
from idp.flows.logout import Ask, SignedOut
from idp.flows.visit import Visit
from idp.oauth.openid import end_session
from idp.web import csrf, pages
from idp.web.authorize import bind, come_back_by_get, see_other
from idp.web.cookies import SESSION
from idp.web.forms import Pairs, form_of, query_of
from idp.web.site import context_of, jar_of, site_of, visit_of
from idp.wiring import Stores

PURPOSE = "logout"
FORM_FIELDS = frozenset({"csrf", "logout-yes", "logout-no"})


async def request_logout(request: Request) -> Response:
    """Answer a sign-out request (RP-Initiated Logout §2): at once if it is proven, else by asking."""
    if request.method == "POST":
        return await come_back_by_get(request)
    visit, is_new = visit_of(request)
    pairs = query_of(request)
    outcome, ui_locales = await _work(request, visit, pairs, is_confirmed=False)
    if isinstance(outcome, SignedOut):
        return bind(request, visit, is_new, _signed_out(request, outcome, ui_locales))
    return bind(request, visit, is_new, await _confirmation(request, visit, outcome, pairs, ui_locales))


async def _work(
    request: Request, visit: Visit, pairs: Pairs, *, is_confirmed: bool
) -> tuple[Ask | SignedOut, str | None]:
    site = site_of(request)
    await site.watch.refresh()
    await site.engine.keyring.refresh()

    async def work(stores: Stores) -> tuple[Ask | SignedOut, str | None]:
        context = context_of(request, stores)
        asked = await end_session.read(context, pairs)
        act = logout.confirm if is_confirmed else logout.end_session
        return await act(context, visit, asked), asked.ui_locales

    return await site.transactions.run(work, write=True, request_id=visit.request_id)


async def _confirmation(request: Request, visit: Visit, ask: Ask, pairs: Pairs, ui_locales: str | None) -> Response:
    site = site_of(request)
    async with site.transactions.open(write=False) as stores:
        user = await stores.users.find(ask.session.user_id)
    target = next((value for name, value in pairs if name == "post_logout_redirect_uri" and value), None)
    return pages.page(
        request,
        "logout/logout.html",
        brand_of=ask.client,
        ui_locales=ui_locales,
        form_target=target,
        action=f"{site.settings.base_path}/end_session/confirm",
        csrf=csrf.token(request, visit, PURPOSE),
        client=pages.party(request, ask.client),
        account=pages.account(user),
        fields={name: value for name, value in pairs if name not in FORM_FIELDS},
    )


async def confirm(request: Request) -> Response:
    """Take the person's answer."""
    visit, _ = visit_of(request)
    pairs = await form_of(request)
    fields = dict(pairs)
    csrf.check(request, visit, PURPOSE, fields.get("csrf"))
    if "logout-yes" not in fields:
        return see_other(f"{site_of(request).settings.issuer}/account")
    asked = [(name, value) for name, value in pairs if name not in FORM_FIELDS]
    outcome, ui_locales = await _work(request, visit, asked, is_confirmed=True)
    assert isinstance(outcome, SignedOut)
    return _signed_out(request, outcome, ui_locales)


def _signed_out(request: Request, outcome: SignedOut, ui_locales: str | None) -> Response:
    if outcome.redirect_uri is not None and not outcome.frames:
        response = see_other(outcome.redirect_uri)
    else:
        response = _signed_out_page(request, outcome, ui_locales)
    name, value = jar_of(request).clear(SESSION)
    response.headers.append(name, value)
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response


def _signed_out_page(request: Request, outcome: SignedOut, ui_locales: str | None) -> Response:
    """Return the page, which goes on by itself when it has somewhere to go (Front-Channel Logout §3, §5)."""
    goes_on = outcome.redirect_uri is not None
    response = pages.page(
        request,
        "logout/signed_out.html",
        brand_of=outcome.client,
        ui_locales=ui_locales,
        client=pages.party(request, outcome.client),
        return_uri=outcome.redirect_uri or outcome.link_uri,
        goes_on=goes_on,
        elsewhere=outcome.elsewhere,
        frames=outcome.frames,
        scripts=("go_on.js",) if goes_on else (),
    )
    pages.may_frame(response, outcome.frames)
    return response


async def signed_out(request: Request) -> Response:
    """Show the signed-out page by itself."""
    return _signed_out_page(request, SignedOut(None, None, None), None)
