"""Who is in a group, as sets of ids: a group of thousands is changed and shown without going through all pairs.

Not here: how members come and go in the store → groups.py.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue
from scim2_models import PatchOperation, Reference

from idp.flows.admin.scim.bodies import patch_of
from idp.flows.admin.scim.faults import Kind, ScimProblem, reading
from idp.flows.admin.scim.lists import Document, dumped
from idp.flows.admin.scim.models import POLICY, Group, Member

_PREFIX = f"{Group.__schema__}:".lower()
_CHOSEN = re.compile(r'members\[\s*value\s+eq\s+"([A-Za-z0-9_-]{1,128})"\s*\]', re.IGNORECASE)
_LONGEST_ID = 128
Op = PatchOperation.Op


def ids_of(members: Any) -> frozenset[str]:
    """Return the ids of members that were sent; raise ScimProblem for one that is no person."""
    sent = members if isinstance(members, list | tuple) else [] if members is None else [members]
    return frozenset(_id(each) for each in sent)


def _id(member: Any) -> str:
    if isinstance(member, Member):
        member = {"value": member.value, "type": member.type}
    said = {str(name).lower(): value for name, value in member.items()} if isinstance(member, Mapping) else {}
    value = said.get("value")
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID or said.get("type") not in (None, "User"):
        raise ScimProblem(Kind.INVALID_VALUE, "members are people, by their ids in `value`")
    return value


def patched(document: Document, before: Any, members: frozenset[str]) -> tuple[Any, frozenset[str]]:
    """Return a group and who is in it after the changes of a PATCH; `before` is the group without its members."""
    message, rest = patch_of(document, before), []
    for change in message.operations:
        path = str(change.path or "").lower().removeprefix(_PREFIX)
        if path.partition("[")[0].partition(".")[0] == "members":
            members = _changed(members, change, path)
        elif not path and isinstance(change.value, Mapping):
            members, left = _within(members, change)
            rest += [change.model_copy(update={"value": left})] if left else []
        else:
            rest.append(change)
    after = before.model_copy(deep=True)
    if rest:
        with reading():
            message.model_copy(update={"operations": rest}).patch(after, scim_policy=POLICY)
    if after.members is not None:
        raise ScimProblem(Kind.INVALID_PATH, "members are changed by the path members")
    return after, members


def _changed(members: frozenset[str], change: Any, path: str) -> frozenset[str]:
    if path == "members":
        sent = ids_of(change.value)
        if change.op is Op.remove:
            return members - sent if change.value is not None else frozenset()
        return members | sent if change.op is Op.add else sent
    chosen = _CHOSEN.fullmatch(str(change.path)[-len(path) :])
    if change.op is not Op.remove or "]." in path or path.startswith("members."):
        raise ScimProblem(Kind.MUTABILITY, "a member is added or removed, but does not change")
    if chosen is None:
        raise ScimProblem(Kind.INVALID_PATH, 'a member is chosen by members[value eq "…"]')
    return members - {chosen[1]}


def _within(members: frozenset[str], change: Any) -> tuple[frozenset[str], dict[str, JsonValue]]:
    """Return who is in a group after a change that names several attributes, and the others of them."""
    left = {}
    for name, value in change.value.items():
        if name.lower().removeprefix(_PREFIX) == "members":
            sent = ids_of(value)
            members = members | sent if change.op is Op.add else sent
        else:
            left[name] = value
    return members, left


def with_members(document: Document, members: Sequence[str], root: str, selection: Any) -> Document:
    """Return a group's document with its members, each with what is wanted of it."""
    if not members:
        return document
    sample = Group(display_name="-", members=[Member(value="-", ref=Reference(root), type="User")])
    wanted = dumped(sample, selection).get("members")
    if not isinstance(wanted, list) or not isinstance(wanted[0], dict):
        return document
    names = wanted[0].keys()
    shown: list[JsonValue] = []
    for each in members:
        whole = {"value": each, "$ref": f"{root}/Users/{each}", "type": "User"}
        shown.append({name: value for name, value in whole.items() if name in names})
    return {**document, "members": shown}
