"""What is done to one person: by a button at once, or, where it is dangerous, on a page that asks again."""

from starlette.responses import Response

from idp.domain.permission import Permission
from idp.domain.user import Role
from idp.flows.admin import groups, people, users
from idp.flows.admin.operation import O, Operation
from idp.flows.admin.people import PersonActedOn
from idp.flows.admin.problem import Code, Fault, Problem
from idp.flows.admin.users import Person
from idp.web.admin.gate import Desk, Page, admin
from idp.web.admin.people import label
from idp.web.admin.person import person_page, values_of
from idp.web.admin.typed import Typed, refused


def _back(desk: Desk) -> str:
    return f"/admin/users/{desk.request.path_params['id']}"


def _act(operation: Operation[PersonActedOn, O], done: str) -> Page:
    """Return the endpoint of a button; whoever comes without having pressed it is led to the person."""

    async def handler(desk: Desk) -> Response:
        if not desk.is_post:
            return desk.go(_back(desk))
        person_id = desk.request.path_params["id"]
        try:
            await desk.do(operation, id=person_id)
        except Problem as problem:
            return desk.refused(problem, back=_back(desk))
        return desk.go(_back(desk), done=done, about=person_id)

    return admin(handler, operation.permission, fresh=False)


def _danger(operation: Operation[PersonActedOn, O], word: str, done: str, *, leads_to: str | None = None) -> Page:
    """Return the endpoint of a page that asks again, whether what cannot be undone shall be done."""

    async def handler(desk: Desk) -> Response:
        person_id = desk.request.path_params["id"]
        person = await desk.do(users.SHOW, id=person_id)
        form = Typed({"typed": desk.fields.get("typed", "").strip()})
        if desk.is_post:
            try:
                _check(form, person)
                await desk.do(operation, id=person_id, version=desk.fields.get("version", ""))
            except Problem as problem:
                form = refused(form.typed, problem, ("typed",))
                return _ask(desk, person, word, form, status=problem.status)
            return desk.go(leads_to or _back(desk), done=done)
        return _ask(desk, person, word, form)

    return admin(handler, operation.permission)


def _check(form: Typed, person: Person) -> None:
    """Raise Problem unless the person's name was typed as the page shows it."""
    if form.typed["typed"].casefold() != label(person).casefold():
        raise Problem(Code.INVALID, "the name is another one", (Fault("typed", "is another name"),))


def _ask(desk: Desk, person: Person, word: str, form: Typed, *, status: int = 200) -> Response:
    return desk.page(
        "admin/user_danger.html", status=status, person=person, label=label(person), word=word, form=form,
        back=_back(desk),
    )  # fmt: skip


async def _role(desk: Desk) -> Response:
    person_id = desk.request.path_params["id"]
    person = await desk.do(users.SHOW, id=person_id)
    form = Typed({"role": desk.fields.get("role", person.role.value)})
    if desk.is_post:
        try:
            await desk.do(people.ROLE, id=person_id, role=form.typed["role"], version=desk.fields.get("version", ""))
        except Problem as problem:
            form = refused(form.typed, problem, ("role",), now={"role": person.role.value})
            return _roles(desk, person, form, status=problem.status)
        return desk.go(_back(desk), done="saved")
    return _roles(desk, person, form)


def _roles(desk: Desk, person: Person, form: Typed, *, status: int = 200) -> Response:
    return desk.page(
        "admin/user_role.html", status=status, person=person, label=label(person), form=form, back=_back(desk),
        roles=[each.value for each in Role],
    )  # fmt: skip


async def _groups(desk: Desk) -> Response:
    """Put a person into a group, by its name or its id, or take them out of one."""
    person_id, fields = desk.request.path_params["id"], desk.fields
    if not desk.is_post:
        return desk.go(_back(desk))
    leaves = fields.get("group-leave", "")
    try:
        group_id = leaves or fields.get("group-join") or await _named(desk, fields.get("group", "").strip())
        await desk.do(groups.REMOVE if leaves else groups.ADD, id=group_id, user_id=person_id)
    except Problem as problem:
        if leaves or "group-join" in fields:
            return desk.refused(problem, back=_back(desk))
        person = await desk.do(users.SHOW, id=person_id)
        joining = refused({"group": fields.get("group", "")}, problem, ("group",))
        return await person_page(desk, person, Typed(values_of(person)), joining=joining, status=problem.status)
    done = "group-left" if leaves else "group-joined"
    return desk.go(_back(desk), done=done, about=f"{person_id} {group_id}")


async def _named(desk: Desk, name: str) -> str:
    """Return the id of the group of a name; raise Problem if there is none."""
    found = await desk.do(groups.LIST, find=name, limit=100)
    fitting = [each.id for each in found.items if each.name == name]
    if not fitting:
        raise Problem(Code.INVALID, "no such group", (Fault("group", "no such group"),))
    return fitting[0]


disable = _act(people.DISABLE, "disabled")
enable = _act(people.ENABLE, "enabled")
send_reset = _act(people.RESET, "reset-sent")
unlock = _act(people.UNLOCK, "unlocked")
end_sessions = _act(people.END_SESSIONS, "signed-out")
delete = _danger(people.DELETE, "delete", "deleted", leads_to="/admin/users")
reset_factors = _danger(people.RESET_FACTORS, "reset-factors", "factors-removed")
role = admin(_role, Permission.ROLES_GRANT)
membership = admin(_groups, Permission.GROUPS_WRITE, fresh=False)
