"""A reviewed file that says how a provider is set up: groups, clients, policy, and settings that must be so.

TOML, because it has one meaning: no references, no types that are guessed, no member twice.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from idp.flows.admin.assertion_issuers import AssertionIssuerTold
from idp.flows.admin.configuration_upstreams import UpstreamInFile
from idp.flows.admin.definitions import MOST
from idp.flows.admin.detail_types import DetailTypeTold
from idp.flows.admin.exchange_rules import ExchangeRuleTold
from idp.flows.admin.operation import Input, read
from idp.flows.admin.problem import invalid
from idp.flows.admin.resources import ResourceTold
from idp.flows.admin.values import Id, Name, Text

SCHEMA = 1
LARGEST = 2_000_000


class GroupTold(Input):
    """A group that there is to be."""

    name: Name
    description: Text = ""


class ClientTold(Input):
    """A client as it is to be, all of it: members that are absent have their defaults."""

    client_id: Id
    profile: Annotated[str, Field(max_length=20)] = "oauth21"
    first_party: bool = False
    active: bool = True
    managers: Annotated[list[Annotated[str, Field(max_length=254)]], Field(max_length=100)] = Field(
        default_factory=list
    )
    metadata: Annotated[dict[str, JsonValue], Field(max_length=100)]


class PolicyTold(Input):
    """The step-up policy that is to decide, as a text."""

    text: Annotated[str, Field(min_length=1, max_length=500_000)]


class Configuration(Input):
    """Everything that a file says."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    group: Annotated[list[GroupTold], Field(max_length=10_000)] = Field(default_factory=list)
    client: Annotated[list[ClientTold], Field(max_length=10_000)] = Field(default_factory=list)
    resources: Annotated[list[ResourceTold], Field(max_length=MOST)] = Field(default_factory=list)
    detail_types: Annotated[list[DetailTypeTold], Field(max_length=MOST)] = Field(default_factory=list)
    exchange_rules: Annotated[list[ExchangeRuleTold], Field(max_length=MOST)] = Field(default_factory=list)
    assertion_issuers: Annotated[list[AssertionIssuerTold], Field(max_length=MOST)] = Field(default_factory=list)
    upstreams: Annotated[list[UpstreamInFile], Field(max_length=50)] = Field(default_factory=list)
    policy: PolicyTold | None = None
    settings: Annotated[dict[str, str], Field(max_length=500)] = Field(default_factory=dict)


def parse(text: str) -> Configuration:
    """Return what a text says; raise Problem with the line, or with every member at fault."""
    if len(text) > LARGEST:
        raise invalid("text", "is too long")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise invalid("text", f"is not TOML: {error}") from None
    configuration = read(Configuration, document)
    _refuse_twice("group", "name", [each.name for each in configuration.group])
    _refuse_twice("client", "client_id", [each.client_id for each in configuration.client])
    _refuse_twice("resources", "identifier", [each.identifier for each in configuration.resources])
    _refuse_twice("detail_types", "type", [each.type for each in configuration.detail_types])
    _refuse_twice("exchange_rules", "name", [each.name for each in configuration.exchange_rules])
    _refuse_twice("assertion_issuers", "issuer", [each.issuer for each in configuration.assertion_issuers])
    _refuse_twice("upstreams", "id", [each.id for each in configuration.upstreams])
    return configuration


def _refuse_twice(table: str, member: str, names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise invalid(f"{table}.{number}.{member}", "stands in the file twice")


def write(configuration: Mapping[str, Any]) -> str:
    """Return the text of a configuration: plain members first, then tables, then lists of tables."""
    return "\n".join(_lines(configuration)) + "\n"


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from ("", f"[{_key(name)}]", *_members(value))
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for each in value:
                yield from ("", f"[[{_key(name)}]]", *_members(each))
        else:
            yield f"{_key(name)} = {_value(value)}"


def _members(table: Mapping[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        yield f"{_key(name)} = {_value(value)}"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else _line(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_value(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    assert isinstance(value, str), "a configuration has texts, numbers, truth values, lists and tables"
    return _text(value)


def _text(text: str) -> str:
    """Return a basic string; texts of several lines stay readable as such."""
    if "\n" in text and "\r" not in text and text.replace("\n", "").replace("\t", "").isprintable():
        safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        return '"""\n' + (safe[:-1] + '\\"' if safe.endswith('"') else safe) + '"""'
    return _line(text)


def _line(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
