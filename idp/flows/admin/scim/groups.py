"""Groups by SCIM: their names and who is in them, changed by the operations that pages and the API have."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue
from scim2_models import Path as ScimPath

from idp.domain.event import EventKind
from idp.domain.permission import Permission as P
from idp.flows.admin import groups
from idp.flows.admin.groups import GroupActedOn, GroupChanged, GroupMade, Membership
from idp.flows.admin.operation import Nothing, Operation, Work
from idp.flows.admin.problem import Code, Problem, missing
from idp.flows.admin.scim import bodies, filters
from idp.flows.admin.scim.faults import Kind, ScimProblem
from idp.flows.admin.scim.lists import (
    Asked,
    Changed,
    Document,
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
from idp.flows.admin.scim.members import ids_of, patched, with_members
from idp.flows.admin.scim.models import Group, Member, Meta
from idp.flows.admin.scim.users import ROOT
from idp.flows.admin.values import version_of
from idp.storage.directory import Groups, KnownGroup, Order, Slice

ORDERS = {"id": Order.ID, "meta.created": Order.CREATED, "displayname": Order.NAME}
MOST_MEMBERS = 10_000  # of all groups of one answer
MOST_AT_ONCE = 1000  # members that come or go with one request
_LONGEST_ID = 255
#: What is sent, the group without its members, and who is in it → both as they are to be.
Apply = Callable[[Document, Any, frozenset[str]], tuple[Any, frozenset[str]]]


async def _list(work: Work, asked: Asked) -> Shown:
    search = search_of(asked, Group)
    narrowed = filters.of_groups(which := filter_of(search, Group))
    wanted, member = narrowed.rows, narrowed.member
    if member is not None:
        async with work.opening(write=False) as opened:
            wanted = await _of_member(opened, wanted, member)

    async def read(opened: Work, part: Slice) -> Sequence[Any]:  # of the members, a filter asks at most for this one
        found = await directory_of(opened).groups(wanted, part)
        return [_resource(opened, each, [member] if member is not None else ()) for each in found]

    async def counted(opened: Work) -> int:
        return await directory_of(opened).count_groups(wanted)

    shown = await listed(work, search, Rows(counted, narrowed.is_exact, read, which), ORDERS)
    async with work.opening(write=False) as opened:
        return await _with_members(opened, shown, search)


async def _of_member(work: Work, wanted: Groups, member: str) -> Groups:
    user = await work.stores.users.find(member)
    names = user.groups if user is not None else ()
    return Groups(wanted.id, [n for n in names if wanted.names is None or n in wanted.names], wanted.external_id)


async def _with_members(work: Work, shown: Shown, search: Any) -> Shown:
    """Return a list that was chosen without members, with the members of what is shown of it."""
    full: list[JsonValue] = []
    listed_now, left = shown.document["Resources"], MOST_MEMBERS
    assert isinstance(listed_now, list), "we made it"
    for each in listed_now:
        assert isinstance(each, dict), "we made it"
        for known in await directory_of(work).groups(Groups(id=str(each["id"])), Slice(0, 1)):  # else it went meanwhile
            document, _, members = await _filled(work, known, search, left)
            full.append(document)
            left -= members
    return Shown(document={**shown.document, "itemsPerPage": len(full), "Resources": full})


async def _filled(work: Work, known: KnownGroup, selection: Any, most: int) -> tuple[Document, str | None, int]:
    """Return a group's document, its version and how many members it has; neither of them if they are not wanted."""
    if not _wants_members(selection):
        return dumped(_resource(work, known, ()), selection), None, 0
    members = await directory_of(work).members(known.group.name, limit=most + 1)
    if len(members) > most:
        raise ScimProblem(Kind.TOO_MANY, f"more than {MOST_MEMBERS} members; ask with excludedAttributes=members")
    version = _version(known, members)
    document = dumped(_resource(work, known, (), version), selection)
    return with_members(document, members, work.tools.engine.url(ROOT), selection), version, len(members)


def _wants_members(selection: Any) -> bool:
    """Say whether members, or the version that stands for them too, are part of an answer."""
    names = ("members", "meta")
    if selection.attributes:
        return any(_attribute(each) in names for each in selection.attributes)
    return not any(str(each).rpartition(":")[2].lower() == "members" for each in selection.excluded_attributes or ())


def _attribute(path: "ScimPath[Any]") -> str:
    return str(path).rpartition(":")[2].partition(".")[0].lower()


def _resource(work: Work, known: KnownGroup, members: Sequence[str], version: str | None = None) -> Any:
    """Return a group with some members."""
    group = known.group
    return Group(
        id=group.id, external_id=known.external_id, display_name=group.name,
        members=[Member(value=each, ref=None, type=None) for each in members] or None,
        meta=Meta(
            resource_type="Group", created=group.created_at, last_modified=group.updated_at,
            location=_location(work, group.id), version=f'W/"{version}"' if version is not None else None,
        ),
    )  # fmt: skip


def _location(work: Work, group_id: str) -> str:
    return work.tools.engine.url(f"{ROOT}/Groups/{group_id}")


def _version(known: KnownGroup, members: Sequence[str]) -> str:
    return version_of({"id": known.external_id, "name": known.group.name, "members": list(members)})


async def _known(work: Work, group_id: str) -> KnownGroup:
    found = await directory_of(work).groups(Groups(id=group_id), Slice(0, 1))
    if not found:
        raise missing("group")
    return found[0]


