"""From a SCIM request to an operation's input: path, query or body, and If-Match."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from idp.domain.json import BadJson, Json, read_object
from idp.flows.admin.operation import Operation
from idp.flows.admin.problem import Code, Problem
from idp.flows.admin.scim.faults import Kind, ScimProblem
from idp.web.forms import json_text_of, query_of
from idp.web.scim.errors import MEDIA_TYPE

MOST_MEMBERS = 5000  # of a body's objects, all together
_SELECTION = frozenset({"attributes", "excludedattributes"})
_NUMBERS = frozenset({"startindex", "count"})
_TAG_LENGTH = 64


async def input_of(request: Request, operation: Operation[Any, Any]) -> dict[str, object]:
    """Return the members of an operation's input; raise Problem or BadForm for what cannot be read."""
    given: dict[str, object] = dict(request.path_params)
    if not operation.is_reading and "id" in given and (version := version_of(request)) is not None:
        given["version"] = version
    if operation.method == "DELETE":
        return given
    given["search"] = query(request, is_list=operation.is_reading and "id" not in given)
    if not operation.is_reading:
        given["document"] = await body(request)
    return given


async def body(request: Request) -> Mapping[str, Json]:
    """Return the object that was sent."""
    text = await json_text_of(request, MEDIA_TYPE)
    try:
        return read_object(text, max_members=MOST_MEMBERS)
    except BadJson as error:
        raise ScimProblem(Kind.INVALID_SYNTAX, f"the body is not a JSON object that can be read: {error}") from error


def query(request: Request, *, is_list: bool) -> dict[str, Json]:
    """Return what the query asks for; what SCIM does not know is not looked at."""
    asked: dict[str, Json] = {}
    for name, text in query_of(request):
        known = name.lower()
        if known in asked:
            raise ScimProblem(Kind.INVALID_VALUE, "a parameter was sent more than once")
        if known in _SELECTION or (is_list and known in ("filter", "sortby", "sortorder", "cursor")):
            asked[known] = text
        elif is_list and known in _NUMBERS:
            asked[known] = _number(text)
    return asked


def _number(text: str) -> int:
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 12:
        raise ScimProblem(Kind.INVALID_VALUE, "startIndex and count are whole numbers")
    return int(text)


def version_of(request: Request) -> str | None:
    """Return the version that the caller saw; weak tags are what SCIM has (RFC 7644 §3.14)."""
    tags = request.headers.getlist("if-match")
    if not tags or (len(tags) == 1 and tags[0].strip() == "*"):
        return None
    version = tags[0].strip().removeprefix("W/").strip('"')
    if len(tags) > 1 or not 0 < len(version) <= _TAG_LENGTH:
        raise Problem(Code.CHANGED_MEANWHILE, "If-Match has one entity tag; nothing else can match")
    return version


def has(request: Request, version: str) -> bool:
    """Say whether the caller has this version already (RFC 9110 §13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return "*" in tags or f'"{version}"' in tags
