"""A provider that says yes to everything, and lies when told to: for testing relying parties, never ourselves."""

import base64
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.relying_party import half_hash, s256

Json = dict[str, Any]


@dataclass
class Lies:
    """What the next answers are changed to; None removes a member."""

    metadata: Json = field(default_factory=dict)
    authorization: Mapping[str, str | None] = field(default_factory=dict)
    id_token: Json = field(default_factory=dict)
    access_token: Json = field(default_factory=dict)
    tokens: Json = field(default_factory=dict)
    userinfo: Json = field(default_factory=dict)
    status: Mapping[str, int] = field(default_factory=dict)  #: endpoint → status of a broken answer
    signing_key: ECKey | None = None


class FakeProvider:
    """Signs in the same person again and again; remembers what it was asked."""

    def __init__(self, issuer: str, *, now: Callable[[], float] = time.time) -> None:
        self.issuer = issuer
        self._now = now
        self.lies = Lies()
        self.person: Json = {"sub": "248289761001", "name": "Ada Lovelace", "email": "ada@example.org"}
        self.auth_time: int | None = int(now())
        self.requests: list[tuple[str, Json]] = []  #: path and parameters, as they came
        self._kid = "fake"
        self._key = ECKey.generate_key("P-256", {"kid": self._kid, "use": "sig", "alg": "ES256"})
        self._codes: dict[str, Json] = {}
        self._refresh_token = ""
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
                Route("/introspect", self._introspect, methods=["POST"]),
                Route("/end_session", self._end_session),
            ]
        )

    def tell_the_truth(self) -> None:
        """Forget all lies; the person has signed in just now."""
        self.lies = Lies()
        self.auth_time = int(self._now())

    def roll_over(self) -> None:
        """Sign by a new key from now on, and publish no other."""
        self._kid += "+"
        self._key = ECKey.generate_key("P-256", {"kid": self._kid, "use": "sig", "alg": "ES256"})

    def asked(self, path: str) -> Json:
        """Return the parameters of the last request to a path."""
        return next(parameters for asked, parameters in reversed(self.requests) if asked == path)

    async def _metadata(self, _request: Request) -> Response:
        names = {"authorization": "authorize", "token": "token", "userinfo": "userinfo", "introspection": "introspect"}
        endpoints = {f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in names.items()}
        return self._json(
            "metadata",
            {
                "issuer": self.issuer,
                **endpoints,
                "end_session_endpoint": f"{self.issuer}/end_session",
                "jwks_uri": f"{self.issuer}/jwks",
                "id_token_signing_alg_values_supported": ["ES256"],
                "authorization_response_iss_parameter_supported": True,
                **self.lies.metadata,
            },
        )

    async def _jwks(self, _request: Request) -> Response:
        return self._json("jwks", {"keys": [self._key.as_dict(private=False)]})

    async def _authorize(self, request: Request) -> Response:
        asked = self._note(request, dict(request.query_params))
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer, **self.lies.authorization}
        sent = urlencode({name: value for name, value in answer.items() if value is not None})
        return RedirectResponse(f"{asked['redirect_uri']}?{sent}", 303)

    async def _token(self, request: Request) -> Response:
        form = self._note(request, dict(parse_qsl((await request.body()).decode())))
        basic = request.headers.get("authorization", "").removeprefix("Basic ")
        credentials = base64.b64decode(basic).decode()
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] != self._refresh_token:
                return JSONResponse({"error": "invalid_grant", "error_description": "unknown refresh token"}, 400)
            asked = {"client_id": credentials.split(":")[0]}
        else:
            asked = self._codes.pop(form["code"], {})
            if s256(form["code_verifier"]) != asked.get("code_challenge"):
                return JSONResponse({"error": "invalid_grant", "error_description": "unknown code"}, 400)
        return self._json("token", self._tokens(asked) | self.lies.tokens)

    async def _userinfo(self, request: Request) -> Response:
        self._note(request, {"authorization": request.headers["authorization"]})
        return self._json("userinfo", self.person | self.lies.userinfo)

    async def _introspect(self, request: Request) -> Response:
        self._note(request, dict(parse_qsl((await request.body()).decode())))
        return self._json("introspect", {"active": True, "sub": self.person["sub"]})

    async def _end_session(self, request: Request) -> Response:
        asked = self._note(request, dict(request.query_params))
        return RedirectResponse(f"{asked['post_logout_redirect_uri']}?{urlencode({'state': asked['state']})}", 303)

    def _tokens(self, asked: Json) -> Json:
        now = int(self._now())
        access = {
            "iss": self.issuer,
            "sub": self.person["sub"],
            "aud": self.issuer,
            "client_id": asked["client_id"],
            "jti": secrets.token_urlsafe(8),
            "exp": now + 300,
            "auth_time": self.auth_time,
            "acr": asked.get("acr_values", "urn:idp:loa:1"),
            **self.lies.access_token,
        }
        access_token = self._signed(access, "at+jwt")
        claims = {
            "iss": self.issuer,
            "sub": self.person["sub"],
            "aud": asked["client_id"],
            "iat": now,
            "exp": now + 600,
            "auth_time": self.auth_time,
            "nonce": asked.get("nonce"),
            "at_hash": half_hash(access_token, "ES256"),
            **self.lies.id_token,
        }
        self._refresh_token = secrets.token_urlsafe(32)
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 300,
            "refresh_token": self._refresh_token,
            "scope": "openid profile email offline_access",
            "id_token": self._signed({name: value for name, value in claims.items() if value is not None}, "JWT"),
        }

    def _signed(self, claims: Json, typ: str) -> str:
        return jwt.encode({"alg": "ES256", "kid": self._kid, "typ": typ}, claims, self.lies.signing_key or self._key)

    def _note(self, request: Request, parameters: Json) -> Json:
        self.requests.append((request.url.path, parameters))
        return parameters

    def _json(self, name: str, document: Json) -> Response:
        if name in self.lies.status:
            return Response("this is no JSON", self.lies.status[name])
        return JSONResponse({member: value for member, value in document.items() if value is not None})
