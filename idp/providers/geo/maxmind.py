"""Places from a file in MaxMind's format, which the operator supplies; nothing is ever fetched."""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

import maxminddb
from maxminddb.types import Record

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
