"""Token exchange – RFC 8693: a client trades a live token of ours for another one, within rules that operators wrote.

Every exchange needs a rule. The new grant is a child of the old one: it ends with it, and at the latest when the token
that was traded would have. What proved the person, and when, is carried over; there is no refresh token, and the only
kind of token issued is the access token. Not here: which tokens may be traded → oauth/subject_tokens.py.
"""

from authlib.oauth2.rfc6749 import BaseGrant, InvalidRequestError, InvalidScopeError, UnauthorizedClientError

from idp.domain.event import EventKind
from idp.domain.exchange import ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE, TOKEN_EXCHANGE, ExchangeRule
from idp.domain.json import JsonObject
from idp.domain.secret import make_id
from idp.domain.tokens import Grant
from idp.oauth import pipeline, subject_tokens
from idp.oauth.bridge import wait
from idp.oauth.errors import InvalidTarget
from idp.oauth.grants.token_grant import TokenGrant
from idp.oauth.subject_tokens import Subject
from idp.policy import exchange


class TokenExchangeGrant(TokenGrant, BaseGrant):  # type: ignore[misc]
    """Gives a token for a token."""

    GRANT_TYPE = TOKEN_EXCHANGE
    rules: tuple[ExchangeRule, ...]
    rule: ExchangeRule
    subject: Subject
    actor: JsonObject | None = None
    scopes: tuple[str, ...]

    def validate_token_request(self) -> None:
        """Run the table of checks; there is nothing to spend."""
        pipeline.run(self, pipeline.EXCHANGE)

    def check_rule(self) -> None:
        """Refuse a client for which no operator wrote a rule of this kind: to act, or to impersonate (§1.1)."""
        form, client = self.request.form, self.client_noun
        if form.get("requested_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE:
            raise InvalidRequestError("requested_token_type can be an access token only")
        own = [rule for rule in wait(self.context.definitions()).exchange_rules if rule.client_id == client.id]
        acts = "actor_token" in form
        self.rules = tuple(rule for rule in own if (rule.may_act if acts else rule.may_impersonate))
        if not self.rules or not client.is_confidential:
            raise UnauthorizedClientError("no rule lets this client exchange tokens in this way")

    def check_subject(self) -> None:
        """Refuse a subject token that is not alive, not ours, or not for this client; nothing is said of which."""
        form, client, context = self.request.form, self.client_noun, self.context
        text, kind = form.get("subject_token"), form.get("subject_token_type")
        if text is None or kind is None:
            raise InvalidRequestError("subject_token or subject_token_type is missing")
        self.rules = tuple(rule for rule in self.rules if kind in rule.subject_token_types)
        if not self.rules:
            raise InvalidRequestError("no rule lets this client exchange tokens of this subject_token_type")
        if kind == ID_TOKEN_TYPE:
            found = subject_tokens.of_id_token(context, client, text)
        else:
            found = subject_tokens.of_access_token(context, client, text, self.request.confirmation)
        if found is None:
            raise InvalidRequestError("subject_token is not alive, not ours, not for this client, or of no person")
        self.subject = found

    def check_actor(self) -> None:
        """Refuse an actor token that is not the client's own, or whom the subject token does not let act (§4.4)."""
        form, allowed, issuer = self.request.form, self.subject.may_act, self.context.engine.issuer
        text, kind = form.get("actor_token"), form.get("actor_token_type")
        if (text is None) != (kind is None) or kind not in (None, ACCESS_TOKEN_TYPE):
            raise InvalidRequestError("actor_token and actor_token_type go together, and name an access token")
        if text is None:
            return
        found = subject_tokens.live_token(self.context, text, self.request.confirmation)
        if found is None or found[0].client_id != self.client_noun.id:
            raise InvalidRequestError("actor_token is not alive, or not this client's own")
        if allowed is not None and not exchange.may_act(allowed, issuer=issuer, subject=found[0].subject):
            raise InvalidRequestError("may_act of the subject_token names another actor")
        self.actor = exchange.acting(issuer, found[0].subject, before=self.subject.live.grant.actor)
        if exchange.depth(self.actor) > exchange.DEEPEST:
            raise InvalidRequestError(f"more than {exchange.DEEPEST} would act one after another")

    def check_target(self) -> None:
        """Refuse a target outside the rule, and several or none where the rule does not say which (§2.2.2)."""
        audiences = [value for name, value in self.request.http.form if name == "audience" and value]
        asked = (*self.named_resources, *audiences)
        targets = tuple(dict.fromkeys(asked)) or exchange.only_target(self.rules)
        fitting = [rule for rule in self.rules if targets and set(targets) <= set(rule.audiences)]
        if not fitting:
            raise InvalidTarget("no rule lets this client exchange tokens for this target")
        self.rule = fitting[0]
        self.aim_at(targets)

    def check_scope(self) -> None:
        """Refuse scopes beyond the rule, the target, and what the person allowed."""
        assert self.target is not None, "it was settled before"
        kept = exchange.scopes(
            self.rule, self.target.definitions, self.target.audience, carried=self.subject.scopes,
            good_for=self.subject.audience, granted=self.subject.live.grant.scopes, issuer=self.target.issuer,
        )  # fmt: skip
        asked = [word for word in (self.request.payload.scope or "").split(" ") if word]  # RFC 6749 §3.3: spaces only
        if not set(asked) <= set(kept):
            raise InvalidScopeError("scope goes beyond what may be exchanged")
        self.scopes = tuple(scope for scope in kept if scope in asked) if asked else kept

    def create_token_response(self) -> tuple[int, dict[str, object], list[tuple[str, str]]]:
        """Issue an access token that speaks of the same person, with the actor in `act` (§2.2.1, §4.1)."""
        assert self.target is not None, "it was settled before"
        above, user, now = self.subject.live.grant, self.subject.user, self.context.now
        grant = Grant(
            id=make_id(), client_id=self.client_noun.id, user_id=user.id, session_id=above.session_id,
            scopes=self.scopes, audience=self.target.audience, created_at=now,
            expires_at=min(self.subject.expires_at, above.expires_at, now + self.target.shape.life),
            auth_time=above.auth_time, acr=above.acr, amr=above.amr, is_offline=above.is_offline,
            actor=self.actor, parent_id=above.id,
        )  # fmt: skip
        wait(self.context.engine.subjects.note(self.context.stores, self.client_noun, user.id))
        answer = self.issue_first_tokens(grant, None, nonce=None)
        return 200, {**answer, "issued_token_type": ACCESS_TOKEN_TYPE}, self.TOKEN_RESPONSE_HEADER

    def _record(self, kind: EventKind, grant: Grant) -> None:
        """Leave a row that names both: for whom, and who acts; by which rule, and what the token was traded for."""
        acts = str(self.actor["sub"]) if self.actor is not None else None
        wait(
            self.context.record(
                kind, user_id=grant.user_id, client_id=grant.client_id, session_id=grant.session_id,
                grant_id=grant.id, grant_type=self.GRANT_TYPE, actor=acts, rule=self.rule.id,
                parent_grant_id=grant.parent_id, subject_client_id=self.subject.client_id,
            )
        )  # fmt: skip
