"""A request to the authorization endpoint while it is being checked."""

from dataclasses import dataclass

from idp.domain.authorization import ClaimRequest, Prompt, ResponseMode
from idp.domain.client import Client
from idp.domain.definitions import Definitions
from idp.oauth.context import Context
from idp.oauth.errors import RedirectError
from idp.oauth.extensions import rar
from idp.oauth.extensions.response_modes import Route


@dataclass(slots=True)
class Draft:
    """A request while it is being checked; each check fills in what it settled."""

    context: Context
    parameters: dict[str, str]
    client: Client
    redirect_uri: str
    repeated: str | None
    is_pushed: bool = False
    is_signed: bool = False
    object_id: str | None = None
    fault: RedirectError | None = None  # of its request object
    response_mode: ResponseMode = ResponseMode.QUERY
    response_type: str = "code"
    scopes: tuple[str, ...] = ()
    prompts: frozenset[Prompt] = frozenset()
    max_age: int | None = None
    hinted_sub: str | None = None
    essential_acrs: tuple[str, ...] | None = None
    userinfo_claims: dict[str, ClaimRequest] | None = None
    id_token_claims: dict[str, ClaimRequest] | None = None
    resources: tuple[str, ...] = ()  # as asked; once settled, whom tokens are for
    details: rar.Details = ()

    def get(self, name: str) -> str | None:
        """Return a parameter; one without a value is absent."""
        return self.parameters.get(name)

    @property
    def definitions(self) -> Definitions:
        """Return what operators have defined; it was read when this request was."""
        return self.context.engine.definitions.known

    @property
    def route(self) -> Route:
        """Return how an answer would travel, as far as that is settled."""
        return Route(self.client, self.redirect_uri, self.response_mode, self.get("state"))
