"""A resource server: an API that takes our access tokens, with the scopes it defines and the tokens it wants."""

from dataclasses import dataclass
from datetime import timedelta

from idp.domain.client import TokenFormat


@dataclass(frozen=True, slots=True)
class ScopeText:
    """A scope that a resource server defines, and what it lets an application do, in words for the person asked."""

    name: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class ResourceServer:
    """An API under its identifier, the `resource` of RFC 8707 and the `aud` of its tokens.

    Tokens for it are signed by `token_alg` (RFC 9068 §2.1) and live as long as `life`. One that is open to all may be
    asked for by every client; any other only by clients that name it. One that is public stands in the metadata.
    """

    id: str
    identifier: str
    name: str
    scopes: tuple[ScopeText, ...] = ()
    token_alg: str = "ES256"
    token_format: TokenFormat = TokenFormat.JWT
    life: timedelta = timedelta(minutes=5)
    is_public: bool = False
    is_open_to_all: bool = False
    requires_sender_constraint: bool = False

    @property
    def scope_names(self) -> tuple[str, ...]:
        """Return the scopes it defines."""
        return tuple(scope.name for scope in self.scopes)
