"""The paths of SCIM."""

from starlette.routing import BaseRoute, Route

from idp.flows.admin.scim import groups, users
from idp.flows.admin.scim.users import ROOT
from idp.web.scim import discovery
from idp.web.scim.endpoint import bulk, doing, endpoint, me, not_done, searching, searching_all

#: All of them reach the endpoint, which says which ones a path has.
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def scim_routes() -> list[BaseRoute]:
    """Return the routes."""
    routes: list[BaseRoute] = []
    for kind in (users, groups):
        path = f"{ROOT}{kind.LIST.path}"
        many = {"GET": doing(kind.LIST), "POST": doing(kind.CREATE)}
        one = {
            "GET": doing(kind.SHOW), "PUT": doing(kind.REPLACE), "PATCH": doing(kind.PATCH),
            "DELETE": doing(kind.DELETE),
        }  # fmt: skip
        routes += [
            Route(path, endpoint(many), methods=METHODS),
            Route(f"{path}/.search", endpoint({"POST": searching(kind.LIST)}), methods=METHODS),
            Route(f"{path}/{{id}}", endpoint(one), methods=METHODS),
        ]
    mine = {"GET": me, **dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), not_done)}
    return [
        *routes,
        Route(f"{ROOT}/Bulk", endpoint({"POST": bulk}), methods=METHODS),
        Route(f"{ROOT}/.search", endpoint({"POST": searching_all}), methods=METHODS),
        Route(f"{ROOT}/Me", endpoint(mine), methods=METHODS),
        Route(f"{ROOT}/ServiceProviderConfig", discovery.reading(discovery.config), methods=METHODS),
        Route(f"{ROOT}/ResourceTypes", discovery.reading(discovery.resource_types), methods=METHODS),
        Route(f"{ROOT}/ResourceTypes/{{id}}", discovery.reading(discovery.resource_type), methods=METHODS),
        Route(f"{ROOT}/Schemas", discovery.reading(discovery.schemas), methods=METHODS),
        Route(f"{ROOT}/Schemas/{{id}}", discovery.reading(discovery.schema), methods=METHODS),
    ]
