"""Refresh token grant – RFC 6749 §6; OIDC Core §12.

The person, their session (unless offline), the client and the grant are looked at anew each time; acr and auth_time
never rise. Rotation, grace and reuse are decided by tokens/refresh_token.py; the store decides races.
"""

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, InvalidScopeError, grants

from idp.domain.event import EventKind
from idp.domain.risk import Band
from idp.domain.tokens import Grant
from idp.oauth import pipeline
from idp.oauth.authlib_models import allowed_scopes
from idp.oauth.bridge import wait
from idp.oauth.grants.token_grant import TokenGrant
from idp.oauth.tokens import motion, refresh_token
from idp.oauth.tokens.refresh_token import Presented, Standing
from idp.policy import lifetimes
from idp.policy.profiles import rotates_refresh_tokens
from idp.storage.grants import LiveGrant


class RefreshTokenGrant(TokenGrant, grants.RefreshTokenGrant):  # type: ignore[misc]
    """Renews an access token and rotates the refresh token."""

    presented: Presented
    live: LiveGrant
    scopes: tuple[str, ...]
    standing: Standing
    successor: str | None = None  # the same token stays good

    def validate_token_request(self) -> None:
        """Run the table of checks; its last line spends the token."""
        pipeline.run(self, pipeline.REFRESH)

    def check_token_is_known_and_own(self) -> None:
        """Refuse a token that is missing, invented, another client's, or whose grant has ended; nothing dies of it."""
        text = self.request.form.get("refresh_token")
        if text is None:
            raise InvalidRequestError("refresh_token is missing")
        presented = refresh_token.read(text, self.context.engine.digester)
        if presented is None:
            self.refuse_unknown("refresh_token is unknown")
            return
        live = wait(self.context.stores.grants.find_live(presented.grant_id, self.context.now))
        if live is None or live.refresh is None or live.grant.client_id != self.client_noun.id:
            raise InvalidGrantError("refresh_token is unknown, has expired or was revoked")
        self.presented, self.live = presented, live

    def check_proof(self) -> None:
        """Refuse a refresh without the key that the family is bound to (RFC 9449 §5).

        A client that authenticates may bring a new key; a public one never.
        """
        super().check_proof()
        bound_to, proved = self.live.grant.confirmation, self.request.confirmation
        if bound_to is None or bound_to == proved:
            return
        if proved is None:
            raise InvalidRequestError("the refresh token is bound to a key, and no proof of one came")
        if not self.client_noun.is_confidential:
            if wait(motion.key_changed(self.context, self.client_noun, self.live)):
                wait(self.context.stores.grants.revoke(self.live.grant.id, self.context.now))
            raise InvalidGrantError("the refresh token is bound to another key")

    def check_token_is_fresh(self) -> None:
        """Refuse a token past its idle limit, and end the family of one that was used before (RFC 9700 §4.14.2)."""
        state = self.live.refresh
        assert state is not None
        grace = lifetimes.refresh_grace(is_confidential=self.client_noun.is_confidential)
        self.standing = refresh_token.standing(self.presented, state, grace=grace, now=self.context.now)
        if self.standing is Standing.REUSED:
            self._end_family()
            raise InvalidGrantError("refresh_token was used before; its family is revoked")
        if self.context.now >= state.expires_at:
            raise InvalidGrantError("refresh_token has expired")

    def check_scope(self) -> None:
        """Refuse scopes beyond the grant's, or those the client lost since; fewer narrow this answer only (§6)."""
        asked = [word for word in (self.request.payload.scope or "").split(" ") if word]  # RFC 6749 §3.3: spaces only
        granted = allowed_scopes(self.client_noun, self.live.grant.scopes, wait(self.context.definitions()))
        if not granted:
            raise InvalidScopeError("this client may have none of the granted scopes any more")
        if not set(asked) <= set(granted):
            raise InvalidScopeError("scope goes beyond what was granted")
        self.scopes = tuple(scope for scope in granted if scope in asked) if asked else granted

    def check_target(self) -> None:
        """Refuse a resource or details beyond the grant's, or that the client lost since; fewer narrow this answer."""
        self.aim(self.live.grant)

    def check_motion(self) -> None:
        """Refuse a refresh that the policy wants a person for, and remember it where they sign in next."""
        refused = wait(motion.check(self.context, self.client_noun, self.live))
        if refused is None:
            return
        grant = self.live.grant
        self._record(EventKind.TOKEN_REFUSED, grant)
        if refused.ends_family:
            wait(self.context.stores.grants.revoke(grant.id, self.context.now))
        raise InvalidGrantError("refresh_token came from another network; the person must sign in again")

    def spend_token(self) -> None:
        """Spend the token for its successor; who loses the race, or comes back inside the grace, gets the same one."""
        grant, engine = self.live.grant, self.context.engine
        if self.standing is Standing.IN_GRACE:
            self.successor = self._same_successor(self.live)
            return
        if not rotates_refresh_tokens(self.client_noun):
            self._keep_token(grant)
            return
        self.successor = refresh_token.make(grant.id, engine.digester)
        was_first = wait(
            self.context.stores.grants.rotate(
                grant.id,
                old=self.presented.digest,
                new=engine.digester.digest(refresh_token.PURPOSE, self.successor),
                sealed_new=refresh_token.seal_successor(engine.sealer, grant.id, self.successor),
                now=self.context.now,
                expires_at=refresh_token.expires_at(grant, self.context.now),
            )
        )
        if not was_first:
            self._meet_the_winner(grant.id)

    def _keep_token(self, grant: Grant) -> None:
        """Let the same token live on; its idle limit moves (FAPI 2.0 §5.3.2.1)."""
        until = refresh_token.expires_at(grant, self.context.now)
        grants = self.context.stores.grants
        if not wait(grants.keep(grant.id, self.presented.digest, now=self.context.now, expires_at=until)):
            raise InvalidGrantError("refresh_token was revoked")

    def _meet_the_winner(self, grant_id: str) -> None:
        live = wait(self.context.stores.grants.find_live(grant_id, self.context.now))
        if live is None or live.refresh is None:
            raise InvalidGrantError("refresh_token was revoked")
        self.live = live
        self.check_token_is_fresh()
        self.successor = self._same_successor(live)

    def _same_successor(self, live: LiveGrant) -> str:
        state = live.refresh
        assert state is not None
        assert state.sealed_successor is not None
        successor = refresh_token.open_successor(self.context.engine.sealer, live.grant.id, state.sealed_successor)
        if successor is None:
            raise InvalidGrantError("refresh_token was used before")
        return successor

    def _end_family(self) -> None:
        grant = self.live.grant
        if wait(self.context.stores.grants.revoke(grant.id, self.context.now)):
            self._record(EventKind.REFRESH_REUSED, grant)
            if grant.session_id is not None:  # TOKEN_REPLAY: whoever uses this session next proves more
                wait(self.context.stores.sessions.raise_risk(grant.session_id, Band.HIGH.start))
            self.server.tell_of_reuse(grant, self.live.user)

    def create_token_response(self) -> tuple[int, dict[str, object], list[tuple[str, str]]]:
        """Issue a fresh access token, an ID token without nonce, and the successor."""
        self._record(EventKind.TOKENS_REFRESHED, self.live.grant)
        answer = self.token_answer(
            self.live.grant, self.live.user, scopes=self.scopes, refresh=self.successor, nonce=None
        )
        return 200, answer, self.TOKEN_RESPONSE_HEADER
