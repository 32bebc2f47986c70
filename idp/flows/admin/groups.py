"""Groups of people: what the `groups` claim says and policies ask for."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from pydantic import Field

from idp.domain.change import difference
from idp.domain.event import EventKind
from idp.domain.permission import Permission as P
from idp.domain.user import User
from idp.flows.admin.listing import Listing, Page, paged, read_cursor
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work
from idp.flows.admin.problem import Code, Problem, missing
from idp.flows.admin.users import PersonWanted, changeable
from idp.flows.admin.values import Id, Name, Text, Version, version_of
from idp.storage.groups import Group, GroupTaken
from idp.storage.users import MOST_GROUPS

_MOST_AT_ONCE = 1000  # members that are renamed or removed with their group, in one transaction


class GroupShown(Output):
    """A group."""

    id: str
    name: str
    description: str
    created_at: datetime
    updated_at: datetime
    version: str


class GroupWanted(Input):
    """One group."""

    id: Id


class GroupsWanted(Listing):
    """A page of groups in the order of their names; `find` is how the name begins."""

    find: Annotated[str, Field(max_length=100)] = ""


class GroupActedOn(Input):
    """One group, as it was when the caller looked at it."""

    id: Id
    version: Version | None = None


class GroupMade(Input):
    """A new group."""

    name: Name
    description: Text = ""


class GroupChanged(Input):
    """What changes about a group; a new name is changed in every member's claims."""

    id: Id
    version: Version | None = None
    name: Name | None = None
    description: Text | None = None


class Groups(Output):
    """Groups in the order of their names."""

    items: list[GroupShown]


class Membership(Input):
    """A person and a group."""

    id: Id
    user_id: Id


def _shown(group: Group) -> GroupShown:
    version = version_of({"name": group.name, "description": group.description})
    return GroupShown(
        id=group.id, name=group.name, description=group.description, created_at=group.created_at,
        updated_at=group.updated_at, version=version,
    )  # fmt: skip


async def _list(work: Work, wanted: GroupsWanted) -> Page[GroupShown]:
    digester = work.tools.engine.digester
    key = read_cursor(digester, wanted)
    rows = await work.stores.groups.page(
        text=wanted.find, after=str(key[0]) if key is not None else "", limit=wanted.limit + 1
    )
    return paged(digester, wanted, [_shown(each) for each in rows], [(each.name,) for each in rows])


async def _show(work: Work, wanted: GroupWanted) -> GroupShown:
    group = await work.stores.groups.find(wanted.id)
    if group is None:
        raise missing("group")
    return _shown(group)


async def _of_person(work: Work, wanted: PersonWanted) -> Groups:
    user = await work.stores.users.find(wanted.id)
    if user is None:
        raise missing("person")
    return Groups(items=[_shown(each) for each in await work.stores.groups.named(user.groups[:MOST_GROUPS])])


async def _create(work: Work, made: GroupMade) -> GroupShown:
    if not await work.stores.groups.ensure(made.name, work.now, description=made.description):
        raise Problem(Code.TAKEN, "there is a group of this name already")
    group = await work.stores.groups.find_by_name(made.name)
    assert group is not None, "it was made just now"
    await work.record(EventKind.GROUP_CHANGED, change="created", group=group.id, after={"name": group.name})
    return _shown(group)


async def _locked(work: Work, group_id: str, version: str | None = None) -> Group:
    group = await work.stores.groups.lock(group_id)
    if group is None:
        raise missing("group")
    if version is not None and version != _shown(group).version:
        raise Problem(Code.CHANGED_MEANWHILE, "somebody has changed this group meanwhile")
    return group


async def _update(work: Work, changed: GroupChanged) -> GroupShown:
    group = await _locked(work, changed.id, changed.version)
    after = replace(
        group,
        name=changed.name if changed.name is not None else group.name,
        description=changed.description if changed.description is not None else group.description,
        updated_at=work.now,
    )
    try:
        await work.stores.groups.save(after)
    except GroupTaken:
        raise Problem(Code.TAKEN, "there is a group of this name already") from None
    if after.name != group.name:
        for user in await _members(work, group.name):
            await _with_groups(work, user, {*user.groups} - {group.name} | {after.name})
    was, is_now = difference(_facts(group), _facts(after))
    await work.record(EventKind.GROUP_CHANGED, change="updated", group=group.id, before=was, after=is_now)
    return _shown(after)


