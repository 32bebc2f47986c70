"""Other providers as ways to sign in: listed, set up, asked about themselves, switched off, and removed."""

from collections.abc import Mapping

from starlette.responses import Response

from idp.domain.permission import Permission
from idp.domain.upstream import USUAL_CLAIMS, NewAccounts, UpstreamAuth
from idp.flows.admin import upstreams
from idp.flows.admin.problem import Code, Problem, invalid
from idp.flows.admin.upstreams import UpstreamShown, UpstreamTested
from idp.web.admin.gate import Desk, admin
from idp.web.admin.typed import Typed, refused

BACK = "/admin/upstreams"
TEXTS = ("name", "issuer", "client_id", "auth_method", "button", "logo_uri", "create_accounts", "groups_claim")
TICKS = ("active", "link_by_email", "trust_email", "userinfo", "forward_freshness")
WORDS = ("scopes", "domains")
TABLES = ("claims", "groups", "trusted_acr")
FIELDS = ("id", "client_secret", *TEXTS, *WORDS, *TABLES)
METHODS = tuple(each.value for each in UpstreamAuth)
CHOICES = tuple(each.value for each in NewAccounts)


def _path(upstream_id: str) -> str:
    return f"{BACK}/{upstream_id}"


async def _list(desk: Desk) -> Response:
    return desk.page("admin/upstreams.html", upstreams=(await desk.do(upstreams.LIST)).items)


async def _new(desk: Desk) -> Response:
    if not desk.is_post:
        usual = {"auth_method": METHODS[0], "create_accounts": CHOICES[0], "scopes": "openid profile email"}
        ticked = {"active": "1", "forward_freshness": "1", "claims": _lines(USUAL_CLAIMS)}
        return _form(desk, Typed({**usual, **ticked}))
    fields = desk.fields
    try:
        secret = {"client_secret": fields["client_secret"]} if fields.get("client_secret") else {}
        given = {**_given(fields), **secret}
        if not given["logo_uri"]:
            del given["logo_uri"]
        made = await desk.do(upstreams.CREATE, id=fields.get("id", "").strip(), **given)
    except Problem as problem:
        return _form(desk, refused(fields, problem, FIELDS, taken=("id",)), status=problem.status)
    return desk.go(_path(made.id), done="saved")


def _given(fields: Mapping[str, str]) -> dict[str, object]:
    """Return what a form says, as the operation takes it; raise Problem for a line that cannot be read."""
    given: dict[str, object] = {name: fields.get(name, "").strip() for name in TEXTS}
    given |= {name: name in fields for name in TICKS}
    given |= {name: fields.get(name, "").replace(",", " ").split() for name in WORDS}
    tables = {name: _table(name, fields.get(name, "")) for name in TABLES}
    tables["trusted_acr"] = {key: str(value).split() for key, value in tables["trusted_acr"].items()}
    return given | tables


def _table(name: str, text: str) -> dict[str, object]:
    """Read lines of `theirs = ours`; the last equals sign parts them, since values of others may have one."""
    found: dict[str, object] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        theirs, separator, ours = line.rpartition("=")
        if not separator or not theirs.strip() or not ours.strip():
            raise invalid(name, "has lines like: theirs = ours")
        found[theirs.strip()] = ours.strip()
    return found


def _lines(table: Mapping[str, object]) -> str:
    return "\n".join(
        f"{theirs} = {' '.join(ours) if isinstance(ours, list) else ours}" for theirs, ours in table.items()
    )


def _form(
    desk: Desk, form: Typed, upstream: UpstreamShown | None = None, *, version: str = "", status: int = 200
) -> Response:
    return desk.page(
        "admin/upstream_form.html", status=status, form=form, upstream=upstream, version=version, methods=METHODS,
        choices=CHOICES, back=BACK if upstream is None else _path(upstream.id),
    )  # fmt: skip


async def _one(desk: Desk) -> Response:
    shown = await desk.do(upstreams.SHOW, id=desk.request.path_params["id"])
    tested = await desk.do(upstreams.TEST, id=shown.id) if desk.is_post else None
    return _page(desk, shown, tested)


def _page(desk: Desk, shown: UpstreamShown, tested: UpstreamTested | None) -> Response:
    tables = {name: _lines(getattr(shown, name)) for name in TABLES}
    return desk.page("admin/upstream.html", upstream=shown, tested=tested, tables=tables)


async def _change(desk: Desk) -> Response:
    shown = await desk.do(upstreams.SHOW, id=desk.request.path_params["id"])
    if not desk.is_post:
        return _form(desk, Typed(_typed(shown)), shown, version=shown.version)
    fields, version = desk.fields, desk.fields.get("version", "")
    try:
        secret = {"client_secret": fields["client_secret"]} if fields.get("client_secret") else {}
        await desk.do(upstreams.UPDATE, id=shown.id, version=version, **_given(fields), **secret)
    except Problem as problem:
        is_stale = problem.code is Code.CHANGED_MEANWHILE
        form = refused(fields, problem, FIELDS, now=_typed(shown) if is_stale else None)
        version = shown.version if is_stale else version
        return _form(desk, form, shown, version=version, status=problem.status)
    return desk.go(_path(shown.id), done="saved")


def _typed(shown: UpstreamShown) -> dict[str, str]:
    typed = {name: str(getattr(shown, name) or "") for name in TEXTS}
    typed |= {name: "1" for name in TICKS if getattr(shown, name)}
    typed |= {name: " ".join(getattr(shown, name)) for name in WORDS}
    return typed | {name: _lines(getattr(shown, name)) for name in TABLES}


async def _delete(desk: Desk) -> Response:
    shown = await desk.do(upstreams.SHOW, id=desk.request.path_params["id"])
    if desk.is_post:
        try:
            await desk.do(upstreams.DELETE, id=shown.id)
        except Problem as problem:
            return desk.refused(problem, back=_path(shown.id))
        return desk.go(BACK, done="deleted")
    return desk.page("admin/upstream_delete.html", upstream=shown, back=_path(shown.id))


listed = admin(_list, Permission.UPSTREAMS_READ, fresh=False)
new = admin(_new, Permission.UPSTREAMS_WRITE)
upstream = admin(_one, Permission.UPSTREAMS_READ, writing=Permission.UPSTREAMS_WRITE, fresh=False)
change = admin(_change, Permission.UPSTREAMS_WRITE)
delete = admin(_delete, Permission.UPSTREAMS_WRITE)
