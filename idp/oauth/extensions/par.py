"""Pushed Authorization Requests – RFC 9126: the client sends its request itself, and the browser carries a reference.

The request is checked when it is pushed, as at /authorize, and kept as understood. The reference is bound to its
client and may be begun within 60 s, also twice; the answer spends it. A DPoP proof or `dpop_jkt` binds the code to
that key (RFC 9449 §10.1).
"""

from typing import TYPE_CHECKING

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError

from idp.domain.client import EVERY_METHOD, Client
from idp.domain.secret import Digest, base64url, from_base64url, make_secret
from idp.oauth import authorization, binding
from idp.oauth.authorization import Accepted
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.errors import PageError, RedirectError, TooManyRequests
from idp.oauth.request import Answer, Pairs, ProtocolRequest
from idp.policy import lifetimes, lockout

if TYPE_CHECKING:
    from idp.oauth.server import Server

PREFIX = "urn:ietf:params:oauth:request_uri:"
PURPOSE = "pushed_request"
_MAX_REFERENCE = 128
_CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
_UNKNOWN = PageError("invalid_request_uri", "the pushed request is unknown, too old, answered, or of another client")


class Refused(OAuth2Error):  # type: ignore[misc]
    """A pushed request that /authorize would refuse, by the same code (RFC 9126 §2.3)."""

    def __init__(self, error: str, description: str) -> None:
        """Keep code and sentence."""
        super().__init__(description)
        self.error = error


def answer(server: "Server", request: ProtocolRequest) -> Answer:
    """Answer a push with a reference (RFC 9126 §2.2); raise OAuth2Error for what is refused."""
    request.client = server.authenticate_client(request, EVERY_METHOD, "par")
    client: Client = request.client.noun
    context = server.context
    if request.form.get("request_uri") is not None:
        raise InvalidRequestError("request_uri cannot be pushed")
    if request.form.get("client_id", client.id) != client.id:
        raise InvalidRequestError("client_id is not that of the client that authenticated")
    _keep_flood_out(context, client)
    proved = wait(binding.proved_key(context, client))
    server.next_nonce = proved.next_nonce
    reference = make_secret()
    accepted = _checked(context, client, _parameters(request, client), proved.thumbprint)
    expires_at = context.now + lifetimes.PUSHED_REQUEST
    digest = context.engine.digester.digest(PURPOSE, reference)
    wait(context.stores.pushed_requests.add(digest, accepted.request, expires_at))
    body = {"request_uri": PREFIX + reference, "expires_in": int(lifetimes.PUSHED_REQUEST.total_seconds())}
    return server.handle_response(201, body, [("Cache-Control", "no-store"), ("Pragma", "no-cache")])


def _parameters(request: ProtocolRequest, client: Client) -> Pairs:
    """Return the parameters of the authorization request, without what proved the client."""
    pairs = [pair for pair in request.http.form if pair[0] not in _CREDENTIALS]
    return pairs if "client_id" in request.form else [*pairs, ("client_id", client.id)]


def _checked(context: Context, client: Client, pairs: Pairs, key: str | None) -> Accepted:
    try:
        return wait(authorization.accept_pushed(context, client, pairs, key=key))
    except RedirectError as error:
        raise Refused(error.error, error.description) from error
    except PageError as error:
        raise Refused(error.error, error.description) from error


def _keep_flood_out(context: Context, client: Client) -> None:
    """Refuse too many pushes of a client that nobody here vouches for (RFC 9126 §2.1, 429)."""
    engine = context.engine
    if not engine.limits_floods or (client.is_confidential and not client.is_self_registered):
        return
    subject = engine.digester.digest("push_flood", f"{client.id}|{context.http.address}")
    count = wait(context.stores.attempts.add_in_window(subject, context.now, window=lockout.PUSHES_WINDOW))
    if count > lockout.PUSHES:
        raise TooManyRequests


async def find(context: Context, pairs: Pairs) -> Accepted | None:
    """Return the request behind a reference of ours, None if the pairs carry none (RFC 9126 §4).

    Every other parameter is ignored. Raises PageError for a reference that is unknown, late, spent or foreign.
    """
    references = {value for name, value in pairs if name == "request_uri"}
    if not any(reference.startswith(PREFIX) for reference in references):
        return None
    clients = {value for name, value in pairs if name == "client_id"}
    if len(references) > 1 or len(clients) != 1:
        raise _UNKNOWN
    (reference,), (client_id,) = references, clients
    if len(reference) > _MAX_REFERENCE:
        raise _UNKNOWN
    digest = context.engine.digester.digest(PURPOSE, reference.removeprefix(PREFIX))
    pushed = await context.stores.pushed_requests.find(digest)
    client = await context.client(client_id)
    if pushed is None or client is None or pushed.request.client_id != client.id or pushed.is_spent:
        raise _UNKNOWN
    if context.now >= pushed.expires_at or not client.allows_redirect(pushed.request.redirect_uri):
        raise _UNKNOWN
    return Accepted(pushed.request.pushed_as(base64url(digest)), client)


async def spend(context: Context, pushed: str) -> None:
    """Spend a pushed request with its answer; raise PageError if another answer was faster."""
    if not await context.stores.pushed_requests.spend(Digest(from_base64url(pushed)), context.now):
        raise _UNKNOWN
