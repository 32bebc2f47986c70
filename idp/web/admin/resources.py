"""Resource servers: the APIs that take our access tokens, each with its scopes and the tokens it wants."""

from collections.abc import Mapping

from starlette.responses import Response

from idp.domain.client import TokenFormat
from idp.domain.permission import Permission
from idp.flows.admin import resources
from idp.flows.admin.problem import Code, Problem
from idp.flows.admin.resources import ResourceShown
from idp.web.admin.gate import Desk, admin
from idp.web.admin.typed import Typed, refused

BACK = "/admin/resources"
TEXTS = ("identifier", "name", "token_alg", "token_format", "client_id")
FLAGS = ("public", "open_to_all", "require_sender_constraint")
FIELDS = (*TEXTS, "scopes", "life_seconds")
USUAL = {"token_alg": "ES256", "token_format": TokenFormat.JWT.value, "life_seconds": "300"}
LONGEST = 20_000


async def _list(desk: Desk) -> Response:
    found = await desk.do(resources.LIST)
    return desk.page("admin/resources.html", resources=found.items)


async def _new(desk: Desk) -> Response:
    form = Typed(USUAL)
    if desk.is_post:
        try:
            made = await desk.do(resources.CREATE, **_given(desk.fields))
            return desk.go(f"{BACK}/{made.id}", done="saved")
        except Problem as problem:
            form = refused(desk.fields, problem, FIELDS, taken=("identifier",))
            return _form(desk, form, status=problem.status)
    return _form(desk, form)


async def _one(desk: Desk) -> Response:
    shown = await desk.do(resources.GET, id=desk.request.path_params["id"])
    if not desk.is_post:
        return _form(desk, Typed(_values(shown)), shown)
    given = {**_given(desk.fields), "identifier": shown.identifier}
    try:
        await desk.do(resources.UPDATE, id=shown.id, version=desk.fields.get("version", ""), **given)
    except Problem as problem:
        now = _values(shown) if problem.code is Code.CHANGED_MEANWHILE else None
        return _form(desk, refused(desk.fields, problem, FIELDS, now=now), shown, status=problem.status)
    return desk.go(f"{BACK}/{shown.id}", done="saved")


def _given(fields: Mapping[str, str]) -> dict[str, object]:
    """Return the input; what is no number stays text, so that the operation says so."""
    life = fields.get("life_seconds", "").strip()
    given: dict[str, object] = {name: fields[name].strip() for name in TEXTS if fields.get(name, "").strip()}
    return {
        **given,
        "scopes": [_scope(line) for line in fields.get("scopes", "")[:LONGEST].splitlines() if line.strip()],
        "life_seconds": int(life) if life.isascii() and life.isdigit() and len(life) < 10 else life,
        **{name: name in fields for name in FLAGS},
    }


def _scope(line: str) -> dict[str, str]:
    name, _, text = line.strip().partition(" ")
    return {"name": name, "text": text.strip()}


def _values(shown: ResourceShown) -> dict[str, str]:
    scopes = [f"{each['name']} {each['text']}".strip() for each in shown.scopes]
    flags = {name: "1" for name in FLAGS if getattr(shown, name)}
    return {
        "identifier": shown.identifier, "name": shown.name, "token_alg": shown.token_alg,
        "token_format": shown.token_format, "life_seconds": str(shown.life_seconds), "scopes": "\n".join(scopes),
        **flags,
    }  # fmt: skip


def _form(desk: Desk, form: Typed, shown: ResourceShown | None = None, *, status: int = 200) -> Response:
    return desk.page(
        "admin/resource_form.html", status=status, form=form, resource=shown, back=BACK,
        algs=resources.ALGS, formats=[each.value for each in TokenFormat],
    )  # fmt: skip


async def _delete(desk: Desk) -> Response:
    shown = await desk.do(resources.GET, id=desk.request.path_params["id"])
    back = f"{BACK}/{shown.id}"
    if desk.is_post:
        try:
            await desk.do(resources.DELETE, id=shown.id, version=desk.fields.get("version", ""))
        except Problem as problem:
            return desk.refused(problem, back=back)
        return desk.go(BACK, done="deleted")
    return desk.page("admin/resource_delete.html", resource=shown, back=back)


listed = admin(_list, Permission.RESOURCES_READ, fresh=False)
new = admin(_new, Permission.RESOURCES_WRITE)
resource = admin(_one, Permission.RESOURCES_READ, writing=Permission.RESOURCES_WRITE)
delete = admin(_delete, Permission.RESOURCES_WRITE)
