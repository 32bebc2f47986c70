"""Refusals of the administrators' API as `application/problem+json` (RFC 9457); no value of a request is repeated."""

import json
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from idp.flows.admin.problem import Problem
from idp.oauth.admin_access import ROOT, Denied
from idp.oauth.extensions.protected_resource import metadata_url
from idp.web.site import request_id_of, site_of

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:idp:problem:"
NO_STORE = {"cache-control": "no-store"}
#: What a status is called where no operation was reached.
CODES: Mapping[int, str] = {
    400: "invalid", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    406: "not_acceptable", 408: "timeout", 413: "too_large", 415: "unsupported_media_type", 429: "too_many",
    500: "server_error", 503: "unavailable",
}  # fmt: skip


def is_ours(request: Request) -> bool:
    """Say whether a request is for the administrators' API."""
    path: str = request.scope.get("idp.path", request.url.path)
    return path == ROOT or path.startswith(f"{ROOT}/")


def problem(
    request: Request, status: int, detail: str | None = None, *, code: str | None = None,
    errors: list[dict[str, str]] | None = None, headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """Return a refusal; `code` names it where the status does not say enough."""
    body: dict[str, object] = {
        "type": TYPE + (code or CODES.get(status, "refused")), "title": HTTPStatus(status).phrase, "status": status,
        "instance": request_id_of(request),
    }  # fmt: skip
    if detail is not None:
        body["detail"] = detail
    if errors:
        body["errors"] = errors
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return Response(text, status, {**NO_STORE, **(headers or {})}, MEDIA_TYPE)


def refused(request: Request, refusal: Problem) -> Response:
    """Return what an operation said."""
    errors = [{"member": each.member, "detail": each.detail} for each in refusal.faults]
    headers = {} if refusal.wait is None else {"retry-after": seconds(refusal.wait)}
    return problem(request, refusal.status, refusal.detail, code=refusal.code.value, errors=errors, headers=headers)


def denied(request: Request, denial: Denied) -> Response:
    """Return the challenge of RFC 6750 §3, and the same in words."""
    headers = denial.headers(metadata=metadata_url(site_of(request).settings.issuer, ROOT))
    return problem(request, denial.status, denial.description, code=denial.error, headers=headers)


def seconds(wait: timedelta) -> str:
    """Return a wait as Retry-After says it: in whole seconds, at least one."""
    return str(max(1, round(wait.total_seconds())))