def _facts(group: Group) -> dict[str, str]:
    return {"name": group.name, "description": group.description}


async def _members(work: Work, name: str) -> list[User]:
    """Return all members of a group that is about to change; raise Problem if they are too many for one transaction."""
    found = list(await work.stores.users.page(group=name, limit=_MOST_AT_ONCE + 1))
    if len(found) > _MOST_AT_ONCE:
        raise Problem(Code.CONFLICT, f"the group has more than {_MOST_AT_ONCE} members; move them first")
    return found


async def _with_groups(work: Work, user: User, names: set[str]) -> None:
    claims = {**user.claims, "groups": sorted(names)}
    await work.stores.users.save(replace(user, claims=claims, updated_at=work.now))


async def _delete(work: Work, acted: GroupActedOn) -> Nothing:
    group = await _locked(work, acted.id, acted.version)
    for user in await _members(work, group.name):
        await _with_groups(work, user, {*user.groups} - {group.name})
    await work.stores.groups.delete(group.id)
    await work.record(EventKind.GROUP_CHANGED, change="deleted", group=group.id, before={"name": group.name})
    return Nothing()


async def _add(work: Work, membership: Membership) -> Nothing:
    group, user = await _locked(work, membership.id), await changeable(work, membership.user_id)
    if group.name in user.groups:
        return Nothing()
    if len(user.groups) >= MOST_GROUPS:
        raise Problem(Code.CONFLICT, f"a person is in {MOST_GROUPS} groups at most")
    await _with_groups(work, user, {*user.groups, group.name})
    await work.record(EventKind.GROUP_CHANGED, user_id=user.id, change="member added", group=group.id)
    return Nothing()


async def _remove(work: Work, membership: Membership) -> Nothing:
    group, user = await _locked(work, membership.id), await changeable(work, membership.user_id)
    if group.name not in user.groups:
        raise missing("member of this group")
    await _with_groups(work, user, {*user.groups} - {group.name})
    await work.record(EventKind.GROUP_CHANGED, user_id=user.id, change="member removed", group=group.id)
    return Nothing()


LIST = Operation(
    "groups.list", "List groups", P.GROUPS_READ, GroupsWanted, Page[GroupShown], _list, "GET", "/groups"
)  # fmt: skip
SHOW = Operation("groups.show", "Show a group", P.GROUPS_READ, GroupWanted, GroupShown, _show, "GET", "/groups/{id}")
OF_PERSON = Operation(
    "users.groups", "List the groups that a person is in", P.GROUPS_READ, PersonWanted, Groups, _of_person, "GET",
    "/users/{id}/groups",
)  # fmt: skip
CREATE = Operation(
    "groups.create", "Make a group", P.GROUPS_WRITE, GroupMade, GroupShown, _create, "POST", "/groups", status=201
)
UPDATE = Operation(
    "groups.update", "Change a group", P.GROUPS_WRITE, GroupChanged, GroupShown, _update, "PATCH", "/groups/{id}"
)
DELETE = Operation(
    "groups.delete", "Remove a group", P.GROUPS_WRITE, GroupActedOn, Nothing, _delete, "DELETE", "/groups/{id}",
    is_dangerous=True, status=204,
)  # fmt: skip
ADD = Operation(
    "groups.add_member", "Put a person into a group", P.GROUPS_WRITE, Membership, Nothing, _add, "PUT",
    "/groups/{id}/members/{user_id}", status=204,
)  # fmt: skip
REMOVE = Operation(
    "groups.remove_member", "Take a person out of a group", P.GROUPS_WRITE, Membership, Nothing, _remove, "DELETE",
    "/groups/{id}/members/{user_id}", status=204,
)  # fmt: skip
OPERATIONS = (LIST, SHOW, OF_PERSON, CREATE, UPDATE, DELETE, ADD, REMOVE)
