"""The one way out for URLs: only to public addresses, over TLS, soon and small (ASVS 13.2.4).

A host is resolved once, every address is checked, and the connection goes to one of those very addresses, with the
original name in SNI, certificate check and Host: a name that changes its mind afterwards changes nothing. No redirects,
no cookies, no proxies from the environment, no connection kept.
"""

import asyncio
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from idp.providers.fetch.addresses import Place, is_public, literal_of, read_url
from idp.providers.fetch.port import LARGEST, Answered, FetchDelayed, Fetched, FetchRejected

if TYPE_CHECKING:  # 6 MB that a worker which fetches nothing can save
    import httpx2

SECONDS = 5.0
CONNECT_SECONDS = 2.0
LARGEST_ANSWER = 65_536  # to what is posted: whoever takes a notice has little to say
MOST_ADDRESSES = 4
_LOCAL = re.compile(r"(.*\.)?localhost")  # RFC 6761 §6.3: never anybody else
_PIECE = 65_536
_GZIP = 16 + zlib.MAX_WBITS
_ABOUT_KEEPING = ("cache-control", "expires", "date", "age")  # RFC 9111
_ADDED = {"user-agent": "idp", "accept-encoding": "gzip", "connection": "close"}

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]
T = TypeVar("T")
Read = Callable[[Place, "httpx2.Response"], Awaitable[T]]


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host as the system finds them; raise OSError if there are none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(entry[4][0]) for entry in found]


class GuardedFetch:
    """Fetches from the outside without being turned against the inside."""

    def __init__(
        self,
        *,
        allow: frozenset[str] = frozenset(),
        ca_file: Path | None = None,
        resolver: Resolver = resolve,
        transport: "Callable[[], httpx2.AsyncBaseTransport] | None" = None,
        seconds: float = SECONDS,
    ) -> None:
        """Let `allow`, exact `host:port`, be private and without TLS; trust `ca_file` besides the system's roots.

        Raises OSError if `ca_file` cannot be read or holds no certificate (ssl.SSLError is one).
        """
        self._allow = allow
        self._ca_file = ca_file
        self._resolve = resolver
        self._transport = transport or self._new_transport
        self._seconds = seconds
        if ca_file is not None:
            _ = self._tls

    async def get(
        self, url: str, *, media_types: frozenset[str], headers: Mapping[str, str] | None = None,
        largest: int = LARGEST,
    ) -> Fetched:  # fmt: skip
        """Return the answer of status 200 and one of those media types."""

        async def read(place: Place, answer: "httpx2.Response") -> Fetched:
            media_type = _check_head(place, answer, media_types)
            told = {name: answer.headers[name] for name in _ABOUT_KEEPING if name in answer.headers}
            return Fetched(media_type, await _body(place, answer, largest=largest), told)

        return await self._ask(url, {**(headers or {}), "accept": ", ".join(sorted(media_types))}, None, read)

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> Answered:
        """Send a body and return what was answered, of whichever status: a redirect is not followed."""

        async def read(place: Place, answer: "httpx2.Response") -> Answered:
            _check_encoding(place, answer)
            return Answered(answer.status_code, await _body(place, answer, largest=LARGEST_ANSWER))

        return await self._ask(url, headers, body, read)

    async def _ask(self, url: str, headers: Mapping[str, str], sent: bytes | None, read: Read[T]) -> T:
        place = read_url(url)
        is_allowed = self._check(place)
        try:
            async with asyncio.timeout(self._seconds):
                addresses = await self._addresses(place, is_allowed=is_allowed)
                return await self._exchange(place, addresses, headers, sent, read)
        except TimeoutError as error:
            raise FetchDelayed(f"{place.host} took too long") from error

    def check(self, url: str) -> None:
        """Raise FetchRejected for a URL that would not even be looked up: by scheme, spelling or an inner address."""
        place = read_url(url)
        literal = literal_of(place.host)
        is_inner = _LOCAL.fullmatch(place.host) if literal is None else not is_public(literal)
        if not self._check(place) and is_inner:
            raise FetchRejected(f"{place.host} is not public")

    def _check(self, place: Place) -> bool:
        """Say whether the operator allowed this very place; any other is reached over TLS only."""
        is_allowed = place.host_and_port in self._allow
        if place.scheme != "https" and not is_allowed:
            raise FetchRejected(f"{place.host} is not reached over https")
        return is_allowed

    async def _addresses(self, place: Place, *, is_allowed: bool) -> list[Address]:
        literal = literal_of(place.host)
        try:
            found = [literal] if literal else [ip_address(text) for text in await self._resolve(place.host, place.port)]
        except (OSError, ValueError) as error:
            raise FetchDelayed(f"{place.host} has no address") from error
        if not found:
            raise FetchDelayed(f"{place.host} has no address")
        if not is_allowed and not all(is_public(address) for address in found):
            raise FetchRejected(f"{place.host} has an address that is not public")
        return list(dict.fromkeys(found))[:MOST_ADDRESSES]

    async def _exchange(
        self, place: Place, addresses: list[Address], headers: Mapping[str, str], sent: bytes | None, read: Read[T]
    ) -> T:
        import httpx2

        for address in addresses:
            try:
                async with self._answer(place, address, headers, sent) as answer:
                    return await read(place, answer)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                if address == addresses[-1]:
                    raise FetchDelayed(f"{place.host} cannot be reached") from error
            except httpx2.HTTPError as error:
                raise FetchDelayed(f"{place.host} broke off ({type(error).__name__})") from error
        raise AssertionError("there is at least one address")

    @asynccontextmanager
    async def _answer(
        self, place: Place, address: Address, headers: Mapping[str, str], sent: bytes | None
    ) -> "AsyncIterator[httpx2.Response]":
        import httpx2

        host = f"[{address}]" if address.version == 6 else str(address)
        request = httpx2.Request(
            "GET" if sent is None else "POST",
            f"{place.scheme}://{host}:{place.port}{place.target}",
            headers={**headers, **_ADDED, "host": place.authority},
            content=sent,
            extensions={
                "sni_hostname": place.host,
                "timeout": {"connect": CONNECT_SECONDS, "read": self._seconds, "write": self._seconds, "pool": 1.0},
            },
        )
        # A transport of its own: a kept connection would be shared by every name that has the same address.
        async with self._transport() as transport:
            answer = await transport.handle_async_request(request)
            try:
                yield answer
            finally:
                await answer.aclose()

    def _new_transport(self) -> "httpx2.AsyncBaseTransport":
        import httpx2

        return httpx2.AsyncHTTPTransport(verify=self._tls, trust_env=False, retries=0)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._ca_file is not None:
            context.load_verify_locations(self._ca_file)
        return context


