"""Receivers of shared signals, and people whose sessions and accounts change."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.jwk import KeySet

from idp.domain.user import Role
from idp.oauth.extensions import ssf
from tests.support.databases import fresh_database
from tests.support.operators import Operators
from tests.support.provider import Person, Provider
from tests.support.relying_party import RelyingParty
from tests.support.webhooks import Receiver, receiver

SETTLED = timedelta(seconds=16)
BOTH = f"{ssf.READ} {ssf.MANAGE}"


@dataclass(frozen=True)
class Visited:
    """What a client gets when somebody signs in to it."""

    access_token: str
    claims: dict[str, Any]


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a token that came over a channel one trusts."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


@dataclass
class Listener:
    """A client that receives, and its access token."""

    provider: Provider
    rp: RelyingParty
    token: str
    seen: dict[str, Any] = field(default_factory=dict)

    async def send(self, method: str, path: str, body: Any = None, **query: str) -> httpx2.Response:
        """Send a request to the transmitter."""
        headers = {"authorization": f"Bearer {self.token}"}
        return await self.provider.http.request(
            method, self.provider.issuer + path, params=query or None, json=body, headers=headers
        )

    async def stream(self, *events: str, push: Receiver | None = None, **delivery: str) -> dict[str, Any]:
        """Make a stream of these events, or of all."""
        given: dict[str, Any] = {"events_requested": list(events or ssf.SUPPORTED)}
        if push is not None:
            given["delivery"] = {"method": ssf.PUSH, "endpoint_url": push.url, **delivery}
        answer = await self.send("POST", "/ssf/streams", given)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def poll(self, stream: dict[str, Any], **given: Any) -> dict[str, Any]:
        """Poll, and return the tokens by their identifiers."""
        path = stream["delivery"]["endpoint_url"].removeprefix(self.provider.issuer)
        answer = await self.send("POST", path, {"returnImmediately": True, **given})
        assert answer.status_code == 200, answer.text
        self.seen = answer.json()
        sets: dict[str, str] = self.seen["sets"]
        return {jti: await self.read(token) for jti, token in sets.items()}

    async def read(self, token: str) -> dict[str, Any]:
        """Verify a token as a receiver does, with the published keys and a library of its own choice."""
        keys = KeySet.import_key_set((await self.provider.http.get(f"{self.provider.issuer}/jwks")).json())
        read = jwt.decode(token, keys, algorithms=["RS256"])
        assert read.header["typ"] == "secevent+jwt"
        claims: dict[str, Any] = read.claims
        assert claims["iss"] == self.provider.issuer
        assert claims["aud"] == self.rp.client_id
        assert len(claims["events"]) == 1
        assert not {"sub", "exp", "nonce"} & claims.keys()
        return claims

    async def visit(self, person: Person) -> "Visited":
        """Let somebody sign in to the client; return what it got."""
        async with self.provider.browser(person) as browser:
            answer = await self.rp.redeem(await browser.authorize(self.rp))
        assert answer.status == 200, answer.text
        return Visited(answer.access_token, claims_of(answer.body["id_token"]))


@dataclass
class Signals:
    """A provider that tells."""

    desk: Operators
    push: Receiver

    @property
    def provider(self) -> Provider:
        """The provider."""
        return self.desk.provider

    async def listener(self, scope: str = BOTH, *, asked: str | None = None, **members: Any) -> Listener:
        """Register a client that people sign in to and that receives."""
        rp = await self.provider.client(
            scope=f"openid email {scope}", grant_types=["authorization_code", "client_credentials"],
            is_first_party=True, **members,
        )  # fmt: skip
        answer = await rp.token(grant_type="client_credentials", scope=asked or scope)
        assert answer.status == 200, answer.text
        rp.scope = "openid email"
        return Listener(self.provider, rp, answer.access_token)

    async def settle(self) -> None:
        """Let what happened be numbered, owed and pushed."""
        self.provider.clock.advance(SETTLED)
        site = self.provider.site
        await site.watch.refresh()
        await site.audit.chain.link()
        await site.webhooks.planner.plan()
        while await site.webhooks.worker.deliver():
            pass

    async def owner(self) -> Any:
        """Return somebody who may everything."""
        return await self.desk.of(Role.OWNER)


@asynccontextmanager
async def signals(kind: str, folder: Path) -> AsyncIterator[Signals]:
    """Run a provider that may push to one receiver."""
    async with (
        receiver() as push,
        fresh_database(kind, folder) as url,
        Provider.running(folder, url, settings={"IDP_OUTBOUND_ALLOW": push.place}) as provider,
    ):
        yield Signals(Operators(provider), push)
