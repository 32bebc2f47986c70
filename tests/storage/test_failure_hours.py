"""Failures are counted by the hour, in shards, whichever process counts."""

from idp.risk.surge import HOUR, Surges, hour_of
from idp.storage.stores import Stores
from tests.support.builders import NOW


async def test_failures_are_counted_by_the_hour_whichever_process_counts(stores: Stores) -> None:
    one, other = Surges(), Surges()
    for number in range(30):
        await (one if number % 2 else other).count(stores, number, NOW)
    await one.count(stores, 3, NOW - HOUR)

    assert await stores.failure_hours.since(hour_of(NOW)) == {hour_of(NOW): 30}
    assert await stores.failure_hours.since(hour_of(NOW) - 1) == {hour_of(NOW): 30, hour_of(NOW) - 1: 1}
