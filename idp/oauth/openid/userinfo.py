"""Userinfo – OIDC Core §5.3, with the rules of RFC 6750 §2, §3 and RFC 9449 §7 for the token.

The token comes in the header, or in the body of a form POST; one place only, never the URL. What it is bound to, and
whether its grant, person, session and client are alive → oauth/presented.py.
"""

import json

from idp.domain.client import Client
from idp.domain.json import Json
from idp.oauth import presented
from idp.oauth.context import Context, Engine
from idp.oauth.openid.claims import userinfo_claims
from idp.oauth.presented import BEARER, DPOP, Presented, TokenRefused
from idp.oauth.remote_keys import KeysWanted
from idp.oauth.request import Answer
from idp.oauth.tokens.encryption import NoEncryptionKey, sealed
from idp.policy.encryption import wanted

PATH = "/userinfo"
NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
REALM = "userinfo"
TYP = "userinfo+jwt"  # never to be taken for an ID token, which it resembles (RFC 8725 §3.11)


async def userinfo(context: Context) -> tuple[Answer, Client | None]:
    """Answer a userinfo request; return also the token's client, if the token is one of ours."""
    http = context.http
    from_header = presented.credentials(http.headers.get("authorization"))
    in_body = [value for name, value in http.form if name == "access_token"]
    in_url = [value for name, value in http.query if name == "access_token"]
    if (from_header is not None) + len(in_body) + len(in_url) > 1:
        refused = TokenRefused("invalid_request", "the access token was sent in more than one place")
        return _refuse(400, refused), None
    found = from_header if from_header is not None else (BEARER, in_body[0]) if in_body and in_body[0] else None
    if found is None:  # nor does one in the URL count, where logs and histories keep it (RFC 6750 §5.3)
        return _refuse(401, TokenRefused(None)), None  # no credentials: a bare challenge (RFC 6750 §3.1)
    audiences = (context.engine.issuer, context.engine.url(PATH))
    try:
        good = await presented.read(context, *found, audiences=audiences)
    except TokenRefused as refused:
        return _refuse(401, refused), refused.client
    try:
        return _answer(context, good), good.client
    except NoEncryptionKey as error:
        why = f"the client publishes no key with use enc for {error}"
        return _refuse(400, TokenRefused("invalid_request", why, scheme=good.scheme)), good.client


def _answer(context: Context, good: Presented) -> Answer:
    live, token = good.live, good.token
    if live.user is None or "openid" not in token.scopes:
        error = TokenRefused("insufficient_scope", "the access token lacks the scope openid", scheme=good.scheme)
        return _refuse(403, error)
    claims: dict[str, Json] = userinfo_claims(live.user, token.scopes, live.grant.userinfo_claims)
    nonce = (("DPoP-Nonce", good.next_nonce),) if good.next_nonce else ()
    claims["sub"] = context.engine.subjects.of_grant(good.client, live.grant)
    body = _written(context.engine, good.client, claims)
    media_type = () if body is claims else (("Content-Type", "application/jwt"),)
    return Answer(200, body, (*NO_STORE, *media_type, *nonce))


def _written(engine: Engine, client: Client, claims: dict[str, Json]) -> bytes | dict[str, Json]:
    """Return the claims as the client registered to have them: plain, signed, encrypted or both (§5.3.2).

    Raises KeysWanted if its keys must be fetched first, NoEncryptionKey if none fits.
    """
    how = wanted(client, "userinfo")
    if how is None and client.userinfo_alg is None:
        return claims
    if how is not None and engine.remote_keys is not None and engine.remote_keys.is_due(client):
        raise KeysWanted(client)
    if client.userinfo_alg is None:
        return sealed(client, engine.keys_of(client), "userinfo", json.dumps(claims), cty=None).encode("ascii")
    signed = engine.keyring.sign({**claims, "iss": engine.issuer, "aud": client.id}, alg=client.userinfo_alg, typ=TYP)
    return sealed(client, engine.keys_of(client), "userinfo", signed).encode("ascii")


def _refuse(status: int, refused: TokenRefused) -> Answer:
    error, description = refused.error, refused.description
    if error is None:
        value = f"{presented.challenge(BEARER, realm=REALM)}, {presented.challenge(DPOP, realm=REALM)}"
        return Answer(status, {}, (*NO_STORE, ("WWW-Authenticate", value)))
    told = {"realm": REALM, "error": error, "error_description": description}
    if error == "insufficient_scope":
        told["scope"] = "openid"
    headers = [*NO_STORE, ("WWW-Authenticate", presented.challenge(refused.scheme, **told))]
    if refused.nonce is not None:
        headers.append(("DPoP-Nonce", refused.nonce))
    return Answer(status, {"error": error, "error_description": description}, headers)
