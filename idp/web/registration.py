"""`/register` and `/register/{client_id}`: parse, call, render. Programs only; no script of another origin reads it."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from idp.domain.client import BadClient
from idp.domain.json import BadJson, JsonObject, read_object
from idp.flows.client_registration import Caller, ClientRegistration, Registered, TooMany
from idp.oauth.errors import plain
from idp.oauth.extensions.registration import BadToken, answer
from idp.oauth.request import Answer, bearer_token
from idp.web.forms import json_text_of
from idp.web.oauth_endpoints import render
from idp.web.site import address_of, request_id_of, site_of

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
RETRY_SECONDS = 3600


async def register(request: Request) -> Response:
    """Register a client (RFC 7591 §3)."""

    async def work(flow: ClientRegistration, caller: Caller) -> Answer:
        return _describe(request, await flow.register(await _sent(request), caller), HTTPStatus.CREATED)

    return await _answer(request, work)


async def manage(request: Request) -> Response:
    """Read, replace or delete a registration (RFC 7592 §2)."""
    client_id = request.path_params["client_id"]

    async def work(flow: ClientRegistration, caller: Caller) -> Answer:
        if request.method == "DELETE":
            await flow.remove(client_id, caller)
            return Answer(HTTPStatus.NO_CONTENT, None, NO_STORE)
        if request.method == "PUT":
            return _describe(request, await flow.replace(client_id, await _sent(request), caller), HTTPStatus.OK)
        return _describe(request, await flow.read(client_id, caller), HTTPStatus.OK)

    return await _answer(request, work)


async def _answer(request: Request, work: Callable[[ClientRegistration, Caller], Awaitable[Answer]]) -> Response:
    flow = site_of(request).registration
    if flow is None:
        raise HTTPException(404)
    caller = Caller(_bearer(request), address_of(request), request_id_of(request))
    try:
        return render(await work(flow, caller))
    except BadClient as error:
        return render(_refusal(HTTPStatus.BAD_REQUEST, error.code, str(error)))
    except BadToken as error:
        challenge = 'Bearer realm="registration"' + ("" if error.is_missing else ', error="invalid_token"')
        return render(
            _refusal(
                HTTPStatus.UNAUTHORIZED, "invalid_token", "the access token is missing, expired, spent or not for this",
                ("WWW-Authenticate", challenge),
            )
        )  # fmt: skip
    except TooMany:
        return render(
            _refusal(
                HTTPStatus.TOO_MANY_REQUESTS, "invalid_request", "too many registrations; try again later",
                ("Retry-After", str(RETRY_SECONDS)),
            )
        )  # fmt: skip


async def _sent(request: Request) -> JsonObject:
    text = await json_text_of(request)
    try:
        return read_object(text)
    except BadJson as error:
        raise BadClient(f"the body is not a JSON object that can be read: {error}") from error


def _bearer(request: Request) -> str | None:
    """Return the one bearer token of the Authorization header, None if there is no such header (RFC 6750 §2.1)."""
    sent = request.headers.getlist("authorization")
    if not sent:
        return None
    return (bearer_token(sent[0]) or "") if len(sent) == 1 else ""


def _describe(request: Request, registered: Registered, status: int) -> Answer:
    issuer = site_of(request).settings.issuer
    body = answer(registered.client, issuer=issuer, token=registered.token, secret=registered.secret)
    return Answer(status, body, NO_STORE)


def _refusal(status: int, error: str, description: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, {"error": error, "error_description": plain(description)}, (*NO_STORE, *headers))
