"""The routes of the administrators' API, made from the operations; paths without parameters come first."""

from collections import defaultdict
from typing import Any

from starlette.routing import BaseRoute, Route

from idp.flows.admin.catalog import OPERATIONS
from idp.flows.admin.operation import Operation
from idp.oauth.admin_access import ROOT
from idp.web.api import reference
from idp.web.api.endpoint import endpoint

#: All of them reach the endpoint, which says which ones a path has.
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def by_path() -> dict[str, dict[str, Operation[Any, Any]]]:
    """Return the operations of each path by their methods."""
    found: dict[str, dict[str, Operation[Any, Any]]] = defaultdict(dict)
    for operation in OPERATIONS.values():
        assert operation.method not in found[operation.path], f"{operation.name} stands where another one does"
        found[operation.path][operation.method] = operation
    return dict(sorted(found.items(), key=lambda each: each[0].count("{")))


def api_routes() -> list[BaseRoute]:
    """Return the routes."""
    return [
        Route(f"{ROOT}/openapi.json", reference.document, methods=["GET"]),
        Route(f"{ROOT}/docs", reference.page, methods=["GET"]),
        *(Route(f"{ROOT}{path}", endpoint(operations), methods=METHODS) for path, operations in by_path().items()),
    ]
