"""Addresses and agents as levels, from the finest to the coarsest, each as a digest of eight bytes.

Profiles hold digests only: whoever stores them passes a keyed `digest`, whoever replays a file a plain one.
The reading of agents is total: any text gives four levels, never an exception.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

#: Turns a kind ("address", "browser" …) and a value into 64 bits.
Digest = Callable[[str, str], int]

#: Only so much of a User-Agent counts: it is written by the attacker.
AGENT_BYTES = 512
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Agent:
    """What a User-Agent says, in four levels; words it does not say are `other`."""

    text: str
    browser: str  # with its major version, as in `Firefox 128`
    system: str  # with its version, as in `iOS 17.5`
    device: str  # desktop, mobile, tablet, tv, bot or other


@dataclass(frozen=True, slots=True)
class NetLevels:
    """Digests of address, autonomous system and country; None where it is not known."""

    address: bytes | None = None
    asn: bytes | None = None
    country: bytes | None = None

    @property
    def is_whole(self) -> bool:
        """Say whether no level is missing, so that the depth is certain."""
        return self.address is not None and self.asn is not None and self.country is not None


@dataclass(frozen=True, slots=True)
class AgentLevels:
    """Digests of the whole agent, its browser, its system and its type of device."""

    text: bytes
    browser: bytes
    system: bytes
    device: bytes


def net_levels(address: str | None, asn: int | None, country: str | None, digest: Digest) -> NetLevels:
    """Return the levels of a place on the network; an address that cannot be read is an unknown one."""
    place = network_of(address)
    return NetLevels(
        address=None if place is None else _eight(digest("address", place)),
        asn=None if asn is None else _eight(digest("asn", str(asn))),
        country=_eight(digest("country", country.upper())) if country else None,
    )


def agent_levels(agent: Agent, digest: Digest) -> AgentLevels:
    """Return the levels of an agent."""
    return AgentLevels(
        text=_eight(digest("agent", agent.text)),
        browser=_eight(digest("browser", agent.browser)),
        system=_eight(digest("system", agent.system)),
        device=_eight(digest("type", agent.device)),
    )


def device_level(device: str, digest: Digest) -> bytes:
    """Return the digest of a device cookie's identifier."""
    return _eight(digest("device", device))


def _eight(digest: int) -> bytes:
    return (digest & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "big")


def network_of(address: str | None) -> str | None:
    """Return what counts as one address: an IPv4 address, or the /64 of an IPv6 one; None if it is neither."""
    if address is None:
        return None
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.strip())
    except ValueError:
        return None
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"


def read_agent(agent: str | bytes) -> Agent:
    """Read a User-Agent; only its first 512 bytes count."""
    raw = agent if isinstance(agent, bytes) else agent.encode("utf-8", "backslashreplace")
    return _read(raw[:AGENT_BYTES].decode("utf-8", "replace"))


@lru_cache(maxsize=2048)
def _read(text: str) -> Agent:
    return Agent(text=text, browser=_browser(text), system=_system(text), device=_device(text))


# The first that is found: browsers built on another's engine name that one, too.
_BROWSERS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("Headless Chrome", r"HeadlessChrome/(\d+)"),
        ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
        ("Opera", r"(?:OPR|OPT|OPiOS)/(\d+)"),
        ("Samsung Internet", r"SamsungBrowser/(\d+)"),
        ("Vivaldi", r"Vivaldi/(\d+)"),
        ("Yandex", r"YaBrowser/(\d+)"),
        ("DuckDuckGo", r"(?:DuckDuckGo|Ddg)/(\d+)"),
        ("Brave", r"Brave/(\d+)"),
        ("UC Browser", r"UCBrowser/(\d+)"),
        ("Silk", r"\bSilk/(\d+)"),
        ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
        ("Chrome", r"(?:Chrome|CriOS|Chromium)/(\d+)"),
        ("Safari", r"Version/(\d+)[^(]*Safari/"),
        ("Opera", r"Opera[/ ](\d+)"),
        ("Internet Explorer", r"MSIE (\d+)"),
        ("Internet Explorer", r"Trident/.*rv:(\d+)"),
        ("Safari", r"AppleWebKit/(\d+).*Mobile/"),
    )
)
_PRODUCT = re.compile(r"\s*([A-Za-z][A-Za-z0-9_.\-]{0,39})(?:/(\d+))?")

_SYSTEMS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("Windows Phone", r"Windows Phone(?: OS)? (\d+)(?:\.(\d+))?"),
        ("Windows", r"Windows NT (\d+)(?:\.(\d+))?"),
        ("Windows", r"Windows ()()"),
        ("iOS", r"(?:iPhone|CPU) OS (\d+)(?:[_.](\d+))?"),
        ("iOS", r"(?:iPhone|iPad|iPod)()()"),
        ("Android", r"Android (\d+)(?:\.(\d+))?"),
        ("Android", r"Android()()"),
        ("Chrome OS", r"CrOS \S+ (\d+)()"),
        ("macOS", r"Mac OS X (\d+)(?:[_.](\d+))?"),
        ("macOS", r"Macintosh()()"),
        ("Tizen", r"Tizen (\d+)(?:\.(\d+))?"),
        ("Ubuntu", r"Ubuntu()()"),
        ("Linux", r"(?:Linux|X11)()()"),
    )
)

_DEVICES = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("bot", r"bot\b|crawl|spider|headless|curl/|wget/|python-|okhttp|go-http|libwww|java/|axios|node-fetch|scrapy"),
        ("tv", r"smart-?tv|appletv|googletv|\btv\b|hbbtv|playstation|xbox"),
        ("tablet", r"ipad|tablet|silk/|kindle|android(?!.*mobile)"),
        ("mobile", r"mobi|iphone|ipod|android|phone"),
        ("desktop", r"windows|macintosh|x11|cros|linux"),
    )
)


def _browser(text: str) -> str:
    for name, pattern in _BROWSERS:
        if found := pattern.search(text):
            return f"{name} {found[1][:_DIGITS]}"
    if found := _PRODUCT.match(text):
        return f"{found[1]} {(found[2] or '')[:_DIGITS]}".rstrip()
    return "other"


def _system(text: str) -> str:
    for name, pattern in _SYSTEMS:
        if found := pattern.search(text):
            version = ".".join(part[:_DIGITS] for part in found.groups() if part)
            return f"{name} {version}".rstrip()
    return "other"


def _device(text: str) -> str:
    return next((name for name, pattern in _DEVICES if pattern.search(text)), "other")
