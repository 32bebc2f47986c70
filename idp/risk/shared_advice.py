"""What advice shares between processes, on the database: answers, limits, the friction budget and the breaker.

Each call is one short transaction of its own, and changes a state only if nobody did so meanwhile. It must not be
awaited inside a write transaction: on SQLite it would wait for that one. Whatever the database does, there is no
exception: without it there is no advice, and the local decision stands. The friction budget alone is earned inside the
transaction of the sign-in that earns it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from idp.clock import Clock
from idp.domain.json import Json
from idp.domain.secret import base64url
from idp.providers.adviser.port import RawAnswer
from idp.risk import consultation, shared_advice_json
from idp.risk.advice import Why
from idp.risk.allowance import HOUR, PER_PREFIX, PER_USER, Bucket, Calls, Prices, Spent
from idp.risk.breaker import Breaker
from idp.risk.consultation import Caller
from idp.storage.adviser import AdviserStore
from idp.storage.faults import Conflict, DatabaseAway
from idp.storage.stores import Stores, Transactions

TRIES = 5
PATIENCE = timedelta(milliseconds=250)  # a sign-in waits for this, beside the adviser's own budget
DAY = timedelta(days=1)
BREAKER_KEPT = DAY  # far beyond its longest pause
BUCKET_KEPT = 3650 * DAY  # a full one is not written again, and shall not be swept for that
BREAKER, SPENT = "breaker", "spent"
T = TypeVar("T")
log = structlog.get_logger("adviser")


class _Raced(Exception):
    """Another process changed a state first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the adviser stands, for operators; `spent` is of the current day."""

    breaker: Breaker
    spent: Spent
    bucket: Bucket


class SharedAdvice:
    """The stores of one process's Consultant."""

    def __init__(
        self, transactions: Transactions, *, prices: Prices, clock: Clock, patience: timedelta = PATIENCE
    ) -> None:
        """Work on that database; no call takes longer than `patience`."""
        self._states = _States(transactions, patience)
        self._prices = prices
        self._clock = clock

    def stores(self) -> consultation.Stores:
        """Return what a Consultant takes."""
        return consultation.Stores(
            _Answers(self._states, self._clock),
            _Allowances(self._states, self._prices, self._clock),
            _Health(self._states),
        )

    async def standing(self, tenant: bytes) -> Standing | None:
        """Return how the adviser stands for a tenant; None while the database is away."""
        today = self._clock.now().date()

        async def work(store: AdviserStore) -> Standing | None:
            (_, breaker), (_, spent) = await store.state(BREAKER), await store.state(SPENT)
            _, bucket = await store.state(_bucket_of(tenant))
            return Standing(
                shared_advice_json.breaker(breaker),
                shared_advice_json.spent(spent, today),
                shared_advice_json.bucket(bucket),
            )

        return await self._states.read(work, instead=None)


async def earn(stores: Stores, tenant: bytes, rate: float, now: datetime) -> None:
    """Add one sign-in's share to the tenant's friction budget, in the sign-in's own transaction; call it last.

    A budget that is full is only read. One that others keep changing stays as they left it: a sign-in never fails, nor
    is repeated, for this; what it loses is its share of a prompt.
    """
    name = _bucket_of(tenant)
    try:
        for _ in range(TRIES):
            version, content = await stores.adviser.state(name)
            bucket = shared_advice_json.bucket(content)
            fuller = bucket.earn(rate)
            if fuller == bucket:
                return
            after = shared_advice_json.of_bucket(fuller)
            async with stores.connection.begin_nested():  # a wait that was cut off leaves the sign-in usable
                if await stores.adviser.save_state(name, after, after=version, expires_at=now + BUCKET_KEPT):
                    return
    except (DatabaseAway, Conflict) as error:
        log.warning("friction_budget_not_earned", kind=type(error).__name__)


