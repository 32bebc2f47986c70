"""JSON values as types, and the strict reading of JSON that comes from outside."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"
JsonObject: TypeAlias = Mapping[str, Json]


MAX_MEMBERS = 1000


class BadJson(ValueError):
    """The text is not JSON, too deep or too wide, has a key twice, or a number that we cannot give back."""


class _Members:
    """Turns the members of each object into a dict, and counts them over the whole text."""

    def __init__(self, most: int) -> None:
        self._count, self._most = 0, most

    def read(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        members = dict(pairs)
        self._count += len(pairs)
        if len(members) != len(pairs):
            raise BadJson("a member appears twice")
        if self._count > self._most:
            raise BadJson("too many members")
        return members


def _refuse_constant(_name: str) -> Json:
    raise BadJson("NaN and Infinity are not JSON")


def depth_of(text: str) -> int:
    """Return the deepest nesting of brackets, ignoring those inside strings; linear in the input."""
    depth = deepest = 0
    inside = escaped = False
    for character in text:
        if inside:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside = False
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def read_json(text: str, *, max_depth: int = 32, max_members: int = MAX_MEMBERS) -> Json:
    """Parse JSON that a stranger wrote; raise BadJson rather than guess."""
    if depth_of(text) > max_depth:
        raise BadJson("nested too deeply")
    try:
        value: Json = json.loads(text, object_pairs_hook=_Members(max_members).read, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # lone surrogates and 1e999 end here
    except BadJson:
        raise
    except (ValueError, RecursionError) as error:
        raise BadJson("not JSON") from error
    return value


def read_object(text: str, *, max_depth: int = 32, max_members: int = MAX_MEMBERS) -> dict[str, Json]:
    """Parse a JSON object; raise BadJson for any other value."""
    value = read_json(text, max_depth=max_depth, max_members=max_members)
    if not isinstance(value, dict):
        raise BadJson("not a JSON object")
    return value
