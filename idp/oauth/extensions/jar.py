"""JWT-Secured Authorization Requests – RFC 9101, OIDC Core §6: a request inside a JWS that its client signed.

Only what is signed counts (RFC 9101 §6.3). Stricter than the RFC: for every profile but `oidc` an object says for whom
it is and until when, at most an hour ahead; none is unsigned or encrypted. By reference only for profile `oidc`, and
only at a URL that was registered, byte for byte. A `jti` is spent when the request is answered.
Not here: fetching → oauth/remote_objects.py; what the request asks for → oauth/authorization.py.
"""

import json
from collections.abc import Mapping
from datetime import timedelta

from idp.domain.client import Client
from idp.domain.json import Json
from idp.oauth import signed
from idp.oauth.context import Context
from idp.oauth.errors import RedirectError
from idp.oauth.request import Pairs
from idp.policy import lifetimes
from idp.policy.profiles import request_object_algs, rules_for

TYPS = (None, "JWT", "oauth-authz-req+jwt")
_MAX_JTI = 256
_OF_THE_JWT = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
_LATEST = 2**37  # in the year 6325; what is later cannot be counted in dates


class Unpacked:
    """What a request object holds: the parameters that count, and its `jti` with its end, if it has one."""

    def __init__(self, pairs: Pairs, object_id: str | None) -> None:
        """Keep both."""
        self.pairs = pairs
        self.object_id = object_id


async def unpack(context: Context, client: Client, outer: Mapping[str, str]) -> Unpacked:
    """Return what was signed; raise RedirectError for an object that does not hold (RFC 9101 §6, §7)."""
    if "request" in outer and "request_uri" in outer:
        raise RedirectError("invalid_request", "request and request_uri exclude each other")
    text = outer["request"] if "request" in outer else _fetched(context, client, outer["request_uri"])
    claims = _verified(context, client, text)
    for name in ("client_id", "response_type"):
        if (name == "client_id" or name in outer) and claims.get(name) != outer[name]:
            raise RedirectError("invalid_request", f"{name} differs inside and outside the request object")
    if "request" in claims or "request_uri" in claims:
        raise _bad("a request object holds no other")
    _check_parties(context, client, claims)
    _check_times(context, client, claims)
    return Unpacked(_pairs(claims), _object_id(context, client, claims))


async def spend(context: Context, object_id: str) -> bool:
    """Spend the `jti` of a request object with its answer; False if it was answered before."""
    tag, _, end = object_id.rpartition("|")
    until = context.now + timedelta(seconds=max(0, int(end) - int(context.now.timestamp())))
    return await context.stores.replays.remember(context.engine.digester.digest("object_jti", tag), until)


def _bad(description: str) -> RedirectError:
    return RedirectError("invalid_request_object", description)


def _fetched(context: Context, client: Client, url: str) -> str:
    """Return the object behind a registered URL; it was fetched before this transaction began."""
    if not rules_for(client).objects_by_reference or not client.request_uris:
        raise RedirectError("request_uri_not_supported", "this client registered no request_uris")
    if url not in client.request_uris:
        raise RedirectError("invalid_request_uri", "request_uri is not registered for this client")
    text = context.fetched.get(url)
    if text is None:
        raise RedirectError("invalid_request_uri", "no request object could be fetched from there")
    return text


def _verified(context: Context, client: Client, text: str) -> dict[str, Json]:
    keys = signed.of_set(context.engine.keys_of(client))
    try:
        return signed.claims_of(text, keys, algs=request_object_algs(client), typs=TYPS)
    except signed.NotSigned as error:
        raise _bad(f"the request object {error}") from error


def _check_parties(context: Context, client: Client, claims: Mapping[str, Json]) -> None:
    rules, issuer = rules_for(client), context.engine.issuer
    if ("iss" in claims or rules.strict_objects) and claims.get("iss") != client.id:
        raise _bad("iss of the request object is not the client")
    audience = claims.get("aud")
    is_ours = audience == issuer or (isinstance(audience, list) and issuer in audience and rules.objects_have_friends)
    if ("aud" in claims or rules.strict_objects) and not is_ours:
        raise _bad("aud of the request object is not this issuer")


def _check_times(context: Context, client: Client, claims: Mapping[str, Json]) -> None:
    """Check exp, nbf and iat; FAPI 2.0 Message Signing §5.3.1 wants a young object with a short life."""
    rules, now = rules_for(client), context.now.timestamp()
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    known = {name: float(value) for name, value in times.items() if isinstance(value, int | float) and _is_time(value)}
    longest, ahead = lifetimes.REQUEST_OBJECT.total_seconds(), lifetimes.SKEW_AHEAD.total_seconds()
    if set(known) != set(times):
        raise _bad("exp, nbf and iat of the request object are times")
    if rules.strict_objects and "exp" not in known:
        raise _bad("the request object needs exp")
    if rules.objects_have_nbf and "nbf" not in known:
        raise _bad("the request object needs nbf")
    if now > known.get("exp", now) + lifetimes.SKEW_PAST.total_seconds():
        raise _bad("the request object has expired")
    if any(known.get(name, now) > now + ahead for name in ("nbf", "iat")):
        raise _bad("the request object is from the future")
    begin = known["nbf"] if rules.objects_have_nbf else now
    if rules.strict_objects and known["exp"] > begin + longest + ahead:
        raise _bad("exp of the request object is more than an hour ahead")
    if rules.objects_have_nbf and now - known["nbf"] > longest:
        raise _bad("nbf of the request object is more than an hour ago")


def _is_time(value: float) -> bool:
    return not isinstance(value, bool) and 0 <= value < _LATEST


def _object_id(context: Context, client: Client, claims: Mapping[str, Json]) -> str | None:
    jti = claims.get("jti")
    if jti is None:
        return None
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI:
        raise _bad("jti of the request object is no short string")
    end = claims.get("exp")
    last = float(end) if isinstance(end, int | float) else (context.now + lifetimes.REQUEST_OBJECT).timestamp()
    return (
        f"{client.id}|{jti}|{int(last + lifetimes.SKEW_PAST.total_seconds() + lifetimes.INTERACTION.total_seconds())}"
    )


def _pairs(claims: Mapping[str, Json]) -> Pairs:
    """Return the parameters as a request would carry them; what is no string is JSON (RFC 9101 §4)."""
    told = {name: value for name, value in claims.items() if name not in _OF_THE_JWT and value is not None}
    return [
        (name, each if isinstance(each, str) else json.dumps(each))
        for name, value in told.items()
        for each in (value if name == "resource" and isinstance(value, list) else [value])
    ]
