"""The provider's public keys, found by discovery and kept – OpenID Connect Discovery 1.0 §4, RFC 8414 §3.

Keys are fetched at first use, again when they are old, and when a token names a key that is not among them; that last
at most every ten seconds, so that invented key ids cost the provider nothing. Old keys go on while it does not answer.
"""

import asyncio
import json
import time
from collections.abc import Callable

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

LIFE_SECONDS = 300
KEPT_WHILE_AWAY_SECONDS = 24 * 3600
BETWEEN_FETCHES_SECONDS = 10
MOST_BYTES = 256 * 1024


class Unreachable(Exception):
    """The provider's keys cannot be had now; try again later."""


class ProviderKeys:
    """Keeps the key set of one issuer."""

    def __init__(
        self, issuer: str, *, transport: httpx2.AsyncBaseTransport | None = None, now: Callable[[], float] = time.time
    ) -> None:
        """Take keys only from where this issuer says they are."""
        self._issuer = issuer
        self._transport = transport
        self._now = now
        self._keys: KeySet | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def having(self, kid: str | None) -> KeySet:
        """Return the keys, fetched anew if they are old or lack this one; raise Unreachable if there are none."""
        if not self._is_good_for(kid):
            async with self._lock:
                if not self._is_good_for(kid):
                    await self._fetch()
        if self._keys is None or self._now() - self._fetched_at > KEPT_WHILE_AWAY_SECONDS:
            raise Unreachable(f"the keys of {self._issuer} cannot be read")
        return self._keys

    def _is_good_for(self, kid: str | None) -> bool:
        if self._now() - self._tried_at < BETWEEN_FETCHES_SECONDS:
            return True  # asked a moment ago; whatever came is what there is
        if self._keys is None or self._now() - self._fetched_at > LIFE_SECONDS:
            return False
        return kid is None or any(key.kid == kid for key in self._keys)

    async def _fetch(self) -> None:
        self._tried_at = self._now()
        try:
            async with httpx2.AsyncClient(transport=self._transport, trust_env=False, timeout=5) as http:
                found = await self._document(http, self._issuer.rstrip("/") + "/.well-known/openid-configuration")
                if found.get("issuer") != self._issuer:
                    return  # somebody else's metadata (Discovery §4.3)
                keys = KeySet.import_key_set(await self._document(http, str(found.get("jwks_uri"))))  # type: ignore[arg-type]
        except (httpx2.HTTPError, httpx2.InvalidURL, JoseError, ValueError, KeyError, TypeError):
            return
        self._keys, self._fetched_at = keys, self._now()

    async def _document(self, http: httpx2.AsyncClient, url: str) -> dict[str, object]:
        """Read a JSON object of bounded size; no redirect is followed."""
        body = b""
        async with http.stream("GET", url, headers={"Accept": "application/json"}) as response:
            response.raise_for_status()
            if response.status_code != 200:
                raise ValueError("not an answer")
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    raise ValueError("too large")
        document = json.loads(body)
        if not isinstance(document, dict):
            raise TypeError("not an object")
        return document
