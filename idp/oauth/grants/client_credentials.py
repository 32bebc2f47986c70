"""Client credentials grant – RFC 6749 §4.4. Confidential clients only; no person, no refresh token, no openid."""

from dataclasses import replace

from authlib.oauth2.rfc6749 import InvalidScopeError, UnauthorizedClientError, grants

from idp.domain.secret import make_id
from idp.domain.tokens import Grant
from idp.oauth import pipeline
from idp.oauth.authlib_models import allowed_scopes
from idp.oauth.bridge import wait
from idp.oauth.extensions import rar, resource_indicators
from idp.oauth.grants.token_grant import TokenGrant
from idp.policy import lifetimes
from idp.policy.clients import SCOPES

_USER_SCOPES = frozenset(SCOPES)


class ClientCredentialsGrant(TokenGrant, grants.ClientCredentialsGrant):  # type: ignore[misc]
    """Gives a client a token of its own."""

    scopes: tuple[str, ...]
    grant: Grant

    def validate_token_request(self) -> None:
        """Run the table of checks; there is nothing to spend."""
        pipeline.run(self, pipeline.CLIENT_CREDENTIALS)

    def check_grant_type(self) -> None:
        """Refuse clients that are public or not registered for this grant."""
        super().check_grant_type()
        if not self.client_noun.is_confidential:
            raise UnauthorizedClientError("client_credentials is for confidential clients")

    def check_scope(self) -> None:
        """Refuse scopes that speak of a person, and requests of which no scope is left."""
        asked = [word for word in (self.request.payload.scope or "").split(" ") if word]  # RFC 6749 §3.3: spaces only
        if _USER_SCOPES & set(asked):
            raise InvalidScopeError("these scopes need a person: " + " ".join(sorted(_USER_SCOPES & set(asked))))
        client = self.client_noun
        own = tuple(scope for scope in client.scopes if scope not in _USER_SCOPES)
        default = tuple(scope for scope in client.default_scopes if scope in own) or own
        self.scopes = allowed_scopes(client, asked) if asked else default
        if asked and not self.scopes:
            raise InvalidScopeError("none of these scopes is registered for this client")

    def check_target(self) -> None:
        """Refuse a resource and details that are not for this client; scopes of other resources are dropped."""
        now, client, form = self.context.now, self.client_noun, self.request.http.form
        audience, kept = resource_indicators.at_endpoint(self.context, client, form, self.scopes)
        if self.request.payload.scope and not kept:
            raise InvalidScopeError("none of these scopes belongs to the resources that were asked for")
        details = rar.at_endpoint(self.request.form.get(rar.PARAMETER), client, wait(self.context.definitions()))
        grant = Grant(
            id=make_id(),
            client_id=client.id,
            user_id=None,
            session_id=None,
            scopes=kept,
            audience=audience,
            created_at=now,
            expires_at=now + lifetimes.LONGEST_ACCESS_TOKEN,
            details=details,
        )
        self.grant = replace(grant, expires_at=now + self.aim(grant).shape.life)

    def create_token_response(self) -> tuple[int, dict[str, object], list[tuple[str, str]]]:
        """Issue an access token whose subject is the client itself."""
        return 200, self.issue_first_tokens(self.grant, None, nonce=None), self.TOKEN_RESPONSE_HEADER
