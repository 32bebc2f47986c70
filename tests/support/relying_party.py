"""A minimal OAuth and OpenID Connect client for spec tests: it sends what it is told and checks what comes back.

It works over the network, and with `httpx2.ASGITransport(app=…)` inside the test's own process. Nothing is repaired or
assumed: every request parameter can be replaced or, with None, left out.
"""

import base64
import hashlib
import secrets
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from tests.support.client_auth import ClientAuthentication

Json = dict[str, Any]
Fields = Mapping[str, str | None] | list[tuple[str, str]]  #: a list may repeat a name
HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512, "DSA": hashlib.sha512}


def s256(verifier: str) -> str:
    """Return the code challenge of a verifier (RFC 7636 §4.2)."""
    return _base64url(hashlib.sha256(verifier.encode()).digest())


@dataclass(frozen=True)
class AuthorizationRequest:
    """What was sent to the authorization endpoint, and what only the client knows."""

    url: str
    parameters: Mapping[str, str]
    verifier: str


@dataclass(frozen=True)
class AuthorizationAnswer:
    """What came back from it."""

    parameters: Mapping[str, str]
    mode: str  #: query, fragment or form_post; with .jwt behind it if a signed response was opened

    @classmethod
    def from_url(cls, url: str) -> "AuthorizationAnswer":
        """Read a redirect to the client."""
        parts = urlsplit(url)
        mode = "fragment" if parts.fragment else "query"
        return cls(dict(parse_qsl(parts.fragment or parts.query, keep_blank_values=True)), mode)

    @property
    def code(self) -> str:
        """The authorization code; fails if an error came instead."""
        assert "code" in self.parameters, f"no code but {self.parameters}"
        return self.parameters["code"]

    @property
    def error(self) -> str | None:
        """The error code, if any."""
        return self.parameters.get("error")

    @property
    def state(self) -> str | None:
        """The state, as it came back."""
        return self.parameters.get("state")


@dataclass(frozen=True)
class Answer:
    """What an endpoint said."""

    status: int
    headers: httpx2.Headers
    body: Json = field(default_factory=dict)  #: empty unless a JSON object came
    text: str = ""

    @classmethod
    def of(cls, response: httpx2.Response) -> "Answer":
        """Read a response of any kind."""
        is_json = response.headers.get("content-type", "").split(";")[0].endswith("json") and response.content
        return cls(response.status_code, response.headers, response.json() if is_json else {}, response.text)

    @property
    def error(self) -> str | None:
        """The error code, if any."""
        return self.body.get("error")

    @property
    def access_token(self) -> str:
        """The access token; fails if there is none."""
        return self._member("access_token")

    @property
    def refresh_token(self) -> str:
        """The refresh token; fails if there is none."""
        return self._member("refresh_token")

    @property
    def id_token(self) -> str:
        """The ID token; fails if there is none."""
        return self._member("id_token")

    def _member(self, name: str) -> str:
        assert name in self.body, f"no {name} but {self.status} {self.text}"
        return str(self.body[name])


