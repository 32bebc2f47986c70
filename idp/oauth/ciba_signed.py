"""Signed authentication requests – CIBA §7.1.1: one JWT that holds all parameters but the client's authentication.

A client that registered an algorithm sends nothing else; stricter than the specification, every claim it asks for is
checked, and a request is accepted once.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from authlib.oauth2.rfc6749 import InvalidRequestError

from idp.domain.client import Client
from idp.domain.json import Json
from idp.oauth import signed
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.request import Pairs
from idp.policy import lifetimes

PARAMETERS = frozenset({
    "scope", "client_notification_token", "acr_values", "login_hint_token", "id_token_hint", "login_hint",
    "binding_message", "user_code", "requested_expiry", "resource", "authorization_details",
})  # fmt: skip
LONGEST = timedelta(minutes=60)
TYPS = (None, "JWT", "oauth-authz-req+jwt")


def parameters_of(context: Context, client: Client, form: Pairs) -> Pairs:
    """Return the parameters of an authentication request, from the form or from the JWT in it."""
    alg, given = client.backchannel_authentication_request_signing_alg, {name: value for name, value in form if value}
    text = given.get("request")
    if alg is None:
        if text is not None:
            raise InvalidRequestError("this client did not register to sign its requests")
        return form
    if text is None:
        raise InvalidRequestError("this client registered to sign its requests")
    if PARAMETERS & given.keys():
        raise InvalidRequestError("every parameter belongs in the signed request")
    try:
        claims = signed.claims_of(text, signed.of_set(context.engine.keys_of(client)), algs=(alg,), typs=TYPS)
    except signed.NotSigned as error:
        raise InvalidRequestError("request is not a JWT that this client signed as it registered") from error
    _check_claims(context, client, claims)
    return [
        (name, _text(name, each))
        for name, value in claims.items()
        if name in PARAMETERS and value is not None
        for each in (value if name == "resource" and isinstance(value, list) else [value])
    ]


def _check_claims(context: Context, client: Client, claims: Mapping[str, Json]) -> None:
    audience, jti = claims.get("aud"), claims.get("jti")
    if claims.get("iss") != client.id:
        raise InvalidRequestError("iss of the request is not this client")
    if context.engine.issuer not in (audience if isinstance(audience, list) else [audience]):
        raise InvalidRequestError("aud of the request is not our issuer")
    if not isinstance(jti, str) or not 0 < len(jti) <= 256:
        raise InvalidRequestError("the request has no jti")
    expires = _check_times(claims, context.now)
    digest = context.engine.digester.digest("ciba_jti", f"{client.id}|{jti}")
    if not wait(context.stores.replays.remember(digest, expires + lifetimes.SKEW_PAST)):
        raise InvalidRequestError("the request was sent before")


def _check_times(claims: Mapping[str, Json], now: datetime) -> datetime:
    """Return when the request expires; refuse one that is old, of the future, or good for more than an hour."""
    issued, begins, expires = (_time(claims, name) for name in ("iat", "nbf", "exp"))
    ahead = now + lifetimes.SKEW_AHEAD
    if issued > ahead or begins > ahead or begins < now - LONGEST:
        raise InvalidRequestError("iat or nbf of the request is not near enough")
    if expires <= now - lifetimes.SKEW_PAST or expires > begins + LONGEST:
        raise InvalidRequestError("exp of the request is over, or more than an hour after nbf")
    return expires


def _time(claims: Mapping[str, Json], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**34:
        raise InvalidRequestError(f"the request has no {name}")
    return datetime.fromtimestamp(value, UTC)


def _text(name: str, value: Json) -> str:
    """Return a claim as the form would have it; only requested_expiry may be a number (CIBA §7.1.1)."""
    if isinstance(value, str):
        return value
    if name == "authorization_details":
        return json.dumps(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InvalidRequestError("parameters in the request are strings")
