"""A test that any API can run against itself: does each guarded endpoint refuse what it must?

In the API's own test suite, with its application and no network:

    provider = TestProvider("https://id.example")
    guard = Guard(issuer=provider.issuer, audience="https://api.example", transport=provider.transport)
    …
    faults = await check_endpoint(app, "POST", "/transfers", guard, provider, acr="urn:idp:loa:2", max_age=300)
    assert not faults
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.types import ASGIApp

from idp_guard.guard import Guard


class TestProvider:
    """An identity provider with one key, made for this test and never served to anybody."""

    __test__ = False  # pytest: this is no test of its own

    def __init__(self, issuer: str) -> None:
        """Make a key of its own."""
        self.issuer = issuer
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        self.transport = httpx2.MockTransport(self._answer)

    def token(self, header: Mapping[str, object] | None = None, key: ECKey | None = None, **claims: object) -> str:
        """Sign an access token; a claim given as None is left out."""
        now = int(time.time())
        usual: dict[str, object] = {
            "iss": self.issuer, "sub": "somebody", "client_id": "a-client", "iat": now, "exp": now + 300,
            "jti": "1", "auth_time": now, "acr": "urn:idp:loa:2", "amr": ["pwd", "otp", "mfa"],
        }  # fmt: skip
        told = {name: value for name, value in (usual | claims).items() if value is not None}
        protected = {"alg": "ES256", "typ": "at+jwt", "kid": self._key.kid} | dict(header or {})
        return jwt.encode(protected, told, key or self._key, algorithms=["ES256"])

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/jwks"):
            return httpx2.Response(200, json=KeySet([self._key]).as_dict(private=False))
        return httpx2.Response(200, json={"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"})


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    authorization: str | None
    status: int
    error: str | None


async def check_endpoint(
    app: ASGIApp,
    method: str,
    path: str,
    guard: Guard,
    provider: TestProvider,
    *,
    scope: str = "",
    acr: str | None = None,
    max_age: int | None = None,
) -> list[str]:
    """Call an endpoint with every kind of bad token and one good one; return a sentence for each wrong answer."""
    faults = []
    base = guard.resource if guard.resource.startswith("http") else "http://api.example"
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=base) as http:
        for case in _cases(guard, provider, scope, acr, max_age):
            headers = {"Authorization": case.authorization} if case.authorization else {}
            answer = await http.request(method, path, headers=headers)
            challenge = answer.headers.get("www-authenticate", "")
            if case.error == "" and answer.status_code in {401, 403}:
                faults.append(f"{case.name}: refused with {answer.status_code} {challenge}")
            elif case.error != "" and answer.status_code != case.status:
                faults.append(f"{case.name}: {answer.status_code} instead of {case.status}")
            elif case.error and f'error="{case.error}"' not in challenge:
                faults.append(f"{case.name}: the challenge does not say {case.error}")
    return faults


def _cases(guard: Guard, provider: TestProvider, scope: str, acr: str | None, max_age: int | None) -> list[_Case]:
    now = int(time.time())
    good: dict[str, object] = {"aud": guard.audience, "scope": scope, "acr": acr, "auth_time": now}
    stranger = ECKey.generate_key("P-256", {"kid": "stranger"})

    def bearer(header: Mapping[str, object] | None = None, key: ECKey | None = None, **claims: object) -> str:
        return "Bearer " + provider.token(header, key, **(good | claims))

    whole = bearer()
    cases = [
        _Case("no token", None, 401, None),
        _Case("not a token", "Bearer nonsense", 401, "invalid_token"),
        _Case("another scheme", "Basic bm9ib2R5Og==", 401, None),
        _Case("another key", bearer({"kid": "stranger"}, stranger), 401, "invalid_token"),
        _Case("a changed signature", whole[:-8] + "AAAAAAAA", 401, "invalid_token"),
        _Case("an ID token", bearer({"typ": "JWT"}), 401, "invalid_token"),
        _Case("another issuer", bearer(iss="https://evil.example"), 401, "invalid_token"),
        _Case("another audience", bearer(aud="https://other.example"), 401, "invalid_token"),
        _Case("no audience", bearer(aud=None), 401, "invalid_token"),
        _Case("expired", bearer(exp=now - 60), 401, "invalid_token"),
        _Case("no end", bearer(exp=None), 401, "invalid_token"),
        _Case("not yet good", bearer(nbf=now + 600), 401, "invalid_token"),
        _Case("bound to a key, sent as bearer", bearer(cnf={"jkt": "x"}), 401, "invalid_token"),
    ]
    if scope:
        cases.append(_Case("without the scope", bearer(scope=""), 403, "insufficient_scope"))
    weak = "insufficient_user_authentication"
    if acr is not None:
        cases.append(_Case("no acr", bearer(acr=None), 401, weak))
        cases.append(_Case("a weak acr", bearer(acr="urn:example:weak"), 401, weak))
    if max_age is not None:
        cases.append(_Case("no time of sign-in", bearer(auth_time=None), 401, weak))
        cases.append(_Case("an old sign-in", bearer(auth_time=now - max_age - 60), 401, weak))
    return [*cases, _Case("a good token", whole, 200, "")]
