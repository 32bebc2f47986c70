"""From a request to an operation's input: path, query or JSON body, and If-Match, each member from one place only."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from starlette.requests import Request

from idp.domain.document_url import from_path_name
from idp.domain.json import BadJson, Json, read_object
from idp.flows.admin.operation import Operation
from idp.flows.admin.problem import Code, Fault, Problem, invalid
from idp.web.forms import json_text_of, query_of

VERSION = "version"
KEY_PATTERN = r'^([!#-\[\]-~]{1,255}|"[!#-\[\]-~]{1,255}")$'
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_TAG = re.compile(r'"([!#-~]{1,64})"')
_TAGS = re.compile(r'(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*')
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_KEY = re.compile(KEY_PATTERN)
_WORDS: Mapping[str, bool] = {"true": True, "false": False}


async def input_of(request: Request, operation: Operation[Any, Any]) -> dict[str, object]:
    """Return the members that were sent; raise Problem or BadForm for what cannot be read."""
    given: dict[str, object] = {name: from_path_name(value) for name, value in request.path_params.items()}
    sent: Mapping[str, object]
    if operation.method in _WITH_BODY:
        if query_of(request):
            raise Problem(Code.INVALID, "members of this operation belong in the body, not in the query")
        sent = await _body(request)
    else:
        if _has_body(request):
            raise Problem(Code.INVALID, "this operation takes no body")
        sent = _query(request, operation)
    if twice := sorted(given.keys() & sent.keys()):
        raise Problem(Code.INVALID, "a member was given twice", [Fault(name, "stands in the path") for name in twice])
    if VERSION in sent:
        raise invalid(VERSION, "is said by the header If-Match")
    return {**given, **sent, **_precondition(request, operation)}


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


async def _body(request: Request) -> Mapping[str, Json]:
    """Return the members of the body; an operation whose path says everything needs none."""
    if not _has_body(request) and "content-type" not in request.headers:
        return {}
    text = await json_text_of(request)
    try:
        return read_object(text)
    except BadJson as error:
        raise Problem(Code.INVALID, f"the body is not a JSON object that can be read: {error}") from error


def _query(request: Request, operation: Operation[Any, Any]) -> dict[str, object]:
    types = types_of(operation)
    sent: dict[str, object] = {}
    for name, text in query_of(request):
        if name in sent:
            raise invalid(name[:64] if name in types else "query", "was sent more than once")
        sent[name] = _converted(text, types.get(name, frozenset()))
    return sent


@cache
def types_of(operation: Operation[Any, Any]) -> dict[str, frozenset[str]]:
    """Return the JSON types that each member of an input may have."""
    properties = operation.takes.model_json_schema().get("properties", {})
    return {
        name: frozenset(each["type"] for each in (schema, *schema.get("anyOf", ())) if "type" in each)
        for name, schema in properties.items()
    }


def _converted(text: str, types: frozenset[str]) -> object:
    """Return a text of the query as what its member is; what does not fit stays a text, and is refused as one."""
    if "string" in types:
        return text
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "boolean" in types:
        return _WORDS.get(text, text)
    return text


def _precondition(request: Request, operation: Operation[Any, Any]) -> dict[str, str]:
    """Return the version that the caller saw (RFC 9110 §13.1.1); where none is known, no condition is ignored."""
    sent = ", ".join(request.headers.getlist("if-match"))
    if "if-match" not in request.headers or operation.is_reading:
        return {}
    if VERSION not in operation.takes.model_fields:
        raise Problem(Code.INVALID, "If-Match is not known here: what this changes has no version")
    if sent == "*":
        return {}  # whatever there is; that it is there is asked in any case
    if not _TAGS.fullmatch(sent):
        raise Problem(Code.INVALID, "If-Match is one strong entity tag in its quotes, or *")
    found = _TAG.fullmatch(sent)
    if found is None:
        raise Problem(Code.CHANGED_MEANWHILE, "a weak tag, or one of several, cannot promise what was seen")
    return {VERSION: found[1]}


def idempotency_key(request: Request) -> str | None:
    """Return the key under which a POST acts once, None if none came; raise Problem for one that is none."""
    sent = request.headers.getlist("idempotency-key")
    if not sent or request.method != "POST":
        return None
    found = _KEY.fullmatch(sent[0].strip())
    if len(sent) > 1 or found is None:
        raise Problem(Code.INVALID, "Idempotency-Key is one string of 1 to 255 visible characters")
    return found[1].strip('"')
