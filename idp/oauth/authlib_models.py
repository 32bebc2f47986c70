"""Our nouns under the method names by which Authlib asks."""

from collections.abc import Iterable

from authlib.oauth2.rfc6749 import ClientMixin

from idp.domain.client import AuthMethod, Client
from idp.domain.definitions import Definitions
from idp.policy.resources import may_ask_for

_NOTHING_DEFINED = Definitions()
ENDPOINTS_WITHOUT_PUBLIC_CLIENTS = frozenset({"introspection"})


class RegisteredClient(ClientMixin):  # type: ignore[misc]
    """A client as Authlib's grants see it."""

    def __init__(self, client: Client) -> None:
        """Wrap the noun."""
        self.noun = client

    @property
    def client_id(self) -> str:
        """Return the client's id."""
        return self.noun.id

    def get_client_id(self) -> str:
        """Return the client's id."""
        return self.noun.id

    def get_default_redirect_uri(self) -> None:
        """Return nothing: redirect_uri is always required."""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Say whether the URI is registered, byte for byte."""
        return self.noun.allows_redirect(redirect_uri)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Say whether the client is registered for this method; asked at every endpoint alike."""
        if method == AuthMethod.NONE and endpoint in ENDPOINTS_WITHOUT_PUBLIC_CLIENTS:
            return False
        return self.noun.auth_method.value == method

    def check_response_type(self, response_type: str) -> bool:
        """Say whether the client is registered for the response type."""
        return response_type in self.noun.response_types

    def check_grant_type(self, grant_type: str) -> bool:
        """Say whether the client is registered for the grant type."""
        return grant_type in self.noun.grant_types

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return those of the scopes that the client may have."""
        return " ".join(allowed_scopes(self.noun, (scope or "").split()))


def allowed_scopes(
    client: Client, asked: Iterable[str], definitions: Definitions = _NOTHING_DEFINED
) -> tuple[str, ...]:
    """Return those of the asked scopes that the client may ask for, each once, in the order asked."""
    return tuple(dict.fromkeys(scope for scope in asked if may_ask_for(client, definitions, scope)))
