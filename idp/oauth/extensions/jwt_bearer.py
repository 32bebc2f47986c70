"""JWT bearer grant – RFC 7523 §2.1, §3: tokens for a person whom an issuer that operators trust speaks for.

Nobody is trusted unless an operator says so. Stricter: `aud` is our issuer as one string, `exp` at most five minutes
ahead, `jti` is required and spent; the client is confidential and named by the operator, and the person allowed it what
it asks for, unless it is first-party. No refresh token and no ID token: nobody signed in.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749 import BaseGrant, InvalidGrantError, InvalidRequestError, InvalidScopeError

from idp.domain.event import EventKind
from idp.domain.exchange import JWT_BEARER, AssertionIssuer, SubjectMatch
from idp.domain.json import BadJson, Json, read_object
from idp.domain.secret import from_base64url, make_id
from idp.domain.tokens import Grant
from idp.domain.user import User
from idp.oauth import pipeline, signed
from idp.oauth.authlib_models import allowed_scopes
from idp.oauth.bridge import wait
from idp.oauth.grants.token_grant import TokenGrant
from idp.oauth.keyring import MAX_TOKEN, read_header
from idp.policy import lifetimes
from idp.policy.resources import consent_words

TYPS = (None, "JWT", "authorization-grant+jwt")
_LATEST = 2**40
_REFUSED = "the assertion is of no trusted issuer, not for this client, too old, used before, or wrong"


def claimed_issuer(text: str) -> tuple[str, str | None] | None:
    """Return whose an assertion says it is, and by which key; nothing is verified: it says whose keys may be needed."""
    if len(text) > MAX_TOKEN or text.count(".") != 2:
        return None
    try:
        issuer = read_object(from_base64url(text.split(".")[1]).decode(), max_depth=8).get("iss")
    except (ValueError, BadJson):
        return None
    kid = read_header(text).get("kid")
    return (issuer, kid if isinstance(kid, str) else None) if isinstance(issuer, str) else None


class JwtBearerGrant(TokenGrant, BaseGrant):  # type: ignore[misc]
    """Gives an access token for an assertion."""

    GRANT_TYPE = JWT_BEARER
    trusted: AssertionIssuer
    claims: dict[str, Any]
    user: User
    grant: Grant

    def validate_token_request(self) -> None:
        """Run the table of checks; its last line spends the assertion."""
        pipeline.run(self, pipeline.ASSERT)

    def check_assertion(self) -> None:
        """Refuse an assertion of nobody whom operators trust for this client, or that is not for us or not now (§3)."""
        text = self.request.form.get("assertion")
        if text is None:
            raise InvalidRequestError("assertion is missing")
        claimed = claimed_issuer(text)
        trusted = wait(self.context.definitions()).assertion_issuers.get(claimed[0]) if claimed is not None else None
        if trusted is None or self.client_noun.id not in trusted.clients:
            raise InvalidGrantError(_REFUSED)
        claims = self._verified(text, trusted)
        if claims is None or claims.get("iss") != trusted.issuer or not self._is_now_and_for_us(claims):
            raise InvalidGrantError(_REFUSED)
        self.trusted, self.claims = trusted, claims

    def _verified(self, text: str, trusted: AssertionIssuer) -> dict[str, Json] | None:
        remote = self.context.engine.remote_keys
        keys = signed.of_set(trusted.jwks if remote is None else remote.of(trusted))
        try:
            return signed.claims_of(text, keys, algs=trusted.algs, typs=TYPS)
        except signed.NotSigned:
            return None

    def _is_now_and_for_us(self, claims: dict[str, Any]) -> bool:
        now, jti = self.context.now.timestamp(), claims.get("jti")
        times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
        if claims.get("aud") != self.context.engine.issuer or not isinstance(jti, str) or not 0 < len(jti) <= 256:
            return False
        if "exp" not in times or not all(_is_time(each) for each in times.values()):
            return False
        ahead, past = lifetimes.SKEW_AHEAD.total_seconds(), lifetimes.SKEW_PAST.total_seconds()
        longest = lifetimes.BEARER_ASSERTION.total_seconds()
        if not now - past < times["exp"] <= now + longest + ahead:
            return False
        return all(times[name] <= now + ahead for name in ("iat", "nbf") if name in times)

    def check_person(self) -> None:
        """Refuse when the assertion's subject is no account here, or one that is disabled."""
        named = self.claims.get(self.trusted.subject_claim)
        found = wait(self._find(named)) if isinstance(named, str) and 0 < len(named) <= 254 else None
        if found is None or not found.is_active:
            raise InvalidGrantError("the subject of the assertion is no account here")
        self.user = found

    async def _find(self, named: str) -> User | None:
        users = self.context.stores.users
        if self.trusted.subject_match is SubjectMatch.ID:
            return await users.find(named)
        user = await users.find_by_name(named)
        if user is None:
            return None
        if self.trusted.subject_match is SubjectMatch.EMAIL:
            return user if user.email_verified and (user.email or "").casefold() == named.casefold() else None
        return user if (user.username or "").casefold() == named.casefold() else None

    def check_target(self) -> None:
        """Refuse a resource not for this client, scopes beyond the issuer's, and what the person never allowed."""
        client, now = self.client_noun, self.context.now
        asked = [word for word in (self.request.payload.scope or "").split(" ") if word]  # RFC 6749 §3.3: spaces only
        allowed = tuple(each for each in allowed_scopes(client, asked or client.scopes) if each in self.trusted.scopes)
        audience, kept = self.settle(allowed)
        if asked and set(kept) != set(asked):
            raise InvalidScopeError("scope goes beyond what this issuer may assert for this client and resource")
        scopes = kept if client.is_first_party else self._consented(kept, audience)
        if asked and set(scopes) != set(asked):
            raise InvalidGrantError("the person has not allowed this client what it asks for")
        grant = Grant(
            id=make_id(), client_id=client.id, user_id=self.user.id, session_id=None, scopes=scopes,
            audience=audience, created_at=now, expires_at=now + lifetimes.LONGEST_ACCESS_TOKEN,
        )  # fmt: skip
        self.grant = replace(grant, expires_at=now + self.aim(grant).shape.life)

    def _consented(self, scopes: tuple[str, ...], audience: tuple[str, ...]) -> tuple[str, ...]:
        """Return those scopes that the person allowed the client; refuse when they allowed nothing of it."""
        context, issuer = self.context, self.context.engine.issuer
        consent = wait(context.stores.consents.find(self.user.id, self.client_noun.id))
        given = consent.scopes if consent is not None else frozenset()
        known = wait(context.definitions())
        kept = tuple(each for each in scopes if consent_words(known, [each], audience, issuer=issuer) <= given)
        if not kept:
            raise InvalidGrantError("the person has not allowed this client what it asks for")
        return kept

    def spend_assertion(self) -> None:
        """Spend the assertion's jti, or lose the race to somebody who just did (§3, RFC 7523 §5)."""
        digest = self.context.engine.digester.digest("bearer_jti", f"{self.trusted.issuer}|{self.claims['jti']}")
        expires_at = datetime.fromtimestamp(float(self.claims["exp"]), UTC) + lifetimes.SKEW_PAST
        if not wait(self.context.stores.replays.remember(digest, expires_at)):
            raise InvalidGrantError(_REFUSED)

    def create_token_response(self) -> tuple[int, dict[str, object], list[tuple[str, str]]]:
        """Issue an access token for the person."""
        wait(self.context.engine.subjects.note(self.context.stores, self.client_noun, self.user.id))
        return 200, self.issue_first_tokens(self.grant, None, nonce=None), self.TOKEN_RESPONSE_HEADER

    def _record(self, kind: EventKind, grant: Grant) -> None:
        """Leave a row that names whose word it was."""
        wait(
            self.context.record(
                kind, user_id=grant.user_id, client_id=grant.client_id, grant_id=grant.id,
                grant_type=self.GRANT_TYPE, assertion_issuer=self.trusted.id,
            )
        )  # fmt: skip


def _is_time(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LATEST