class _States:
    """Reads and changes states, and gives up quietly."""

    def __init__(self, transactions: Transactions, patience: timedelta) -> None:
        self._transactions = transactions
        self._patience = patience.total_seconds()
        # Calls of one process go one after the other, so that only other processes are raced.
        self._turn = asyncio.Lock()

    async def read(self, work: Callable[[AdviserStore], Awaitable[T]], *, instead: T) -> T:
        """Return what the work finds; `instead` if the database is away."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._transactions.run(lambda stores: work(stores.adviser), write=False)
        except (DatabaseAway, TimeoutError) as error:
            log.warning("adviser_store_away", kind=type(error).__name__)
            return instead

    async def change(self, work: Callable[[AdviserStore], Awaitable[T]], *, instead: T) -> T:
        """Do the work, all or nothing, again when somebody was faster; `instead` if that does not end or begin."""
        try:
            async with asyncio.timeout(self._patience), self._turn:
                for _ in range(TRIES):
                    try:
                        return await self._transactions.run(lambda stores: work(stores.adviser), write=True)
                    except _Raced:
                        continue
        except (DatabaseAway, TimeoutError) as error:
            log.warning("adviser_store_away", kind=type(error).__name__)
            return instead
        log.warning("adviser_store_busy")
        return instead


class _Answers:
    """Accepted answers by key."""

    def __init__(self, states: _States, clock: Clock) -> None:
        self._states = states
        self._clock = clock

    async def find(self, key: str, now: datetime) -> RawAnswer | None:
        """Return the answer unless it is unknown or expired."""

        async def work(store: AdviserStore) -> RawAnswer | None:
            found = await store.find_answer(key, now)
            return None if found is None else shared_advice_json.answer(found)

        return await self._states.read(work, instead=None)

    async def keep(self, key: str, answer: RawAnswer, expires_at: datetime) -> None:
        """Store an answer; the first one stands."""

        async def work(store: AdviserStore) -> None:
            await store.keep_answer(key, shared_advice_json.of_answer(answer), self._clock.now(), expires_at)

        await self._states.change(work, instead=None)


class _Allowances:
    """Counts calls and money."""

    def __init__(self, states: _States, prices: Prices, clock: Clock) -> None:
        self._states = states
        self._prices = prices
        self._clock = clock

    async def take(self, caller: Caller, now: datetime) -> Why | None:
        """Count one call and its reckoned tokens; else say which limit is reached, and count nothing."""
        user, prefix = f"user:{base64url(caller.user)}", f"prefix:{base64url(caller.prefix)}"

        async def work(store: AdviserStore) -> Why | None:
            of_user, of_prefix, of_day = await store.state(user), await store.state(prefix), await store.state(SPENT)
            by_user = shared_advice_json.calls(of_user[1]).add(now, PER_USER)
            by_prefix = shared_advice_json.calls(of_prefix[1]).add(now, PER_PREFIX)
            spent = shared_advice_json.spent(of_day[1], now.date()).reserve(self._prices)
            if by_user is None:
                return Why.USER_LIMIT
            if by_prefix is None:
                return Why.NETWORK_LIMIT
            if spent is None:
                return Why.DAY_LIMIT
            await _save_calls(store, user, by_user, after=of_user[0], now=now)
            await _save_calls(store, prefix, by_prefix, after=of_prefix[0], now=now)
            await _save_spent(store, spent, after=of_day[0], now=now)
            return None

        return await self._states.change(work, instead=Why.BUSY)

    async def settle(self, tokens_in: int, tokens_out: int, now: datetime) -> None:
        """Put a call's own tokens in place of the reckoned ones; 0, 0 if they are unknown."""

        async def work(store: AdviserStore) -> None:
            version, content = await store.state(SPENT)
            before = shared_advice_json.spent(content, now.date())
            after = before.settle(tokens_in, tokens_out)
            if after != before:
                await _save_spent(store, after, after=version, now=now)

        await self._states.change(work, instead=None)

    async def pay(self, tenant: bytes) -> bool:
        """Take one prompt from the tenant's friction budget; False if it does not hold one."""
        name, expires_at = _bucket_of(tenant), self._clock.now() + BUCKET_KEPT

        async def work(store: AdviserStore) -> bool:
            version, content = await store.state(name)
            paid = shared_advice_json.bucket(content).pay()
            if paid is None:
                return False
            await _save(store, name, shared_advice_json.of_bucket(paid), after=version, expires_at=expires_at)
            return True

        return await self._states.change(work, instead=False)


class _Health:
    """The breaker."""

    def __init__(self, states: _States) -> None:
        self._states = states

    async def is_resting(self, now: datetime) -> bool:
        """Say whether no question may go out now; changes nothing."""
        breaker = await self._read()
        return breaker is None or breaker.admit(now) is None

    async def admit(self, now: datetime) -> bool:
        """Say whether a question may go out; while open, to one probe at a time."""
        breaker = await self._read()
        if breaker is None or breaker.is_closed:  # a closed one is not changed by a question
            return breaker is not None

        async def work(store: AdviserStore) -> bool:
            version, content = await store.state(BREAKER)
            before = shared_advice_json.breaker(content)
            after = before.admit(now)
            if after is not None and after != before:
                await _save_breaker(store, after, after=version, now=now)
            return after is not None

        return await self._states.change(work, instead=False)

    async def report(self, now: datetime, *, is_good: bool) -> None:
        """Count an answer or a failure."""

        async def work(store: AdviserStore) -> None:
            version, content = await store.state(BREAKER)
            before = shared_advice_json.breaker(content)
            after = before.after(now, is_good=is_good)
            if after != before:
                await _save_breaker(store, after, after=version, now=now)

        await self._states.change(work, instead=None)

    async def _read(self) -> Breaker | None:
        async def work(store: AdviserStore) -> Breaker | None:
            return shared_advice_json.breaker((await store.state(BREAKER))[1])

        return await self._states.read(work, instead=None)


def _bucket_of(tenant: bytes) -> str:
    return f"bucket:{base64url(tenant)}"


async def _save_calls(store: AdviserStore, name: str, calls: Calls, *, after: int, now: datetime) -> None:
    await _save(store, name, shared_advice_json.of_calls(calls), after=after, expires_at=now + HOUR)


async def _save_spent(store: AdviserStore, spent: Spent, *, after: int, now: datetime) -> None:
    await _save(store, SPENT, shared_advice_json.of_spent(spent), after=after, expires_at=now + 2 * DAY)


async def _save_breaker(store: AdviserStore, breaker: Breaker, *, after: int, now: datetime) -> None:
    content = shared_advice_json.of_breaker(breaker)
    await _save(store, BREAKER, content, after=after, expires_at=now + BREAKER_KEPT)


async def _save(
    store: AdviserStore, name: str, content: Mapping[str, Json], *, after: int, expires_at: datetime
) -> None:
    if not await store.save_state(name, content, after=after, expires_at=expires_at):
        raise _Raced
