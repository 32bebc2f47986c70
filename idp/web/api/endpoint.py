"""One call of the administrators' API: who calls, how often, with what; then the operation, and what it said."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.json import JsonObject
from idp.flows.admin import quota
from idp.flows.admin.operation import Caller, Operation
from idp.flows.admin.problem import Problem
from idp.flows.admin.repeats import call_once
from idp.oauth.admin_access import Bearer, Denied
from idp.web.api import exports, problems
from idp.web.api.access import bearer_of, caller_of, denial_of, is_foreign
from idp.web.api.reading import idempotency_key, input_of
from idp.web.api.showing import shown
from idp.web.proof_nonce import with_nonce
from idp.web.site import site_of

Endpoint = Callable[[Request], Awaitable[Response]]
Operations = Mapping[str, Operation[Any, Any]]


def endpoint(operations: Operations) -> Endpoint:
    """Return the endpoint of one path, with its operations by method."""
    allowed = ", ".join(sorted({*operations, *(["HEAD"] if "GET" in operations else [])}))

    async def answer(request: Request) -> Response:
        operation = operations.get("GET" if request.method == "HEAD" else request.method)
        if operation is None:
            return problems.problem(request, 405, headers={"allow": allowed})
        if is_foreign(request):
            return problems.problem(request, 403, "scripts of other origins have no business here")
        try:
            return with_nonce(request, await _call(request, operation))
        except Denied as denial:
            return with_nonce(request, problems.denied(request, denial))
        except Problem as refusal:
            return with_nonce(request, problems.refused(request, refusal))

    return answer


async def _call(request: Request, operation: Operation[Any, Any]) -> Response:
    site = site_of(request)
    await site.watch.refresh()
    await site.engine.keyring.refresh()
    began_at = site.clock.now()
    bearer = await bearer_of(request, began_at)
    await quota.reserve(site.administration.tools, bearer.id, is_reading=operation.is_reading)
    caller = caller_of(request, bearer)
    try:
        # Whoever may not do this is not read at all.
        is_admitted = site.administration.admits(operation, caller)
        given = await input_of(request, operation) if is_admitted else {}
        media_type = exports.format_asked(request, operation) if is_admitted else None
        if media_type is not None:
            export = exports.Export(site.administration, operation, given, _again(request, began_at))
            return await exports.stream(export, media_type)
        return shown(request, operation, await _done(request, operation, bearer, caller, given))
    except Problem as refusal:
        raise denial_of(refusal, operation, bearer) or refusal from None


def _again(request: Request, began_at: datetime) -> Callable[[], Awaitable[Caller]]:
    """Return who reads, looked up anew: a token that was good when a long list began is good until its end."""

    async def caller() -> Caller:
        return caller_of(request, await bearer_of(request, began_at, was_proved=True))

    return caller


async def _done(
    request: Request, operation: Operation[Any, Any], bearer: Bearer, caller: Caller, given: Mapping[str, object]
) -> JsonObject:
    administration = site_of(request).administration
    key = idempotency_key(request)
    if key is not None:
        return await call_once(administration, operation, caller, given, f"{bearer.id}|{key}")
    document: JsonObject = (await administration.call(operation, caller, given)).model_dump(mode="json")
    return document
