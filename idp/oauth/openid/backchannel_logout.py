"""Back-Channel Logout 1.0 §2.4, §2.5: the token that tells a client that somebody's session with us has ended.

Signed like the client's ID tokens and encrypted like them, so that it needs no other key; `typ` keeps it from ever
passing for one (§4.1). It names the person and the session, whatever the client asked for.
Not here: who is told → storage/logout_deliveries.py; how it gets there → flows/logout_worker.py.
"""

from datetime import datetime
from urllib.parse import urlencode

from idp.domain.client import Client
from idp.domain.json import Json
from idp.domain.secret import make_id
from idp.oauth.context import Engine
from idp.oauth.openid.id_token import session_identifier
from idp.oauth.tokens.encryption import sealed
from idp.policy import lifetimes

TYP = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def logout_token(engine: Engine, client: Client, *, user_id: str, session_id: str, now: datetime) -> str:
    """Return a new logout token; raise NoSigningKey or NoEncryptionKey."""
    claims: dict[str, Json] = {
        "iss": engine.issuer,
        "sub": engine.subjects.of(client, user_id),
        "aud": client.id,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetimes.LOGOUT_TOKEN).timestamp()),
        "jti": make_id(),
        "sid": session_identifier(engine.digester, session_id, client.id),
        "events": {EVENT: {}},
    }
    signed = engine.keyring.sign(claims, alg=client.id_token_alg, typ=TYP)
    return sealed(client, engine.keys_of(client), "id_token", signed, header={"iss": engine.issuer})  # RFC 7519 §5.3


def form_of(token: str) -> bytes:
    """Return the body of the request that carries a logout token, alone (§2.5)."""
    return urlencode({"logout_token": token}).encode("ascii")
