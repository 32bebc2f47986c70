"""Groups: listed, made, renamed, and removed with every membership."""

from starlette.responses import Response

from idp.domain.permission import Permission
from idp.flows.admin import groups, users
from idp.flows.admin.groups import GroupShown
from idp.flows.admin.problem import Code, Problem
from idp.web.admin.filters import filters, going_on, lead
from idp.web.admin.gate import Desk, admin
from idp.web.admin.people import label
from idp.web.admin.typed import Typed, refused

FIELDS = ("name", "description")
SOME = 20  # members that the page of a group shows; the rest are a link away


async def _list(desk: Desk) -> Response:
    wanted = filters(desk, ("find",))
    if desk.is_post:
        return lead(desk, "/admin/groups", wanted)
    found = await desk.do(groups.LIST, **wanted, cursor=desk.request.query_params.get("cursor"))
    return desk.page(
        "admin/groups.html", groups=found.items, find=wanted.get("find", ""), older=going_on(wanted, found.next)
    )


async def _new(desk: Desk) -> Response:
    form = Typed(_typed(desk))
    if desk.is_post:
        try:
            made = await desk.do(groups.CREATE, **form.typed)
            return desk.go(f"/admin/groups/{made.id}", done="saved")
        except Problem as problem:
            form = refused(form.typed, problem, FIELDS, taken=("name",))
            return desk.page("admin/group_new.html", form=form, status=problem.status)
    return desk.page("admin/group_new.html", form=form)


def _typed(desk: Desk) -> dict[str, str]:
    return {name: desk.fields.get(name, "").strip() for name in FIELDS}


async def _one(desk: Desk) -> Response:
    group_id = desk.request.path_params["id"]
    if not desk.is_post:
        group = await desk.do(groups.SHOW, id=group_id)
        return await _page(desk, group, Typed(_values(group)))
    typed = _typed(desk)
    try:
        await desk.do(groups.UPDATE, id=group_id, version=desk.fields.get("version", ""), **typed)
    except Problem as problem:
        group = await desk.do(groups.SHOW, id=group_id)
        now = _values(group) if problem.code is Code.CHANGED_MEANWHILE else None
        form = refused(typed, problem, FIELDS, taken=("name",), now=now)
        return await _page(desk, group, form, status=problem.status)
    return desk.go(f"/admin/groups/{group_id}", done="saved")


def _values(group: GroupShown) -> dict[str, str]:
    return {"name": group.name, "description": group.description}


async def _page(desk: Desk, group: GroupShown, form: Typed, *, status: int = 200) -> Response:
    may_see = desk.may(Permission.USERS_READ)
    members = await desk.do(users.LIST, group=group.name, limit=SOME) if may_see else None
    return desk.page(
        "admin/group.html",
        status=status,
        group=group,
        form=form,
        has_more=members is not None and members.next,
        members=[(each.id, label(each)) for each in members.items] if members is not None else (),
    )


async def _delete(desk: Desk) -> Response:
    group = await desk.do(groups.SHOW, id=desk.request.path_params["id"])
    back = f"/admin/groups/{group.id}"
    if desk.is_post:
        try:
            await desk.do(groups.DELETE, id=group.id)
        except Problem as problem:
            return desk.refused(problem, back=back)
        return desk.go("/admin/groups", done="deleted")
    return desk.page("admin/group_delete.html", group=group, back=back)


listed = admin(_list, Permission.GROUPS_READ, fresh=False)
new = admin(_new, Permission.GROUPS_WRITE, fresh=False)
group = admin(_one, Permission.GROUPS_READ, writing=Permission.GROUPS_WRITE, fresh=False)
delete = admin(_delete, Permission.GROUPS_WRITE)
