"""What the grants of the token endpoint share: who asks, for what, and how tokens are issued and recorded."""

from dataclasses import replace
from typing import TYPE_CHECKING

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, InvalidScopeError, UnauthorizedClientError

from idp.domain.client import EVERY_METHOD, Client, TokenFormat
from idp.domain.event import EventKind
from idp.domain.tokens import Grant, RefreshState
from idp.domain.user import User
from idp.oauth import binding
from idp.oauth.authlib_models import RegisteredClient, allowed_scopes
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.errors import TooManyRequests
from idp.oauth.extensions import rar, resource_indicators
from idp.oauth.extensions.resource_indicators import Target
from idp.oauth.openid.id_token import Beside, sign_id_token
from idp.oauth.request import ProtocolRequest
from idp.oauth.tokens import access_token, motion, refresh_token
from idp.oauth.tokens.encryption import sealed
from idp.policy import lockout
from idp.policy.encryption import is_possible
from idp.policy.profiles import gets_refresh_token

if TYPE_CHECKING:
    from idp.oauth.server import Server


class TokenGrant:
    """Mixed into Authlib's grants; one instance serves one request."""

    GRANT_TYPE: str
    TOKEN_ENDPOINT_AUTH_METHODS: tuple[str, ...] = EVERY_METHOD
    request: ProtocolRequest
    server: "Server"
    target: Target | None = None  # what tokens are for; settled by `aim`, at the latest when they are made
    details: rar.Details | None = None  # None: all that was granted

    @property
    def context(self) -> Context:
        """Return the request's stores and the process's facts."""
        return self.server.context

    @property
    def client_noun(self) -> Client:
        """Return the authenticated client."""
        client: RegisteredClient = self.request.client
        return client.noun

    def check_client(self) -> None:
        """Refuse whoever does not prove to be a client (RFC 6749 §3.2.1)."""
        self.request.client = self.server.authenticate_client(self.request, self.TOKEN_ENDPOINT_AUTH_METHODS)

    def check_grant_type(self) -> None:
        """Refuse a client that is not registered for this grant."""
        if not self.request.client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError(f"this client is not registered for grant_type {self.GRANT_TYPE}")

    def check_proof(self) -> None:
        """Refuse a proof of possession that is wrong, or missing where one is due (RFC 9449 §5, RFC 8705 §3)."""
        proved = wait(binding.prove(self.context, self.client_noun))
        self.request.confirmation = proved.confirmation
        self.server.next_nonce = proved.next_nonce

    def aim(self, grant: Grant) -> Target:
        """Settle what tokens of a grant are for, and which details they carry (RFC 8707 §2.2, RFC 9396 §6).

        Refuses a resource or details that were not granted, or are not the client's any more.
        """
        client, definitions, asked = self.client_noun, wait(self.context.definitions()), self.named_resources
        self.target = resource_indicators.aimed(
            definitions, client, grant.audience, asked, issuer=self.context.engine.issuer
        )
        self.target.check_binding(self.request.confirmation)
        left = rar.still_allowed(grant.details, client, definitions)
        self.details = rar.part_of(left, self.request.form.get(rar.PARAMETER))
        return self.target

    def still_allowed(self, grant: Grant) -> Grant:
        """Return a grant with those scopes that the client may still ask for; it may have lost some since it asked.

        Raises InvalidScopeError if none is left.
        """
        scopes = allowed_scopes(self.client_noun, grant.scopes, wait(self.context.definitions()))
        if not scopes:
            raise InvalidScopeError("this client may have none of the granted scopes any more")
        return replace(grant, scopes=scopes, is_offline=grant.is_offline and "offline_access" in scopes)

    def check_encryption(self) -> None:
        """Refuse a client that registered for encrypted ID tokens and publishes no key to encrypt to any more."""
        client = self.client_noun
        if not is_possible(client, "id_token", self.context.engine.keys_of(client)):
            raise InvalidRequestError(f"this client publishes no key with use enc for {client.id_token_encryption_alg}")

    @property
    def named_resources(self) -> tuple[str, ...]:
        """Return the resources that the request names (RFC 8707 §2)."""
        return resource_indicators.asked_in(self.request.http.form)

    def aim_at(self, audience: tuple[str, ...]) -> Target:
        """Settle what tokens are for where an operator's rule says it; refuse what is not registered any more."""
        definitions, issuer = wait(self.context.definitions()), self.context.engine.issuer
        self.target = resource_indicators.given(definitions, self.client_noun, audience, issuer=issuer)
        self.target.check_binding(self.request.confirmation)
        return self.target

    def settle(self, scopes: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return whom the request is for, and which scopes go with that; refuse a resource not for the client."""
        return resource_indicators.at_endpoint(self.context, self.client_noun, self.request.http.form, scopes)

    def refuse_unknown(self, description: str) -> None:
        """Refuse a code or token that we do not know; too many of them from one network are a guess (429)."""
        engine = self.context.engine
        if engine.limits_floods:
            network = engine.digester.digest("token_network", self.context.http.address)
            window = lockout.RANDOM_TOKENS_WINDOW
            count = wait(self.context.stores.attempts.add_in_window(network, self.context.now, window=window))
            if count > lockout.RANDOM_TOKENS:
                raise TooManyRequests
        raise InvalidGrantError(description)

    def issue_first_tokens(self, grant: Grant, user: User | None, *, nonce: str | None) -> dict[str, object]:
        """Store a new grant, bound to the key that was proved, and return the token answer for it (RFC 6749 §5.1)."""
        grant = replace(grant, confirmation=self.request.confirmation)
        client, stores, engine = self.client_noun, self.context.stores, self.context.engine
        refresh: str | None = None
        state: RefreshState | None = None
        if user is not None and gets_refresh_token(client, grant.scopes):
            refresh = refresh_token.make(grant.id, engine.digester)
            digest = engine.digester.digest(refresh_token.PURPOSE, refresh)
            state = RefreshState(digest, refresh_token.expires_at(grant, self.context.now), None, None, None)
        if not wait(stores.grants.redeem(grant, state)):
            raise InvalidGrantError("what was granted has been revoked")
        if user is not None:
            wait(engine.subjects.note(stores, client, user.id))
        if refresh is not None:
            wait(motion.begin(self.context, grant.id))
        kind = EventKind.TOKENS_ISSUED
        self._record(kind, grant)
        return self.token_answer(grant, user, scopes=grant.scopes, refresh=refresh, nonce=nonce)

    def token_answer(
        self, grant: Grant, user: User | None, *, scopes: tuple[str, ...], refresh: str | None, nonce: str | None
    ) -> dict[str, object]:
        """Return access token, and ID and refresh token where they are due."""
        client, engine, now = self.client_noun, self.context.engine, self.context.now
        subject, target = engine.subjects.of_grant(client, grant), self.target or self.aim(grant)
        token = access_token.make(
            client, grant, target.scopes(scopes), now, subject=subject, confirmation=self.request.confirmation,
            audience=target.audience, life=target.shape.life, details=self.details,
        )  # fmt: skip
        if target.shape.format is TokenFormat.OPAQUE:
            text = wait(access_token.keep_opaque(self.context.stores.access_tokens, engine.digester, token))
        else:
            text = access_token.sign(engine.keyring, engine.issuer, client, grant, token, alg=target.shape.alg)
        answer: dict[str, object] = {
            "access_token": text,
            "token_type": token.token_type,
            "expires_in": int((token.expires_at - now).total_seconds()),
        }
        if token.scopes:  # a scope has at least one word (RFC 6749 §3.3)
            answer["scope"] = " ".join(token.scopes)
        if told := grant.details if self.details is None else self.details:
            answer["authorization_details"] = rar.as_json(told)
        if refresh is not None:
            answer["refresh_token"] = refresh
        if user is not None and "openid" in scopes:
            signed = sign_id_token(
                engine.keyring, engine.digester, issuer=engine.issuer, client=client, grant=grant, subject=subject,
                user=user, beside=Beside(text), nonce=nonce, now=now,
            )  # fmt: skip
            answer["id_token"] = sealed(client, engine.keys_of(client), "id_token", signed)
        return answer

    def _record(self, kind: EventKind, grant: Grant) -> None:
        wait(
            self.context.record(
                kind,
                user_id=grant.user_id,
                client_id=grant.client_id,
                session_id=grant.session_id,
                grant_id=grant.id,
                grant_type=self.GRANT_TYPE,
            )
        )
