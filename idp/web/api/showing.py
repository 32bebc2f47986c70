"""From an operation's output to a response: JSON, its entity tag, and links to what was made and to the next page."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.json import Json, JsonObject
from idp.flows.admin.catalog import OPERATIONS
from idp.flows.admin.operation import Operation
from idp.oauth.admin_access import ROOT
from idp.web.api.problems import NO_STORE
from idp.web.forms import query_of
from idp.web.site import site_of

_SHOWN = frozenset(each.path for each in OPERATIONS.values() if each.method == "GET")


def shown(request: Request, operation: Operation[Any, Any], document: JsonObject) -> Response:
    """Return what an operation gave; 304 if the caller has just that (RFC 9110 §13.1.2)."""
    body = {name: value for name, value in document.items() if name != "next" or value is not None}
    headers = {**NO_STORE, "vary": "Accept, Authorization"} | _links(request, operation, body)
    version = body.get("version")
    if isinstance(version, str):
        headers["etag"] = f'"{version}"'
        if operation.is_reading and _has(request, version):
            return Response(status_code=304, headers=headers)
    if operation.status == 204:
        return Response(status_code=204, headers=headers)
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return Response(text, operation.status, headers, "application/json")


def _has(request: Request, version: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return "*" in tags or f'"{version}"' in tags


def _links(request: Request, operation: Operation[Any, Any], body: Mapping[str, Json]) -> dict[str, str]:
    following, made = body.get("next"), body.get("id")
    if isinstance(following, str):
        return {"link": f'<{_next(request, following)}>; rel="next"'}
    if operation.status == 201 and isinstance(made, str) and f"{operation.path}/{{id}}" in _SHOWN:
        return {"location": f"{_root(request)}{operation.path}/{quote(made, safe='')}"}
    return {}


def _next(request: Request, cursor: str) -> str:
    asked = [(name, value) for name, value in query_of(request) if name != "cursor"]
    path: str = request.scope["idp.path"]
    return f"{site_of(request).settings.issuer}{path}?{urlencode([*asked, ('cursor', cursor)])}"


def _root(request: Request) -> str:
    return f"{site_of(request).settings.issuer}{ROOT}"
