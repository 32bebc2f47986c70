"""The OpenAPI 3.1 document of the administrators' API, made from the operations."""

import re
from collections.abc import Mapping
from typing import Any

from idp.domain.permission import Permission, scope_of
from idp.flows.admin.catalog import OPERATIONS
from idp.flows.admin.operation import Operation
from idp.oauth.admin_access import ROOT
from idp.web.api import exports, problems
from idp.web.api.reading import KEY_PATTERN, VERSION

Schema = dict[str, Any]
REFUSALS: Mapping[int, str] = {
    400: "The input cannot be taken; `errors` says why, member by member.",
    401: "No token, a bad one, or one whose proof is too old or too weak for this (RFC 9470).",
    403: "The token's scopes or the person's role do not allow this.",
    404: "There is no such thing, or not within the caller's reach.",
    405: "The path has no such method; Allow says which it has.",
    409: "Something else stands against it.",
    412: "Somebody has changed it meanwhile.",
    413: "The body is larger than 64 kB.",
    414: "The address is longer than 8 kB; without a body.",
    415: "The body is not application/json in UTF-8.",
    422: "The idempotency key was used for another request.",
    429: "Too many calls; Retry-After says how long to wait.",
    503: "The database is away; Retry-After says how long to wait.",
}
_PARAMETER = re.compile(r"\{(\w+)\}")
_REFERENCE = "#/components/schemas/{model}"
_PROBLEM: Schema = {
    "type": "object",
    "description": "A refusal (RFC 9457).",
    "required": ["type", "title", "status", "instance"],
    "properties": {
        "type": {"type": "string", "description": "`urn:idp:problem:` and a stable code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The request's id, under which it stands in the log."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["member", "detail"],
                "properties": {"member": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def document(issuer: str) -> Schema:
    """Return the document."""
    schemas: Schema = {"Problem": _PROBLEM}
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS.values():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Administration",
            "version": "1",
            "description": "Everything that the administrators' pages and commands can do.",
        },
        "servers": [{"url": issuer + ROOT}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An access token of this provider."},
                "oauth2": {"type": "oauth2", "flows": _flows(issuer)},
            },
        },
    }


def _flows(issuer: str) -> Schema:
    scopes = {scope_of(each): each.value for each in Permission}
    token = {"tokenUrl": f"{issuer}/token", "scopes": scopes}
    return {
        "clientCredentials": token,
        "authorizationCode": {"authorizationUrl": f"{issuer}/authorize", "refreshUrl": f"{issuer}/token", **token},
    }


def _operation(operation: Operation[Any, Any], schemas: Schema) -> Schema:
    scope = scope_of(operation.permission)
    told = " Needs a proof that is less than five minutes old." if operation.is_dangerous else ""
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"{operation.summary}. Permission: `{operation.permission}`.{told}",
        "tags": [operation.name.partition(".")[0]],
        "security": [{"bearer": [scope]}, {"oauth2": [scope]}],
        "parameters": _parameters(operation),
        "responses": _responses(operation, schemas),
    }
    body = _body(operation, schemas) if operation.method in ("POST", "PUT", "PATCH") else None
    return described if body is None else {**described, "requestBody": body}


def _input(operation: Operation[Any, Any]) -> Schema:
    schema: Schema = operation.takes.model_json_schema(ref_template=_REFERENCE)
    return schema


def _parameters(operation: Operation[Any, Any]) -> list[Schema]:
    properties, in_path = _input(operation).get("properties", {}), _PARAMETER.findall(operation.path)
    found: list[Schema] = [_in_path(name, properties[name]) for name in in_path]
    if operation.method in ("GET", "DELETE"):
        queried = [name for name in properties if name not in in_path and name != VERSION]
        found += [{"name": name, "in": "query", "schema": _without_null(properties[name])} for name in queried]
    if VERSION in properties and not operation.is_reading:
        what = "The entity tag of what was seen; 412 if it has changed since."
        found.append(_header("If-Match", what, pattern='^("[A-Za-z0-9_-]{1,64}"|\\*)$'))
    if VERSION in operation.gives.model_fields and operation.is_reading:
        found.append(_header("If-None-Match", "The entity tag of what the caller has; 304 if it has not changed."))
    if operation.method == "POST":
        found.append(_header("Idempotency-Key", "The same key and request act once within a day.", pattern=KEY_PATTERN))
    return found


def _header(name: str, description: str, *, pattern: str = "^[ -~]{1,256}$") -> Schema:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _in_path(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"pattern": "^[A-Za-z0-9._~-]+$", **schema}}


def _without_null(schema: Schema) -> Schema:
    """Return a schema of what can stand in a query: whatever it was, but null."""
    kept = {name: value for name, value in schema.items() if name != "default" or value is not None}
    options = [each for each in kept.pop("anyOf", ()) if each.get("type") != "null"]
    return {**kept, **options[0]} if options else kept


def _body(operation: Operation[Any, Any], schemas: Schema) -> Schema | None:
    schema = _kept(_input(operation), schemas)
    outside = {*_PARAMETER.findall(operation.path), VERSION}
    schema["properties"] = {n: each for n, each in schema.get("properties", {}).items() if n not in outside}
    required = [name for name in schema.pop("required", []) if name not in outside]
    if required:
        schema["required"] = required
    if not schema["properties"]:
        return None
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _kept(schema: Schema, schemas: Schema) -> Schema:
    """Return a schema whose parts stand among all schemas."""
    schemas.update(schema.pop("$defs", {}))
    return schema


def _responses(operation: Operation[Any, Any], schemas: Schema) -> Schema:
    refusal = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    found: Schema = {str(operation.status): _success(operation, schemas)}
    if operation.is_reading and VERSION in operation.gives.model_fields:
        found["304"] = {"description": "The caller has this already."}
    for status, what in REFUSALS.items():
        found[str(status)] = {"description": what, **({} if status == 414 else {"content": refusal})}
    return found


def _success(operation: Operation[Any, Any], schemas: Schema) -> Schema:
    if operation.status == 204:
        return {"description": "Done."}
    schema = _kept(operation.gives.model_json_schema(ref_template=_REFERENCE, mode="serialization"), schemas)
    if "next" in schema.get("required", ()):
        schema["required"].remove("next")
    content: Schema = {"application/json": {"schema": schema}}
    if exports.columns(operation):
        content |= {media_type: {"schema": {"type": "string"}} for media_type in (exports.CSV, exports.LINES)}
    answer: Schema = {"description": "Done.", "content": content}
    if VERSION in operation.gives.model_fields:
        answer["headers"] = {"ETag": {"description": "The version of this.", "schema": {"type": "string"}}}
    return answer
