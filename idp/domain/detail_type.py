"""A type of authorization details: what such an object may hold, and how a person is told of it (RFC 9396 §2, §5)."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from idp.domain.json import Json, JsonObject

PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_.-]{1,100})\}")


@dataclass(frozen=True, slots=True)
class DetailType:
    """A type with its JSON Schema, and a line for the consent page in which `{member}` stands for a value."""

    id: str
    type: str
    schema: JsonObject
    template: str

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Return the members that the line names."""
        return tuple(PLACEHOLDER.findall(self.template))

    def line(self, detail: JsonObject) -> str:
        """Return what a person is asked: the line with the values in place, as plain text."""
        return PLACEHOLDER.sub(lambda found: shown(_at(detail, found[1])), self.template)

    def remaining(self, detail: JsonObject) -> list[tuple[str, str]]:
        """Return every value that the line does not show, by its path, so that nothing is allowed unseen."""
        told = {tuple(path.split(".")) for path in self.placeholders} | {("type",)}
        return [(".".join(path), shown(value)) for path, value in _leaves(detail, ()) if path not in told]


def shown(value: Json) -> str:
    """Return a value as text for people: words as they are, lists with commas, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _at(detail: Json, path: str) -> Json:
    """Return the value at a path with dots; an absent one is an empty text."""
    for name in path.split("."):
        if not isinstance(detail, dict) or name not in detail:
            return ""
        detail = detail[name]
    return detail


def _leaves(value: JsonObject, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    for name, inner in value.items():
        path = (*above, name)
        if isinstance(inner, dict) and inner:
            yield from _leaves(inner, path)
        else:
            yield path, inner
