"""What is refused before anything reads it: foreign hosts, long URLs, many headers, strange paths; and who is asking.

The client's address is the peer's. Only behind a trusted proxy does the right-most untrusted hop of X-Forwarded-For
count; from anybody else every forwarding header is dropped unread. What a proxy tells of a client's certificate counts
only at the host of the listener that asks for certificates: elsewhere it would be what the client wrote itself.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from idp.web.middleware.client_certificates import of_connection, of_proxy

MAX_TARGET = 8192
MAX_HEADERS = 100
MAX_HEADER_BYTES = 16384
MAX_HOPS = 20
FORWARDING = (b"forwarded", b"x-forwarded", b"x_forwarded", b"x-real-ip", b"x-original", b"x-rewrite", b"x-client",
              b"client-cert", b"true-client", b"cf-connecting")  # fmt: skip
_PLAIN_PATH = re.compile(rb"(/[A-Za-z0-9._~-]*)(/[A-Za-z0-9._~-]+)*/?")
_STRANGE_PATH = re.compile(rb"//|%2[fF]|%00|;|\\|^http")
_ANY_HOST = ("/health/", "/metrics")
METADATA = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
            "/.well-known/ssf-configuration")  # fmt: skip
PROTECTED = "/.well-known/oauth-protected-resource"
#: What programs reach at the listener that asks for certificates; no browser is asked for one.
MTLS_PATHS = frozenset({"/token", "/par", "/userinfo", "/introspect", "/revoke", "/device_authorization", "/ciba"})
MTLS_ROOTS = ("/api/admin/v1/", "/scim/v2/", "/ssf/")
Network = IPv4Network | IPv6Network


class Limits:
    """Outermost middleware: refuses what no handler should see, and settles address and path."""

    def __init__(self, app: ASGIApp, *, issuer: str, trusted: Sequence[Network], mtls_url: str | None = None) -> None:
        """Accept requests for the issuer's host only, and at that of `mtls_url` those of programs."""
        self._app = app
        parts = urlsplit(issuer)
        self._hosts = _hosts_of(issuer)
        self._mtls_hosts = _hosts_of(mtls_url) if mtls_url is not None else frozenset()
        self._is_https = parts.scheme == "https"
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
        await self._app(scope, receive, send)

    def _fault(self, scope: Scope) -> int | None:
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        if len(raw_path) + len(scope["query_string"]) > MAX_TARGET:
            return 414
        if not scope["query_string"].isascii():
            return 400  # a URI is ASCII (RFC 3986 §2); servers other than ours let such bytes through
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        size, hosts, is_forwarded = 0, [], False
        for name, value in headers:
            size += len(name) + len(value)
            if name == b"host":
                hosts.append(value.lower())
            elif name.startswith(FORWARDING):
                is_forwarded = True
        if len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES:
            return 431
        if not _PLAIN_PATH.fullmatch(raw_path) and _STRANGE_PATH.search(raw_path):
            return 400 if raw_path.startswith(b"http") else 404
        if not scope["path"].startswith(_ANY_HOST):
            if len(hosts) == 1 and hosts[0] in self._mtls_hosts - self._hosts:
                path: str = scope["path"].removeprefix(self._base)
                if path not in MTLS_PATHS and not path.startswith(MTLS_ROOTS):
                    return 404
            elif len(hosts) != 1 or hosts[0] not in self._hosts:
                return 421 if len(hosts) == 1 else 400
            if is_forwarded and self._is_https and self._came_in_the_clear(scope):
                return 400  # refused, not redirected: what was sent has been seen by others (RFC 6750 §5.3)
        asks_for_certificate = len(hosts) == 1 and hosts[0] in self._mtls_hosts
        self._settle(scope, is_forwarded=is_forwarded, asks_for_certificate=asks_for_certificate)
        return None

    def _came_in_the_clear(self, scope: Scope) -> bool:
        """Say whether a trusted proxy tells that the request reached it without TLS."""
        told = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
        is_trusted = bool(told) and scope.get("client") is not None and self._is_trusted(scope["client"][0])
        return is_trusted and told[-1].rpartition(b",")[2].strip().lower() != b"https"

    def _settle(self, scope: Scope, *, is_forwarded: bool, asks_for_certificate: bool) -> None:
        client = scope.get("client")
        peer = client[0] if client else "unknown"
        scope["idp.by_proxy"] = is_by_proxy = bool(self._trusted) and self._is_trusted(peer)
        scope["idp.certificate"] = of_connection(scope)
        if is_forwarded:
            headers: list[tuple[bytes, bytes]] = scope["headers"]
            if is_by_proxy:
                peer = self._right_most_untrusted(headers, peer)
                if asks_for_certificate and scope["idp.certificate"] is None:
                    scope["idp.certificate"] = of_proxy(headers)
            scope["headers"] = [pair for pair in headers if not pair[0].startswith(FORWARDING)]
        scope["idp.address"] = peer
        if self._base:
            scope["path"] = self._below_issuer(scope["path"])
        scope["idp.path"] = scope["path"]

    def _below_issuer(self, path: str) -> str:
        """Return the path without the issuer's own, which metadata has at its end (RFC 8414 §3.1)."""
        if path.startswith(self._base + "/"):
            return path[len(self._base) :]
        if path.startswith(f"{PROTECTED}{self._base}/"):  # RFC 9728 §3.1
            return PROTECTED + path[len(PROTECTED) + len(self._base) :]
        document = path.removesuffix(self._base)
        return document if document in METADATA else path

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


def _hosts_of(url: str) -> frozenset[bytes]:
    """Return the Host headers of a base URL: with and without the port of its scheme."""
    parts = urlsplit(url)
    default_port = {"http": ":80", "https": ":443"}[parts.scheme].encode()
    host = parts.netloc.lower().encode()
    return frozenset({host, host.removesuffix(default_port), *([host + default_port] if parts.port is None else [])})


async def _refuse(status: int, send: Send) -> None:
    headers = [(b"content-length", b"0"), (b"cache-control", b"no-store"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
