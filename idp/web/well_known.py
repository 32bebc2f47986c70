"""Public documents: discovery and the JWKS, prepared once per change and sent as bytes with an ETag."""

from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.oauth.extensions import dpop
from idp.oauth.extensions.protected_resource import WELL_KNOWN, metadata
from idp.oauth.openid.discovery import Prepared, prepare
from idp.web.cors import allow_anybody
from idp.web.site import site_of
from idp.wiring import DatabaseAway

PUBLIC = "public, max-age=600"


async def discovery(request: Request) -> Response:
    """Return the provider's metadata (OIDC Discovery §4, RFC 8414 §3); while the database is away, the last known."""
    site, document = site_of(request), request.scope["app"].state.discovery
    try:
        await site.watch.refresh()
        prepared: Prepared = await document.current()
    except DatabaseAway:
        prepared = document.last()
    return _document(request, prepared.body, prepared.etag, "application/json")


async def jwks(request: Request) -> Response:
    """Return the public keys (RFC 7517 §5); while the database is away, those last known."""
    site = site_of(request)
    try:
        await site.watch.refresh()
        snapshot = await site.engine.keyring.refresh()
    except DatabaseAway:
        snapshot = site.engine.keyring.snapshot
    return _document(request, snapshot.jwks, snapshot.etag, "application/jwk-set+json")


async def protected_resource(request: Request) -> Response:
    """Return what clients may know of an API of ours (RFC 9728 §3)."""
    site = site_of(request)
    path = request.scope["idp.path"].removeprefix(WELL_KNOWN)
    offers = site.engine.offers
    prepared = prepare(metadata(site.settings.issuer, path, proof_algs=dpop.ALGS, takes_certificates=offers.mutual_tls))
    return _document(request, prepared.body, prepared.etag, "application/json")


async def webauthn(request: Request) -> Response:
    """Return the other origins that may use our passkeys (WebAuthn Level 3 §5.11)."""
    origins = list(site_of(request).settings.webauthn_origins)
    if not origins:
        raise HTTPException(404)
    return JSONResponse({"origins": origins}, headers={"cache-control": PUBLIC})


def _document(request: Request, body: bytes, etag: str, media_type: str) -> Response:
    asked = request.headers.get("if-none-match")
    if asked is not None and etag in [tag.strip().removeprefix("W/") for tag in asked.split(",")]:
        return allow_anybody(Response(status_code=304, headers={"etag": etag, "cache-control": PUBLIC}))
    return _prepared(body, etag, media_type)


@lru_cache(maxsize=8)
def _prepared(body: bytes, etag: str, media_type: str) -> Response:
    """Return the response to a document, made once; sending it changes nothing in it."""
    return allow_anybody(Response(body, headers={"etag": etag, "cache-control": PUBLIC}, media_type=media_type))
