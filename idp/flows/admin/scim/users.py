"""People by SCIM: found, made, replaced, changed and removed by the operations that pages and the API have."""

from collections.abc import Mapping, Sequence
from typing import Any

from idp.domain.json import Json
from idp.domain.permission import Permission as P
from idp.domain.user import User, UserStatus
from idp.flows.admin import people
from idp.flows.admin import users as persons
from idp.flows.admin.operation import Nothing, Operation, Work
from idp.flows.admin.people import PersonActedOn
from idp.flows.admin.problem import missing
from idp.flows.admin.scim import bodies, filters, mapping
from idp.flows.admin.scim.faults import Kind, ScimProblem
from idp.flows.admin.scim.lists import (
    Asked,
    Changed,
    OneAsked,
    Rows,
    Sent,
    Shown,
    directory_of,
    dumped,
    filter_of,
    listed,
    search_of,
    selection_of,
)
from idp.flows.admin.scim.models import Person
from idp.flows.admin.users import PersonChanged, PersonMade, changeable, person_of
from idp.policy import administration as policy
from idp.storage.directory import Groups, Order, People, Slice
from idp.storage.groups import Group
from idp.storage.users import MOST_GROUPS

ROOT = "/scim/v2"
MOST_VALUES = 100  # of a list in a resource, and of changes in a PATCH
ORDERS = {"id": Order.ID, "meta.created": Order.CREATED}


async def _list(work: Work, asked: Asked) -> Shown:
    search = search_of(asked, Person)
    narrowed = filters.of_people(which := filter_of(search, Person))
    wanted = narrowed.rows
    if narrowed.group_id is not None:
        async with work.opening(write=False) as opened:
            wanted = _in_group(wanted, await opened.stores.groups.find(narrowed.group_id))

    async def read(opened: Work, part: Slice) -> Sequence[Any]:
        return await _shown(opened, await directory_of(opened).people(wanted, part))

    async def counted(opened: Work) -> int:
        return await directory_of(opened).count_people(wanted)

    return await listed(work, search, Rows(counted, narrowed.is_exact, read, which), ORDERS)


def _in_group(wanted: People, group: Group | None) -> People:
    """Return the people of a group, nobody if there is none."""
    if group is None:
        return People(id="")
    return People(
        wanted.id, wanted.name, wanted.external_id, wanted.status, wanted.changed, group.name
    )  # fmt: skip


async def _shown(work: Work, found: Sequence[User]) -> list[Any]:
    """Return people as the caller may see them, with the ids of their groups."""
    names = sorted({name for user in found for name in user.groups[:MOST_GROUPS]})
    known: dict[str, Group] = {}
    for start in range(0, len(names), MOST_GROUPS):
        part = names[start : start + MOST_GROUPS]
        rows = await directory_of(work).groups(Groups(names=part), Slice(0, len(part)))
        known |= {row.group.name: row.group for row in rows}
    role, root = work.caller.role, work.tools.engine.url(ROOT)
    sees_all = policy.sees_claims(role)
    return [
        mapping.shown(
            user, [known[name] for name in user.groups if name in known], root, person_of(user, role).version,
            sees_all=sees_all,
        )
        for user in found
    ]  # fmt: skip


async def _answer(work: Work, user_id: str, search: Any) -> Shown:
    user = await work.stores.users.find(user_id)
    if user is None:
        raise missing("person")
    (resource,) = await _shown(work, [user])
    return Shown(
        document=dumped(resource, selection_of(search, Person)), id=user.id, location=resource.meta.location,
        version=person_of(user, work.caller.role).version,
    )  # fmt: skip


async def _show(work: Work, asked: OneAsked) -> Shown:
    return await _answer(work, asked.id, asked.search)


async def _create(work: Work, sent: Sent) -> Shown:
    selection_of(sent.search, Person)
    bodies.check_lists(sent.document, MOST_VALUES)
    said = mapping.written(bodies.resource_of(sent.document, Person, is_new=True))
    claims: dict[str, Any] = {name: value for name, value in said.claims.items() if value is not None}
    made = await persons.CREATE.run(
        work, PersonMade(email=said.email, username=said.username, claims=claims, invite=False)
    )
    if said.is_active is False:
        await people.DISABLE.run(work, PersonActedOn(id=made.id))
    return await _answer(work, made.id, sent.search)


async def _replace(work: Work, changed: Changed) -> Shown:
    return await _change(work, changed, bodies.replaced)


async def _patch(work: Work, changed: Changed) -> Shown:
    def apply(document: Mapping[str, Json], before: Any) -> Any:
        after = bodies.patched(document, before)
        if after.active is None:
            raise ScimProblem(Kind.MUTABILITY, "active is true or false; it cannot be removed")
        return after

    return await _change(work, changed, apply)


async def _change(work: Work, changed: Changed, apply: Any) -> Shown:
    selection_of(changed.search, Person)
    bodies.check_lists(changed.document, MOST_VALUES)
    user = await changeable(work, changed.id, changed.version)
    (before,) = await _shown(work, [user])
    said = mapping.written(apply(changed.document, before), user)
    if mapping.differs(user, said):
        claims: dict[str, Any] = dict(said.claims)
        await persons.UPDATE.run(
            work, PersonChanged(id=user.id, email=said.email, username=said.username, claims=claims)
        )
    status = mapping.status_of(said, user.status)
    if status is not user.status:
        act = people.ENABLE if status is UserStatus.ACTIVE else people.DISABLE
        await act.run(work, PersonActedOn(id=user.id))
    return await _answer(work, user.id, changed.search)


async def _delete(work: Work, acted: PersonActedOn) -> Nothing:
    return await people.DELETE.run(work, acted)


LIST = Operation(
    "scim.users.list", "List or find people", P.USERS_READ, Asked, Shown, _list, "GET", "/Users", opens_its_own=True
)
SHOW = Operation("scim.users.show", "Show a person", P.USERS_READ, OneAsked, Shown, _show, "GET", "/Users/{id}")
CREATE = Operation(
    "scim.users.create", "Make an account", P.USERS_WRITE, Sent, Shown, _create, "POST", "/Users", status=201
)
REPLACE = Operation(
    "scim.users.replace", "Replace a person", P.USERS_WRITE, Changed, Shown, _replace, "PUT", "/Users/{id}"
)
PATCH = Operation("scim.users.patch", "Change a person", P.USERS_WRITE, Changed, Shown, _patch, "PATCH", "/Users/{id}")
DELETE = Operation(
    "scim.users.delete", "Remove a person for good", P.USERS_WRITE, PersonActedOn, Nothing, _delete, "DELETE",
    "/Users/{id}", is_dangerous=True, status=204,
)  # fmt: skip