async def _answer(work: Work, group_id: str, search: Any) -> Shown:
    selection, known = selection_of(search, Group), await _known(work, group_id)
    document, version, _ = await _filled(work, known, selection, MOST_MEMBERS)
    return Shown(document=document, id=group_id, location=_location(work, group_id), version=version)


async def _show(work: Work, asked: OneAsked) -> Shown:
    return await _answer(work, asked.id, asked.search)


async def _locked(work: Work, group_id: str, version: str | None) -> tuple[KnownGroup, Sequence[str]]:
    """Return a group and its members, which nobody changes meanwhile by an operation on groups."""
    if await work.stores.groups.lock(group_id) is None:
        raise missing("group")
    known = await _known(work, group_id)
    members = await directory_of(work).members(known.group.name, limit=MOST_MEMBERS + 1)
    if version is not None and version != _version(known, members):
        raise Problem(Code.CHANGED_MEANWHILE, "somebody has changed this group meanwhile")
    return known, members


async def _create(work: Work, sent: Sent) -> Shown:
    selection_of(sent.search, Group)
    bodies.check_lists(sent.document, MOST_AT_ONCE)
    wanted = bodies.resource_of(sent.document, Group, is_new=True)
    made = await groups.CREATE.run(work, GroupMade(name=_name(wanted)))
    if wanted.external_id is not None:
        await _set_external_id(work, made.id, wanted)
    await _change_members(work, made.id, frozenset(), ids_of(wanted.members))
    return await _answer(work, made.id, sent.search)


async def _replace(work: Work, changed: Changed) -> Shown:
    def apply(document: Document, before: Any, _: frozenset[str]) -> tuple[Any, frozenset[str]]:
        after = bodies.replaced(document, before)
        return after, ids_of(after.members)

    return await _change(work, changed, apply)


async def _patch(work: Work, changed: Changed) -> Shown:
    return await _change(work, changed, patched)


async def _change(work: Work, changed: Changed, apply: Apply) -> Shown:
    selection_of(changed.search, Group)
    bodies.check_lists(changed.document, MOST_AT_ONCE)
    known, found = await _locked(work, changed.id, changed.version)
    if len(found) > MOST_MEMBERS:
        raise ScimProblem(Kind.TOO_MANY, f"groups of more than {MOST_MEMBERS} members are changed elsewhere")
    members = frozenset(found)
    wanted, after = apply(changed.document, _resource(work, known, ()), members)
    if _name(wanted) != known.group.name:
        await groups.UPDATE.run(work, GroupChanged(id=changed.id, name=_name(wanted)))
    if wanted.external_id != known.external_id:
        await _set_external_id(work, changed.id, wanted)
    await _change_members(work, changed.id, members, after)
    return await _answer(work, changed.id, changed.search)


async def _change_members(work: Work, group_id: str, before: frozenset[str], after: frozenset[str]) -> None:
    if len(before ^ after) > MOST_AT_ONCE:
        raise ScimProblem(Kind.TOO_MANY, f"at most {MOST_AT_ONCE} members come or go with one request")
    for user_id in sorted(after - before):
        try:
            await groups.ADD.run(work, Membership(id=group_id, user_id=user_id))
        except Problem as problem:
            if problem.code is Code.NOT_FOUND:
                raise ScimProblem(Kind.INVALID_VALUE, "members: somebody of them does not exist") from None
            raise
    for user_id in sorted(before - after):
        await groups.REMOVE.run(work, Membership(id=group_id, user_id=user_id))
    group = await work.stores.groups.find(group_id)
    if group is not None and before != after:
        await work.stores.groups.save(replace(group, updated_at=work.now))


def _name(wanted: Any) -> str:
    name: str = wanted.display_name or ""
    if not 1 <= len(name) <= 100 or not name.strip():
        raise ScimProblem(Kind.INVALID_VALUE, "displayName has 1 to 100 characters")
    return name


async def _set_external_id(work: Work, group_id: str, wanted: Any) -> None:
    text: str | None = wanted.external_id or None
    if text is not None and len(text) > _LONGEST_ID:
        raise ScimProblem(Kind.INVALID_VALUE, f"externalId has {_LONGEST_ID} characters at most")
    await directory_of(work).set_external_id(group_id, text)
    await work.record(EventKind.GROUP_CHANGED, change="external id", group=group_id)


async def _delete(work: Work, acted: GroupActedOn) -> Nothing:
    await _locked(work, acted.id, acted.version)
    return await groups.DELETE.run(work, GroupActedOn(id=acted.id))


LIST = Operation(
    "scim.groups.list", "List or find groups", P.GROUPS_READ, Asked, Shown, _list, "GET", "/Groups", opens_its_own=True
)
SHOW = Operation("scim.groups.show", "Show a group", P.GROUPS_READ, OneAsked, Shown, _show, "GET", "/Groups/{id}")
CREATE = Operation(
    "scim.groups.create", "Make a group", P.GROUPS_WRITE, Sent, Shown, _create, "POST", "/Groups", status=201
)
REPLACE = Operation(
    "scim.groups.replace", "Replace a group", P.GROUPS_WRITE, Changed, Shown, _replace, "PUT", "/Groups/{id}"
)
PATCH = Operation(
    "scim.groups.patch", "Change a group", P.GROUPS_WRITE, Changed, Shown, _patch, "PATCH", "/Groups/{id}"
)
DELETE = Operation(
    "scim.groups.delete", "Remove a group", P.GROUPS_WRITE, GroupActedOn, Nothing, _delete, "DELETE", "/Groups/{id}",
    is_dangerous=True, status=204,
)  # fmt: skip
