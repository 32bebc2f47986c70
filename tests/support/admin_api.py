"""Whoever calls the administrators' API: an application by itself, or for a person who signed in to it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx2

from idp.domain.permission import Permission, scope_of
from idp.domain.user import Role, User
from idp.flows.user_administration import NewUser
from tests.support.provider import PASSWORD, Person, Provider
from tests.support.relying_party import Answer, RelyingParty

ROOT = "/api/admin/v1"
EVERYTHING = tuple(Permission)
_numbers = count(1)


@dataclass
class Api:
    """An access token, and the calls that are made with it."""

    http: httpx2.AsyncClient
    root: str
    token: str | None

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request; a body that is not text or bytes goes as JSON, and `_` in a header's name is `-`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            given.setdefault("authorization", f"Bearer {self.token}")
        if body is not None:
            given.setdefault("content-type", "application/json")
        content = body if isinstance(body, str | bytes | None) else json.dumps(body)
        url = path if path.startswith("http") else self.root + path
        response = await self.http.request(method, url, content=content, headers=given)
        if response.headers.get("content-type") == "application/x-ndjson":
            return Answer(response.status_code, response.headers, text=response.text)
        return Answer.of(response)

    async def get(self, path: str, **headers: str) -> Answer:
        """Read."""
        return await self.send("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """Act."""
        return await self.send("POST", path, body, **headers)

    async def made(self, path: str, **members: Any) -> dict[str, Any]:
        """Make something that must be taken; return it."""
        answer = await self.post(path, members)
        assert answer.status == 201, answer.text
        return answer.body


def scopes(permissions: Iterable[Permission]) -> str:
    """Return the scopes that carry permissions."""
    return " ".join(scope_of(each) for each in permissions)


def api(provider: Provider, token: str | None) -> Api:
    """Return the API as the bearer of a token meets it."""
    return Api(provider.http, provider.issuer + ROOT, token)


async def machine_client(provider: Provider, *permissions: Permission, **members: Any) -> RelyingParty:
    """Return a client that an operator gave these scopes."""
    asked = scopes(permissions or EVERYTHING)
    return await provider.client(grant_types=["client_credentials"], redirect_uris=None, scope=asked, **members)


async def machine(provider: Provider, *permissions: Permission) -> Api:
    """Return the API as a client by itself meets it, with all permissions unless some are named."""
    client = await machine_client(provider, *permissions)
    return api(provider, (await client.token(grant_type="client_credentials")).access_token)


async def somebody(provider: Provider, role: Role) -> Person:
    """Make an account with a role."""
    name = f"helper{next(_numbers)}"
    new = NewUser(f"{name}@example.org", name, PASSWORD, {}, email_verified=True, role=role)
    user = await provider.site.users.create(new)
    assert isinstance(user, User), user
    return Person(user, name)


async def by_person(provider: Provider, person: Person, *permissions: Permission, **changes: str | None) -> Api:
    """Return the API as a person meets it in an application that asks for these permissions, or for all."""
    wanted = "openid " + scopes(permissions or EVERYTHING)
    rp = await provider.client(is_first_party=True, scope=wanted)
    async with provider.browser(person) as browser:
        answer = await rp.redeem(await browser.authorize(rp, **changes))
    assert answer.status == 200, answer.text
    return api(provider, answer.access_token)


async def person_api(provider: Provider, role: Role, *permissions: Permission) -> Api:
    """Return the API as a new person of a role meets it."""
    return await by_person(provider, await somebody(provider, role), *permissions)
