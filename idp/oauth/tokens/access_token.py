"""Access tokens – JWTs by RFC 9068, or opaque handles for clients registered so.

A token names its grant in the first part of `jti`, so that whoever asks us learns of revocation at once.
No personal claims in either format.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from idp.domain.client import Client
from idp.domain.json import Json, JsonObject
from idp.domain.secret import Digester, base64url, make_secret, random_bytes
from idp.domain.tokens import AccessToken, Confirmation, Grant, read_confirmation
from idp.oauth.keyring import Keyring
from idp.oauth.openid.id_token import authentication_claims
from idp.policy import lifetimes
from idp.storage.access_tokens import AccessTokenStore

TYP = "at+jwt"
OPAQUE_LENGTH = 43
PURPOSE = "access_token"


def make(
    client: Client,
    grant: Grant,
    scopes: tuple[str, ...],
    now: datetime,
    *,
    subject: str,
    confirmation: Confirmation | None = None,
    audience: tuple[str, ...] | None = None,
    life: timedelta | None = None,
    details: tuple[JsonObject, ...] | None = None,
) -> AccessToken:
    """Return the facts of a new access token, bound to a key if one was proved, for part of what was granted."""
    life = life or lifetimes.ACCESS_TOKEN[client.token_format]
    audience = grant.audience if audience is None else audience
    return AccessToken(
        jti=f"{grant.id}.{base64url(random_bytes(9))}",
        grant_id=grant.id,
        client_id=client.id,
        subject=subject,
        scopes=scopes,
        audience=audience,
        issued_at=now,
        expires_at=min(now + life, grant.expires_at),
        confirmation=confirmation,
        details=_meant_for(grant.details if details is None else details, audience),
    )


def _meant_for(details: tuple[JsonObject, ...], audience: tuple[str, ...]) -> tuple[JsonObject, ...]:
    """Return the details that concern an audience: it is among their `locations`, or they name none (RFC 9396 §9)."""
    return tuple(each for each in details if _concerns(each.get("locations"), audience))


def _concerns(locations: Json, audience: tuple[str, ...]) -> bool:
    return not isinstance(locations, list) or not locations or any(place in audience for place in locations)


def sign(
    keyring: Keyring, issuer: str, client: Client, grant: Grant, token: AccessToken, *, alg: str | None = None
) -> str:
    """Return the JWT of a token, signed as the client wants it unless its audience wants something (RFC 9068 §2)."""
    claims: dict[str, Json] = {
        "iss": issuer,
        "sub": token.subject,
        "aud": token.audience[0] if len(token.audience) == 1 else list(token.audience),
        "client_id": token.client_id,
        "exp": int(token.expires_at.timestamp()),
        "iat": int(token.issued_at.timestamp()),
        "jti": token.jti,
        "scope": " ".join(token.scopes),
        **authentication_claims(grant),
    }
    claims |= terms_claims(token, grant)
    return keyring.sign(claims, alg=alg or client.access_token_alg, typ=TYP)


def terms_claims(token: AccessToken, grant: Grant) -> dict[str, Json]:
    """Return what few tokens have: `cnf` (RFC 7800 §3.1), `authorization_details` (RFC 9396 §9), `act` (RFC 8693)."""
    claims: dict[str, Json] = {}
    if token.confirmation is not None:
        claims["cnf"] = token.confirmation.as_claim()
    if token.details:
        claims["authorization_details"] = [dict(each) for each in token.details]
    if grant.actor is not None:
        claims["act"] = dict(grant.actor)
    return claims


async def keep_opaque(store: AccessTokenStore, digester: Digester, token: AccessToken) -> str:
    """Make a handle for a token and store its digest."""
    handle = make_secret()
    await store.add(token, digester.digest(PURPOSE, handle))
    return handle


async def read(
    text: str, *, keyring: Keyring, store: AccessTokenStore, digester: Digester, issuer: str, now: datetime
) -> AccessToken | None:
    """Return the facts of a live access token of either format, None for anything else.

    Whether its grant still lives, and whether it was revoked by itself, is the caller's next question
    (GrantStore.find_live, with the token's jti).
    """
    if len(text) == OPAQUE_LENGTH:
        return await store.find(digester.digest(PURPOSE, text), now)
    claims = keyring.read(text, typ=TYP, check=lambda members: members.get("iss") == issuer)
    token = _from_claims(claims) if claims else None
    return token if token is not None and now < token.expires_at else None


def _from_claims(claims: Mapping[str, Json]) -> AccessToken | None:
    jti, client_id, subject, scope = (claims.get(name) for name in ("jti", "client_id", "sub", "scope"))
    issued, expires, audience = claims.get("iat"), claims.get("exp"), claims.get("aud")
    if not (isinstance(jti, str) and isinstance(client_id, str) and isinstance(subject, str)):
        return None
    if not (isinstance(scope, str) and isinstance(issued, int) and isinstance(expires, int)):
        return None
    details = claims.get("authorization_details")
    listed = [audience] if isinstance(audience, str) else list(audience) if isinstance(audience, list) else []
    return AccessToken(
        jti=jti,
        grant_id=jti.partition(".")[0],
        client_id=client_id,
        subject=subject,
        scopes=tuple(scope.split()),
        audience=tuple(str(entry) for entry in listed),
        issued_at=datetime.fromtimestamp(issued, UTC),
        expires_at=datetime.fromtimestamp(expires, UTC),
        confirmation=read_confirmation(claims.get("cnf")),
        details=tuple(each for each in details if isinstance(each, dict)) if isinstance(details, list) else (),
    )
