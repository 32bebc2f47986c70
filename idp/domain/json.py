"""JSON values as types, and the strict reading of JSON that comes from outside."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"
JsonObject: TypeAlias = Mapping[str, Json]


class BadJson(ValueError):
    """The text is not JSON, too deep, has a key twice, or a number that JSON does not know."""


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadJson("a member appears twice")
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


def read_json(text: str, *, max_depth: int = 32) -> Json:
    """Parse JSON that a stranger wrote; raise BadJson rather than guess."""
    if depth_of(text) > max_depth:
        raise BadJson("nested too deeply")
    try:
        value: Json = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates end here
    except BadJson:
        raise
    except (ValueError, RecursionError) as error:
        raise BadJson("not JSON") from error
    return value


def read_object(text: str, *, max_depth: int = 32) -> dict[str, Json]:
    """Parse a JSON object; raise BadJson for any other value."""
    value = read_json(text, max_depth=max_depth)
    if not isinstance(value, dict):
        raise BadJson("not a JSON object")
    return value
