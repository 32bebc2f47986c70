"""Counts hours that are over, once, so that the dashboard reads sums; what is not counted yet is counted live."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from idp.clock import Clock
from idp.domain.event import EventKind
from idp.storage.columns import EPOCH
from idp.storage.stores import Stores, Transactions

HOUR = timedelta(hours=1)
SETTLING = timedelta(minutes=5)  # longer than the longest transaction, whose rows have the time of its beginning
KEPT = timedelta(days=400)
LOOKS_BACK = timedelta(days=31)
AT_ONCE = 48  # hours in one run
COUNTED: Mapping[EventKind, str] = {
    EventKind.SIGNED_IN: "signed_in", EventKind.SIGN_IN_REFUSED: "refused", EventKind.THROTTLED: "throttled",
    EventKind.ATTEMPT_ASKED: "stepped_up", EventKind.ATTEMPT_DENIED: "denied", EventKind.SIGNED_UP: "signed_up",
    EventKind.TOKENS_ISSUED: "tokens", EventKind.TOKEN_REFUSED: "token_refusals",
}  # fmt: skip


def hour_of(moment: datetime) -> datetime:
    """Return when the hour of a moment began."""
    return EPOCH + ((moment - EPOCH) // HOUR) * HOUR


async def keep_hours(transactions: Transactions, clock: Clock) -> int:
    """Count the hours that are over and were not counted yet; return how many those were."""
    now = clock.now()
    end = hour_of(now - SETTLING)
    async with transactions.open(write=False) as stores:
        newest = await stores.figures.hours.newest()
    hour = max(newest + HOUR if newest is not None else end - LOOKS_BACK, end - LOOKS_BACK)
    done = 0
    while hour < end and done < AT_ONCE:
        async with transactions.open(write=True) as stores:
            counts = {name: count for (_, name), count in (await live(stores, hour, hour + HOUR, HOUR)).items()}
            await stores.figures.hours.keep(hour, counts, expires_at=hour + KEPT)
        hour, done = hour + HOUR, done + 1
    return done


async def add_answers(transactions: Transactions, clock: Clock, answers: Mapping[str, int]) -> None:
    """Add how fast this process answered lately to the hour; what a process that is killed had not added is lost."""
    if answers:
        hour = hour_of(clock.now())
        async with transactions.open(write=True) as stores:
            await stores.figures.hours.add(hour, answers, expires_at=hour + KEPT)


async def live(stores: Stores, begin: datetime, end: datetime, slice_: timedelta) -> Mapping[tuple[datetime, str], int]:
    """Return what there is in each slice of a span, counted now."""
    counted = await stores.figures.events([kind.value for kind in COUNTED], begin, end, slice_=slice_)
    bands = await stores.figures.bands(begin, end, slice_=slice_)
    found = {(at, COUNTED[EventKind(kind)]): count for (at, kind), count in counted.items()}
    return found | {(at, f"risk_{band}"): count for (at, band), count in bands.items()}


async def between(stores: Stores, begin: datetime, end: datetime) -> Mapping[tuple[datetime, str], int]:
    """Return what there is in each hour of a span: kept where the hour was counted, counted now behind the newest."""
    newest = await stores.figures.hours.newest()
    behind = max(begin, newest + HOUR) if newest is not None else begin
    return {**await stores.figures.hours.between(begin, end), **await live(stores, behind, end, HOUR)}
