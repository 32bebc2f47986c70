"""What the administrators' API can do, for programs (OpenAPI) and for people (a page of ours); both without a token."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.permission import scope_of
from idp.flows.admin.catalog import OPERATIONS
from idp.flows.admin.operation import Operation
from idp.oauth.admin_access import ROOT
from idp.oauth.openid.discovery import Prepared, prepare
from idp.web import pages
from idp.web.api import openapi
from idp.web.api.openapi import Schema
from idp.web.site import site_of


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an input: where it is sent, its type, and whether it must be there."""

    name: str
    place: str
    type: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation as the page shows it."""

    name: str
    summary: str
    method: str
    path: str
    scope: str
    status: int
    is_dangerous: bool
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """Operations on the same kind of thing."""

    name: str
    entries: tuple[Entry, ...]


async def document(request: Request) -> Response:
    """Return the OpenAPI document."""
    prepared = _prepared(site_of(request).settings.issuer)
    headers = {"etag": prepared.etag, "cache-control": "no-cache"}
    if prepared.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(prepared.body, 200, headers, "application/json")


@lru_cache(maxsize=4)
def _prepared(issuer: str) -> Prepared:
    return prepare(openapi.document(issuer))


async def page(request: Request) -> Response:
    """Show the same to people."""
    issuer = site_of(request).settings.issuer
    return pages.page(request, "api/reference.html", root=f"{issuer}{ROOT}", rooms=rooms())


@lru_cache(maxsize=1)
def rooms() -> tuple[Room, ...]:
    """Return all operations, each with those of its kind."""
    paths = openapi.document("")["paths"]
    found: dict[str, list[Entry]] = {}
    for operation in sorted(OPERATIONS.values(), key=lambda each: (each.path, each.method)):
        entry = _entry(operation, paths[operation.path][operation.method.lower()])
        found.setdefault(operation.name.partition(".")[0], []).append(entry)
    return tuple(Room(name, tuple(entries)) for name, entries in sorted(found.items()))


def _entry(operation: Operation[Any, Any], described: Schema) -> Entry:
    sent = [
        Member(each["name"], each["in"], _type(each["schema"]), bool(each.get("required")))
        for each in described["parameters"]
    ]
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    required = body.get("required", ())
    sent += [
        Member(name, "body", _type(schema), name in required) for name, schema in body.get("properties", {}).items()
    ]
    return Entry(
        operation.name, operation.summary, operation.method, operation.path, scope_of(operation.permission),
        operation.status, operation.is_dangerous, tuple(sent),
    )  # fmt: skip


def _type(schema: Schema) -> str:
    """Return a type in few words."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    named = str(schema.get("format") or schema.get("type", "any"))
    return f"{named} of {_type(schema['items'])}" if "items" in schema else named
