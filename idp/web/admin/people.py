"""People: found, filtered, listed, exported, made, and several at once let in or kept out."""

from starlette.responses import Response

from idp.domain.event import EventKind
from idp.domain.permission import Permission
from idp.domain.user import MAX_IDENTIFIER, Role, UserStatus
from idp.flows.admin import people, users
from idp.flows.admin.listing import Page
from idp.flows.admin.problem import Problem
from idp.flows.admin.users import Person
from idp.web.admin.export import export
from idp.web.admin.filters import filters, going_on, lead, with_query
from idp.web.admin.gate import Desk, admin
from idp.web.admin.typed import Typed, refused

FILTERS = ("status", "role", "group")
PICK = "pick-"
OPPOSITE = {"disable": "enable", "enable": "disable"}
ACTIONS = ("disable", "enable", "end_sessions")
CLAIMS = ("name", "given_name", "family_name")
NEW = ("email", "username", *CLAIMS, "groups", "email_verified", "invite")


async def _list(desk: Desk) -> Response:
    wanted, cursor = filters(desk, FILTERS), desk.request.query_params.get("cursor")
    find = desk.fields.get("find", "").strip()[:MAX_IDENTIFIER]
    if desk.is_post and not find:
        return lead(desk, "/admin/users", wanted)
    found = await desk.do(users.LIST, **({"find": find} if find else {"cursor": cursor}), **wanted)
    if find and len(found.items) == 1:
        return desk.go(f"/admin/users/{found.items[0].id}")
    return _shown(desk, wanted, found, find)


def _shown(desk: Desk, wanted: dict[str, str], found: Page[Person], find: str) -> Response:
    return desk.page(
        "admin/users.html", people=found.items, find=find, wanted=wanted, older=going_on(wanted, found.next),
        roles=[each.value for each in Role], statuses=[each.value for each in UserStatus],
        exports=with_query("", wanted).removeprefix("?"),
    )  # fmt: skip


async def _export(desk: Desk) -> Response:
    return await export(desk, users.LIST, Person, **filters(desk, FILTERS))


async def _bulk(desk: Desk) -> Response:
    """Do the same for everybody who was picked, and say of each what came of it."""
    picked = [name.removeprefix(PICK) for name in desk.fields if name.startswith(PICK)]
    action = next((each for each in ACTIONS if f"bulk-{each}" in desk.fields), None)
    if action is None or not picked:
        return desk.go("/admin/users")
    done = await desk.do(people.BULK, action=action, ids=picked)
    lines = []
    for line in done.items:
        try:
            person = await desk.do(users.SHOW, id=line.id)
        except Problem:
            person = None
        lines.append((line, label(person) if person is not None else line.id))
    undo = OPPOSITE.get(action)
    return desk.page(
        "admin/users_bulk.html", did=action, lines=lines, undo=undo if any(line.done for line in done.items) else None
    )


def label(person: Person) -> str:
    """Return what a person is called in lists."""
    return person.email or person.username or person.id


async def _new(desk: Desk) -> Response:
    if not desk.is_post:
        return _form(desk, Typed({"invite": "1"}))
    values = {name: desk.fields.get(name, "").strip() for name in NEW}
    try:
        made = await desk.do(
            users.CREATE, email=values["email"] or None, username=values["username"] or None,
            email_verified=bool(values["email_verified"]), invite=bool(values["invite"]),
            claims={name: values[name] for name in CLAIMS if values[name]}, groups=words(values["groups"]),
        )  # fmt: skip
    except Problem as problem:
        return _form(desk, refused(values, problem, NEW, taken=("email", "username")), status=problem.status)
    is_invited = bool(values["invite"] and made.email)
    return desk.go(f"/admin/users/{made.id}", done="invited" if is_invited else "made")


def words(text: str) -> list[str]:
    """Return the names that are written with commas between them."""
    return list(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))


def _form(desk: Desk, form: Typed, *, status: int = 200) -> Response:
    return desk.page("admin/user_new.html", form=form, status=status)


listed = admin(_list, Permission.USERS_READ, fresh=False)
exported = admin(_export, Permission.USERS_READ, fresh=False, reading=EventKind.LIST_EXPORTED)
bulk = admin(_bulk, Permission.USERS_WRITE, fresh=False)
new = admin(_new, Permission.USERS_WRITE, fresh=False)
