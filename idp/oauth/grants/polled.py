"""What the grants have in common whose client polls until a person has answered elsewhere – RFC 8628 §3.5, CIBA §11.

Only a request that nobody answered yet knows polls that come too early: what was allowed is given at once, so that a
client that was notified need not wait.
"""

from authlib.oauth2.rfc6749 import AccessDeniedError, BaseGrant, InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc8628.errors import AuthorizationPendingError, ExpiredTokenError, SlowDownError

from idp.domain.approval import Channel
from idp.domain.tokens import Grant
from idp.domain.user import User
from idp.domain.waiting import WaitingRequest, WaitingState
from idp.oauth import pipeline
from idp.oauth.bridge import wait
from idp.oauth.grants.token_grant import TokenGrant
from idp.storage.waiting_requests import WaitingStore

#: Errors that say nothing but that it is too early; they are no refusal, and leave nothing in the trail.
NOT_YET = frozenset({AuthorizationPendingError.error, SlowDownError.error})


class PolledGrant(TokenGrant, BaseGrant):  # type: ignore[misc]
    """Gives tokens for what a person allowed on another device."""

    CHANNEL: Channel
    PARAMETER: str  # its name is also the purpose of the digest
    waiting: WaitingRequest
    grant: Grant
    user: User

    @property
    def _store(self) -> WaitingStore:
        return self.context.stores.waiting(self.CHANNEL)

    def validate_token_request(self) -> None:
        """Run the table of checks; its last line spends the request."""
        pipeline.run(self, pipeline.POLL)

    def check_request_is_known_and_own(self) -> None:
        """Refuse a secret that is missing, unknown or another client's; its owner loses nothing."""
        text = self.request.form.get(self.PARAMETER)
        if text is None:
            raise InvalidRequestError(f"{self.PARAMETER} is missing")
        found = wait(self._store.find(self.context.engine.digester.digest(self.PARAMETER, text)))
        if found is None or found.client_id != self.client_noun.id:
            self.refuse_unknown(f"{self.PARAMETER} is unknown")
            return
        self.waiting = found

    def check_request_is_alive(self) -> None:
        """Refuse what gave its tokens before, and what has expired."""
        if self.waiting.state is WaitingState.SPENT:
            raise InvalidGrantError(f"{self.PARAMETER} was used before, or what it stood for was taken back")
        if self.context.now >= self.waiting.expires_at:
            raise ExpiredTokenError(f"{self.PARAMETER} has expired; begin anew")

    def check_answer(self) -> None:
        """Refuse while there is no answer, more sharply a client in haste, and when the answer is no."""
        if self.waiting.state is WaitingState.DENIED:
            raise AccessDeniedError("the person refused, or may not allow this")
        if self.waiting.state is WaitingState.PENDING:
            if wait(self._store.may_poll(self.waiting, self.context.now)):
                raise AuthorizationPendingError("nobody has answered yet")
            raise SlowDownError("wait five seconds longer between polls from now on")

    def check_person_is_alive(self) -> None:
        """Refuse when the person was disabled or signed out since they allowed it."""
        grant, stores, now = self.waiting.grant, self.context.stores, self.context.now
        user = wait(stores.users.find(grant.user_id)) if grant is not None and grant.user_id is not None else None
        session = wait(stores.sessions.find_by_id(grant.session_id, now)) if grant and grant.session_id else None
        if grant is None or user is None or not user.is_active or session is None:
            raise InvalidGrantError("the person signed out, or may not sign in any more")
        self.grant, self.user = grant, user

    def check_target(self) -> None:
        """Refuse a resource or details that go beyond what was allowed; leave out what the client lost since."""
        self.grant = self.still_allowed(self.grant)
        self.aim(self.grant)

    def spend_request(self) -> None:
        """Spend the request, or lose the race to a poll that just did."""
        if not wait(self._store.spend(self.waiting.id, self.context.now)):
            raise InvalidGrantError(f"{self.PARAMETER} was used before")

    def create_token_response(self) -> tuple[int, dict[str, object], list[tuple[str, str]]]:
        """Issue what the person allowed."""
        return 200, self.issue_first_tokens(self.grant, self.user, nonce=None), self.TOKEN_RESPONSE_HEADER
