"""Refusals as SCIM says them (RFC 7644 §3.12)."""

import json
from collections.abc import Mapping

from starlette.responses import Response

from idp.domain.json import JsonObject
from idp.flows.admin.problem import Problem
from idp.flows.admin.scim import faults
from idp.flows.admin.scim.bulk import status_of
from idp.flows.admin.scim.faults import Kind, kind_of
from idp.oauth.admin_access import Denied
from idp.web.api.problems import NO_STORE, seconds

MEDIA_TYPE = "application/scim+json"
_SAID: Mapping[int, str] = {
    404: "there is nothing here", 405: "this cannot be done here", 500: "something went wrong on our side",
    503: "not available at the moment", 408: "the body did not arrive in time",
}  # fmt: skip


def answer(document: JsonObject, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a document."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return Response(text, status, {**NO_STORE, **(headers or {})}, MEDIA_TYPE)


def error(
    status: int, detail: str | None = None, *, kind: Kind | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a refusal."""
    said = detail if detail is not None else _SAID.get(status, "refused")
    return answer(faults.document(status, said, kind), status, headers)


def refused(problem: Problem) -> Response:
    """Return what an operation said."""
    headers = {} if problem.wait is None else {"retry-after": seconds(problem.wait)}
    return error(status_of(problem), problem.detail, kind=kind_of(problem), headers=headers)


def denied(denial: Denied, *, metadata: str) -> Response:
    """Return the challenge of RFC 6750 §3, and the same in words; `metadata` is where SCIM describes itself."""
    return error(denial.status, denial.description, headers=denial.headers(metadata=metadata))
