"""The one-time link that makes an administrator: GET shows a form, only POST spends it."""

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.refusal import Refusal, Refused
from idp.domain.user import Role, User
from idp.flows import browser_session
from idp.flows.new_account import NewUser
from idp.flows.visit import Visit
from idp.web import csrf, pages
from idp.web.authorize import bind, see_other
from idp.web.forms import form_of, single
from idp.web.site import site_of, visit_of

PURPOSE = "first-administrator"


async def show(request: Request) -> Response:
    """Show the form while the link is open."""
    visit, is_new = visit_of(request)
    is_open = await site_of(request).users.is_link_open(request.path_params["link"])
    return bind(request, visit, is_new, await _page(request, visit, None if is_open else Refusal.LINK_SPENT))


async def submit(request: Request) -> Response:
    """Spend the link for a new administrator, or for the person who is signed in."""
    visit, _ = visit_of(request)
    fields = single(await form_of(request))
    csrf.check(request, visit, PURPOSE, fields.get("csrf"))
    users, link = site_of(request).users, request.path_params["link"]
    person = await _person(request, visit)
    if person is not None:
        refused = await users.promote(person, link=link)
    else:
        made = await users.create(_new_user(fields), link=link)
        refused = made if isinstance(made, Refused) else None
    if refused is not None:
        return await _page(request, visit, refused.reason, email=fields.get("email", ""), name=fields.get("name", ""))
    return see_other(f"{site_of(request).settings.issuer}/account{'' if person else '/sign-in'}")


def _new_user(fields: dict[str, str]) -> NewUser:
    name = fields.get("name", "").strip()[:200]
    return NewUser(
        email=fields.get("email", "").strip() or None,
        username=None,
        password=fields.get("new-password", ""),
        claims={"name": name} if name else {},
        email_verified=False,
        role=Role.OWNER,
    )


async def _person(request: Request, visit: Visit) -> User | None:
    site = site_of(request)
    async with site.transactions.open(write=False) as stores:
        session = await browser_session.find(stores, site.digester, visit, site.clock.now())
        return await stores.users.find(session.user_id) if session else None


async def _page(request: Request, visit: Visit, error: Refusal | None, *, email: str = "", name: str = "") -> Response:
    status = 200 if error is None else 410 if error is Refusal.LINK_SPENT else 400
    return pages.page(
        request,
        "admin/first_administrator.html",
        status=status,
        action=site_of(request).settings.base_path + request.scope["idp.path"],
        csrf=csrf.token(request, visit, PURPOSE),
        error=error.value if error else None,
        email=email[:254],
        name=name[:200],
        account=pages.account(await _person(request, visit)),
    )
