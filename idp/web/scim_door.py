"""The door of SCIM: its models take half a second to load, so they are loaded with its first request."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

ROOT = "/scim/v2"


class _Door:
    """Leads to the routes of SCIM."""

    def __init__(self) -> None:
        self._router: Router | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self._router is None:
            from idp.web.scim.table import scim_routes

            self._router = Router(scim_routes())
        scope["path_params"] = {}  # those of the one route say nothing
        await self._router(scope, receive, send)


def scim_routes() -> list[BaseRoute]:
    """Return the one route that all paths of SCIM take."""
    return [Route(f"{ROOT}{{rest:path}}", _Door())]


def is_ours(request: Request) -> bool:
    """Say whether a request is for SCIM."""
    path: str = request.scope.get("idp.path", request.url.path)
    return path == ROOT or path.startswith(f"{ROOT}/")


def error(status: int, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return a refusal as SCIM says it."""
    from idp.web.scim import errors

    return errors.error(status, detail, headers=headers)
