"""Rich Authorization Requests – RFC 9396: what a client asks for one by one, each object checked by its type's schema.

Stricter: a member that the schema does not list is refused, a person is asked every time, and what a later request may
leave out are only whole objects, or words of the lists that the RFC itself names (§2.2).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from idp.domain.client import Client
from idp.domain.definitions import Definitions
from idp.domain.json import BadJson, Json, JsonObject, read_json
from idp.domain.json_schema import are_among, faults, same
from idp.oauth.errors import InvalidDetails, RedirectError

PARAMETER = "authorization_details"
ERROR = "invalid_authorization_details"
MOST = 20
LARGEST = 16 * 1024
MAX_DEPTH = 12
Details = tuple[JsonObject, ...]
_NARROWABLE = ("locations", "actions", "datatypes", "privileges")


class BadDetails(Exception):
    """Authorization details that are malformed, unknown, or not this client's (RFC 9396 §5)."""


def read(text: str | None, client: Client, definitions: Definitions) -> Details:
    """Return the details that a parameter asks for; raise BadDetails (RFC 9396 §2, §5)."""
    return tuple(_checked(each, client, definitions) for each in _objects(text)) if text is not None else ()


def _objects(text: str) -> Sequence[Json]:
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise BadDetails("authorization_details are larger than 16 kB")
    try:
        value = read_json(text, max_depth=MAX_DEPTH)
    except BadJson as error:
        raise BadDetails(f"authorization_details: {error}") from error
    if not isinstance(value, list) or not 0 < len(value) <= MOST:
        raise BadDetails(f"authorization_details are an array of 1 to {MOST} objects")
    return value


def _checked(detail: Json, client: Client, definitions: Definitions) -> JsonObject:
    if not isinstance(detail, dict) or not isinstance(detail.get("type"), str):
        raise BadDetails("each of authorization_details is an object with a type")
    name = str(detail["type"])
    known = definitions.detail_types.get(name)
    if known is None or name not in client.authorization_details_types:
        raise BadDetails("a type of authorization_details is unknown, or not for this client")
    content = {member: value for member, value in detail.items() if member != "type"}
    for fault in faults(content, known.schema):
        raise BadDetails(f"authorization_details: {fault}")
    return detail


def at_authorize(text: str | None, client: Client, definitions: Definitions) -> Details:
    """Return the details of an authorization request; raise RedirectError."""
    try:
        return read(text, client, definitions)
    except BadDetails as error:
        raise RedirectError(ERROR, str(error)) from error


def at_endpoint(text: str | None, client: Client, definitions: Definitions) -> Details:
    """Return the details of a request that a client sends itself; raise InvalidDetails."""
    try:
        return read(text, client, definitions)
    except BadDetails as error:
        raise InvalidDetails(str(error)) from error


def still_allowed(granted: Details, client: Client, definitions: Definitions) -> Details:
    """Return what a client may still have of details that were granted once: types that are its own, and defined."""
    own = definitions.detail_types.keys() & set(client.authorization_details_types)
    return tuple(each for each in granted if each["type"] in own)


def part_of(granted: Details, text: str | None) -> Details:
    """Return the part of what was granted that one token carries; raise InvalidDetails for more (RFC 9396 §6.1)."""
    if text is None:
        return granted
    try:
        asked: list[Any] = list(_objects(text))
    except BadDetails as error:
        raise InvalidDetails(str(error)) from error
    if not all(isinstance(each, dict) and any(_is_within(each, whole) for whole in granted) for each in asked):
        raise InvalidDetails("authorization_details go beyond what was granted")
    return tuple(asked)


def _is_within(part: Mapping[str, Json], whole: JsonObject) -> bool:
    """Say whether an object asks for no more than another: the same, or fewer words in a list of the RFC's own."""
    if part.keys() != whole.keys():
        return False
    return all(_is_less(part[name], whole[name], name) for name in whole)


def _is_less(part: Json, whole: Json, name: str) -> bool:
    if name in _NARROWABLE and isinstance(part, list) and isinstance(whole, list):
        return bool(part) and are_among(part, whole)
    return same(part, whole)


def as_json(details: Details) -> list[Json]:
    """Return details as claims and answers carry them (RFC 9396 §7, §9)."""
    return [dict(each) for each in details]
