"""Answers that carry tokens to the browser: the implicit and hybrid flows – OIDC Core §3.2, §3.3, RFC 6749 §4.2.

An ID token here names what stands beside it (c_hash, at_hash). An access token here is opaque, lives five minutes, is
good at userinfo and nowhere else, and is never for a `resource`. All that one answer gives belongs to one grant, with
whatever its code is redeemed for: what ends the grant ends all of it.
Not here: who may ask for it → policy/response_types.py.
"""

from collections.abc import Mapping
from dataclasses import replace

from idp.domain.authorization import AuthorizationRequest
from idp.domain.client import Client
from idp.domain.event import EventKind
from idp.domain.session import Session
from idp.domain.tokens import Grant
from idp.domain.user import CLAIMS_BY_SCOPE, User
from idp.oauth.context import Context
from idp.oauth.errors import RedirectError
from idp.oauth.grants.authorization_code import grant_of, issue_code
from idp.oauth.openid import userinfo
from idp.oauth.openid.id_token import Beside, sign_id_token
from idp.oauth.tokens import access_token
from idp.policy import lifetimes
from idp.policy.response_types import IMPLICIT

Parameters = list[tuple[str, str]]
_AT_USERINFO = frozenset({"openid", *CLAIMS_BY_SCOPE})
# What an access token that anybody could use from a browser's history must not open.
_NOT_WITH_TOKEN = {"resource": "invalid_target", "authorization_details": "invalid_authorization_details"}


def check(response_type: str, scopes: tuple[str, ...], parameters: Mapping[str, str]) -> None:
    """Raise RedirectError for a request without what its response type needs, or with what it must not have."""
    words = response_type.split(" ")
    if words == ["code"]:
        return
    if "openid" not in scopes:
        raise RedirectError("invalid_scope", f"response_type {response_type} needs the scope openid")
    if "id_token" in words and "nonce" not in parameters:  # OIDC Core §3.2.2.1, §3.3.2.11
        raise RedirectError("invalid_request", f"response_type {response_type} needs a nonce")
    for name, error in _NOT_WITH_TOKEN.items():
        if "token" in words and name in parameters:
            raise RedirectError(error, f"{name} cannot be asked for with an access token from this endpoint")


async def respond(
    context: Context, request: AuthorizationRequest, client: Client, session: Session, user: User
) -> Parameters:
    """Store what the person of a session just allowed; return what the response type names: code, tokens."""
    grant = grant_of(request, session, audience=(context.engine.issuer,), now=context.now)
    if request.response_type == "code":
        return [("code", await issue_code(context, request, grant))]
    await context.engine.subjects.note(context.stores, client, user.id)
    # Until its code is redeemed it ends with the browser session, offline_access or not.
    await context.stores.grants.add(replace(grant, is_offline=False, expires_at=session.expires_at))
    code = await issue_code(context, request, grant) if request.returns("code") else None
    token = await _access_token(context, client, grant) if request.returns("token") else None
    parameters = [("code", code)] if code is not None else []
    if token is not None:
        parameters += token
    if request.returns("id_token"):
        beside = Beside(token[0][1] if token is not None else None, code)
        parameters.append(("id_token", _id_token(context, client, grant, user, beside, request.nonce)))
    await context.record(
        EventKind.TOKENS_ISSUED, user_id=user.id, client_id=client.id, session_id=session.id,
        grant_id=grant.id, grant_type=IMPLICIT,
    )  # fmt: skip
    return parameters


async def _access_token(context: Context, client: Client, grant: Grant) -> Parameters:
    """Return a new access token and what is told of it (RFC 6749 §4.2.2)."""
    engine, now = context.engine, context.now
    scopes = tuple(scope for scope in grant.scopes if scope in _AT_USERINFO)
    subject = engine.subjects.of_grant(client, grant)
    made = access_token.make(client, grant, scopes, now, subject=subject, audience=(engine.url(userinfo.PATH),))
    token = replace(made, expires_at=min(made.expires_at, now + lifetimes.FRONT_CHANNEL_TOKEN))
    text = await access_token.keep_opaque(context.stores.access_tokens, engine.digester, token)
    seconds = int((token.expires_at - now).total_seconds())
    return [
        ("access_token", text), ("token_type", "Bearer"), ("expires_in", str(seconds)), ("scope", " ".join(scopes)),
    ]  # fmt: skip


def _id_token(context: Context, client: Client, grant: Grant, user: User, beside: Beside, nonce: str | None) -> str:
    """Return the ID token, not encrypted yet; one that comes alone has the claims of its scopes (OIDC Core §5.4)."""
    engine = context.engine
    return sign_id_token(
        engine.keyring, engine.digester, issuer=engine.issuer, client=client, grant=grant, user=user, beside=beside,
        subject=engine.subjects.of_grant(client, grant), nonce=nonce, now=context.now,
        scopes=grant.scopes if beside == Beside() else (),
    )  # fmt: skip
