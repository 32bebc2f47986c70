"""Whoever registers a client by RFC 7591 and looks after it by RFC 7592, over HTTP."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import httpx2

from idp.domain.client import Profile
from idp.flows.registration_tokens import RegistrationTokens, Wanted
from idp.policy.clients import SCOPES
from idp.wiring import Site
from tests.support.client_auth import Basic, Post, Public
from tests.support.provider import Provider
from tests.support.relying_party import Answer, RelyingParty

CALLBACK = "https://rp.example/callback"
GRANTS = ("authorization_code", "refresh_token", "client_credentials")
Json = dict[str, Any]


class Operator(Protocol):
    """Whoever has the provider's parts at hand."""

    @property
    def site(self) -> Site:
        """The parts."""


async def initial_token(
    provider: Operator, *, profile: Profile = Profile.OAUTH21, scopes: tuple[str, ...] = SCOPES,
    grant_types: tuple[str, ...] = GRANTS, uses: int = 1000, life: timedelta = timedelta(days=30),
) -> str:  # fmt: skip
    """Have an operator make an initial access token."""
    site = provider.site
    tokens = RegistrationTokens(site.transactions, site.digester, site.clock)
    _token, secret = await tokens.create(Wanted(profile, scopes, grant_types, uses, life), made_by="tests")
    return secret


@dataclass
class Registrant:
    """Somebody with a client to register, with or without an initial access token."""

    http: httpx2.AsyncClient
    issuer: str
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, method: str, url: str, token: str | None, body: Any = None, **headers: str) -> Answer:
        """Send a request with a bearer token; a body that is not text or bytes is sent as JSON."""
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if token is not None:
            given.setdefault("authorization", f"Bearer {token}")
        if body is not None:
            given.setdefault("content-type", "application/json")
        content = body if isinstance(body, str | bytes | None) else json.dumps(body)
        return Answer.of(await self.http.request(method, url, content=content, headers=given))

    async def post(self, body: Any, **headers: str) -> Answer:
        """Send anything to the registration endpoint."""
        return await self.send("POST", f"{self.issuer}/register", self.token, body, **headers)

    async def register(self, **members: Any) -> Answer:
        """Register a client with these members, and a redirect URI unless another or None is given."""
        given = {"redirect_uris": [CALLBACK], **members}
        return await self.post({name: value for name, value in given.items() if value is not None})

    async def registered(self, **members: Any) -> Json:
        """Register a client that must be accepted; return what was said of it."""
        answer = await self.register(**members)
        assert answer.status == 201, answer.text
        return answer.body

    async def read(self, of: Json, token: str | None = None) -> Answer:
        """Read a registration, with its own token unless given another."""
        return await self.send("GET", of["registration_client_uri"], token or of["registration_access_token"])

    async def replace(self, of: Json, *, token: str | None = None, **members: Any) -> Answer:
        """Replace a registration by these members; client_id and secret are repeated unless given, None leaves out."""
        given = {"client_id": of["client_id"], "client_secret": of.get("client_secret"), "redirect_uris": [CALLBACK]}
        body = {name: value for name, value in {**given, **members}.items() if value is not None}
        return await self.send("PUT", of["registration_client_uri"], token or of["registration_access_token"], body)

    async def delete(self, of: Json, token: str | None = None) -> Answer:
        """Delete a registration."""
        return await self.send("DELETE", of["registration_client_uri"], token or of["registration_access_token"])

    async def client(self, provider: Provider, of: Json) -> RelyingParty:
        """Return the relying party behind a registration."""
        secret, method = of.get("client_secret", ""), of["token_endpoint_auth_method"]
        auth = {"client_secret_basic": Basic(secret), "client_secret_post": Post(secret), "none": Public()}[method]
        uri = of["redirect_uris"][0] if of["redirect_uris"] else CALLBACK
        rp = RelyingParty(self.http, self.issuer, of["client_id"], auth, uri, now=provider.clock.timestamp)
        rp._metadata = await provider.metadata()
        return rp
