"""What is refused before anything reads it: foreign hosts, long URLs, many headers, strange paths; and who is asking.

The client's address is the peer's. Only behind a trusted proxy does the right-most untrusted hop of X-Forwarded-For
count; from anybody else every forwarding header is dropped unread.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

MAX_TARGET = 8192
MAX_HEADERS = 100
MAX_HEADER_BYTES = 16384
MAX_HOPS = 20
FORWARDING = (b"forwarded", b"x-forwarded", b"x_forwarded", b"x-real-ip", b"x-original", b"x-rewrite", b"x-client",
              b"true-client", b"cf-connecting")  # fmt: skip
_ANY_HOST = ("/health/", "/metrics")
Network = IPv4Network | IPv6Network


class Limits:
    """Outermost middleware: refuses what no handler should see, and settles address and path."""

    def __init__(self, app: ASGIApp, *, issuer: str, trusted: Sequence[Network]) -> None:
        """Accept requests for the issuer's host only."""
        self._app = app
        parts = urlsplit(issuer)
        default_port = {"http": "80", "https": "443"}[parts.scheme]
        host = parts.netloc.lower().encode()
        self._hosts = {host, host.removesuffix(f":{default_port}".encode())}
        if parts.port is None:
            self._hosts.add(host + f":{default_port}".encode())
        self._base = parts.path
        self._trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it with an empty answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = self._fault(scope)
        if status is not None:
            await _refuse(status, send)
            return
        self._settle(scope)
        await self._app(scope, receive, send)

    def _fault(self, scope: Scope) -> int | None:
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        if len(raw_path) + len(scope["query_string"]) > MAX_TARGET:
            return 414
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if len(headers) > MAX_HEADERS or sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
            return 431
        if (
            b"//" in raw_path
            or b"%2f" in raw_path.lower()
            or b"%00" in raw_path
            or b";" in raw_path
            or b"\\" in raw_path
        ):
            return 404
        if raw_path.startswith(b"http"):
            return 400
        if not scope["path"].startswith(_ANY_HOST):
            hosts = [value.lower() for name, value in headers if name == b"host"]
            if len(hosts) != 1 or hosts[0] not in self._hosts:
                return 421 if len(hosts) == 1 else 400
        return None

    def _settle(self, scope: Scope) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        client = scope.get("client")
        peer = client[0] if client else "unknown"
        if self._trusted and self._is_trusted(peer):
            peer = self._right_most_untrusted(headers, peer)
        scope["headers"] = [pair for pair in headers if not pair[0].startswith(FORWARDING)]
        scope["idp.address"] = peer
        path: str = scope["path"]
        if self._base and path.startswith(self._base + "/"):
            path = path[len(self._base) :]
            scope["path"] = path
        scope["idp.path"] = path

    def _right_most_untrusted(self, headers: list[tuple[bytes, bytes]], peer: str) -> str:
        listed = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        for hop in reversed([hop.strip() for hop in listed.split(",") if hop.strip()][-MAX_HOPS:]):
            try:
                ip_address(hop)
            except ValueError:
                return peer
            peer = hop
            if not self._is_trusted(hop):
                return hop
        return peer

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted if network.version == parsed.version)


async def _refuse(status: int, send: Send) -> None:
    headers = [(b"content-length", b"0"), (b"cache-control", b"no-store"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
