"""A new client in two pages: what is connected, then only what has to be said. Its secret is shown once."""

from starlette.responses import Response

from idp.domain.document_url import from_path_name
from idp.domain.permission import Permission
from idp.domain.secret import make_id
from idp.domain.user import Role
from idp.flows.admin import client_kinds, clients
from idp.flows.admin.client_kinds import KindShown
from idp.flows.admin.clients import ClientShown
from idp.flows.admin.problem import Code, Problem
from idp.web.admin import once
from idp.web.admin.clients_form import CERTIFICATE_NAMES, LONGEST, ClientForm, members_of, refused
from idp.web.admin.clients_snippets import connection
from idp.web.admin.gate import Desk, admin
from idp.web.site import site_of

SHOWN = (
    "client-name", "redirect-uris", "post-logout-redirect-uris", "scope", "auth-method", "jwks-uri", "jwks",
    "cors-origins", *CERTIFICATE_NAMES,
)  # fmt: skip


async def _choose(desk: Desk) -> Response:
    """Ask what is connected; lead to the page of that kind."""
    kinds = (await desk.do(client_kinds.LIST)).items
    chosen = next((each.kind for each in kinds if f"kind-{each.kind}" in desk.fields), None)
    if chosen is not None:
        return desk.go(f"/admin/clients/new/{chosen}")
    return desk.page("admin/client_new.html", status=400 if desk.is_post else 200, kinds=kinds)


async def _describe(desk: Desk) -> Response:
    """Register a client of a kind; the id that it will have stands in the form, so that sending it twice makes one."""
    wanted = desk.request.path_params["kind"]
    kind = next((each for each in (await desk.do(client_kinds.LIST)).items if each.kind == wanted), None)
    if kind is None:
        return desk.missing()
    if not desk.is_post:
        values = {"scope": kind.metadata["scope"], "auth-method": kind.auth_methods[0], "grant-refresh": "1"}
        return _form(desk, kind, ClientForm(values), make_id())
    fields = {name: value[:LONGEST] for name, value in desk.fields.items()}
    token = fields.get("form", "")[:32] or make_id()
    try:
        return await once.lead(desk, clients.CREATE, secret_of, made_path, **_given(desk, kind, token))
    except Problem as problem:
        if problem.code is Code.TAKEN:  # sent before; its secret was shown then
            return desk.go(f"/admin/clients/{_id(token)}")
        form = refused(fields, problem, SHOWN, is_native=kind.profile == "native")
        return _form(desk, kind, form, token, status=problem.status)


def _id(token: str) -> str:
    return f"c-{token}"


def _given(desk: Desk, kind: KindShown, token: str) -> dict[str, object]:
    fields = {name: value for name, value in desk.fields.items() if name in SHOWN}
    if not kind.has_redirects:
        fields = {name: value for name, value in fields.items() if "redirect" not in name}
    if not kind.has_origins:
        fields.pop("cors-origins", None)
    if fields.get("auth-method") not in kind.auth_methods:
        fields.pop("auth-method", None)
    if fields.get("auth-method") != "tls_client_auth":
        fields = {name: value for name, value in fields.items() if name not in CERTIFICATE_NAMES}
    typed = {name: value for name, value in members_of(fields, grants=False).items() if value not in (None, [])}
    metadata = kind.metadata | typed
    if "refresh_token" in kind.metadata["grant_types"] and "grant-refresh" not in desk.fields:
        metadata |= {"grant_types": [each for each in kind.metadata["grant_types"] if each != "refresh_token"]}
    return {
        "metadata": metadata, "profile": kind.profile, "client_id": _id(token),
        "first_party": "first-party" in desk.fields,
    }  # fmt: skip


def _form(desk: Desk, kind: KindShown, form: ClientForm, token: str, *, status: int = 200) -> Response:
    return desk.page(
        "admin/client_form.html", status=status, kind=kind, form=form, form_id=token,
        may_first_party=desk.caller.role is not Role.CLIENT_MANAGER,
        has_refresh="refresh_token" in kind.metadata["grant_types"], needs_key=kind.profile == "fapi2",
    )  # fmt: skip


def secret_of(client: ClientShown) -> str | None:
    """Return the secret that an operation made."""
    return client.client_secret


def made_path(client: ClientShown) -> str:
    """Return the page that shows a secret once, with how to connect its client."""
    return f"/admin/clients/{client.path_name}/made"


async def _made(desk: Desk) -> Response:
    """Show everything to connect a client by, and a secret that was made just now; that never again."""
    client = await desk.do(clients.SHOW, id=from_path_name(desk.request.path_params["client"]))
    secret = await once.read(desk)
    shown = connection(site_of(desk.request), client, secret)
    was_shown = secret is None and client.metadata["token_endpoint_auth_method"].startswith("client_secret")
    return desk.page("admin/client_made.html", client=client, secret=secret, was_shown=was_shown, connection=shown)


choose = admin(_choose, Permission.CLIENTS_WRITE, fresh=False)
made = admin(_made, Permission.CLIENTS_WRITE, fresh=False)
describe = admin(_describe, Permission.CLIENTS_WRITE, fresh=False)
