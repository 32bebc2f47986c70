"""Clients: the list, and each with all that can be changed of it, what was refused to it, and how to connect it."""

from urllib.parse import urlencode

from starlette.responses import Response

from idp.domain.client import AuthMethod, Profile, host_of
from idp.domain.document_url import from_path_name
from idp.domain.permission import Permission
from idp.domain.user import MAX_IDENTIFIER, Role
from idp.flows import decision_view
from idp.flows.admin import client_errors, client_managers, clients
from idp.flows.admin.clients import ClientShown
from idp.flows.admin.problem import Code, Problem
from idp.web.admin import once
from idp.web.admin.clients_form import (
    CERTIFICATE_NAMES,
    FIELDS,
    FLAGS,
    ClientForm,
    changed,
    members_of,
    refused,
    values_of,
)
from idp.web.admin.clients_new import made_path, secret_of
from idp.web.admin.clients_snippets import connection
from idp.web.admin.gate import Desk, admin
from idp.web.site import site_of

LONGEST_NAME = 128
FORMATS = ("jwt", "opaque")
SHOWN = (*FIELDS, *FLAGS, "profile", "first-party")


async def _list(desk: Desk) -> Response:
    if desk.is_post:
        wanted = desk.fields.get("find", "").strip()[:LONGEST_NAME]
        return desk.go(f"/admin/clients?{urlencode({'find': wanted})}" if wanted else "/admin/clients")
    asked = desk.request.query_params
    find = asked.get("find", "")[:LONGEST_NAME]
    try:
        page = await desk.do(clients.LIST, find=find, cursor=asked.get("cursor"))
    except Problem as problem:
        if problem.code is not Code.INVALID:
            raise
        return desk.go("/admin/clients")
    more = urlencode({"find": find, "cursor": page.next}) if page.next is not None else None
    rows = [{"client": each, "hosts": hosts_of(each)} for each in page.items]
    return desk.page("admin/clients.html", rows=rows, find=find, more=more)


def hosts_of(client: ClientShown) -> list[str]:
    """Return the hosts that people are sent back to, each once."""
    return list(dict.fromkeys(host_of(uri) for uri in client.metadata["redirect_uris"]))


def _id(desk: Desk) -> str:
    return from_path_name(desk.request.path_params["client"])


async def _one(desk: Desk) -> Response:
    shown = await desk.do(clients.SHOW, id=_id(desk))
    for name, operation in (("client-disable", clients.DISABLE), ("client-enable", clients.ENABLE)):
        if name in desk.fields:
            await desk.do(operation, id=shown.id)
            return desk.go(f"/admin/clients/{shown.path_name}", done=f"{name}d", about=shown.id)
    if "client-save" in desk.fields:
        return await _save(desk, shown)
    return await _page(desk, shown, ClientForm(values_of(shown)))


async def _save(desk: Desk, shown: ClientShown) -> Response:
    """Save what differs from what is stored, unless somebody else saved meanwhile: then what was typed is kept."""
    fields = desk.fields
    boxes = [name for name in FLAGS if name != "binds-to-certificate" or _asks_for_certificates(desk)]
    if fields.get("auth-method") != AuthMethod.TLS:  # its names go with the method that they are for
        fields = {**fields, **{name: "" for name in CERTIFICATE_NAMES if name in fields}}
    given: dict[str, object] = {"metadata": changed(members_of(fields, grants=True, boxes=boxes), shown)}
    if (profile := fields.get("profile", shown.profile)) != shown.profile:
        given["profile"] = profile
    if _may_all(desk) and ("first-party" in fields) != shown.first_party:
        given["first_party"] = "first-party" in fields
    try:
        after, made = await once.do(
            desk, clients.UPDATE, secret_of, made_path, id=shown.id, version=fields.get("version", ""), **given
        )
    except Problem as problem:
        is_stale = problem.code is Code.CHANGED_MEANWHILE
        now = values_of(shown) if is_stale else None
        is_native = fields.get("profile", shown.profile) == Profile.NATIVE
        form = refused(fields, problem, SHOWN, is_native=is_native, now=now)
        version = shown.version if is_stale else fields.get("version", "")
        return await _page(desk, shown, form, version=version, status=problem.status)
    return made if made is not None else desk.go(f"/admin/clients/{after.path_name}", done="saved")


