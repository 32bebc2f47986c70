"""What goes back to the client from /authorize: RFC 6749 §4.1.2, §4.1.2.1, as one JWT by JARM §2.

Not here: what an answer holds → extensions/front_channel.py; how it travels → extensions/response_modes.py.
"""

from collections.abc import Sequence

from idp.oauth.context import Context
from idp.oauth.errors import RedirectError
from idp.oauth.extensions import issuer_parameter, jarm, response_modes
from idp.oauth.extensions.response_modes import Delivery, Route


def refuse(context: Context, route: Route, error: RedirectError) -> Delivery:
    """Return an error response for the client (RFC 6749 §4.1.2.1, RFC 9207 §2)."""
    return answer(context, route, [("error", error.error), ("error_description", error.description)])


def answer(context: Context, route: Route, parameters: Sequence[tuple[str, str]]) -> Delivery:
    """Return an authorization response, with `iss` and, if one was sent, `state`."""
    engine = context.engine
    echoed = [("state", route.state)] if route.state is not None else []
    whole = [*parameters, issuer_parameter.parameter(engine.issuer), *echoed]
    if route.mode.is_signed:
        token = jarm.sign(engine.keyring, route.client, whole, issuer=engine.issuer, now=context.now)
        whole = [("response", token)]
    return response_modes.deliver(route, whole)