def _check_head(place: Place, answer: "httpx2.Response", media_types: frozenset[str]) -> str:
    if answer.status_code >= 500 or answer.status_code == 429:
        raise FetchDelayed(f"{place.host} answered {answer.status_code}")
    if answer.status_code != 200:
        raise FetchRejected(f"{place.host} answered {answer.status_code}")
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in media_types:
        raise FetchRejected(f"{place.host} sent another media type")
    _check_encoding(place, answer)
    return str(media_type)


def _check_encoding(place: Place, answer: "httpx2.Response") -> None:
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("identity", "gzip"):
        raise FetchRejected(f"{place.host} sent an encoding nobody asked for")


async def _body(place: Place, answer: "httpx2.Response", *, largest: int = LARGEST) -> bytes:
    """Read the body piece by piece; what is left of a bomb stays compressed."""
    is_gzip = answer.headers.get("content-encoding", "").strip().lower() == "gzip"
    unpacker = zlib.decompressobj(_GZIP) if is_gzip else None
    body, arrived = bytearray(), 0
    async for raw in answer.aiter_raw(_PIECE):
        arrived += len(raw)
        try:
            body += unpacker.decompress(raw, largest + 1 - len(body)) if unpacker else raw
        except zlib.error as error:
            raise FetchRejected(f"{place.host} sent damaged gzip") from error
        if max(arrived, len(body)) > largest:
            raise FetchRejected(f"{place.host} sent more than {largest} bytes")
    if unpacker is not None and not unpacker.eof:
        raise FetchRejected(f"{place.host} sent damaged gzip")
    return bytes(body)
