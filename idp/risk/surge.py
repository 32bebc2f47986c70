"""Whether far more sign-ins fail just now than in the past week, whoever's: a spray from very many networks.

A botnet that tries each network and account once is seen by no counter but this one.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import sqrt
from typing import Final

from idp.storage.stores import Stores

HOUR: Final = timedelta(hours=1)
WEEK: Final = 168  # hours
KEPT: Final = timedelta(hours=WEEK + 24)
SHARDS: Final = 8
DAY: Final = 24  # hours of history without which nothing is called a surge
FEW: Final = 20  # failures within an hour that are none, however quiet the week was
FRESH: Final = timedelta(seconds=15)


def hour_of(now: datetime) -> int:
    """Return the number of the hour that a moment is in."""
    return int(now.timestamp()) // 3600


def z_of(counts: Mapping[int, int], now: datetime) -> float | None:
    """Return by how many standard deviations the last sixty minutes exceed the hours of the week before them.

    None while less than a day is known. The last sixty minutes are this hour and the share of the one before that lies
    within them. The deviation is at least that of a Poisson process, and at least one.
    """
    hour = hour_of(now)
    begin = max(hour - WEEK - 1, min(counts, default=hour))
    past = [counts.get(each, 0) for each in range(begin, hour - 1)]
    if len(past) < DAY:
        return None
    share = 1 - (now.timestamp() % 3600) / 3600
    rate = counts.get(hour, 0) + counts.get(hour - 1, 0) * share
    mean = sum(past) / len(past)
    variance = sum((count - mean) ** 2 for count in past) / len(past)
    z = (rate - mean) / max(sqrt(variance), sqrt(mean), 1.0)
    return z if rate >= FEW else min(z, 0.0)


class Surges:
    """Counts failures, and says how unusual their number is; what it says is a quarter of a minute old at most."""

    def __init__(self) -> None:
        """Begin without having looked."""
        self._at: datetime | None = None
        self._z: float | None = None

    async def count(self, stores: Stores, shard: int, now: datetime) -> None:
        """Count one failed sign-in."""
        await stores.failure_hours.add(hour_of(now), shard % SHARDS, expires_at=now + KEPT)

    async def z(self, stores: Stores, now: datetime) -> float | None:
        """Return the standard deviations; None while too little is known."""
        if self._at is None or not timedelta() <= now - self._at < FRESH:
            self._z = z_of(await stores.failure_hours.since(hour_of(now) - WEEK - 1), now)
            self._at = now
        return self._z