@dataclass
class RelyingParty:
    """One registered client."""

    http: httpx2.AsyncClient
    issuer: str
    client_id: str
    auth: ClientAuthentication
    redirect_uri: str = "https://rp.example/callback"
    scope: str = "openid profile email offline_access"
    now: Callable[[], float] = time.time
    requests: dict[str, AuthorizationRequest] = field(default_factory=dict)  #: by state, so that codes can be redeemed
    codes: dict[str, AuthorizationRequest] = field(default_factory=dict)
    _metadata: Json = field(default_factory=dict)

    async def metadata(self) -> Json:
        """Return the discovery document, fetched once."""
        if not self._metadata:
            response = await self.http.get(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
            assert response.status_code == 200, response.text
            self._metadata = response.json()
        return self._metadata

    async def authorization_request(
        self, *, verifier: str | None = None, **changes: str | None
    ) -> AuthorizationRequest:
        """Make a request with PKCE, state and nonce; `changes` replace parameters, None removes one."""
        verifier = verifier or secrets.token_urlsafe(48)
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": s256(verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        parameters = {name: value for name, value in given.items() if value is not None}
        endpoint = (await self.metadata())["authorization_endpoint"]
        request = AuthorizationRequest(f"{endpoint}?{urlencode(parameters)}", parameters, verifier)
        self.requests[parameters.get("state", "")] = request
        return request

    async def open(self, answer: AuthorizationAnswer) -> AuthorizationAnswer:
        """Return an answer as it is, or what a signed one holds after the checks of JARM §2.4."""
        if "response" not in answer.parameters:
            return answer
        assert answer.parameters.keys() == {"response"}, f"something stands beside the response: {answer.parameters}"
        claims = (await self.decode(answer.parameters["response"])).claims
        assert (claims["iss"], claims["aud"]) == (self.issuer, self.client_id)
        assert self.now() < claims["exp"] <= self.now() + 600
        given = {name: value for name, value in claims.items() if name not in ("aud", "exp")}
        assert all(isinstance(value, str) for value in given.values()), claims
        return AuthorizationAnswer(given, f"{answer.mode}.jwt")

    def receive(self, answer: AuthorizationAnswer) -> AuthorizationAnswer:
        """Match an answer to its request, and check that it is from the right issuer (RFC 9207)."""
        assert (answer.state or "") in self.requests, f"unknown state in {answer.parameters}"
        assert answer.parameters.get("iss") == self.issuer, f"wrong iss in {answer.parameters}"
        if "code" in answer.parameters:
            self.codes[answer.code] = self.requests[answer.state or ""]
        return answer

    async def redeem(self, code: str, **changes: str | None) -> Answer:
        """Trade a code for tokens, with the verifier and redirect URI of its request."""
        request = self.codes.get(code)
        fields: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.parameters.get("redirect_uri") if request else self.redirect_uri,
            "code_verifier": request.verifier if request else None,
        }
        return await self.post("token_endpoint", fields | changes)

    async def refresh(self, refresh_token: str, **changes: str | None) -> Answer:
        """Trade a refresh token for new tokens."""
        return await self.token(grant_type="refresh_token", refresh_token=refresh_token, **changes)

    async def token(self, **fields: str | None) -> Answer:
        """Ask the token endpoint for anything."""
        return await self.post("token_endpoint", fields)

    async def userinfo(self, access_token: str) -> Answer:
        """Ask about the person behind an access token."""
        endpoint = (await self.metadata())["userinfo_endpoint"]
        return Answer.of(await self.http.get(endpoint, headers={"Authorization": f"Bearer {access_token}"}))

    async def introspect(self, token: str, **changes: str | None) -> Answer:
        """Ask what a token means (RFC 7662)."""
        return await self.post("introspection_endpoint", {"token": token, **changes})

    async def is_active(self, token: str) -> bool:
        """Say whether the provider still honours a token."""
        return bool((await self.introspect(token)).body["active"])

    async def revoke(self, token: str, **changes: str | None) -> Answer:
        """End a token (RFC 7009)."""
        return await self.post("revocation_endpoint", {"token": token, **changes})

    async def post(
        self,
        endpoint: str,
        fields: Fields,
        *,
        auth: ClientAuthentication | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Post a form to an endpoint of the metadata, authenticated as this client or by another `auth`."""
        proof = (auth or self.auth).prove(self.client_id, self.issuer)
        given = list(fields.items()) if isinstance(fields, Mapping) else fields
        pairs = [(name, value) for name, value in (*given, *proof.fields.items()) if value is not None]
        response = await self.http.post(
            (await self.metadata())[endpoint],
            content=urlencode(pairs),
            headers={"Content-Type": "application/x-www-form-urlencoded", **proof.headers, **(headers or {})},
        )
        return Answer.of(response)

    async def decode(self, token: str) -> jwt.Token:
        """Return header and claims of a JWT whose signature one of the published keys proves, by its kid."""
        response = await self.http.get((await self.metadata())["jwks_uri"])
        header = jws.extract_compact(token.encode()).headers()
        assert header.get("kid"), "the token names no key"
        assert header["alg"] not in ("none", "HS256", "HS384", "HS512"), header
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joserfc dislikes the name EdDSA, which is still the usual one
            key = KeySet.import_key_set(response.json()).get_by_kid(header["kid"])
            return jwt.decode(token, key, algorithms=[header["alg"]])

    async def check_id_token(self, tokens: Answer, request: AuthorizationRequest | None = None) -> Json:
        """Return the ID token's claims after every check of OIDC Core §3.1.3.7; without `request` no nonce is due."""
        token = await self.decode(tokens.id_token)
        claims: Json = token.claims
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        assert claims["iss"] == self.issuer
        assert audience == [self.client_id]
        assert claims.get("azp", self.client_id) == self.client_id
        assert claims["iat"] <= self.now() + 1 < claims["exp"] + 1
        assert claims.get("nonce") == (request.parameters.get("nonce") if request else None)
        if "at_hash" in claims:
            assert claims["at_hash"] == half_hash(tokens.access_token, token.header["alg"])
        return claims


def half_hash(value: str, alg: str) -> str:
    """Return the at_hash or c_hash of a token or code (OIDC Core §3.1.3.6)."""
    digest = HASHES[alg[-3:]](value.encode()).digest()
    return _base64url(digest[: len(digest) // 2])


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
