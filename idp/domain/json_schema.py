"""JSON Schema (draft 2020-12), the part of it that describes requests: no references, no patterns, nothing fetched.

Two things are stricter: an object has no members but those that are listed, unless its schema says otherwise; and a
keyword that is not known here is refused when the schema is stored, never ignored when a value is checked.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

from idp.domain.json import Json, JsonObject

MAX_DEPTH = 12
TYPES: Mapping[str, Callable[[Json], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: not isinstance(value, bool) and isinstance(value, int | float) and value == int(value),
}
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_NOTES = ("title", "description", "$comment")
_KEYWORDS = frozenset({
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "uniqueItems",
    *_COUNTS, *_BOUNDS, *_NOTES,
})  # fmt: skip


class BadSchema(ValueError):
    """A schema that cannot be understood here."""


def check_schema(schema: Json, *, path: str = "schema", depth: int = 0) -> None:
    """Raise BadSchema unless every keyword is known here and has the value it takes."""
    if not isinstance(schema, Mapping):
        raise BadSchema(f"{path} is not an object")
    if depth > MAX_DEPTH:
        raise BadSchema(f"{path} is nested too deeply")
    if unknown := sorted(set(schema) - _KEYWORDS):
        raise BadSchema(f"{path} has the keyword {unknown[0][:40]!r}, which is not known here")
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise BadSchema(f"{path} has a type, one of {', '.join(TYPES)}")
    for name in schema:
        if not _fits(name, schema[name]):
            raise BadSchema(f"{path}.{name} has a value that it cannot have")
    for name, inner in _inner(schema):
        check_schema(inner, path=f"{path}.{name}", depth=depth + 1)


def _fits(keyword: str, value: Json) -> bool:
    if keyword in _COUNTS:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if keyword in _BOUNDS:
        return TYPES["number"](value)
    if keyword in ("additionalProperties", "uniqueItems"):
        return isinstance(value, bool)
    if keyword == "const" or (keyword == "enum" and isinstance(value, list) and None in value):
        return keyword == "const" and value is not None
    if keyword in ("required", "enum"):
        return isinstance(value, list) and (keyword == "enum" or all(isinstance(each, str) for each in value))
    return keyword != "properties" or isinstance(value, Mapping)


def _inner(schema: JsonObject) -> Iterator[tuple[str, Json]]:
    properties: Any = schema.get("properties", {})
    for name, inner in properties.items():
        yield f"properties.{str(name)[:40]}", inner
    if "items" in schema:
        yield "items", schema["items"]


def faults(value: Json, schema: JsonObject, *, path: str = "") -> Iterator[str]:
    """Yield what is wrong with a value, as paths and rules; nothing of the value itself is repeated."""
    here, kind = path or "the object", str(schema["type"])
    if not TYPES[kind](value):
        yield f"{here} is not of type {kind}"
        return
    if "const" in schema and not same(value, schema["const"]):
        yield f"{here} is not the one value it may have"
    listed: Any = schema.get("enum")
    if listed is not None and not any(same(value, each) for each in listed):
        yield f"{here} is none of the values it may have"
    if isinstance(value, dict):
        yield from _of_object(value, schema, path)
    elif isinstance(value, list):
        yield from _of_array(value, schema, path)
    elif isinstance(value, str):
        yield from _of_size(len(value), schema, "Length", here)
    else:
        yield from _of_number(value, schema, here)


def _of_object(value: Mapping[str, Json], schema: JsonObject, path: str) -> Iterator[str]:
    known: Any = schema.get("properties", {})
    required: Any = schema.get("required", ())
    for name in required:
        if name not in value:
            yield f"{_below(path, name)} is missing"
    for name, inner in value.items():
        if name in known:
            yield from faults(inner, known[name], path=_below(path, name))
        elif not schema.get("additionalProperties", False):
            yield f"{_below(path, name)[:80]} is not a member of this type"


def _of_array(value: list[Json], schema: JsonObject, path: str) -> Iterator[str]:
    yield from _of_size(len(value), schema, "Items", path)
    if schema.get("uniqueItems") and len({_key(each) for each in value}) < len(value):
        yield f"{path} names something twice"
    items: Any = schema.get("items")
    if items is not None:
        for number, each in enumerate(value):
            yield from faults(each, items, path=f"{path}.{number}")


def _of_size(size: int, schema: JsonObject, what: str, path: str) -> Iterator[str]:
    least: Any = schema.get(f"min{what}", 0)
    most: Any = schema.get(f"max{what}", size)
    if not least <= size <= most:
        yield f"{path} is too short or too long"


def _of_number(value: Json, schema: JsonObject, path: str) -> Iterator[str]:
    number: Any = value
    tests: Mapping[str, Callable[[Any], bool]] = {
        "minimum": lambda bound: number >= bound, "maximum": lambda bound: number <= bound,
        "exclusiveMinimum": lambda bound: number > bound, "exclusiveMaximum": lambda bound: number < bound,
    }  # fmt: skip
    if not all(holds(schema[name]) for name, holds in tests.items() if name in schema):
        yield f"{path} is out of bounds"


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def same(one: Json, other: Json) -> bool:
    """Say whether two values are equal as JSON: 1 is 1.0 and never true (JSON Schema Core §4.2.2)."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def are_among(some: Sequence[Json], all_: Sequence[Json]) -> bool:
    """Say whether each value is equal, as JSON, to one of others; in time that grows with both, not their product."""
    return {_key(each) for each in some} <= {_key(each) for each in all_}


def _key(value: Json) -> Hashable:
    """Return what is equal for values that are equal as JSON, and can be looked up."""
    if isinstance(value, Mapping):
        return "object", frozenset((name, _key(each)) for name, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "array", tuple(map(_key, value))
    return isinstance(value, bool), value
