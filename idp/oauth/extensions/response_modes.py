"""Response modes – OAuth 2.0 Multiple Response Types §2.1, OAuth 2.0 Form Post Response Mode, names of JARM §2.3.

Carries success and error alike to the redirect URI by query, fragment or form_post; `iss` and `state` included.
Not here: which modes a client may use → policy/clients.py; the form_post page → templates/form_post; JWTs → jarm.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from idp.domain.authorization import AuthorizationRequest, ResponseMode
from idp.domain.client import Client

JWT = "jwt"  # what asks for the signed form of the default mode (JARM §2.3.4)
RESPONSE_MODES = (
    *(mode.value for mode in ResponseMode if not mode.is_signed), JWT,
    *(mode.value for mode in ResponseMode if mode.is_signed),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Route:
    """How the answer to a request reaches its client: success and error take the same one."""

    client: Client
    redirect_uri: str
    mode: ResponseMode
    state: str | None

    @classmethod
    def of(cls, request: AuthorizationRequest, client: Client) -> "Route":
        """Return the route of a request that was checked."""
        return cls(client, request.redirect_uri, request.response_mode, request.state)


@dataclass(frozen=True, slots=True)
class Unsealed:
    """An answer of which something is to be encrypted: the client's keys may have to be fetched first."""

    route: Route
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An authorization response on its way: a URL to redirect to, or fields for a self-posting page.

    One that is `unsealed` has no fields yet, and leaves once it is sealed (authorization_response.seal).
    """

    mode: ResponseMode
    redirect_uri: str
    fields: tuple[tuple[str, str], ...]
    unsealed: Unsealed | None = None

    @property
    def location(self) -> str:
        """Return the URL of a redirect; a registered query stays as it is (RFC 6749 §3.1.2)."""
        encoded = urlencode(self.fields)
        if self.mode is ResponseMode.FRAGMENT:
            return f"{self.redirect_uri}#{encoded}"
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{encoded}"


def read_mode(asked: str | None, default: ResponseMode) -> ResponseMode | None:
    """Return the mode that a request asks for, None for an unknown one."""
    if asked is None:
        return default
    if asked == JWT:
        return default.signed
    return next((mode for mode in ResponseMode if mode.value == asked), None)


def deliver(route: Route, parameters: Sequence[tuple[str, str]]) -> Delivery:
    """Send the parameters as they are, or the one parameter that holds them all."""
    return Delivery(route.mode.plain, route.redirect_uri, tuple(parameters))


def hold(route: Route, parameters: Sequence[tuple[str, str]]) -> Delivery:
    """Keep an answer back until the transaction has ended and the client's keys are at hand."""
    return Delivery(route.mode.plain, route.redirect_uri, (), Unsealed(route, tuple(parameters)))
