"""Who calls the administrators' API, by its own paths or by SCIM's: the bearer of a token, and what they may."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.requests import Request

from idp.domain.client import origin_of
from idp.domain.permission import scope_of
from idp.flows.admin.callers import of_token
from idp.flows.admin.operation import Caller, Operation
from idp.flows.admin.problem import Code, Problem
from idp.oauth import admin_access
from idp.oauth.admin_access import Bearer, Denied
from idp.web.proof_nonce import keep_nonce
from idp.web.site import address_of, context_of, request_id_of, site_of


def is_foreign(request: Request) -> bool:
    """Say whether a script of another origin asks: no browser is offered this API across origins."""
    origin = request.headers.get("origin")
    return origin is not None and origin != origin_of(site_of(request).settings.issuer)


async def bearer_of(request: Request, now: datetime, *, was_proved: bool = False) -> Bearer:
    """Return whose token came; raise Denied unless it was good at that moment and was not ended since."""
    write = "dpop" in request.headers and not was_proved  # the jti of a proof is stored
    async with site_of(request).transactions.open(write=write, request_id=request_id_of(request)) as stores:
        bearer = await admin_access.read(replace(context_of(request, stores), now=now), was_proved=was_proved)
    keep_nonce(request, bearer.next_nonce)
    return bearer


def caller_of(request: Request, bearer: Bearer) -> Caller:
    """Return who calls, with what role and scopes allow together."""
    return of_token(
        bearer.user, bearer.client.id, bearer.scopes, is_fresh=bearer.is_fresh, address=address_of(request),
        request_id=request_id_of(request),
    )  # fmt: skip


def denial_of(refusal: Problem, operation: Operation[Any, Any], bearer: Bearer) -> Denied | None:
    """Return the challenge that a refusal calls for, None for one that no other token would help."""
    if refusal.code is Code.STEP_UP_REQUIRED:
        return bearer.must_prove()
    scope = scope_of(operation.permission)
    return bearer.lacks(scope) if refusal.code is Code.FORBIDDEN and scope not in bearer.scopes else None
