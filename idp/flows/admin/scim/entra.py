"""A PATCH as Entra ID sends it, put into the letter of RFC 7644 §3.5.2 before it is read.

Booleans as texts; sub-attributes as members of a value without a path; a filter that finds nothing yet, which then says
what is to be made. Not here: `Add` for `add`, and members that are removed by value → scim2_models.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.domain.json import Json
from idp.flows.admin.scim.faults import Kind, ScimProblem
from idp.flows.admin.scim.models import EnterpriseUser, User

#: Attributes that have many values in SCIM and one here, by their names in lower case.
SINGLE: Mapping[str, tuple[str, str]] = {
    "emails": ("emails", "emails"), "phonenumbers": ("phoneNumbers", "phone_numbers"),
    "addresses": ("addresses", "addresses"),
}  # fmt: skip
ONE_HERE = "a person has one here; replace it, or leave the others out of the directory's mapping"
_SCHEMAS = frozenset(str(each.__schema__).lower() for each in (User, EnterpriseUser))
_OWN = re.compile(rf"^{re.escape(str(User.__schema__))}:", re.IGNORECASE)
_FILTERED = re.compile(r'(\w+)\[\s*(type|primary)\s+eq\s+("[^"\\]*"|true|false)\s*\](?:\.(\w+))?', re.IGNORECASE)
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class _Target:
    """What a path with a filter means: which attribute, what tells its value from others, and which part of that."""

    attribute: str
    field: str
    mark: Mapping[str, Json]
    part: str | None


def in_letter(changes: Sequence[Json]) -> list[Json]:
    """Return changes with each part of a value that is a path as a change of its own, and booleans as such."""
    return [each for change in changes for each in _parts(change)]


def _parts(change: Json) -> Iterator[Json]:
    if not isinstance(change, Mapping):
        yield change
        return
    told = {name.lower(): value for name, value in change.items()}
    path, value = told.get("path"), told.get("value")
    if isinstance(path, str):
        yield {**change, **_named(change, "value", _with_booleans(_last(path), value))}
        return
    if not isinstance(value, Mapping):
        yield change
        return
    rest = {name: _with_booleans(name, part) for name, part in value.items() if not _is_path(name)}
    if rest or not value:
        yield {**change, **_named(change, "value", rest)}
    for name, part in value.items():
        if _is_path(name):
            yield {"op": told.get("op"), "path": name, "value": _with_booleans(_last(name), part)}


def _named(change: Mapping[str, Json], name: str, value: Json) -> dict[str, Json]:
    """Return a member under the name that the change has for it; nothing if it has none."""
    return {each: value for each in change if each.lower() == name}


def _is_path(name: str) -> bool:
    """Say whether a member of a value is the path of something within a resource."""
    if name.lower() in SINGLE:
        return True
    return name.lower() not in _SCHEMAS if name.lower().startswith("urn:") else "." in name or "[" in name


def _last(path: str) -> str:
    """Return the attribute at the end of a path; of an attribute with a filter the attribute."""
    outside = re.sub(r"\[[^\]]*\]", "", _OWN.sub("", path))
    return outside.rpartition(":")[2].rpartition(".")[2]


def _with_booleans(name: str, value: Json) -> Json:
    """Return a value with what is to be true or false as such; raise ScimProblem if it is neither."""
    if name.lower() in ("active", "primary") and value is not None and not isinstance(value, bool):
        said = _BOOLEANS.get(value.lower()) if isinstance(value, str) else None
        if said is None:
            raise ScimProblem(Kind.INVALID_VALUE, f"{name} is true or false")
        return said
    if isinstance(value, list):
        return [_with_booleans("", each) for each in value]
    if isinstance(value, Mapping):
        return {each: _with_booleans(each, part) for each, part in value.items()}
    return value


def suited(change: Mapping[str, Json], now: Any) -> Mapping[str, Json]:
    """Return a change as it is meant for a person as they are now; raise ScimProblem for a second value of one."""
    told = {name.lower(): value for name, value in change.items()}
    op, path, value = told.get("op"), told.get("path"), told.get("value")
    if not (isinstance(op, str) and isinstance(path, str)) or op.lower() not in ("add", "replace"):
        return change
    plain = _OWN.sub("", path).strip()
    if plain.lower() in SINGLE and op.lower() == "add":
        return _added(change, *SINGLE[plain.lower()], value, now)
    target = _target_of(plain)
    if target is None or value is None:
        return change
    return _made(change, target, value, now, is_added=op.lower() == "add")


def _target_of(path: str) -> _Target | None:
    found = _FILTERED.fullmatch(path)
    if found is None or found[1].lower() not in SINGLE:
        return None
    attribute, field = SINGLE[found[1].lower()]
    text = found[3].strip('"')
    if found[2].lower() == "type":
        return _Target(attribute, field, {"type": text}, found[4]) if found[3].startswith('"') else None
    is_first = _BOOLEANS.get(text.lower())
    return None if is_first is None else _Target(attribute, field, {"primary": is_first}, found[4])


def _one(now: Any, field: str) -> dict[str, Json] | None:
    """Return the one value that there is."""
    values = getattr(now, field) or ()
    return values[0].model_dump(mode="json", by_alias=True, exclude_none=True) if values else None


def _made(
    change: Mapping[str, Json], target: _Target, value: Json, now: Any, *, is_added: bool
) -> Mapping[str, Json]:  # fmt: skip
    """Return a change that makes what its filter does not find; one that has no type yet is meant by every type."""
    there = _one(now, target.field)
    if there is not None:
        name, wanted = next(iter(target.mark.items()))
        has: Any = there.get(name, True if name == "primary" else None)
        if str(has).lower() == str(wanted).lower():
            return change
        if has is not None:
            if is_added:
                raise ScimProblem(Kind.INVALID_VALUE, f"{target.attribute}: {ONE_HERE}")
            return change  # there is no such value: the change has no target
    said = {target.part: value} if target.part is not None else value
    if not isinstance(said, Mapping):
        return change
    return {"op": "replace", "path": target.attribute, "value": [{**(there or {}), **said, **target.mark}]}


def _added(change: Mapping[str, Json], attribute: str, field: str, value: Json, now: Any) -> Mapping[str, Json]:
    """Return a change that says more of the value that is there, where it is the same one that is added."""
    there, values = _one(now, field), value if isinstance(value, list) else [value]
    if there is None or len(values) != 1 or not isinstance(values[0], Mapping):
        return change
    same = str(values[0].get("value", "")).casefold() == str(there.get("value", "")).casefold()
    if not same or "value" not in there:
        return change
    return {"op": "replace", "path": attribute, "value": [{**there, **values[0], "value": there["value"]}]}
