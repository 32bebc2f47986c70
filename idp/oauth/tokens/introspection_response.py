"""JWT Response for OAuth Token Introspection – RFC 9701: the answer signed for its caller, if it asks for that.

The answer says who made it, for whom and when, and has no `exp` and `sub` of its own: it is no token (§5, §8.1).
Not here: what a token is worth → extensions/introspection.py.
"""

from datetime import datetime

from idp.domain.client import Client
from idp.domain.json import Json
from idp.oauth.context import Engine
from idp.oauth.tokens.encryption import sealed

TYP = "token-introspection+jwt"
MEDIA_TYPE = f"application/{TYP}"


def is_asked(accept: str) -> bool:
    """Say whether the caller names this media type in its Accept header (§4)."""
    for part in accept.split(","):
        media_type, *parameters = (word.strip().lower() for word in part.split(";"))
        if media_type == MEDIA_TYPE and not any(word.replace(" ", "") in ("q=0", "q=0.0") for word in parameters):
            return True
    return False


def sign(engine: Engine, caller: Client, described: dict[str, Json], now: datetime) -> bytes:
    """Return the answer as a JWT for its caller, encrypted if it registered that; raise NoEncryptionKey (§5)."""
    claims: dict[str, Json] = {
        "iss": engine.issuer,
        "aud": caller.id,
        "iat": int(now.timestamp()),
        "token_introspection": described,
    }
    signed = engine.keyring.sign(claims, alg=caller.introspection_alg, typ=TYP)
    return sealed(caller, engine.keys_of(caller), "introspection", signed).encode("ascii")
