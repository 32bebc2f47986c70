"""Places from a file in MaxMind's format, which the operator supplies; nothing is ever fetched."""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

import maxminddb
from maxminddb.types import Record

from idp.providers.geo.networks import Lists, Network

ENGLISH = "en"


class UnreadableFile(Exception):
    """The file is not there, or is no database of places."""


class MaxMindPlaces:
    """A database of cities or countries, mapped into memory."""

    def __init__(self, path: Path) -> None:
        """Open the file; raise UnreadableFile if it cannot be used."""
        try:
            self._reader = maxminddb.open_database(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise UnreadableFile(str(error)) from error

    def name(self, address: str, *, locale: str) -> str:
        """Return city and country, or what is known of them."""
        try:
            found = self._reader.get(ip_address(address))
        except (ValueError, maxminddb.InvalidDatabaseError):  # not an address, of the other family, or a damaged part
            return ""
        if not isinstance(found, Mapping):
            return ""
        names = [_named(found.get(part), locale) for part in ("city", "country")]
        return ", ".join(name for name in names if name)


def _named(part: Record | None, locale: str) -> str:
    names = part.get("names") if isinstance(part, Mapping) else None
    if not isinstance(names, Mapping):
        return ""
    name = names.get(locale) or names.get(locale.partition("-")[0]) or names.get(ENGLISH)
    return name if isinstance(name, str) else ""


class MaxMindNetworks:
    """Autonomous systems and countries from MaxMind-format files, beside the operator's lists."""

    def __init__(self, *, asn: Path | None, geo: Path | None, lists: Lists | None) -> None:
        """Open the files; raise UnreadableFile if one cannot be used."""
        self._asn = _open(asn)
        self._geo = _open(geo)
        self._lists = lists

    def look_up(self, address: str) -> Network:
        """Return what the files say."""
        place, owner = _record(self._geo, address), _record(self._asn, address)
        where, country = place.get("location"), place.get("country")
        position = where if isinstance(where, Mapping) else {}
        code = country.get("iso_code") if isinstance(country, Mapping) else None
        number = owner.get("autonomous_system_number")
        asn = number if isinstance(number, int) else None
        return Network(
            asn=asn,
            country=code if isinstance(code, str) and len(code) == 2 else None,
            latitude=_degrees(position.get("latitude")),
            longitude=_degrees(position.get("longitude")),
            radius_km=_degrees(position.get("accuracy_radius")),
            kind=self._lists.kinds.get(asn) if self._lists is not None and asn is not None else None,
            listed=self._lists.of(address) if self._lists is not None else None,
        )


def _open(path: Path | None) -> "maxminddb.Reader | None":
    if path is None:
        return None
    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise UnreadableFile(f"{path}: {error}") from error


def _record(reader: "maxminddb.Reader | None", address: str) -> Mapping[str, object]:
    if reader is None:
        return {}
    try:
        found = reader.get(ip_address(address))
    except (ValueError, maxminddb.InvalidDatabaseError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _degrees(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
