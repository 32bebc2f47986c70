"""Which URLs may be fetched, and which network addresses are public.

Stricter than the IANA registries of special-purpose addresses (RFC 6890): of IPv6 only 2000::/3 is public, less all
that carries an IPv4 address inside; hosts written as numbers other than four decimal ones are refused, not interpreted.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from idp.providers.fetch.port import FetchRejected

LONGEST_URL = 2048
_DEFAULT_PORTS = {"https": 443, "http": 80}
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMERIC_END = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
_VISIBLE = re.compile(r"[!-~]+")

_RESERVED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network, and the unspecified address
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared (RFC 6598)
        "127.0.0.0/8",
        "168.63.129.16/32",  # the host's own services in one large cloud
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")  # not ::/96, ::ffff:0:0/96, 64:ff9b::/96, fc00::/7, fe80::/10, ff00::/8
_RESERVED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214 §6.1: the IPv4 address follows


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads: `host` is a lower-case name or an address without brackets."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Return host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def host_and_port(self) -> str:
        """Return host and port as they are allowed."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Say whether an address belongs to the public Internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _RESERVED_V4)
    if address.scope_id is not None or address not in _PUBLIC_V6 or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return False
    return not any(address in network for network in _RESERVED_V6)


def read_url(url: str) -> Place:
    """Return where an absolute http(s) URL leads; raise FetchRejected if it could be read in more than one way."""
    if len(url) > LONGEST_URL or not _VISIBLE.fullmatch(url) or "\\" in url or "#" in url:
        raise FetchRejected("the URL is too long, or has characters that do not belong there")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise FetchRejected("the URL cannot be read") from error
    scheme, authority = parts.scheme, parts.netloc
    if scheme not in _DEFAULT_PORTS or "@" in authority or authority.endswith(":") or port == 0:
        raise FetchRejected("the URL is not a plain http(s) URL")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(scheme, _host(authority), port or _DEFAULT_PORTS[scheme], target)


def _host(authority: str) -> str:
    if authority.startswith("["):
        literal, bracket, rest = authority[1:].partition("]")
        try:
            address = IPv6Address(literal)
        except AddressValueError as error:
            raise FetchRejected("the host is not an address") from error
        if not bracket or address.scope_id is not None or rest[:1] not in ("", ":"):
            raise FetchRejected("the host is not an address")
        return str(address)
    host = authority.partition(":")[0].lower()
    if _NUMERIC_END.fullmatch(
        host
    ):  # 2130706433, 0x7f.1, 0177.0.0.1 and 127.1 mean different things to different readers
        try:
            return str(IPv4Address(host))
        except AddressValueError as error:
            raise FetchRejected("the host is a number, but not four decimal ones") from error
    if not _NAME.fullmatch(host):
        raise FetchRejected("the host is not a name")
    return host


def literal_of(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a host is, None if it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None
