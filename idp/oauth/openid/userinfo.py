"""Userinfo – OIDC Core §5.3, with the bearer rules of RFC 6750 §2, §3.

The token comes in the header, or in the body of a form POST; one place only, never the URL. Grant, person, session
and client are looked at live, so a revoked token fails here although its signature still verifies.
"""

from idp.domain.client import Client
from idp.domain.json import Json
from idp.oauth.context import Context
from idp.oauth.openid.claims import userinfo_claims
from idp.oauth.openid.subject import subject_of
from idp.oauth.request import Answer, bearer_token
from idp.oauth.tokens import access_token

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


async def userinfo(context: Context) -> tuple[Answer, Client | None]:
    """Answer a userinfo request; return also the token's client, if the token is one of ours."""
    http = context.http
    from_header = bearer_token(http.headers.get("authorization"))
    in_body = [value for name, value in http.form if name == "access_token"]
    in_url = [value for name, value in http.query if name == "access_token"]
    if (from_header is not None) + len(in_body) + len(in_url) > 1:
        return _refuse(400, "invalid_request", "the access token was sent in more than one place"), None
    text = from_header if from_header is not None else (in_body[0] if in_body else None)
    if not text:  # nor does one in the URL count, where logs and histories keep it (RFC 6750 §5.3)
        return _refuse(401, None, None), None  # no credentials: a bare challenge (RFC 6750 §3.1)
    return await _answer(context, text)


async def _answer(context: Context, text: str) -> tuple[Answer, Client | None]:
    engine, stores = context.engine, context.stores
    token = await access_token.read(
        text, keyring=engine.keyring, store=stores.access_tokens, digester=engine.digester, issuer=engine.issuer,
        now=context.now,
    )  # fmt: skip
    client = await context.client(token.client_id) if token else None
    live = await stores.grants.find_live(token.grant_id, context.now, jti=token.jti) if token else None
    if token is None or live is None or engine.issuer not in token.audience:
        return _refuse(401, "invalid_token", "the access token is unknown, expired, revoked or not for us"), client
    if client is None:
        return _refuse(401, "invalid_token", "the client has ended"), None
    if live.user is None or "openid" not in token.scopes:
        return _refuse(403, "insufficient_scope", "the access token lacks the scope openid"), client
    claims: dict[str, Json] = userinfo_claims(live.user, token.scopes, live.grant.userinfo_claims)
    return Answer(200, {**claims, "sub": subject_of(live.grant)}, NO_STORE), client


def _refuse(status: int, error: str | None, description: str | None) -> Answer:
    challenge = 'Bearer realm="userinfo"'
    if error is not None:
        challenge += f', error="{error}", error_description="{description}"'
    if error == "insufficient_scope":
        challenge += ', scope="openid"'
    body = {"error": error, "error_description": description} if error is not None else {}
    return Answer(status, body, (*NO_STORE, ("WWW-Authenticate", challenge)))
