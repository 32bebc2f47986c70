"""What is promised of fetching something that others named or that lies outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

LARGEST = 1_000_000


class FetchRejected(Exception):
    """It may not be fetched, or the answer is not what was asked for; trying again will not help.

    Says why in words for the log; never holds more of the URL than its host.
    """


class FetchDelayed(Exception):
    """It could not be fetched now: unknown host, no connection, too slow, or the other side is in trouble."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole answer of status 200, decompressed; of its headers, by lower-case names, those about keeping it."""

    media_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back for something that was sent: any status, and the little that was said with it."""

    status: int
    body: bytes


class Fetch(Protocol):
    """Fetches by GET."""

    async def get(
        self, url: str, *, media_types: frozenset[str], headers: Mapping[str, str] | None = None,
        largest: int = LARGEST,
    ) -> Fetched:  # fmt: skip
        """Return the answer, whose media type is one of those, within five seconds and `largest` bytes.

        Follows no redirect, sends no cookie, and never reaches an address that is not public unless it was allowed.
        Raises FetchRejected if it never will, FetchDelayed if a later try may work.
        """


class Outbound(Fetch, Protocol):
    """Fetches by GET, and says beforehand what it never would fetch."""

    def check(self, url: str) -> None:
        """Raise FetchRejected for a URL that would not even be looked up: by scheme, spelling or an inner address."""


class Post(Protocol):
    """Sends by POST, and says beforehand where it never would."""

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> Answered:
        """Return the answer, of whichever status, within five seconds and 64 kB; a redirect is an answer like others.

        Sends no cookie, and never reaches an address that is not public unless it was allowed. Raises FetchRejected if
        the place or its answer is not one that can be taken, FetchDelayed if there was none.
        """

    def check(self, url: str) -> None:
        """Raise FetchRejected for a URL that would not even be looked up: by scheme, spelling or an inner address."""


class Way(Outbound, Post, Protocol):
    """The way out, by GET and by POST."""
