"""Access tokens at an API – RFC 9068 §4, RFC 6750, RFC 9449 §7, RFC 8705 §3, RFC 9470 – and its metadata, RFC 9728.

Checks signature, typ, iss, aud and exp, then possession of the key, then scope, then acr and the age of the sign-in.
Not here: opaque tokens (ask the provider, RFC 7662) and revocation before a token's end.
"""

import functools
import time
from collections.abc import Awaitable, Callable, Iterable
from secrets import compare_digest
from urllib.parse import urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from idp_guard import acr as acr_values
from idp_guard import dpop
from idp_guard.dpop import Replays, ReplaysInMemory
from idp_guard.errors import STATUS, Challenge, Refused
from idp_guard.keys import ProviderKeys, Unreachable
from idp_guard.strict import json_object, number_of, sha256_of, text_of
from idp_guard.token import Token

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
TYPES = frozenset({"at+jwt", "application/at+jwt"})
LONGEST_TOKEN = 16 * 1024
LEEWAY_SECONDS = 5
Endpoint = Callable[[Request], Awaitable[Response]]
Certificate = Callable[[Request], bytes | None]
Requirement = Callable[[Request], Awaitable[Token]]


class Guard:
    """Lets calls pass that carry a good token of one issuer, made for one audience."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        resource: str | None = None,
        acr_prefix: str = "urn:idp:",
        scopes: Iterable[str] = (),
        replays: Replays | None = None,
        certificate: Certificate | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Name whose tokens count and who we are in them; `scopes` are those that the metadata announces.

        `audience` is our name in `aud`, usually our own address (RFC 8707 §2); where a provider puts something else
        there, `resource` is the address. DPoP proofs must name calls under it. `certificate` returns the certificate,
        as DER, that the client of a request has proved to hold; without it no token that is bound to one is good.
        `transport` and `now` are for tests.
        """
        self.issuer = issuer
        self.audience = audience
        self.resource = resource or audience
        self._prefix = acr_prefix
        self._scopes = tuple(scopes)
        self._certificate = certificate
        self._replays = replays or ReplaysInMemory(now=now)
        self._keys = ProviderKeys(issuer, transport=transport, now=now)
        self._now = now

    def require(self, *, scope: str = "", acr: str | None = None, max_age: int | None = None) -> Requirement:
        """Return a dependency for FastAPI: `Depends(guard.require(acr="urn:idp:loa:2", max_age=300))`.

        `scope` lists scopes that must all be there; `acr` is what the sign-in must have reached, and `max_age` how many
        seconds it may be old. It returns the Token, or raises a Challenge that answers the call.
        """
        wanted = frozenset(scope.split())

        async def dependency(request: Request) -> Token:
            scheme = "Bearer"
            try:
                scheme, credentials = _credentials(request)
                token = await self._checked(credentials)
                scheme = "DPoP" if token.key_thumbprint else "Bearer"
                await self._check_possession(request, token, credentials)
                _check_scope(token, wanted)
                self._check_authentication(token, acr, max_age)
            except Unreachable as error:
                headers = {"Retry-After": "10", "Cache-Control": "no-store"}
                raise HTTPException(503, "the keys of the identity provider cannot be read", headers) from error
            except Refused as error:
                raise self._challenge(scheme, error, scope) from error
            return token

        return dependency

    def protect(
        self, *, scope: str = "", acr: str | None = None, max_age: int | None = None
    ) -> Callable[[Endpoint], Endpoint]:
        """Guard an endpoint of Starlette; the token stands in `request.state.token`. Arguments as for `require`."""
        requirement = self.require(scope=scope, acr=acr, max_age=max_age)

        def decorate(endpoint: Endpoint) -> Endpoint:
            @functools.wraps(endpoint)
            async def guarded(request: Request) -> Response:
                request.state.token = await requirement(request)
                return await endpoint(request)

            return guarded

        return decorate

    def around(self, app: ASGIApp, *, scope: str = "", acr: str | None = None, max_age: int | None = None) -> ASGIApp:
        """Guard a whole ASGI application, such as a mounted one; the token stands in `request.state.token`.

        Arguments as for `require`. Its metadata must be served outside of it.
        """
        requirement = self.require(scope=scope, acr=acr, max_age=max_age)

        async def guarded(asgi: Scope, receive: Receive, send: Send) -> None:
            if asgi["type"] == "lifespan":
                await app(asgi, receive, send)
                return
            if asgi["type"] != "http":  # a browser's WebSocket cannot carry the header
                await send({"type": "websocket.close", "code": 1008})
                return
            try:
                token = await requirement(Request(asgi, receive))
            except HTTPException as refused:  # a Challenge among them
                answer = JSONResponse({"error": refused.detail}, refused.status_code, headers=refused.headers)
                await answer(asgi, receive, send)
                return
            asgi.setdefault("state", {})["token"] = token
            await app(asgi, receive, send)

        return guarded

    @property
    def metadata(self) -> dict[str, object]:
        """Return what clients may know of this API (RFC 9728 §2)."""
        document: dict[str, object] = {
            "resource": self.resource,
            "authorization_servers": [self.issuer],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": dpop.ALGORITHMS,
        }
        if self._certificate is not None:
            document["tls_client_certificate_bound_access_tokens"] = True
        return document | ({"scopes_supported": list(self._scopes)} if self._scopes else {})

    @property
    def metadata_path(self) -> str:
        """Return where the metadata stands: the well-known name before the resource's own path (RFC 9728 §3.1)."""
        return "/.well-known/oauth-protected-resource" + urlsplit(self.resource).path.rstrip("/")

    def metadata_route(self) -> Route:
        """Return the route that serves the metadata, for the top of the application."""

        async def answer(_request: Request) -> Response:
            headers = {"Cache-Control": "public, max-age=600", "Access-Control-Allow-Origin": "*"}
            return JSONResponse(self.metadata, headers=headers)

        return Route(self.metadata_path, answer)

    def _challenge(self, scheme: str, refused: Refused, wanted: str = "") -> Challenge:
        parts = urlsplit(self.resource)
        where: dict[str, str | int] = {}
        if parts.scheme in {"http", "https"}:
            where = {"resource_metadata": f"{parts.scheme}://{parts.netloc}{self.metadata_path}"}
        if scheme == "DPoP":
            where["algs"] = " ".join(dpop.ALGORITHMS)
        if not refused.error:
            return Challenge(401, scheme, ({"scope": wanted} if wanted else {}) | where)
        told: dict[str, str | int] = {"error": refused.error, "error_description": refused.description}
        return Challenge(STATUS[refused.error], scheme, told | refused.parameters | where)

    async def _checked(self, credentials: str) -> Token:
        if len(credentials) > LONGEST_TOKEN or credentials.count(".") != 2:
            raise Refused("invalid_token", "the token is no JWT of this provider")
        try:
            header = json_object(credentials.split(".")[0])
            keys = await self._keys.having(text_of(header, "kid"))
            claims = jwt.decode(credentials, keys, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Refused("invalid_token", "the signature of the token is not good") from error
        if str(header.get("typ", "")).lower() not in TYPES:
            raise Refused("invalid_token", "this is not an access token")
        audience = claims.get("aud")
        if claims.get("iss") != self.issuer:
            raise Refused("invalid_token", "the token is of another issuer")
        if self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise Refused("invalid_token", "the token is for another audience")
        expires_at, begins_at = number_of(claims, "exp"), number_of(claims, "nbf")
        if expires_at is None or expires_at <= self._now() - LEEWAY_SECONDS:
            raise Refused("invalid_token", "the token has expired")
        if begins_at is not None and begins_at > self._now() + LEEWAY_SECONDS:
            raise Refused("invalid_token", "the token is not good yet")
        return Token.from_claims(claims)

    async def _check_possession(self, request: Request, token: Token, credentials: str) -> None:
        scheme, proofs = _scheme(request), request.headers.getlist("dpop")
        if token.certificate_thumbprint is not None or (token.is_bound and token.key_thumbprint is None):
            self._check_certificate(request, token)
        if token.key_thumbprint is None:
            if scheme == "dpop":
                raise Refused("invalid_token", "the token is bound to no key")
            return
        if scheme != "dpop":
            raise Refused("invalid_token", "the token is bound to a key; send it with the scheme DPoP and a proof")
        if len(proofs) != 1:
            raise Refused("invalid_dpop_proof", "exactly one DPoP header is needed")
        await dpop.check(
            proofs[0],
            access_token=credentials,
            thumbprint=token.key_thumbprint,
            method=request.method,
            url=self._address_of(request),
            replays=self._replays,
            now=self._now(),
        )

    def _check_certificate(self, request: Request, token: Token) -> None:
        """Refuse a token that is bound to another certificate, or to something unknown."""
        held = self._certificate(request) if self._certificate is not None else None
        bound_to = token.certificate_thumbprint
        if bound_to is None or held is None or not compare_digest(bound_to, sha256_of(held)):
            raise Refused("invalid_token", "the token is bound to something that this call does not prove")

    def _address_of(self, request: Request) -> str:
        """Return the address that was called: scheme and host are our own, whatever `Host` says."""
        parts = urlsplit(self.resource)
        if parts.scheme in {"http", "https"}:
            return f"{parts.scheme}://{parts.netloc}{request.url.path}"
        return str(request.url)

    def _check_authentication(self, token: Token, acr: str | None, max_age: int | None) -> None:
        asked: dict[str, str | int] = {}
        if acr is not None:
            asked["acr_values"] = acr
        if max_age is not None:
            asked["max_age"] = max_age
        is_enough = acr is None or any(
            token.acr is not None and acr_values.satisfies(token.acr, value, prefix=self._prefix)
            for value in acr.split()
        )
        if not is_enough:
            raise Refused("insufficient_user_authentication", "a stronger proof of the person is needed", **asked)
        if max_age is not None and (token.auth_time is None or self._now() - token.auth_time > max_age):
            raise Refused("insufficient_user_authentication", "a more recent sign-in is needed", **asked)


def _check_scope(token: Token, wanted: frozenset[str]) -> None:
    if not wanted <= token.scopes:
        raise Refused("insufficient_scope", "the token does not allow this", scope=" ".join(sorted(wanted)))


def _scheme(request: Request) -> str:
    return request.headers.get("authorization", "").partition(" ")[0].lower()


def _credentials(request: Request) -> tuple[str, str]:
    """Return scheme and token of the one Authorization header; nowhere else is a token looked for."""
    sent = request.headers.getlist("authorization")
    if len(sent) > 1:
        raise Refused("invalid_request", "one Authorization header is enough")
    scheme, _, credentials = (sent[0] if sent else "").partition(" ")
    if scheme.lower() not in {"bearer", "dpop"} or not credentials.strip():
        raise Refused("", "a token is needed")
    return ("DPoP" if scheme.lower() == "dpop" else "Bearer"), credentials.strip()
