"""Exception → response. A stranger learns a request id, never a trace, a path or a version."""

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.factors.password import HashPoolBusy
from idp.metrics import SHED
from idp.oauth.errors import PageError
from idp.oauth.keyring import NoSigningKey
from idp.web import scim_door as scim
from idp.web.api import problems
from idp.web.csrf import Forged
from idp.web.forms import BadForm
from idp.web.pages import page
from idp.web.site import request_id_of
from idp.wiring import DatabaseAway

API_PATHS = (
    "/token",
    "/userinfo",
    "/device_authorization",
    "/introspect",
    "/revoke",
    "/register",
    "/jwks",
    "/.well-known/",
    "/ssf/",
    "/health/",
    "/metrics",
    "/password/strength",
)
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
log = structlog.get_logger("web")


def is_api(request: Request) -> bool:
    """Say whether the caller is a program and wants JSON."""
    path: str = request.scope.get("idp.path", request.url.path)
    return path.startswith(API_PATHS) or path in ("/ciba", "/par")


def notice(
    request: Request, kind: str, *, status: int, retry_uri: str | None = None, retry_after: int | None = None
) -> Response:
    """Return a page that says in words what happened and what to do, or the JSON equivalent."""
    if scim.is_ours(request):
        response: Response = scim.error(status)
    elif problems.is_ours(request):
        response = problems.problem(request, status)
    elif is_api(request):
        error = "temporarily_unavailable" if status == 503 else "server_error" if status >= 500 else "invalid_request"
        response = JSONResponse({"error": error}, status, headers=NO_STORE)
    else:
        reference = request_id_of(request)
        response = page(
            request, "error/notice.html", status=status, kind=kind, retry_uri=retry_uri, reference=reference
        )
    if retry_after is not None:
        response.headers["retry-after"] = str(retry_after)
    return response


async def page_error(request: Request, error: Exception) -> Response:
    """Show an authorization error that may not be redirected."""
    assert isinstance(error, PageError)
    reference = request_id_of(request)
    return page(
        request, "error/error.html", status=400, code=error.error, description=error.description, reference=reference
    )


async def bad_form(request: Request, error: Exception) -> Response:
    """Refuse a body or query that cannot be read."""
    assert isinstance(error, BadForm)
    if scim.is_ours(request):
        return scim.error(error.status, error.message)
    if problems.is_ours(request):
        return problems.problem(request, error.status, error.message)
    if is_api(request):
        body = {"error": "invalid_request", "error_description": error.message}
        return JSONResponse(body, error.status, headers=NO_STORE)
    reference = request_id_of(request)
    return page(
        request,
        "error/error.html",
        status=error.status,
        code="invalid_request",
        description=error.message,
        reference=reference,
    )


async def forged(request: Request, _error: Exception) -> Response:
    """Refuse a post from elsewhere."""
    return notice(request, "forbidden", status=403)


async def busy(request: Request, _error: Exception) -> Response:
    """Shed load instead of queueing it."""
    SHED.inc()
    return notice(request, "busy", status=503, retry_after=5)


async def away(request: Request, error: Exception) -> Response:
    """Say that the database or the keys are away."""
    log.warning("unavailable", error=type(error).__name__, detail=str(error))
    return notice(request, "unavailable", status=503, retry_after=5)


async def http_error(request: Request, error: Exception) -> Response:
    """Answer unknown paths and wrong methods."""
    assert isinstance(error, HTTPException)
    if scim.is_ours(request):
        return scim.error(error.status_code, headers=error.headers)
    if problems.is_ours(request):
        return problems.problem(request, error.status_code, headers=error.headers)
    if error.status_code == 405:
        return JSONResponse({"error": "invalid_request"}, 405, headers={**NO_STORE, **(error.headers or {})})
    return notice(request, "not_found", status=error.status_code)


async def fault(request: Request, error: Exception) -> Response:
    """Answer when we are wrong: the trace goes to the log under the request id."""
    log.error("fault", path=request.scope.get("idp.path"), exc_info=error)
    return notice(request, "server_error", status=500)


HANDLERS = {
    PageError: page_error,
    BadForm: bad_form,
    Forged: forged,
    HashPoolBusy: busy,
    DatabaseAway: away,
    NoSigningKey: away,
    HTTPException: http_error,
    Exception: fault,
}
