"""The OpenID Foundation's suite as tests play it: its clients, its person, its browser, and what it looks at each time.

One `Suite` runs every module for one response type and response mode. What each asks is said in our own words.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from joserfc.jwk import RSAKey

from idp.domain.client import Profile
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.jose import parts
from tests.support.provider import Person, Provider
from tests.support.relying_party import Answer, AuthorizationAnswer, AuthorizationRequest, RelyingParty, half_hash

NO_PKCE: Mapping[str, str | None] = {"code_challenge": None, "code_challenge_method": None}
LONG_STATE = "s" * 128
PROFILE = {
    "name": "Ada Lovelace", "family_name": "Lovelace", "given_name": "Ada", "middle_name": "King", "nickname": "Ada",
    "preferred_username": "ada", "profile": "https://ada.example/", "picture": "https://ada.example/ada.png",
    "website": "https://ada.example/blog", "gender": "female", "birthdate": "1815-12-10", "zoneinfo": "Europe/London",
    "locale": "en-GB",
}  # fmt: skip
EVERYTHING: dict[str, Any] = {
    **PROFILE, "address": {"country": "GB"}, "phone_number": "+44 20 7946 0000", "phone_number_verified": True,
}  # fmt: skip
SCOPES = "openid profile email address phone offline_access"
RESPONSE_TYPES = ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"]
NAMED = {"code": {"code"}, "id_token": {"id_token"}, "token": {"access_token", "token_type", "expires_in", "scope"}}
KEY = RSAKey.generate_key(2048, {"kid": "suite", "alg": "RS256", "use": "sig"})


@dataclass(frozen=True)
class Run:
    """What one flow gave; `front` is the ID token from /authorize, `tokens` came for the code."""

    answer: AuthorizationAnswer
    front: dict[str, Any] | None
    tokens: Answer | None

    @property
    def claims(self) -> dict[str, Any]:
        """The ID token's claims, whichever way it came."""
        if self.front is not None:
            return self.front
        assert self.tokens is not None
        return parts(self.tokens.id_token)[1]

    @property
    def id_token(self) -> str:
        """The ID token that came first."""
        return self.answer.parameters.get("id_token") or (self.tokens.id_token if self.tokens else "")

    @property
    def access_tokens(self) -> list[str]:
        """Every access token that came."""
        front = self.answer.parameters.get("access_token")
        return [*([front] if front else []), *([self.tokens.access_token] if self.tokens else [])]


@dataclass
class Suite:
    """One plan: a client and a second one, a signed-out browser, a response type, perhaps a response mode."""

    provider: Provider
    rp: RelyingParty
    second: RelyingParty
    person: Person
    browser: HtmlBrowser
    response_type: str
    response_mode: str | None = None
    words: set[str] = field(init=False)

    def __post_init__(self) -> None:
        """Know what the response type names."""
        self.words = set(self.response_type.split(" "))

    @property
    def mode(self) -> str:
        """By which mode every answer must come."""
        return self.response_mode or ("query" if self.words == {"code"} else "fragment")

    @property
    def has_userinfo(self) -> bool:
        """Say whether anything comes with which to ask userinfo."""
        return self.words != {"id_token"}

    def asked(self, **changes: str | None) -> dict[str, str | None]:
        """Return the parameters of a request as the suite sends it, without PKCE."""
        return {
            "response_type": self.response_type, "response_mode": self.response_mode, "scope": "openid",
            "state": LONG_STATE, **NO_PKCE, **changes,
        }  # fmt: skip

    async def ask(self, **changes: str | None) -> Page:
        """Begin, and return what is shown or where the browser was sent."""
        request = await self.rp.authorization_request(**self.asked(**changes))
        return await self.browser.open(request.url, came_from_elsewhere=True)

    async def at_once(self, **changes: str | None) -> AuthorizationAnswer:
        """Begin an authorization that must be answered without any page of ours that a person has to read."""
        page = await self.ask(**changes)
        assert page.location is not None or page.name == "form-post", page.describe()
        answer = self.rp.receive(page.answer())
        assert answer.mode == self.mode
        return answer

    async def flow(self, **changes: str | None) -> Run:
        """Run a whole flow, and look at everything that the suite looks at each time."""
        return await self.go_on(await self.ask(**changes))

    async def go_on(self, page: Page) -> Run:
        """Finish a flow from where it stands."""
        return await self.finish(await self.browser.finish(self.rp, page))

    async def finish(self, answer: AuthorizationAnswer) -> Run:
        """Check an answer, redeem its code, check the tokens."""
        request = self.rp.requests[answer.state or ""]
        wanted = {name for word in self.words for name in NAMED[word]} | {"iss"}
        wanted |= {"state"} & request.parameters.keys()
        assert answer.error is None, answer.parameters
        assert (answer.mode, answer.parameters.keys()) == (self.mode, wanted)
        front = await self._front(answer, request)
        return Run(answer, front, await self._redeemed(answer, request, front))

    async def _front(self, answer: AuthorizationAnswer, request: AuthorizationRequest) -> dict[str, Any] | None:
        given = answer.parameters
        if "token" in self.words:
            assert (given["token_type"], int(given["expires_in"]) > 0) == ("Bearer", True)
        if "id_token" not in self.words:
            return None
        claims = await self.rp.check_id_token(Answer(200, httpx2.Headers(), dict(given)), request)
        alg = parts(given["id_token"])[0]["alg"]
        for name, beside in (("at_hash", given.get("access_token")), ("c_hash", given.get("code"))):
            assert claims.get(name) == (half_hash(beside, alg) if beside else None)
        return claims

    async def _redeemed(
        self, answer: AuthorizationAnswer, request: AuthorizationRequest, front: dict[str, Any] | None
    ) -> Answer | None:
        if "code" not in self.words:
            return None
        assert len(answer.code) >= 22  # 128 bits
        has_verifier = "code_challenge" in request.parameters
        tokens = await self.rp.redeem(answer.code, **({} if has_verifier else {"code_verifier": None}))
        assert (tokens.status, tokens.body["token_type"]) == (200, "Bearer")
        assert tokens.body["expires_in"] > 0
        back = await self.rp.check_id_token(tokens, request)
        if front is not None:
            assert [front[name] for name in ("iss", "sub")] == [back[name] for name in ("iss", "sub")]
        return tokens

    async def userinfo(self, run: Run) -> dict[str, Any]:
        """Return what may be known of the person: from userinfo by each token, or from an ID token that came alone."""
        if not self.has_userinfo:
            return run.claims
        bodies = []
        for token in run.access_tokens:
            answer = await self.rp.userinfo(token)
            assert (answer.status, answer.body["sub"]) == (200, run.claims["sub"])
            bodies.append(answer.body)
        assert all(body == bodies[0] for body in bodies)
        return bodies[0]


@asynccontextmanager
async def suite(provider: Provider, response_type: str, response_mode: str | None = None) -> AsyncIterator[Suite]:
    """Set up what the suite brings: two clients of profile oidc, made by an operator, and a person with every claim."""
    offered = (await provider.metadata())["response_types_supported"]
    grants = ["authorization_code", "refresh_token", *(["implicit"] if "id_token" in offered else [])]
    rp, second = [
        await provider.client(
            profile=Profile.OIDC, scope=SCOPES, grant_types=grants, response_types=offered, key=key
        )
        for key in (KEY, None)
    ]  # fmt: skip
    person = await provider.person(**EVERYTHING)
    async with provider.browser(person) as browser:
        yield Suite(provider, rp, second, person, browser, response_type, response_mode)
