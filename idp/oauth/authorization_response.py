"""What goes back to the client from /authorize: RFC 6749 §4.1.2, §4.1.2.1, as one JWT by JARM §2.

Not here: what an answer holds → extensions/front_channel.py; how it travels → extensions/response_modes.py.
"""

from collections.abc import Sequence
from datetime import datetime

from idp.oauth.context import Context, Engine
from idp.oauth.errors import PageError, RedirectError
from idp.oauth.extensions import issuer_parameter, jarm, response_modes
from idp.oauth.extensions.response_modes import Delivery, Route, Unsealed
from idp.oauth.tokens.encryption import NoEncryptionKey, sealed
from idp.policy.encryption import wanted

ID_TOKEN, AUTHORIZATION = "id_token", "authorization"
Parameters = list[tuple[str, str]]


def refuse(context: Context, route: Route, error: RedirectError) -> Delivery:
    """Return an error response for the client (RFC 6749 §4.1.2.1, RFC 9207 §2)."""
    return answer(context, route, [("error", error.error), ("error_description", error.description)])


def answer(context: Context, route: Route, parameters: Sequence[tuple[str, str]]) -> Delivery:
    """Return an authorization response, with `iss` and, if one was sent, `state`."""
    echoed = [("state", route.state)] if route.state is not None else []
    whole = [*parameters, issuer_parameter.parameter(context.engine.issuer), *echoed]
    if _is_encrypted(route, whole):
        return response_modes.hold(route, whole)
    return response_modes.deliver(route, _signed(context.engine, route, whole, context.now))


def _is_encrypted(route: Route, parameters: Parameters) -> bool:
    kinds = [ID_TOKEN] if any(name == ID_TOKEN for name, _ in parameters) else []
    kinds += [AUTHORIZATION] if route.mode.is_signed else []
    return any(wanted(route.client, kind) is not None for kind in kinds)


def _signed(engine: Engine, route: Route, parameters: Parameters, now: datetime) -> Parameters:
    if not route.mode.is_signed:
        return parameters
    token = jarm.sign(engine.keyring, route.client, parameters, issuer=engine.issuer, now=now)
    return [("response", token)]


def seal(engine: Engine, unsealed: Unsealed, now: datetime) -> Delivery:
    """Encrypt what the client registered to be encrypted: its ID token, then the whole answer (JARM §2.2).

    Raises PageError if no key of the client fits: it is never answered in the clear instead.
    """
    route, client = unsealed.route, unsealed.route.client
    keys = engine.keys_of(client)
    try:
        inner = [
            (name, sealed(client, keys, ID_TOKEN, value) if name == ID_TOKEN else value)
            for name, value in unsealed.parameters
        ]
        outer = _signed(engine, route, inner, now)
        if route.mode.is_signed:
            outer = [(name, sealed(client, keys, AUTHORIZATION, value)) for name, value in outer]
    except NoEncryptionKey as error:
        raise PageError(
            "invalid_request", "the client publishes no key that its answer could be encrypted to"
        ) from error
    return response_modes.deliver(route, outer)
