"""One call of SCIM: who calls, how often, with what; then the operation, and what it said."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.json import Json
from idp.flows.admin import quota
from idp.flows.admin.operation import Caller, Operation
from idp.flows.admin.problem import Problem
from idp.flows.admin.scim import groups, users
from idp.flows.admin.scim.bulk import Bulk
from idp.flows.admin.scim.faults import Kind, ScimProblem
from idp.flows.admin.scim.lists import MOST_SHOWN, Shown
from idp.oauth.admin_access import Bearer, Denied
from idp.oauth.extensions.protected_resource import SCIM, metadata_url
from idp.web.api.access import bearer_of, caller_of, denial_of, is_foreign
from idp.web.proof_nonce import with_nonce
from idp.web.scim import errors
from idp.web.scim.reading import body, has, input_of, query
from idp.web.site import site_of

Handler = Callable[["Call"], Awaitable[Response]]
_SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose token is good, and what it is counted and remembered by."""

    request: Request
    bearer: Bearer
    caller: Caller

    async def reserve(self, *, is_reading: bool) -> None:
        """Count a call; raise Problem if there were too many."""
        await quota.reserve(site_of(self.request).administration.tools, self.bearer.id, is_reading=is_reading)

    async def does(self, operation: Operation[Any, Any], given: Mapping[str, object] | None = None) -> Any:
        """Do an operation with what the request says, unless `given` says it; raise Denied where a token would help."""
        administration = site_of(self.request).administration
        try:
            if given is None and administration.admits(operation, self.caller):
                given = await input_of(self.request, operation)
            return await administration.call(operation, self.caller, given or {})
        except Problem as refusal:
            raise denial_of(refusal, operation, self.bearer) or refusal from None


def endpoint(handlers: Mapping[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of one path, with what it does by method."""
    allowed = ", ".join(sorted({*handlers, *(["HEAD"] if "GET" in handlers else [])}))

    async def answer(request: Request) -> Response:
        handler = handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            return errors.error(405, headers={"allow": allowed})
        if is_foreign(request):
            return errors.error(403, "scripts of other origins have no business here")
        try:
            return with_nonce(request, await handler(await _call(request)))
        except Denied as denial:
            described = metadata_url(site_of(request).settings.issuer, SCIM)
            return with_nonce(request, errors.denied(denial, metadata=described))
        except Problem as refusal:
            return with_nonce(request, errors.refused(refusal))

    return answer


async def _call(request: Request) -> Call:
    site = site_of(request)
    await site.watch.refresh()
    await site.engine.keyring.refresh()
    bearer = await bearer_of(request, site.clock.now())
    return Call(request, bearer, caller_of(request, bearer))


def doing(operation: Operation[Any, Any]) -> Handler:
    """Return what does an operation."""

    async def handle(call: Call) -> Response:
        await call.reserve(is_reading=operation.is_reading)
        output = await call.does(operation)
        return shown(call.request, operation, output) if isinstance(output, Shown) else Response(status_code=204)

    return handle


def shown(request: Request, operation: Operation[Any, Any], output: Shown) -> Response:
    """Return a resource or a list; 304 if the caller has just that."""
    headers = {"vary": "Accept, Authorization"}
    if output.version is not None:
        headers["etag"] = f'W/"{output.version}"'
        if operation.is_reading and has(request, output.version):
            return Response(status_code=304, headers=headers)
    if output.location is not None:
        headers["content-location" if operation.status == 200 else "location"] = output.location
    return errors.answer(output.document, operation.status, headers)


def searching(operation: Operation[Any, Any]) -> Handler:
    """Return what lists by a body instead of a query (RFC 7644 §3.4.3)."""

    async def handle(call: Call) -> Response:
        await call.reserve(is_reading=True)
        is_admitted = site_of(call.request).administration.admits(operation, call.caller)
        asked = {"search": {"schemas": [_SEARCH], **await body(call.request)}} if is_admitted else {}
        return shown(call.request, operation, await call.does(operation, asked))

    return handle


async def searching_all(call: Call) -> Response:
    """List people, and behind them groups."""
    await call.reserve(is_reading=True)
    administration = site_of(call.request).administration
    for kind in (users, groups):  # whoever may not read both is not read
        if not administration.admits(kind.LIST, call.caller):
            await call.does(kind.LIST, {})
    asked = {name.lower(): value for name, value in (await body(call.request)).items()}
    start, count = _whole(asked.get("startindex"), 1), min(_whole(asked.get("count"), MOST_SHOWN), MOST_SHOWN)
    if asked.get("sortby") is not None:
        raise ScimProblem(Kind.INVALID_VALUE, "only resources of one kind are sorted")
    total, found, output = 0, list[Json](), Shown(document={})
    for kind in (users, groups):
        part = {"startindex": max(1, start - total), "count": max(0, count - len(found))}
        output = await call.does(kind.LIST, {"search": {"schemas": [_SEARCH], **asked, **part}, "is_among": True})
        total += output.document["totalResults"]
        found += output.document["Resources"]
    document = {**output.document, "totalResults": total, "itemsPerPage": len(found), "startIndex": max(1, start)}
    return errors.answer({**document, "Resources": found})


def _whole(value: Json, otherwise: int) -> int:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ScimProblem(Kind.INVALID_VALUE, "startIndex and count are whole numbers")
    return otherwise if value is None else max(0, value)


async def bulk(call: Call) -> Response:
    """Do many changes."""
    await call.reserve(is_reading=False)

    async def reserve() -> None:
        await call.reserve(is_reading=False)

    run = Bulk(site_of(call.request).administration, call.caller, reserve, {})
    return errors.answer(await run.run(await body(call.request)))


async def me(call: Call) -> Response:
    """Show the person whose token it is; an application by itself is nobody (RFC 7644 §3.11)."""
    await call.reserve(is_reading=True)
    if call.bearer.user is None:
        return errors.error(501, "this token is no person's")
    given = {"id": call.bearer.user.id, "search": query(call.request, is_list=False)}
    return shown(call.request, users.SHOW, await call.does(users.SHOW, given))


async def not_done(call: Call) -> Response:
    """Refuse what SCIM knows and we do not."""
    await call.reserve(is_reading=True)
    return errors.error(501, "this is not done here")
