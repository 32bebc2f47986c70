"""Tokens of ours that a client trades for others – RFC 8693 §2.1: whom they speak of, as long as they are alive.

Stricter: the token was made for the client, or for an API that it introspects for; one that is bound to a key comes
with a proof of that key, and one that is good at userinfo only, as all from a browser's address, is good for nothing
else. To be called from inside `bridge.run`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError

from idp.domain.client import Client
from idp.domain.json import JsonObject
from idp.domain.tokens import AccessToken, Confirmation
from idp.domain.user import User
from idp.oauth.bridge import wait
from idp.oauth.context import Context
from idp.oauth.openid import id_token
from idp.oauth.tokens import access_token
from idp.policy.resources import USERINFO
from idp.storage.grants import LiveGrant

MAX_TOKEN = 16 * 1024


@dataclass(frozen=True, slots=True)
class Subject:
    """The person a token speaks of, by the grant that gave it; what of that grant the token itself carries."""

    live: LiveGrant
    user: User
    client_id: str
    expires_at: datetime
    scopes: tuple[str, ...]
    audience: tuple[str, ...]
    may_act: JsonObject | None = None


def live_token(context: Context, text: str, proved: Confirmation | None) -> tuple[AccessToken, LiveGrant] | None:
    """Return an access token and its grant while both, and the client, are alive; refuse one whose key is not here."""
    engine, stores, now = context.engine, context.stores, context.now
    if len(text) > MAX_TOKEN:
        return None
    token = wait(
        access_token.read(
            text, keyring=engine.keyring, store=stores.access_tokens, digester=engine.digester, issuer=engine.issuer,
            now=now,
        )
    )  # fmt: skip
    if token is None or wait(context.client(token.client_id)) is None:
        return None
    if token.audience == (engine.url(USERINFO),):
        return None
    if token.confirmation is not None and token.confirmation != proved:
        raise InvalidRequestError("the token is bound to a key, and no proof of that key came with it")
    live = wait(stores.grants.find_live(token.grant_id, now, jti=token.jti))
    return (token, live) if live is not None else None


def of_access_token(context: Context, client: Client, text: str, proved: Confirmation | None) -> Subject | None:
    """Return whom an access token speaks of; None for one that is not alive, not for the client, or of nobody."""
    found = live_token(context, text, proved)
    if found is None or found[1].user is None:
        return None
    token, live = found
    if token.client_id != client.id and not set(token.audience) & set(client.audiences):
        return None
    claims = context.engine.keyring.read(text, typ=access_token.TYP, check=lambda _: True) or {}
    may_act: Any = claims.get("may_act")
    assert live.user is not None, "it was looked at before"
    return Subject(live, live.user, token.client_id, token.expires_at, token.scopes, token.audience, may_act)


def of_id_token(context: Context, client: Client, text: str) -> Subject | None:
    """Return whom an ID token for the client speaks of, while a grant of its session is alive; None for any other."""
    engine, stores, now = context.engine, context.stores, context.now
    claims: Any = engine.keyring.read(text, typ=id_token.TYP, check=lambda said: said.get("iss") == engine.issuer) or {}
    ends = claims.get("exp")
    if claims.get("aud") != client.id or claims.get("azp") != client.id or not isinstance(ends, int):
        return None
    user_id = wait(engine.subjects.person(stores, client, str(claims.get("sub"))))
    if user_id is None or now.timestamp() >= ends:
        return None
    for grant in wait(stores.grants.of_user(user_id, now)):
        if grant.client_id != client.id or grant.session_id is None or grant.parent_id is not None:
            continue
        live = wait(stores.grants.find_live(grant.id, now))
        is_its_session = claims.get("sid") == id_token.session_identifier(engine.digester, grant.session_id, client.id)
        if is_its_session and live is not None and live.user is not None:
            return Subject(live, live.user, client.id, datetime.fromtimestamp(ends, UTC), grant.scopes, grant.audience)
    return None
