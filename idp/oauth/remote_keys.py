"""Clients' keys at their own `jwks_uri` – RFC 7517 §5, OIDC Core §10.1: fetched through the guard, kept for a while.

A set is kept for ten minutes; an unknown `kid` has it fetched again, at most once a minute for each client; while the
host is down, the last set counts for an hour. Fetching happens before a transaction begins, never inside one.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from idp.clock import Clock
from idp.domain.client import Client
from idp.domain.json import BadJson, JsonObject, read_object
from idp.domain.secret import from_base64url
from idp.oauth.client_keys import usable_keys
from idp.oauth.keyring import MAX_TOKEN, read_header
from idp.policy.encryption import encrypts
from idp.providers.fetch.port import Fetch, FetchDelayed, FetchRejected

FRESH = timedelta(minutes=10)
USABLE = timedelta(hours=1)
PAUSE = timedelta(minutes=1)
MAX_CLIENTS = 2000
MEDIA_TYPES = frozenset({"application/jwk-set+json", "application/json"})


class HasKeys(Protocol):
    """Somebody whose public keys are known, or found at a URL: a client, or another provider."""

    @property
    def id(self) -> str:
        """What tells them from all others."""

    @property
    def jwks(self) -> JsonObject | None:
        """Keys that are known."""

    @property
    def jwks_uri(self) -> str | None:
        """Where their keys are."""


class KeysWanted(Exception):
    """An answer waits for keys that its client keeps elsewhere: they are learnt outside of the transaction."""

    def __init__(self, client: Client) -> None:
        """Say whose."""
        super().__init__(client.id)
        self.client = client


@dataclass(slots=True)
class _Kept:
    url: str
    jwks: JsonObject | None = None
    fetched_at: datetime | None = None
    tried_at: datetime | None = None
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)

    def knows(self, kid: str | None) -> bool:
        listed = (self.jwks or {}).get("keys")
        return isinstance(listed, list) and (kid is None or any(key.get("kid") == kid for key in listed))


class RemoteKeys:
    """The keys of clients that keep them elsewhere, as one process knows them."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        """Start with none."""
        self._fetch = fetch
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def of(self, client: HasKeys) -> JsonObject | None:
        """Return the keys that count for a client now; nothing is fetched."""
        if client.jwks_uri is None:
            return client.jwks
        kept = self._kept.get(client.id)
        if kept is None or kept.url != client.jwks_uri or kept.fetched_at is None:
            return None
        return kept.jwks if self._clock.now() < kept.fetched_at + USABLE else None

    def is_due(self, client: HasKeys) -> bool:
        """Say whether a client's keys would be fetched now."""
        kept = self._kept.get(client.id)
        return client.jwks_uri is not None and (kept is None or kept.url != client.jwks_uri or self._is_due(kept, None))

    async def learn(self, client: HasKeys, kid: str | None) -> None:
        """Fetch a client's keys if they are old, or lack this one; a host that is down changes nothing."""
        if client.jwks_uri is None:
            return
        kept = self._kept.get(client.id)
        if kept is None or kept.url != client.jwks_uri:
            kept = self._kept[client.id] = _Kept(client.jwks_uri)
            if len(self._kept) > MAX_CLIENTS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(client.id)
        async with kept.fetching:  # of many requests at once, one fetches and the others wait for it
            if self._is_due(kept, kid):
                kept.tried_at = self._clock.now()
                await self._renew(kept)

    def _is_due(self, kept: _Kept, kid: str | None) -> bool:
        now = self._clock.now()
        if kept.tried_at is not None and now < kept.tried_at + PAUSE:
            return False
        return kept.fetched_at is None or now >= kept.fetched_at + FRESH or not kept.knows(kid)

    async def _renew(self, kept: _Kept) -> None:
        try:
            fetched = await self._fetch.get(kept.url, media_types=MEDIA_TYPES)
            jwks = usable_keys(read_object(fetched.body.decode(), max_depth=8))
        except (FetchRejected, FetchDelayed, BadJson, UnicodeDecodeError):
            return
        if jwks is not None:
            kept.jwks, kept.fetched_at = jwks, self._clock.now()


def are_needed(client: Client) -> bool:
    """Say whether a client's keys are needed for what it is answered, whatever it sent."""
    return encrypts(client)


def claimed_by(form: Iterable[tuple[str, str]]) -> tuple[str, str | None] | None:
    """Return which client an assertion in a form claims to be from, and by which key; None if there is none.

    Nothing is verified: it only says whose keys may be needed.
    """
    text = next((value for name, value in form if name == "client_assertion"), "")
    if not text or len(text) > MAX_TOKEN or text.count(".") != 2:
        return None
    try:
        subject = read_object(from_base64url(text.split(".")[1]).decode(), max_depth=8).get("sub")
    except (ValueError, BadJson):
        return None
    kid = read_header(text).get("kid")
    return (subject, kid if isinstance(kid, str) else None) if isinstance(subject, str) else None
