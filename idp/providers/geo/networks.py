"""What the operator's files say of an address: whose network, which country, on which list. Nothing is ever fetched."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Protocol

#: Files of a folder of lists: networks, one a line; `kinds.txt` has `ASN KIND` lines.
LISTS = ("tor", "deny", "watch")
KINDS = frozenset({"residential", "mobile", "business", "hosting", "vpn", "tor"})
MOST_LINES = 2_000_000


class BadList(Exception):
    """A line of a list cannot be read; the text says which."""


@dataclass(frozen=True, slots=True)
class Network:
    """What is known of an address; None where no file says."""

    asn: int | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    radius_km: float | None = None
    kind: str | None = None
    listed: frozenset[str] | None = None


UNKNOWN = Network()


class Networks(Protocol):
    """Looks addresses up."""

    def look_up(self, address: str) -> Network:
        """Return what is known; unknown for anything that is no address."""
        ...


class NoNetworks:
    """Knows no network: the operator gave no files."""

    def look_up(self, address: str) -> Network:
        """Return nothing."""
        return UNKNOWN


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of networks, by prefix length, so that a look-up costs one step for each length in use."""

    networks: Mapping[str, Mapping[int, Mapping[int, frozenset[int]]]]  # list → IP version → prefix length → networks
    kinds: Mapping[int, str]

    @classmethod
    def read(cls, folder: Path) -> "Lists":
        """Read `tor.txt`, `deny.txt`, `watch.txt` and `kinds.txt`; a missing file is an empty list. Raises BadList."""
        found = {name: _read_networks(folder / f"{name}.txt") for name in LISTS}
        return cls(found, _read_kinds(folder / "kinds.txt"))

    def of(self, address: str) -> frozenset[str] | None:
        """Return the lists that an address stands on; None for anything that is no address."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return None
        mapped = getattr(parsed, "ipv4_mapped", None)
        parsed = mapped or parsed
        number, bits = int(parsed), parsed.max_prefixlen
        return frozenset(
            name
            for name, versions in self.networks.items()
            if any(number >> (bits - length) in nets for length, nets in versions.get(parsed.version, {}).items())
        )


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadList(f"{path}: {error}") from error
    numbered = enumerate(text.splitlines()[:MOST_LINES], 1)
    return [(number, line.partition("#")[0].strip()) for number, line in numbered if line.partition("#")[0].strip()]


def _read_networks(path: Path) -> dict[int, dict[int, frozenset[int]]]:
    collected: dict[int, dict[int, set[int]]] = {}
    for number, line in _lines(path):
        try:
            network: IPv4Network | IPv6Network = ip_network(line, strict=False)
        except ValueError as error:
            raise BadList(f"{path}:{number}: {error}") from error
        start = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
        collected.setdefault(network.version, {}).setdefault(network.prefixlen, set()).add(start)
    return {
        version: {length: frozenset(nets) for length, nets in lengths.items()} for version, lengths in collected.items()
    }


def _read_kinds(path: Path) -> dict[int, str]:
    kinds = {}
    for number, line in _lines(path):
        asn, _, kind = line.removeprefix("AS").partition(" ")
        if not asn.isdecimal() or kind.strip() not in KINDS:
            raise BadList(f"{path}:{number}: expected `ASN KIND`, with KIND one of {', '.join(sorted(KINDS))}")
        kinds[int(asn)] = kind.strip()
    return kinds
