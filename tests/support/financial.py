"""A client of profile fapi2: it pushes each request, signs its assertions, and proves a key with whatever it sends.

Two kinds: one with private_key_jwt and DPoP, one that authenticates by a certificate and is bound to it.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, Key

from idp.domain.client import Profile
from tests.support.certificates import DN, ByCertificate, Certificate, certificate
from tests.support.client_auth import Assertion, ClientAuthentication
from tests.support.databases import fresh_database
from tests.support.dpop import ProofKey
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import forge
from tests.support.provider import Provider
from tests.support.pushed import PUSHED, visit
from tests.support.relying_party import Answer, AuthorizationRequest, RelyingParty

MTLS = "https://mtls.idp.example"
KINDS = ("dpop", "certificate")
TOKEN = "token_endpoint"
Fields = Mapping[str, str | None]


@asynccontextmanager
async def financial_provider(folder: Path, kind: str = "sqlite") -> AsyncIterator[Provider]:
    """Start a provider behind a trusted proxy that asks for certificates at a listener of its own."""
    settings = {"IDP_MTLS_URL": MTLS, "IDP_TRUSTED_PROXIES": "127.0.0.0/8"}
    async with fresh_database(kind, folder) as url, Provider.running(folder, url, settings=settings) as provider:
        yield provider


@dataclass
class Bank:
    """One such client. Whatever takes `claims` changes its proof, and `key` proves another key, or None at all."""

    rp: RelyingParty
    signer: Key
    own: ProofKey | Certificate
    changes: dict[str, object] = field(default_factory=dict)  # of the next proofs

    @property
    def is_certified(self) -> bool:
        """Say whether it is the kind with a certificate."""
        return isinstance(self.own, Certificate)

    @property
    def confirmation(self) -> dict[str, str]:
        """What its tokens are bound to, as their claim says."""
        return {"x5t#S256" if isinstance(self.own, Certificate) else "jkt": self.own.thumbprint}

    @property
    def assertion(self) -> Assertion:
        """How it signs who it is."""
        assert isinstance(self.rp.auth, Assertion)
        return self.rp.auth

    async def post(
        self, endpoint: str, fields: Fields, *, auth: ClientAuthentication | None = None, bare: bool = False,
        key: ProofKey | Certificate | None = None,
    ) -> Answer:  # fmt: skip
        """Send a form with a proof (none if `bare`), and once more if a nonce was told."""
        url, own = (await self.rp.metadata())[endpoint], key or self.own
        added = (auth or self.rp.auth).prove(self.rp.client_id, self.rp.issuer).fields
        given = {name: value for name, value in fields.items() if name not in added}
        for _ in range(2):
            headers = {} if bare else self._proof(own, "POST", url)
            answer = await self.rp.post(endpoint, given, auth=auth, headers=headers)
            if answer.error != "use_dpop_nonce" or not isinstance(own, ProofKey):
                break
            own.nonce = answer.headers["dpop-nonce"]
        return answer

    def _proof(self, own: ProofKey | Certificate, method: str, url: str, token: str | None = None) -> dict[str, str]:
        if isinstance(own, Certificate):
            return own.field
        return {"DPoP": own.proof(method, url, token=token, **self.changes)}

    async def push(
        self, *, auth: ClientAuthentication | None = None, bare: bool = False, **changes: str | None
    ) -> Answer:
        """Push a request; `changes` replace parameters."""
        request = await self.request(**changes)
        return await self.post(PUSHED, request.parameters, auth=auth, bare=bare)

    async def request(self, **changes: str | None) -> AuthorizationRequest:
        """Return a request that is not sent yet; the client's id stands in it."""
        return await self.rp.authorization_request(**changes)

    async def reference(self, **changes: str | None) -> str:
        """Push a request that must be taken, and return its reference."""
        answer = await self.push(**changes)
        assert answer.status == 201, answer.text
        return str(answer.body["request_uri"])

    async def authorize(self, browser: HtmlBrowser, **changes: str | None) -> str:
        """Push, let a willing person agree, and return the code."""
        return (await visit(browser, self.rp, await self.reference(**changes))).code

    async def redeem(self, code: str, *, bare: bool = False, key: ProofKey | Certificate | None = None,
                     auth: ClientAuthentication | None = None, **changes: str | None) -> Answer:  # fmt: skip
        """Trade a code for tokens."""
        request = self.rp.codes[code]
        fields: dict[str, str | None] = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": request.parameters["redirect_uri"],
            "code_verifier": request.verifier, **changes,
        }  # fmt: skip
        return await self.post(TOKEN, fields, auth=auth, bare=bare, key=key)

    async def tokens(self, browser: HtmlBrowser, **changes: str | None) -> Answer:
        """Go through the whole flow."""
        answer = await self.redeem(await self.authorize(browser, **changes))
        assert answer.status == 200, answer.text
        return answer

    async def refresh(self, token: str, *, bare: bool = False, key: ProofKey | Certificate | None = None,
                      auth: ClientAuthentication | None = None) -> Answer:  # fmt: skip
        """Trade a refresh token for new tokens."""
        return await self.post(TOKEN, {"grant_type": "refresh_token", "refresh_token": token}, auth=auth, bare=bare,
                               key=key)  # fmt: skip

    async def userinfo(
        self, token: str, *, bare: bool = False, key: ProofKey | Certificate | None = None, scheme: str | None = None
    ) -> Answer:
        """Ask the resource of the provider's own, with a proof for this token."""
        url, own = (await self.rp.metadata())["userinfo_endpoint"], key or self.own
        usual = "Bearer" if self.is_certified else "DPoP"
        for _ in range(2):
            headers = {} if bare else self._proof(own, "GET", url, token)
            headers["Authorization"] = f"{scheme or usual} {token}"
            answer = Answer.of(await self.rp.http.get(url, headers=headers))
            if answer.error != "use_dpop_nonce" or not isinstance(own, ProofKey):
                break
            own.nonce = answer.headers["dpop-nonce"]
        return answer

    def other_key(self) -> ProofKey | Certificate:
        """Return a key, or certificate of the same subject, that the client never showed before."""
        if isinstance(self.own, Certificate):
            return certificate()
        return ProofKey(now=self.own.now, nonce=self.own.nonce)

    def asserting(
        self, *, header: Mapping[str, str] | None = None, audience: Any = None, **claims: object
    ) -> Assertion:
        """Return how it would sign who it is with these claims instead."""
        return replace(self.assertion, changes=claims, header=header or {}, audience=audience)

    async def object(
        self,
        *,
        header: Mapping[str, Any] | None = None,
        alg: str = "ES256",
        key: Key | bytes | None = None,
        **changes: object,
    ) -> str:
        """Return a signed request (RFC 9101); `changes` replace its claims, None removes one."""
        request, now = await self.request(), int(self.rp.now())
        claims: dict[str, Any] = {
            **request.parameters, "iss": self.rp.client_id, "aud": self.rp.issuer, "iat": now, "nbf": now,
            "exp": now + 300, "jti": secrets.token_urlsafe(16), **changes,
        }  # fmt: skip
        self.rp.requests[str(claims.get("state"))] = request
        kept = {name: value for name, value in claims.items() if value is not None}
        return forge({"alg": alg, "typ": "oauth-authz-req+jwt", **(header or {})}, kept, key or self.signer, alg)


async def bank(provider: Provider, kind: str = "dpop", **members: Any) -> Bank:
    """Register a client of this kind."""
    signer = ECKey.generate_key("P-256")
    scope = members.pop("scope", "openid profile email offline_access")
    if kind == "dpop":
        members.setdefault("method", "private_key_jwt")
        rp = await provider.client(profile=Profile.FAPI2, key=signer, scope=scope, **members)
        return Bank(rp, signer, ProofKey(now=provider.clock.timestamp))
    own = certificate()
    rp = await provider.client(
        profile=Profile.FAPI2,
        method="tls_client_auth",
        key=signer,
        scope=scope,
        tls_client_auth_subject_dn=DN,
        **members,
    )
    rp.auth, rp._metadata = ByCertificate(own.field), rp._metadata | rp._metadata["mtls_endpoint_aliases"]
    return Bank(rp, signer, own)
