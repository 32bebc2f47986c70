"""What the two endpoints have in common whose request is answered on another device: RFC 8628 §3.1 and CIBA §7."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import InvalidScopeError, UnauthorizedClientError

from idp.domain.approval import Approval, Channel
from idp.domain.authorization import AuthorizationRequest, ResponseMode
from idp.domain.client import Client
from idp.domain.definitions import Definitions
from idp.domain.secret import make_id
from idp.domain.waiting import WaitingRequest, WaitingState
from idp.oauth.authlib_models import allowed_scopes
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.extensions import rar, resource_indicators
from idp.oauth.request import Answer, Pairs, ProtocolRequest
from idp.policy import lifetimes

if TYPE_CHECKING:
    from idp.oauth.server import Server

HEADERS = (("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache"))
LIVES = {Channel.DEVICE: lifetimes.DEVICE_CODE, Channel.CIBA: lifetimes.CIBA_REQUEST}
MOST_ACR_VALUES = 16


def authenticate(server: "Server", request: ProtocolRequest, grant_type: str, methods: Sequence[str]) -> Client:
    """Return the client that asks; refuse one that proves nothing, or is not registered for the grant."""
    request.client = server.authenticate_client(request, methods)
    client: Client = request.client.noun
    if grant_type not in client.grant_types:
        raise UnauthorizedClientError(f"this client is not registered for grant_type {grant_type}")
    return client


def asked_of(
    context: Context, client: Client, pairs: Pairs, channel: Channel, *, message: str | None = None
) -> WaitingRequest:
    """Return what the client asks for, waiting from now on for anybody's answer."""
    request_id, parameters = make_id(), {name: value for name, value in pairs if value}
    asked = _scopes(client, parameters.get("scope"), wait(context.definitions()))
    audience, scopes = resource_indicators.at_endpoint(context, client, pairs, asked)
    if not scopes:
        raise InvalidScopeError("none of these scopes belongs to the resources that were asked for")
    acr_values = tuple((parameters.get("acr_values") or "").split()) or client.default_acr_values
    request = AuthorizationRequest(
        client_id=client.id,
        redirect_uri="",
        response_mode=ResponseMode.QUERY,
        scopes=scopes,
        resources=audience,
        details=rar.at_endpoint(parameters.get(rar.PARAMETER), client, wait(context.definitions())),
        acr_values=acr_values[:MOST_ACR_VALUES],
        approves=Approval(channel, request_id, context.now, context.http.address, message),
    )
    return WaitingRequest(
        request_id, client.id, None, request, WaitingState.PENDING, lifetimes.POLL_SECONDS, context.now + LIVES[channel]
    )


def _scopes(client: Client, text: str | None, definitions: Definitions) -> tuple[str, ...]:
    """Return the scopes that the client may have of those it asks for, or its default (RFC 6749 §3.3)."""
    scopes = allowed_scopes(client, text.split(" ") if text else client.default_scopes, definitions)
    if "refresh_token" not in client.grant_types:
        scopes = tuple(scope for scope in scopes if scope != "offline_access")
    if not scopes:
        raise InvalidScopeError("none of these scopes is registered for this client")
    return scopes


def answered(members: dict[str, Any]) -> Answer:
    """Return the answer to a request that waits from now on."""
    return Answer(200, members, HEADERS)
