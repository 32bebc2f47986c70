"""Asks a service about breached passwords without telling it which: 5 of the 40 digits of the SHA-1 are sent.

The protocol is Have I Been Pwned's range search; the answer is padded, so that its size says nothing either. The
service is a help, not a gate: when it is away, nobody is refused.
"""

import asyncio
import re
from typing import Protocol

import structlog

from idp.factors.breached import digest_of
from idp.providers.fetch.port import Fetch, FetchDelayed, FetchRejected

SENT_DIGITS = 5
SECONDS = 2.0  # a person waits
_LINE = re.compile(r"([0-9A-F]{35}):([0-9]{1,20})")
_HEADERS = {"add-padding": "true"}
_MEDIA_TYPES = frozenset({"text/plain"})
log = structlog.get_logger("passwords")


class BreachService(Protocol):
    """Knows passwords that leaked."""

    async def is_breached(self, password: str) -> bool | None:
        """Say whether a password leaked, None if that cannot be known now."""


class RangeService:
    """A service that answers `URL` + five digits with the rest of all digests that begin so."""

    def __init__(self, fetch: Fetch, url: str, *, seconds: float = SECONDS) -> None:
        """Ask at this URL, which ends in a slash."""
        self._fetch = fetch
        self._url = url
        self._seconds = seconds

    async def is_breached(self, password: str) -> bool | None:
        """Say whether a password leaked, None if the service does not say."""
        digits = digest_of(password).hex().upper()
        known, rest = digits[:SENT_DIGITS], digits[SENT_DIGITS:]
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._fetch.get(self._url + known, media_types=_MEDIA_TYPES, headers=_HEADERS)
        except (FetchRejected, FetchDelayed, TimeoutError) as error:
            log.warning("password_range_unavailable", why=str(error) or "it took too long")
            return None
        return any(found[1] == rest and int(found[2]) > 0 for found in _found(answer.body))  # padding has count 0


def _found(body: bytes) -> "list[re.Match[str]]":
    lines = body.decode("ascii", "replace").upper().splitlines()
    return [found for line in lines if (found := _LINE.fullmatch(line.strip())) is not None]
