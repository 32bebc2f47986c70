"""Durations as people write them in a policy: "30s", "10m", "12h", "28d"."""

import re
from collections.abc import Mapping
from datetime import timedelta

_UNITS: Mapping[str, timedelta] = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_LONGEST = timedelta(days=3650)


def read(text: str) -> timedelta:
    """Return the duration.

    Raises ValueError unless it is whole numbers with the units d, h, m or s, at most ten years.
    """
    if not re.fullmatch(r"([0-9]{1,9}[dhms])+", text):
        raise ValueError(f"{text!r} is no duration: write 30s, 10m, 12h or 28d")
    pieces = re.findall(r"([0-9]+)([dhms])", text)
    if any(int(number) * _UNITS[unit] > _LONGEST for number, unit in pieces):
        raise ValueError(f"{text!r} is longer than ten years")
    return sum((int(number) * _UNITS[unit] for number, unit in pieces), timedelta())


def spell(duration: timedelta) -> str:
    """Return the shortest way to write a duration in one unit, "90m" for an hour and a half."""
    for unit, length in _UNITS.items():
        if duration >= length and not duration % length:
            return f"{duration // length}{unit}"
    return f"{int(duration.total_seconds())}s"
