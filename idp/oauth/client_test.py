"""Tests of clients: an administrator signs in at a client, and this provider itself plays the client's part.

Nothing of a test is good anywhere else. Its redirect URI is no client's: /authorize refuses it always, only a request
that the administrator's own form began leads there, for the browser, session and account that began it, once, within
ten minutes. Its code stands in no table that the token endpoint reads, and its verifier never leaves this server. The
tokens are made as any are, looked at, and dropped: no grant is stored, so no endpoint of ours takes them. What a client
does by keys of its own – push, sign, prove – is left out, since nobody here has them; the page says so.
Not here: who may test which client, and the browser → flows/client_test.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from idp.domain.authorization import AuthorizationRequest, ResponseMode
from idp.domain.client import Client, TokenFormat
from idp.domain.document_url import path_name
from idp.domain.json import Json
from idp.domain.secret import Digest, base64url, equal, make_secret, random_bytes
from idp.domain.session import Session
from idp.domain.tokens import JKT, X5T, Confirmation, Grant
from idp.domain.user import User
from idp.oauth.context import Context
from idp.oauth.errors import RedirectError
from idp.oauth.extensions import pkce, resource_indicators
from idp.oauth.grants.authorization_code import grant_of
from idp.oauth.openid import id_token
from idp.oauth.openid.claims import userinfo_claims
from idp.oauth.tokens import access_token
from idp.policy.mutual_tls import METHODS
from idp.policy.profiles import gets_refresh_token, requires_binding
from idp.storage.client_tests import ClientTest

STATE, CODE = "client_test_state", "client_test_code"


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What the client would have been given; of tokens only what they say."""

    scopes: tuple[str, ...]
    lifetime_seconds: int
    token_type: str
    has_refresh_token: bool
    is_opaque: bool
    access_token: Mapping[str, Json] | None
    id_token: Mapping[str, Json] | None
    userinfo: Mapping[str, Json] | None


def redirect_uri(issuer: str, client_id: str) -> str:
    """Return where a test of a client leads back to."""
    return f"{issuer}/admin/clients/{path_name(client_id)}/test/callback"


def state_digest(context: Context, state: str) -> Digest:
    """Return what is stored of a test's state."""
    return context.engine.digester.digest(STATE, state)


async def is_under_way(context: Context, request: AuthorizationRequest) -> bool:
    """Say whether a request belongs to a test that may still lead back to us."""
    if request.tested_by is None or request.redirect_uri != redirect_uri(context.engine.issuer, request.client_id):
        return False
    test = await context.stores.client_tests.find(state_digest(context, request.state or ""), context.now)
    return test is not None and test.client_id == request.client_id and test.user_id == request.tested_by


async def issue_code(context: Context, request: AuthorizationRequest, session: Session) -> str | None:
    """Return the code of a test; None unless this account began it in this session, and it has none yet."""
    state, code = state_digest(context, request.state or ""), make_secret()
    test = await context.stores.client_tests.find(state, context.now)
    if test is None or not await is_under_way(context, request):
        return None
    if (test.user_id, test.session_id) != (session.user_id, session.id):
        return None
    if request.code_challenge != pkce.s256(test.verifier):  # the request is the one that the test began
        return None
    digest = context.engine.digester.digest(CODE, code)
    return code if await context.stores.client_tests.answer(state, digest, context.now) else None


def redeem(context: Context, test: ClientTest, code: str, client: Client, who: tuple[Session, User]) -> Redeemed:
    """Return what a code of a test that was spent just now stands for; raise RedirectError for any other code.

    The one step of a client that is left out is to prove who it is: nobody here knows its secret.
    """
    if test.code is None or not equal(test.code, context.engine.digester.digest(CODE, code)):
        raise RedirectError("invalid_grant", "code is not the one of this test")
    session, user = who
    audience, scopes = resource_indicators.at_authorize(
        context.engine.definitions.known, client, (), test.scopes, issuer=context.engine.issuer
    )
    uri = redirect_uri(context.engine.issuer, client.id)
    request = AuthorizationRequest(
        client.id, uri, ResponseMode.QUERY, scopes, nonce=test.nonce, acr_values=client.default_acr_values,
        resources=audience,
    )  # fmt: skip
    grant = grant_of(request, session, audience=(context.engine.issuer,), now=context.now)
    return _tokens(context, client, grant, user, test.nonce)


def _nobodys_key(client: Client) -> Confirmation:
    """Return what a token of a test is bound to where the client's own are bound: a key that nobody holds."""
    method = X5T if client.auth_method in METHODS else JKT
    return Confirmation(method, base64url(random_bytes(32)))


def _tokens(context: Context, client: Client, grant: Grant, user: User, nonce: str) -> Redeemed:
    engine, now = context.engine, context.now
    subject = engine.subjects.of_grant(client, grant)
    target = resource_indicators.aimed(engine.definitions.known, client, grant.audience, (), issuer=engine.issuer)
    is_bound = requires_binding(client) or target.shape.requires_sender_constraint
    token = access_token.make(
        client, grant, target.scopes(grant.scopes), now, subject=subject, life=target.shape.life,
        confirmation=_nobodys_key(client) if is_bound else None,
    )  # fmt: skip
    is_opaque = target.shape.format is TokenFormat.OPAQUE
    text = make_secret()
    if not is_opaque:
        text = access_token.sign(engine.keyring, engine.issuer, client, grant, token, alg=target.shape.alg)
    is_openid = "openid" in grant.scopes
    claims: dict[str, Json] | None = None
    if is_openid:
        signed = id_token.sign_id_token(
            engine.keyring, engine.digester, issuer=engine.issuer, client=client, grant=grant, subject=subject,
            user=user, beside=id_token.Beside(text), nonce=nonce, now=now,
        )  # fmt: skip
        claims = engine.keyring.read(
            signed, typ=id_token.TYP, check=lambda members: members.get("iss") == engine.issuer
        )
    return Redeemed(
        scopes=grant.scopes,
        lifetime_seconds=int((token.expires_at - now).total_seconds()),
        token_type=token.token_type,
        has_refresh_token=gets_refresh_token(client, grant.scopes),
        is_opaque=is_opaque,
        access_token=None if is_opaque else engine.keyring.read(text, typ=access_token.TYP, check=lambda _: True),
        id_token=claims,
        userinfo={**userinfo_claims(user, grant.scopes, None), "sub": subject} if is_openid else None,
    )
