"""The protocol's endpoints for programs: token, userinfo, introspection, revocation. Parse, call, render."""

import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.client import Client
from idp.oauth import bridge
from idp.oauth.errors import InvalidClient
from idp.oauth.extensions import ciba, device
from idp.oauth.extensions import par as pushed
from idp.oauth.openid import userinfo as openid_userinfo
from idp.oauth.remote_keys import KeysWanted
from idp.oauth.request import Answer, ProtocolRequest
from idp.oauth.server import Server, Unproved
from idp.web.authorize import tell_of_refusal
from idp.web.client_documents import gather
from idp.web.cors import allow_client_origin
from idp.web.forms import BadForm, Pairs, form_of, query_of
from idp.web.site import context_of, request_id_of, site_of
from idp.wiring import Stores


async def token(request: Request) -> Response:
    """Issue tokens (RFC 6749 §3.2)."""
    answer, client = await _run(request, lambda server, protocol: server.token_response(protocol))
    return await allow_client_origin(request, render(answer), client)


async def introspect(request: Request) -> Response:
    """Describe a token (RFC 7662); for servers, so no script of another origin may read the answer."""
    answer, _client = await _run(
        request,
        lambda server, protocol: server.endpoint_response("introspection", protocol),
        is_read_only=True,
    )
    return render(answer)


async def revoke(request: Request) -> Response:
    """End a token (RFC 7009)."""
    answer, client = await _run(request, lambda server, protocol: server.endpoint_response("revocation", protocol))
    return await allow_client_origin(request, render(answer), client)


async def par(request: Request) -> Response:
    """Keep an authorization request that a client pushes (RFC 9126 §2)."""
    answer, _client = await _run(request, lambda server, protocol: server.answered_by(pushed.answer, protocol))
    return render(answer)


async def device_authorization(request: Request) -> Response:
    """Begin what a person allows on another device (RFC 8628 §3.1)."""
    answer, _client = await _run(request, lambda server, protocol: server.answered_by(device.answer, protocol))
    return render(answer)


async def ciba_request(request: Request) -> Response:
    """Begin what a person allows where they are signed in (CIBA §7)."""
    answer, _client = await _run(request, lambda server, protocol: server.answered_by(ciba.answer, protocol))
    return render(answer)


async def _run(
    request: Request, answer: Callable[[Server, ProtocolRequest], Answer], *, is_read_only: bool = False
) -> tuple[Answer, Client | None]:
    """Return what the protocol engine answers, and the client if one was authenticated."""
    site = site_of(request)
    query = query_of(request)
    form = await form_of(request)
    if query:
        raise BadForm(400, "parameters belong in the body, never in the URL")
    await site.watch.refresh()
    await site.engine.keyring.refresh()
    gathered = await gather(request, form)

    async def work(stores: Stores) -> tuple[Answer, Client | None, Unproved | None]:
        context = gathered.given_to(context_of(request, stores, form=form))
        server = Server(
            context, notice_of_reuse=site.notices.refresh_token_reused, notice_of_request=site.notices.ciba_request
        )
        protocol = ProtocolRequest(context.http, request.scope["idp.path"])
        answered = await bridge.run(lambda _: answer(server, protocol), None)
        return answered, protocol.client.noun if protocol.client else None, server.unproved

    # What a request proves itself by is stored: the jti of an assertion, and of a DPoP proof.
    write = not is_read_only or any(name == "client_assertion" for name, _value in form)
    answered, client, unproved = await site.transactions.run(work, write=write, request_id=request_id_of(request))
    if unproved is not None:
        await tell_of_refusal(request, unproved.client_id, InvalidClient.error, unproved.refused_by)
    return answered, client


async def userinfo(request: Request) -> Response:
    """Say who the person is (OIDC Core §5.3)."""
    site = site_of(request)
    form: Pairs = []
    if request.method == "POST" and request.headers.get("content-type") is not None:
        form = await form_of(request)
    await site.watch.refresh()
    await site.engine.keyring.refresh()

    async def work(stores: Stores) -> tuple[Answer, Client | None]:
        return await openid_userinfo.userinfo(context_of(request, stores, query=query_of(request), form=form))

    write = "dpop" in request.headers  # the jti of a proof is stored
    try:
        answer, client = await site.transactions.run(work, write=write, request_id=request_id_of(request))
    except KeysWanted as wanted:
        assert site.engine.remote_keys is not None
        await site.engine.remote_keys.learn(wanted.client, None)
        answer, client = await site.transactions.run(work, write=write, request_id=request_id_of(request))
    return await allow_client_origin(request, render(answer), client)


def render(answer: Answer) -> Response:
    """Return the HTTP response; a mapping becomes JSON, nothing stays empty."""
    headers = {name.lower(): value for name, value in answer.headers}
    if answer.body is None or isinstance(answer.body, bytes):
        return Response(answer.body or b"", answer.status, headers)
    body = json.dumps(dict(answer.body), separators=(",", ":"), ensure_ascii=False).encode()
    headers.setdefault("content-type", "application/json")
    return Response(body, answer.status, headers)
