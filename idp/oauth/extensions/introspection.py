"""Token introspection – RFC 7662.

Callers are confidential clients. A client sees its own tokens, a resource server those with its audience; anything
else, and anything unknown, expired or revoked, is `{"active": false}` and no more. Type hints change nothing.
Not here: answers as JWTs (RFC 9701) → tokens/introspection_response.py.
"""

from authlib.consts import default_json_headers
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7662 import IntrospectionEndpoint as AuthlibIntrospectionEndpoint

from idp.domain.client import CONFIDENTIAL_METHODS, Client
from idp.domain.json import Json
from idp.domain.tokens import AccessToken
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.openid.id_token import authentication_claims
from idp.oauth.request import ProtocolRequest
from idp.oauth.tokens import access_token, introspection_response, refresh_token
from idp.oauth.tokens.encryption import NoEncryptionKey
from idp.oauth.tokens.refresh_token import Standing
from idp.policy import lifetimes

INACTIVE: dict[str, Json] = {"active": False}
NO_STORE = [("Cache-Control", "no-store"), ("Pragma", "no-cache")]
Headers = list[tuple[str, str]]


class IntrospectionEndpoint(AuthlibIntrospectionEndpoint):  # type: ignore[misc]
    """Says what a token is worth now."""

    CLIENT_AUTH_METHODS = CONFIDENTIAL_METHODS

    def create_endpoint_response(self, request: ProtocolRequest) -> tuple[int, dict[str, Json] | bytes, Headers]:
        """Authenticate the caller, then describe the token (RFC 7662 §2.1, §2.2)."""
        caller = self.authenticate_endpoint_client(request).noun
        token = request.form.get("token")
        if token is None:
            raise InvalidRequestError("token is missing")
        context: Context = self.server.context
        described = wait(_describe_access_token(context, caller, token))
        if described is None:
            described = wait(_describe_refresh_token(context, caller, token))
        described = described or INACTIVE
        if not introspection_response.is_asked(context.http.headers.get("accept", "")):
            return 200, described, default_json_headers
        try:
            signed = introspection_response.sign(context.engine, caller, described, context.now)
        except NoEncryptionKey as error:
            raise InvalidRequestError(f"this client publishes no key with use enc for {error}") from error
        return 200, signed, [("Content-Type", introspection_response.MEDIA_TYPE), *NO_STORE]


async def _describe_access_token(context: Context, caller: Client, text: str) -> dict[str, Json] | None:
    engine, stores = context.engine, context.stores
    token = await access_token.read(
        text, keyring=engine.keyring, store=stores.access_tokens, digester=engine.digester, issuer=engine.issuer,
        now=context.now,
    )  # fmt: skip
    if token is None or not _may_see(caller, token):
        return None
    live = await stores.grants.find_live(token.grant_id, context.now, jti=token.jti)
    if live is None or await context.client(token.client_id) is None:
        return None
    return {
        "active": True,
        "scope": " ".join(token.scopes),
        "client_id": token.client_id,
        "sub": token.subject,
        "aud": token.audience[0] if len(token.audience) == 1 else list(token.audience),
        "iss": engine.issuer,
        "exp": int(token.expires_at.timestamp()),
        "iat": int(token.issued_at.timestamp()),
        "token_type": token.token_type,
        "jti": token.jti,
        **authentication_claims(live.grant),
        **access_token.terms_claims(token, live.grant),
    }


def _may_see(caller: Client, token: AccessToken) -> bool:
    return token.client_id == caller.id or any(audience in caller.audiences for audience in token.audience)


async def _describe_refresh_token(context: Context, caller: Client, text: str) -> dict[str, Json] | None:
    presented = refresh_token.read(text, context.engine.digester)
    live = await context.stores.grants.find_live(presented.grant_id, context.now) if presented else None
    if presented is None or live is None or live.refresh is None or live.grant.client_id != caller.id:
        return None
    grace = lifetimes.refresh_grace(is_confidential=True)
    is_current = refresh_token.standing(presented, live.refresh, grace=grace, now=context.now) is Standing.CURRENT
    if not is_current or context.now >= live.refresh.expires_at:
        return None
    return {
        "active": True,
        "scope": " ".join(live.grant.scopes),
        "client_id": live.grant.client_id,
        "sub": context.engine.subjects.of_grant(caller, live.grant),
        "iss": context.engine.issuer,
        "exp": int(live.refresh.expires_at.timestamp()),
        "iat": int((live.refresh.rotated_at or live.grant.created_at).timestamp()),
        "token_type": "refresh_token",
        **authentication_claims(live.grant),
    }
