"""Device authorization – RFC 8628: the endpoint that begins it, and the grant that ends it.

Stricter than the RFC: approval asks for consent each time, whatever was remembered.
Not here: how a person answers → flows/device_approval.py.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from idp.domain.approval import (
    USER_CODE_LENGTH,
    USER_CODE_LETTERS,
    Approval,
    Channel,
    show_user_code,
)
from idp.domain.secret import Digest, Digester, make_secret, make_word
from idp.domain.waiting import WaitingRequest
from idp.oauth import waiting
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.errors import TooManyRequests
from idp.oauth.grants.polled import PolledGrant
from idp.oauth.grants.token_grant import TokenGrant
from idp.oauth.request import Answer, ProtocolRequest
from idp.policy import lifetimes, lockout

if TYPE_CHECKING:
    from idp.oauth.server import Server

PURPOSE = "device_code"
USER_CODE_PURPOSE = "user_code"


class DeviceGrant(PolledGrant):
    """Gives a device its tokens (RFC 8628 §3.4)."""

    CHANNEL = Channel.DEVICE
    GRANT_TYPE = CHANNEL.grant_type
    PARAMETER = PURPOSE


def answer(server: "Server", request: ProtocolRequest) -> Answer:
    """Begin a device authorization (RFC 8628 §3.1, §3.2)."""
    context = server.context
    client = waiting.authenticate(server, request, DeviceGrant.GRANT_TYPE, TokenGrant.TOKEN_ENDPOINT_AUTH_METHODS)
    _slow_down_floods(context)
    asked = waiting.asked_of(context, client, request.http.form, Channel.DEVICE)
    device_code, (user_code, digest) = make_secret(), _new_user_code(context)
    wait(
        context.stores.device_requests.add(
            asked, device_code=context.engine.digester.digest(PURPOSE, device_code), user_code=digest, now=context.now
        )
    )
    shown, page = show_user_code(user_code), context.engine.url("/device")
    return waiting.answered({
        "device_code": device_code,
        "user_code": shown,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={shown}",
        "expires_in": int(lifetimes.DEVICE_CODE.total_seconds()),
        "interval": asked.interval,
    })  # fmt: skip


def user_code_digest(digester: Digester, user_code: str) -> Digest:
    """Return what is stored of a user code."""
    return digester.digest(USER_CODE_PURPOSE, user_code)


def with_user_code(asked: WaitingRequest, user_code: str) -> Approval:
    """Return what the person is asked, with the code that they typed."""
    approval = asked.request.approves
    assert approval is not None
    return replace(approval, message=show_user_code(user_code))


def _new_user_code(context: Context) -> tuple[str, Digest]:
    """Return a code that no other request has; of 25 thousand million the second is free if the first is not."""
    while True:
        made = make_word(USER_CODE_LENGTH, USER_CODE_LETTERS)
        digest = user_code_digest(context.engine.digester, made)
        if not wait(context.stores.device_requests.knows_user_code(digest)):
            return made, digest


def _slow_down_floods(context: Context) -> None:
    """Refuse a network that begins very many (429): a public client needs nothing but a name."""
    engine = context.engine
    if not engine.limits_floods:
        return
    network = engine.digester.digest("device_network", context.http.address)
    window = lockout.DEVICE_REQUESTS_WINDOW
    if wait(context.stores.attempts.add_in_window(network, context.now, window=window)) > lockout.DEVICE_REQUESTS:
        raise TooManyRequests("too many device authorizations from one network")
