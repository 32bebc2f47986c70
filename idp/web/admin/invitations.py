"""Links by which people make accounts, and tokens by which others register clients."""

from starlette.responses import Response

from idp.domain.client import Profile
from idp.domain.permission import Permission
from idp.flows.admin import invitations, registration_tokens
from idp.flows.admin.problem import Problem
from idp.web.admin import once
from idp.web.admin.gate import Desk, admin
from idp.web.admin.typed import Typed, refused
from idp.web.site import site_of

INVITATION = ("email", "name", "locale")
TOKENS = "/admin/registration-tokens"
TOKEN = ("profile", "scopes", "uses", "days")
USUAL = {"profile": Profile.OAUTH21.value, "scopes": "", "uses": "1", "days": "30"}


async def _invitations(desk: Desk) -> Response:
    form, status = Typed({"locale": "en"}), 200
    if desk.is_post:
        typed = {name: desk.fields.get(name, "").strip() for name in INVITATION}
        try:
            await desk.do(invitations.CREATE, **typed)
            return desk.go("/admin/invitations", done="invitation-sent")
        except Problem as problem:
            form, status = refused(typed, problem, INVITATION, taken=("email",)), problem.status
    found = await desk.do(invitations.LIST)
    return desk.page(
        "admin/invitations.html", status=status, invitations=found.items, form=form,
        locales=site_of(desk.request).templates.locales,
    )  # fmt: skip


async def _take_back(desk: Desk) -> Response:
    if not desk.is_post:
        return desk.go("/admin/invitations")
    try:
        await desk.do(invitations.REVOKE, id=desk.request.path_params["id"])
    except Problem as problem:
        return desk.refused(problem, back="/admin/invitations")
    return desk.go("/admin/invitations", done="revoked")


async def _tokens(desk: Desk) -> Response:
    if not desk.is_post:
        return await _listed(desk, Typed(USUAL))
    typed = {name: desk.fields.get(name, "").strip() for name in TOKEN}
    try:
        return await once.lead(
            desk, registration_tokens.CREATE, lambda made: made.secret, lambda _: TOKENS, **_read(typed)
        )
    except Problem as problem:
        return await _listed(desk, refused(typed, problem, TOKEN), status=problem.status)


def _read(typed: dict[str, str]) -> dict[str, object]:
    """Return the input; what is no number stays text, so that the operation says so."""
    numbers = {name: int(typed[name]) if _is_number(typed[name]) else typed[name] for name in ("uses", "days")}
    scopes = typed["scopes"].split()
    return {"profile": typed["profile"], **numbers, **({"scopes": scopes} if scopes else {})}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


async def _listed(desk: Desk, form: Typed, *, status: int = 200) -> Response:
    """Show all tokens, and the secret of one that was made just now: it is never shown again."""
    site = site_of(desk.request)
    found = await desk.do(registration_tokens.LIST)
    return desk.page(
        "admin/registration_tokens.html", status=status, tokens=found.items, form=form, secret=await once.read(desk),
        profiles=[each.value for each in Profile], is_open=site.registration is not None,
        endpoint=f"{site.settings.issuer}/register",
    )  # fmt: skip


async def _end_token(desk: Desk) -> Response:
    if not desk.is_post:
        return desk.go(TOKENS)
    try:
        await desk.do(registration_tokens.REVOKE, id=desk.request.path_params["id"])
    except Problem as problem:
        return desk.refused(problem, back=TOKENS)
    return desk.go(TOKENS, done="revoked")


invited = admin(_invitations, Permission.INVITATIONS_WRITE, fresh=False)
take_back = admin(_take_back, Permission.INVITATIONS_WRITE, fresh=False)
tokens = admin(_tokens, Permission.REGISTRATION_WRITE, fresh=False)
end_token = admin(_end_token, Permission.REGISTRATION_WRITE, fresh=False)
