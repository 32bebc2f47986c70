"""Authorization code grant – RFC 6749 §4.1.3, tightened by RFC 9700 §2.1.1 and §4.5.

Stricter: redirect_uri is always required; five failed redemptions burn the code; the code is spent by one UPDATE
before anything is issued. A spent code presented again by its own client with every proof right ends what it gave.
"""

from dataclasses import replace
from datetime import datetime

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, grants

from idp.domain import assurance
from idp.domain.authorization import AuthorizationRequest
from idp.domain.event import EventKind
from idp.domain.secret import Digest, make_id, make_secret
from idp.domain.session import Session
from idp.domain.tokens import JKT, AuthorizationCode, Confirmation, Grant
from idp.domain.user import User
from idp.oauth import pipeline
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.extensions import pkce
from idp.oauth.grants.token_grant import TokenGrant
from idp.policy import lifetimes
from idp.storage.codes import MAX_FAILURES

PURPOSE = "code"


async def issue_code(context: Context, request: AuthorizationRequest, grant: Grant) -> str:
    """Store a new code for what the person just allowed, and return it (RFC 6749 §4.1.2)."""
    now, code = context.now, make_secret()
    stored = AuthorizationCode(
        digest=context.engine.digester.digest(PURPOSE, code),
        grant=grant,
        redirect_uri=request.redirect_uri,
        nonce=request.nonce,
        code_challenge=request.code_challenge,
        expires_at=now + lifetimes.CODE,
        is_spent=False,
        failures=0,
    )
    await context.stores.codes.add(stored)
    await context.record(
        EventKind.CODE_ISSUED, user_id=grant.user_id, client_id=request.client_id, session_id=grant.session_id,
        grant_id=grant.id,
    )  # fmt: skip
    return code


def grant_of(request: AuthorizationRequest, session: Session, *, audience: tuple[str, ...], now: datetime) -> Grant:
    """Return what the person of a session allows by a request; nothing is stored.

    acr, amr and auth_time are those of the session: what was proved, when it was proved.
    """
    requested = request.essential_acrs or request.acr_values
    return Grant(
        id=make_id(),
        client_id=request.client_id,
        user_id=session.user_id,
        session_id=session.id,
        scopes=request.scopes,
        audience=request.resources or audience,
        created_at=now,
        expires_at=now + lifetimes.REFRESH_ABSOLUTE if request.is_offline else session.expires_at,
        auth_time=session.auth_time,
        acr=assurance.acr(session.proofs, requested),
        amr=assurance.amr(session.proofs),
        userinfo_claims=request.userinfo_claims,
        id_token_claims=request.id_token_claims,
        is_offline=request.is_offline,
        confirmation=Confirmation(JKT, request.dpop_jkt) if request.dpop_jkt else None,
        details=request.details,
    )


class AuthorizationCodeGrant(TokenGrant, grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """Redeems a code for tokens."""

    code: AuthorizationCode
    user: User | None

    def validate_token_request(self) -> None:
        """Run the table of checks; its last line spends the code."""
        pipeline.run(self, pipeline.REDEEM_CODE)

    def check_code_is_known_and_own(self) -> None:
        """Refuse a code that is missing, unknown, expired or another client's; its owner loses nothing."""
        text = self.request.form.get("code")
        if text is None:
            raise InvalidRequestError("code is missing")
        digest: Digest = self.context.engine.digester.digest(PURPOSE, text)
        found = wait(self.context.stores.codes.find(digest, self.context.now))
        if found is None or found[0].grant.client_id != self.client_noun.id:
            self.refuse_unknown("code is unknown or has expired")
            return
        self.code, self.user = found

    def check_redirect_uri(self) -> None:
        """Refuse a redirect_uri other than that of the authorization request (RFC 6749 §4.1.3)."""
        if self.request.payload.redirect_uri != self.code.redirect_uri:
            self._fail("redirect_uri differs from that of the authorization request")

    def check_verifier(self) -> None:
        """Refuse a verifier that does not fit the challenge (RFC 7636 §4.6)."""
        try:
            pkce.check_verifier(self.request.form.get("code_verifier"), self.code.code_challenge)
        except InvalidGrantError as error:
            self._fail(str(error.description))

    def check_proof(self) -> None:
        """Refuse a key other than the one that the request named (RFC 9449 §10)."""
        super().check_proof()
        named = self.code.grant.confirmation
        if named is None or named == self.request.confirmation:
            return
        if self.request.confirmation is None:
            raise InvalidRequestError("the code is bound to a key, and no proof of it came")
        self._fail("the code is bound to another key")

    def check_code_is_unspent(self) -> None:
        """Refuse a spent code, and end what it gave: its owner holds every proof, so it was stolen once (§4.1.2)."""
        if not self.code.is_spent:
            return
        grant = self.code.grant
        wait(self.context.stores.grants.revoke(grant.id, self.context.now))
        wait(self.context.record(EventKind.CODE_REPLAYED, user_id=grant.user_id, client_id=grant.client_id))
        raise InvalidGrantError("code was used before; the tokens it gave are revoked")

    def check_person_is_alive(self) -> None:
        """Refuse when the person was disabled or signed out since."""
        if self.user is None or self.code.failures >= MAX_FAILURES:
            raise InvalidGrantError("code is not valid any more")

    def check_target(self) -> None:
        """Refuse a resource or details that were not granted; the code stays good for others (RFC 8707 §2.2).

        What the client lost since is left out, as at a refresh.
        """
        self.code = replace(self.code, grant=self.still_allowed(self.code.grant))
        self.aim(self.code.grant)

    def spend_code(self) -> None:
        """Spend the code, or lose the race to somebody who just did."""
        if not wait(self.context.stores.codes.spend(self.code.digest, self.context.now)):
            raise InvalidGrantError("code was used before")

    def create_token_response(self) -> tuple[int, dict[str, object], list[tuple[str, str]]]:
        """Issue what the code stands for."""
        user = self.user
        assert user is not None
        return 200, self.issue_first_tokens(self.code.grant, user, nonce=self.code.nonce), self.TOKEN_RESPONSE_HEADER

    def _fail(self, description: str) -> None:
        wait(self.context.stores.codes.count_failure(self.code.digest))
        raise InvalidGrantError(description)
