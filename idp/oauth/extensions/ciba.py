"""Client-Initiated Backchannel Authentication – CIBA Core 1.0: the endpoint that begins it, and the grant that ends it.

Poll and ping; push is not offered, since it sends tokens to whoever answers at a URL. Stricter than the specification:
three requests at most wait for one person, and nobody is asked by a client that registered itself.
Not here: how a person answers → flows/ciba_approval.py; how a client is notified → flows/ciba_pings.py.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError

from idp.domain.approval import Channel
from idp.domain.client import CONFIDENTIAL_METHODS, Client
from idp.domain.secret import make_secret
from idp.domain.user import User
from idp.domain.waiting import WaitingRequest
from idp.oauth import ciba_hints, ciba_signed, waiting
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.grants.polled import PolledGrant
from idp.oauth.request import Answer, ProtocolRequest
from idp.policy import lifetimes, lockout
from idp.policy.ciba import is_pinged

if TYPE_CHECKING:
    from idp.oauth.server import Server

PURPOSE = "auth_req_id"
LONGEST_MESSAGE = 64
_NOTIFICATION_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # of bearer syntax (RFC 6750 §2.1)
_TOKEN_LENGTHS = range(22, 1025)  # 128 bits at least, 1024 characters at most (CIBA §7.1)
_EXPIRY = re.compile(r"[1-9][0-9]{0,8}")


class InvalidBindingMessage(OAuth2Error):  # type: ignore[misc]
    """The message cannot be shown (CIBA §13)."""

    error = "invalid_binding_message"
    description = f"binding_message has at most {LONGEST_MESSAGE} printable characters"


class MayNotBeAsked(OAuth2Error):  # type: ignore[misc]
    """The person may not be asked now (CIBA §13)."""

    error = "access_denied"
    description = "this person may not be asked now"
    status_code = 403


class CibaGrant(PolledGrant):
    """Gives a client the tokens that a person allowed elsewhere (CIBA §10.1)."""

    CHANNEL = Channel.CIBA
    GRANT_TYPE = CHANNEL.grant_type
    PARAMETER = PURPOSE
    TOKEN_ENDPOINT_AUTH_METHODS: tuple[str, ...] = CONFIDENTIAL_METHODS


def answer(server: "Server", request: ProtocolRequest) -> Answer:
    """Begin an authentication of a person on their own device (CIBA §7)."""
    context = server.context
    client = waiting.authenticate(server, request, CibaGrant.GRANT_TYPE, CONFIDENTIAL_METHODS)
    pairs = ciba_signed.parameters_of(context, client, request.http.form)
    parameters = {name: value for name, value in pairs if value}
    if "openid" not in (parameters.get("scope") or "").split(" "):
        raise InvalidScopeError("scope must contain openid")
    message, life = _message(parameters), _life(parameters)
    token = _notification_token(client, parameters)
    user = ciba_hints.person_of(context, client, parameters)
    _check_may_be_asked(context, user)
    asked = waiting.asked_of(context, client, pairs, Channel.CIBA, message=message)
    asked = replace(
        asked,
        user_id=user.id,
        request=replace(asked.request, hinted_sub=context.engine.subjects.of(client, user.id)),
        expires_at=context.now + life,
    )
    auth_req_id = make_secret()
    digest = context.engine.digester.digest(PURPOSE, auth_req_id)
    ping = (auth_req_id, token) if token is not None else None
    wait(context.stores.ciba_requests.add(asked, digest=digest, now=context.now, ping=ping))
    server.tell_of_request(client, user, asked)
    return waiting.answered(
        {"auth_req_id": auth_req_id, "expires_in": int(life.total_seconds()), "interval": asked.interval}
    )


def _message(parameters: Mapping[str, str]) -> str | None:
    """Return what ties the request to what the person sees at the client (CIBA §7.1)."""
    message = parameters.get("binding_message")
    if message is not None and (len(message) > LONGEST_MESSAGE or not message.isprintable() or not message.strip()):
        raise InvalidBindingMessage
    return message


def _life(parameters: Mapping[str, str]) -> timedelta:
    """Return how long the request waits: as asked, but for ten minutes at most (CIBA §7.1)."""
    asked = parameters.get("requested_expiry")
    if asked is None:
        return lifetimes.CIBA_REQUEST
    if not _EXPIRY.fullmatch(asked):
        raise InvalidRequestError("requested_expiry must be a positive integer")
    return min(timedelta(seconds=int(asked)), lifetimes.CIBA_LONGEST)


def _notification_token(client: Client, parameters: Mapping[str, str]) -> str | None:
    """Return what a notification is to carry; None for a client that polls (CIBA §7.1)."""
    if not is_pinged(client):
        return None
    token = parameters.get("client_notification_token", "")
    if len(token) not in _TOKEN_LENGTHS or not _NOTIFICATION_TOKEN.fullmatch(token):
        raise InvalidRequestError("client_notification_token has 22 to 1024 characters of a bearer token")
    return token


def _check_may_be_asked(context: Context, user: User) -> None:
    """Refuse to ask who is disabled, or whom enough is asked already; of two requests at once one counts first.

    What ended without an answer counts for as long as a request usually waits: each sends the person a message.
    """
    locked = wait(context.stores.users.lock(user.id))
    if locked is None or not locked.is_active:
        raise MayNotBeAsked
    since = context.now - lifetimes.CIBA_REQUEST
    if wait(context.stores.ciba_requests.count_open(user.id, context.now, asked_after=since)) >= lockout.CIBA_REQUESTS:
        raise MayNotBeAsked


def shown(asked: WaitingRequest) -> str:
    """Return the message of a request, empty if it has none."""
    return (asked.request.approves.message if asked.request.approves else None) or ""