def _asks_for_certificates(desk: Desk) -> bool:
    return site_of(desk.request).engine.offers.mutual_tls


def _may_all(desk: Desk) -> bool:
    return desk.caller.role is not Role.CLIENT_MANAGER


async def _page(
    desk: Desk, shown: ClientShown, form: ClientForm, *, version: str | None = None, status: int = 200
) -> Response:
    transactions = site_of(desk.request).transactions
    ids = (await desk.do(client_managers.MANAGERS, id=shown.id)).items
    managers = [{"id": each, "label": await decision_view.person_of(transactions, each)} for each in ids]
    methods = [each.value for each in AuthMethod]
    return desk.page(
        "admin/client.html", status=status, client=shown, form=form, version=version or shown.version,
        hosts=hosts_of(shown), errors=await _errors(desk, shown), managers=managers,
        connection=connection(site_of(desk.request), shown), may_first_party=_may_all(desk), methods=methods,
        profiles=[each.value for each in Profile], formats=FORMATS,
        has_secret=shown.metadata["token_endpoint_auth_method"].startswith("client_secret"),
        can_sign_in="authorization_code" in shown.metadata["grant_types"],
        has_certificates=_asks_for_certificates(desk),
    )  # fmt: skip


async def _errors(desk: Desk, shown: ClientShown) -> dict[str, object]:
    errors = await desk.do(client_errors.ERRORS, id=shown.id)
    return {"found": errors.items, "is_all": errors.is_all}


async def _managers(desk: Desk) -> Response:
    """Put a client into a person's care, or take it out."""
    shown = await desk.do(clients.SHOW, id=_id(desk))
    name = desk.fields.get("manager", "").strip()[:MAX_IDENTIFIER]
    removed = desk.fields.get("manager-remove", "")[:MAX_IDENTIFIER]
    if removed:
        await desk.do(client_managers.REMOVE_MANAGER, id=shown.id, user_id=removed)
    elif name:
        found = await decision_view.find_person(site_of(desk.request).transactions, name)
        if found is None:
            form = ClientForm(values_of(shown) | {"manager": name}, faults={"manager": "nobody"})
            return await _page(desk, shown, form, status=400)
        await desk.do(client_managers.ADD_MANAGER, id=shown.id, user_id=found)
    return desk.go(f"/admin/clients/{shown.path_name}", done="saved")


async def _rotate(desk: Desk) -> Response:
    shown = await desk.do(clients.SHOW, id=_id(desk))
    if desk.is_post:
        version = desk.fields.get("version", "")
        return await once.lead(desk, clients.ROTATE, secret_of, made_path, id=shown.id, version=version)
    return desk.page("admin/client_rotate.html", client=shown)


async def _delete(desk: Desk) -> Response:
    shown = await desk.do(clients.SHOW, id=_id(desk))
    if desk.is_post:
        await desk.do(clients.DELETE, id=shown.id, version=desk.fields.get("version", ""))
        return desk.go("/admin/clients", done="deleted")
    return desk.page("admin/client_delete.html", client=shown)


list_ = admin(_list, Permission.CLIENTS_READ, fresh=False)
one = admin(_one, Permission.CLIENTS_READ, writing=Permission.CLIENTS_WRITE, fresh=False)
managers = admin(_managers, Permission.ROLES_GRANT, fresh=False)
rotate = admin(_rotate, Permission.CLIENTS_WRITE)
delete = admin(_delete, Permission.CLIENTS_WRITE)
