"""Shared signals for receivers – OpenID SSF 1.0 §7, §8, RFC 8936: parse, call, render. Programs only."""

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from idp.domain.client import Client
from idp.domain.json import BadJson, JsonObject, read_object
from idp.flows.admin import quota
from idp.flows.admin.problem import Problem
from idp.flows.webhook_stream_members import Refusal, StreamRefused
from idp.flows.webhook_streams import Streams
from idp.oauth.admin_access import Denied
from idp.oauth.errors import plain
from idp.oauth.extensions import ssf
from idp.oauth.keyring import NoSigningKey
from idp.oauth.presented import TokenRefused
from idp.web.cors import allow_anybody
from idp.web.forms import json_text_of
from idp.web.proof_nonce import keep_nonce, with_nonce
from idp.web.site import context_of, request_id_of, site_of

NO_STORE = {"cache-control": "no-store"}
STATUS = {Refusal.INVALID: 400, Refusal.NOT_FOUND: 404, Refusal.CONFLICT: 409, Refusal.TOO_MANY: 429}
RETRY_SECONDS = "60"
Work = Callable[[Streams, Client], Awaitable[Response]]


async def configuration(request: Request) -> Response:
    """Return the transmitter's metadata (SSF §7.2)."""
    document = ssf.metadata(site_of(request).settings.issuer)
    return allow_anybody(_json(document, headers={"cache-control": "public, max-age=600"}))


async def streams(request: Request) -> Response:
    """Make, read, change, replace or end a stream (SSF §8.1.1)."""

    async def work(flow: Streams, client: Client) -> Response:
        stream_id = request.query_params.get("stream_id")
        match request.method:
            case "POST":
                return _json(await flow.create(client, await _sent(request)), HTTPStatus.CREATED)
            case "PATCH" | "PUT":
                given = await _sent(request)
                return _json(await flow.update(client, given, is_whole=request.method == "PUT"))
            case "DELETE":
                await flow.remove(client, stream_id)
                return Response(status_code=HTTPStatus.NO_CONTENT, headers=NO_STORE)
        return _json(await flow.list(client) if stream_id is None else await flow.read(client, stream_id))

    return await _answer(request, work)


async def status(request: Request) -> Response:
    """Say whether a stream flows, or let it flow, wait or end (SSF §8.1.2)."""

    async def work(flow: Streams, client: Client) -> Response:
        if request.method == "POST":
            return _json(await flow.set_status(client, await _sent(request)))
        return _json(await flow.status(client, request.query_params.get("stream_id")))

    return await _answer(request, work)


async def add_subject(request: Request) -> Response:
    """Let a stream tell of a person again (SSF §8.1.3.2)."""

    async def work(flow: Streams, client: Client) -> Response:
        await flow.subject(client, await _sent(request), is_wanted=True)
        return Response(status_code=HTTPStatus.OK, headers=NO_STORE)

    return await _answer(request, work)


async def remove_subject(request: Request) -> Response:
    """Let a stream tell of a person no more (SSF §8.1.3.3)."""

    async def work(flow: Streams, client: Client) -> Response:
        await flow.subject(client, await _sent(request), is_wanted=False)
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=NO_STORE)

    return await _answer(request, work)


async def verify(request: Request) -> Response:
    """Send a verification event (SSF §8.1.4.2)."""

    async def work(flow: Streams, client: Client) -> Response:
        await flow.verify(client, await _sent(request))
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=NO_STORE)

    return await _answer(request, work)


async def poll(request: Request) -> Response:
    """Give the tokens that wait, and note which were taken (RFC 8936 §2)."""

    async def work(flow: Streams, client: Client) -> Response:
        return _json(await flow.poll(client, request.path_params["stream_id"], await _sent(request)))

    return await _answer(request, work, ssf.READ, ssf.MANAGE)


async def _answer(request: Request, work: Work, *scopes: str) -> Response:
    """Do a receiver's work; without `scopes` reading needs one of the two, and everything else the one to manage."""
    return with_nonce(request, await _answered(request, work, scopes))


async def _answered(request: Request, work: Work, scopes: tuple[str, ...]) -> Response:
    site = site_of(request)
    wanted = scopes or ((ssf.READ, ssf.MANAGE) if request.method in ("GET", "HEAD") else (ssf.MANAGE,))
    try:
        client = await _receiver(request, wanted)
        await quota.reserve(site.administration.tools, client.id, is_reading=request.method in ("GET", "HEAD"))
        return await work(site.webhooks.streams, client)
    except Denied as denial:
        return _refused(denial.status, denial.error or "invalid_token", str(denial), denial.headers("ssf"))
    except StreamRefused as refusal:
        headers = {"retry-after": RETRY_SECONDS} if refusal.refusal is Refusal.TOO_MANY else {}
        return _refused(STATUS[refusal.refusal], refusal.refusal.value, str(refusal), headers)
    except Problem as problem:
        return _refused(problem.status, "too_many_requests", problem.detail, {"retry-after": RETRY_SECONDS})
    except NoSigningKey:
        return _refused(503, "temporarily_unavailable", "no key signs just now", {"retry-after": RETRY_SECONDS})


async def _receiver(request: Request, scopes: tuple[str, ...]) -> Client:
    site = site_of(request)
    await site.watch.refresh()
    await site.engine.keyring.refresh()
    write = "dpop" in request.headers  # its jti is stored
    async with site.transactions.open(write=write, request_id=request_id_of(request)) as stores:
        try:
            good, is_allowed = await ssf.bearer_of(context_of(request, stores), *scopes)
        except TokenRefused as refused:
            raise Denied(401, refused.error, refused.description).by(refused.scheme, refused.nonce) from refused
    keep_nonce(request, good.next_nonce)
    if not is_allowed:
        why = "the access token does not carry this scope"
        raise Denied(403, "insufficient_scope", why, scope=scopes[-1]).by(good.scheme)
    return good.client


async def _sent(request: Request) -> JsonObject:
    text = await json_text_of(request)
    try:
        return read_object(text)
    except BadJson as error:
        raise StreamRefused(Refusal.INVALID, f"the body is not a JSON object that can be read: {error}") from error


def _json(
    document: JsonObject | list[JsonObject], status: int = HTTPStatus.OK, headers: Mapping[str, str] = NO_STORE
) -> Response:
    return Response(json.dumps(document, separators=(",", ":")), status, dict(headers), "application/json")


def _refused(status: int, error: str, why: str, headers: Mapping[str, str]) -> Response:
    return _json({"err": error, "description": plain(why)}, status, {**NO_STORE, **headers})


def ssf_routes() -> list[BaseRoute]:
    """Return the endpoints of shared signals."""
    return [
        Route("/.well-known/ssf-configuration", configuration, methods=["GET"]),
        Route("/ssf/streams", streams, methods=["GET", "POST", "PATCH", "PUT", "DELETE"]),
        Route("/ssf/status", status, methods=["GET", "POST"]),
        Route("/ssf/subjects/add", add_subject, methods=["POST"]),
        Route("/ssf/subjects/remove", remove_subject, methods=["POST"]),
        Route("/ssf/verification", verify, methods=["POST"]),
        Route("/ssf/poll/{stream_id}", poll, methods=["POST"]),
    ]
