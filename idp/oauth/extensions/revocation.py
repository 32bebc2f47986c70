"""Token revocation – RFC 7009.

200 for own, unknown and foreign tokens alike; a foreign token lives on. A refresh token takes its whole grant along,
an access token only itself. Type hints change nothing. What could not be stored is 503, never 200 (web/errors.py).
"""

from authlib.consts import default_json_headers
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint as AuthlibRevocationEndpoint

from idp.domain.client import EVERY_METHOD, Client
from idp.domain.event import EventKind
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.request import ProtocolRequest
from idp.oauth.tokens import access_token, refresh_token


class RevocationEndpoint(AuthlibRevocationEndpoint):  # type: ignore[misc]
    """Ends a token at its owner's wish."""

    CLIENT_AUTH_METHODS = EVERY_METHOD

    def create_endpoint_response(self, request: ProtocolRequest) -> tuple[int, None, list[tuple[str, str]]]:
        """Authenticate the client, then revoke what is its own (RFC 7009 §2.1, §2.2)."""
        caller = self.authenticate_endpoint_client(request).noun
        token = request.form.get("token")
        if token is None:
            raise InvalidRequestError("token is missing")
        wait(_revoke(self.server.context, caller, token))
        headers = [header for header in default_json_headers if header[0].lower() != "content-type"]
        return 200, None, headers


async def _revoke(context: Context, caller: Client, text: str) -> None:
    engine, stores, now = context.engine, context.stores, context.now
    presented = refresh_token.read(text, engine.digester)
    if presented is not None:
        live = await stores.grants.find_live(presented.grant_id, now)
        if live is not None and live.grant.client_id == caller.id:
            await stores.grants.revoke(live.grant.id, now)
            await context.record(
                EventKind.TOKEN_REVOKED, user_id=live.grant.user_id, client_id=caller.id, grant_id=live.grant.id
            )
        return
    token = await access_token.read(
        text, keyring=engine.keyring, store=stores.access_tokens, digester=engine.digester, issuer=engine.issuer,
        now=now,
    )  # fmt: skip
    if token is not None and token.client_id == caller.id:
        await stores.access_tokens.revoke(token, now)
        await context.record(EventKind.TOKEN_REVOKED, client_id=caller.id, grant_id=token.grant_id)
