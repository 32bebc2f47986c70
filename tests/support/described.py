"""Clients that describe themselves by a document at their own https server, and a provider that takes their word."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc.jwk import Key

from tests.support.client_auth import Assertion, ClientAuthentication, Public
from tests.support.databases import fresh_database
from tests.support.fetching import Authority
from tests.support.hosted import Hosted, hosted
from tests.support.provider import Provider
from tests.support.relying_party import RelyingParty

CALLBACK = "https://agent.example/callback"


@dataclass
class Agency:
    """An https server with documents, and the provider that knows it."""

    provider: Provider
    website: Hosted
    made: list[str] = field(default_factory=list)

    def document(self, path: str = "", **members: Any) -> str:
        """Serve a document at a path of its own and return its URL; `members` replace what it says, None leaves out."""
        path = path or f"/agents/{len(self.made)}.json"
        self.made.append(path)
        url = self.website.url(path)
        said = {
            "client_id": url, "client_name": "Shore Agent", "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none", **members,
        }  # fmt: skip
        kept = {name: value for name, value in said.items() if value is not None}
        return self.website.put(path, json.dumps(kept).encode())

    def agent(self, url: str, redirect_uri: str = CALLBACK, *, key: Key | None = None) -> RelyingParty:
        """Return the client that a document describes; `key` signs its assertions."""
        now = self.provider.clock.timestamp
        auth: ClientAuthentication = Public() if key is None else Assertion(key, "ES256", now=now)
        return RelyingParty(self.provider.http, self.provider.issuer, url, auth, redirect_uri, now=now)

    def times_fetched(self, url: str) -> int:
        """Return how often a document was asked for."""
        return self.website.asked.count(url.removeprefix(self.website.url("")))


@asynccontextmanager
async def agency(
    folder: Path, *, documents: str = "on", settings: Mapping[str, str] | None = None
) -> AsyncIterator[Agency]:
    """Run both; `documents` is the option IDP_CLIENT_ID_DOCUMENTS, in which HOST stands for the server's."""
    authority = await asyncio.to_thread(Authority.made, folder)
    async with hosted(authority.server_context("localhost")) as website, fresh_database("sqlite", folder) as url:
        given = {
            "IDP_CLIENT_ID_DOCUMENTS": documents.replace("HOST", website.place),
            "IDP_OUTBOUND_ALLOW": website.place,
            "IDP_OUTBOUND_CA_FILE": str(authority.root),
            **(settings or {}),
        }
        async with Provider.running(folder, url, settings=given) as provider:
            yield Agency(provider, website)
