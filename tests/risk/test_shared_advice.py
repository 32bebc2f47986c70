"""What advice shares, on SQLite and PostgreSQL: all processes see one state; without a database there is no advice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.json import Json, JsonObject
from idp.domain.probe import InjectedFault
from idp.providers.adviser.port import RawAnswer
from idp.risk import shared_advice_json
from idp.risk.advice import Why
from idp.risk.allowance import PER_PREFIX, PER_USER, TOKENS_IN, TOKENS_OUT, WHOLE_PROMPT, Bucket, Calls, Prices, Spent
from idp.risk.breaker import FIRST_PAUSE, IN_A_ROW, PROBE_LASTS, Breaker
from idp.risk.consultation import Caller, Stores
from idp.risk.shared_advice import SharedAdvice, earn
from idp.storage.database import Database
from idp.storage.stores import Stores as StorageStores
from idp.storage.stores import Transactions
from tests.support.advice_stores import BEGIN, FrozenClock
from tests.support.attempts import CALLER
from tests.support.databases import KINDS
from tests.support.storage import emptied, migrated_database, transactions_on

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TICK = timedelta(microseconds=1)
LONG = timedelta(seconds=60)  # so that a busy machine fails no test
TENANT = CALLER.tenant
CALL = TOKENS_IN + TOKENS_OUT
ANSWER = RawAnswer('{"score": 50}', 1, tokens_in=480, tokens_out=41)


@dataclass
class Switch:
    """Takes a database away, and gives it back."""

    is_off: bool = False

    def before(self, _label: str) -> float:
        """Fail while it is off."""
        if self.is_off:
            raise InjectedFault
        return 0.0

    def after(self, _label: str) -> None:
        """Note nothing."""


@dataclass
class Process:
    """One process with a database connection of its own."""

    transactions: Transactions
    switch: Switch
    prices: Prices = field(default_factory=lambda: Prices(1_000_000))
    clock: FrozenClock = field(default_factory=FrozenClock)
    patience: timedelta = LONG

    @property
    def shared(self) -> SharedAdvice:
        """What it shares."""
        return SharedAdvice(self.transactions, prices=self.prices, clock=self.clock, patience=self.patience)

    @property
    def stores(self) -> Stores:
        """What its Consultant takes."""
        return self.shared.stores()

    async def earn(self, rate: float, times: int = 1) -> None:
        """Sign people in, one after the other."""
        for _ in range(times):
            async with self.transactions.open(write=True) as stores:
                await earn(stores, TENANT, rate, self.clock.now())


@pytest.fixture(scope="session")
async def one_postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A database on PostgreSQL that these tests use one after the other."""
    async with migrated_database("postgresql", tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture(params=KINDS)
async def url(request: pytest.FixtureRequest, one_postgres: str, tmp_path: Path) -> AsyncIterator[str]:
    """A database with all tables and no rows."""
    if request.param == "postgresql":
        yield await emptied(one_postgres)
        return
    async with migrated_database("sqlite", tmp_path) as url:
        yield url


@asynccontextmanager
async def process_on(url: str) -> AsyncIterator[Process]:
    switch = Switch()
    database = Database(url, pool_size=20, probe=switch)
    try:
        yield Process(transactions_on(database), switch)
    finally:
        await database.close()


@pytest.fixture
async def one(url: str) -> AsyncIterator[Process]:
    """A process."""
    async with process_on(url) as process:
        yield process


@pytest.fixture
async def other(url: str) -> AsyncIterator[Process]:
    """Another process on the same database."""
    async with process_on(url) as process:
        yield process


async def standing_of(process: Process) -> tuple[Breaker, Spent, Bucket]:
    standing = await process.shared.standing(TENANT)
    assert standing is not None
    return standing.breaker, standing.spent, standing.bucket


# Answers


async def test_an_answer_that_one_process_kept_is_given_by_another_until_it_expires(
    one: Process, other: Process
) -> None:
    await one.stores.answers.keep("key", ANSWER, BEGIN + DAY)

    assert await other.stores.answers.find("key", BEGIN + DAY - TICK) == ANSWER
    assert await other.stores.answers.find("key", BEGIN + DAY) is None
    assert await other.stores.answers.find("another", BEGIN) is None


async def test_of_two_answers_the_first_stands_until_it_expires(one: Process, other: Process) -> None:
    second = RawAnswer("{}", 1)
    await one.stores.answers.keep("key", ANSWER, BEGIN + HOUR)
    await other.stores.answers.keep("key", second, BEGIN + DAY)
    assert await one.stores.answers.find("key", BEGIN) == ANSWER

    other.clock.advance(HOUR)
    await other.stores.answers.keep("key", second, BEGIN + DAY)

    assert await one.stores.answers.find("key", BEGIN + HOUR) == second


# Limits


async def test_a_person_has_three_calls_an_hour_whichever_process_they_meet(one: Process, other: Process) -> None:
    for number in range(PER_USER):
        assert await (one, other)[number % 2].stores.allowances.take(CALLER, BEGIN + number * MINUTE) is None

    assert await other.stores.allowances.take(CALLER, BEGIN + HOUR - TICK) is Why.USER_LIMIT
    assert await other.stores.allowances.take(CALLER, BEGIN + HOUR) is None


async def test_a_network_has_twenty_calls_an_hour(one: Process, other: Process) -> None:
    for number in range(PER_PREFIX):
        caller = Caller(TENANT, bytes([number]), CALLER.prefix)
        assert await (one, other)[number % 2].stores.allowances.take(caller, BEGIN) is None

    assert await one.stores.allowances.take(CALLER, BEGIN) is Why.NETWORK_LIMIT
    assert await one.stores.allowances.take(Caller(TENANT, CALLER.user, b"elsewhere"), BEGIN) is None


async def test_a_call_that_is_not_made_uses_up_nothing(one: Process) -> None:
    one.prices = Prices(CALL)
    assert await one.stores.allowances.take(CALLER, BEGIN) is None
    for _ in range(PER_USER):
        assert await one.stores.allowances.take(CALLER, BEGIN) is Why.DAY_LIMIT

    one.prices = Prices(1_000_000)
    assert await one.stores.allowances.take(CALLER, BEGIN) is None
    assert (await standing_of(one))[1].calls == 2


async def test_a_day_ends_at_its_cap_and_a_new_one_begins_at_midnight_utc(one: Process, other: Process) -> None:
    one.prices = other.prices = Prices(CALL)
    midnight = datetime(2026, 11, 3, tzinfo=UTC)
    assert await one.stores.allowances.take(CALLER, BEGIN) is None

    assert await other.stores.allowances.take(CALLER, midnight - TICK) is Why.DAY_LIMIT
    assert await other.stores.allowances.take(CALLER, midnight) is None
    # A process whose clock is behind does not bring the old day back.
    assert await one.stores.allowances.take(CALLER, midnight - TICK) is Why.DAY_LIMIT


async def test_an_answers_own_tokens_take_the_place_of_the_reckoned_ones(one: Process, other: Process) -> None:
    await one.stores.allowances.take(CALLER, BEGIN)

    await other.stores.allowances.settle(480, 41, BEGIN)
    await other.stores.allowances.settle(0, 0, BEGIN)

    assert (await standing_of(one))[1] == Spent(BEGIN.date(), 1, 480, 41)


async def test_calls_at_once_are_each_counted_once(one: Process, other: Process) -> None:
    callers = [Caller(TENANT, bytes([number]), bytes([number])) for number in range(10)]

    async def ask(process: Process, stores: Stores, mine: list[Caller]) -> list[Why | None]:
        return await asyncio.gather(*(stores.allowances.take(caller, process.clock.now()) for caller in mine))

    taken = await asyncio.gather(ask(one, one.stores, callers[:5]), ask(other, other.stores, callers[5:]))

    granted = sum(why is None for each in taken for why in each)
    assert {why for each in taken for why in each} <= {None, Why.BUSY}
    assert granted >= 5  # of two that meet, one wins each time
    assert (await standing_of(one))[1].calls == granted


# The friction budget


async def test_a_budget_starts_empty_and_is_paid_once_by_whoever_comes_first(one: Process, other: Process) -> None:
    assert not await one.stores.allowances.pay(TENANT)
    await one.earn(0.25, 3)
    assert not await one.stores.allowances.pay(TENANT)
    await other.earn(0.25)

    paid = await asyncio.gather(one.stores.allowances.pay(TENANT), other.stores.allowances.pay(TENANT))

    assert sorted(paid) == [False, True]
    assert (await standing_of(one))[2] == Bucket(0)


async def test_a_budget_holds_one_prompt_and_belongs_to_one_tenant(one: Process) -> None:
    await one.earn(0.5, 4)

    assert not await one.stores.allowances.pay(b"another tenant")
    assert await one.stores.allowances.pay(TENANT)
    assert not await one.stores.allowances.pay(TENANT)


async def test_nothing_is_written_for_a_full_budget_or_a_rate_of_nothing(one: Process) -> None:
    async def version() -> int:
        async with one.transactions.open(write=False) as stores:
            return (await stores.adviser.state("bucket:dGVuYW50"))[0]

    await one.earn(0.0)
    assert await version() == 0
    await one.earn(1.0, 3)

    assert await version() == 1


async def test_sign_ins_that_earn_at_once_all_succeed_and_none_earns_twice(one: Process, other: Process) -> None:
    async def sign_in(process: Process) -> None:
        async with process.transactions.open(write=True) as stores:
            await earn(stores, TENANT, 0.01, BEGIN)
            await stores.epochs.bump("signed_in")

    await asyncio.gather(*(sign_in(process) for process in [one, other] * 10))

    async with one.transactions.open(write=False) as stores:
        assert (await stores.epochs.all())["signed_in"] == 20
    earned = (await standing_of(one))[2].millionths
    assert 0 < earned <= 20 * WHOLE_PROMPT // 100


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_a_budget_that_is_held_for_too_long_costs_a_sign_in_nothing_but_its_share(
    one: Process, other: Process
) -> None:
    """On SQLite nobody else writes while one does."""
    await one.earn(0.01)

    async def sign_in(stores: StorageStores) -> None:
        await stores.connection.exec_driver_sql("SET LOCAL lock_timeout = '20ms'")
        await stores.epochs.bump("signed_in")
        await earn(stores, TENANT, 0.01, BEGIN)

    async with one.transactions.open(write=True) as held:
        await earn(held, TENANT, 0.01, BEGIN)
        async with other.transactions.open(write=True) as stores:
            await sign_in(stores)

    async with one.transactions.open(write=False) as stores:
        assert (await stores.epochs.all())["signed_in"] == 1
    assert (await standing_of(one))[2] == Bucket(2 * WHOLE_PROMPT // 100)


async def test_what_a_sign_in_earned_goes_with_it_when_it_fails(one: Process) -> None:
    async def sign_in(stores: StorageStores) -> None:
        await earn(stores, TENANT, 1.0, BEGIN)
        raise KeyError

    with pytest.raises(KeyError):
        await one.transactions.run(sign_in, write=True)

    assert (await standing_of(one))[2] == Bucket(0)


# The breaker


async def open_breaker(process: Process) -> None:
    for _ in range(IN_A_ROW):
        await process.stores.health.report(BEGIN, is_good=False)


async def test_failures_seen_by_one_process_rest_the_adviser_for_all(one: Process, other: Process) -> None:
    for process in (one, other, one, other):
        await process.stores.health.report(BEGIN, is_good=False)
        assert await other.stores.health.admit(BEGIN)
    await one.stores.health.report(BEGIN, is_good=False)

    assert await other.stores.health.is_resting(BEGIN)
    assert await other.stores.health.is_resting(BEGIN + FIRST_PAUSE - TICK)
    assert not await other.stores.health.admit(BEGIN + FIRST_PAUSE - TICK)
    assert not await other.stores.health.is_resting(BEGIN + FIRST_PAUSE)


async def test_of_two_processes_one_sends_the_probe(one: Process, other: Process) -> None:
    await open_breaker(one)
    later = BEGIN + FIRST_PAUSE

    admitted = await asyncio.gather(one.stores.health.admit(later), other.stores.health.admit(later))

    assert sorted(admitted) == [False, True]
    assert await one.stores.health.is_resting(later + PROBE_LASTS - TICK)
    assert await one.stores.health.admit(later + PROBE_LASTS)


async def test_a_good_probe_closes_the_breaker_for_all_and_a_bad_one_doubles_the_pause(
    one: Process, other: Process
) -> None:
    await open_breaker(one)
    later = BEGIN + FIRST_PAUSE
    assert await one.stores.health.admit(later)
    await one.stores.health.report(later, is_good=False)
    assert await other.stores.health.is_resting(later + 2 * FIRST_PAUSE - TICK)

    assert await other.stores.health.admit(later + 2 * FIRST_PAUSE)
    await other.stores.health.report(later + 2 * FIRST_PAUSE, is_good=True)

    assert await one.stores.health.admit(later + 2 * FIRST_PAUSE)
    assert (await standing_of(one))[0].is_closed


# A database that is away


async def test_without_the_database_there_is_no_advice_and_no_exception(one: Process) -> None:
    await one.earn(1.0)
    stores = one.stores
    one.switch.is_off = True

    assert await stores.answers.find("key", BEGIN) is None
    await stores.answers.keep("key", ANSWER, BEGIN + DAY)
    assert await stores.allowances.take(CALLER, BEGIN) is Why.BUSY
    await stores.allowances.settle(1, 1, BEGIN)
    assert not await stores.allowances.pay(TENANT)
    assert await stores.health.is_resting(BEGIN)
    assert not await stores.health.admit(BEGIN)
    await stores.health.report(BEGIN, is_good=True)
    assert await one.shared.standing(TENANT) is None

    one.switch.is_off = False
    assert await stores.allowances.pay(TENANT)


async def test_a_state_that_somebody_holds_is_not_waited_for(one: Process, other: Process) -> None:
    await one.stores.health.report(BEGIN, is_good=False)
    await one.earn(1.0)
    other.patience = timedelta(milliseconds=30)
    stores = other.stores

    async with one.transactions.open(write=True) as held:
        for name in ("breaker", "bucket:dGVuYW50"):
            version, content = await held.adviser.state(name)
            await held.adviser.save_state(name, content, after=version, expires_at=BEGIN)
        await stores.health.report(BEGIN, is_good=False)
        assert not await stores.allowances.pay(TENANT)

    breaker, _, bucket = await standing_of(one)
    assert (breaker.recent, bucket) == ((False,), Bucket(WHOLE_PROMPT))


async def test_a_swept_state_is_a_new_one(one: Process) -> None:
    for _ in range(PER_USER):
        await one.stores.allowances.take(CALLER, BEGIN)
    await open_breaker(one)
    async with one.transactions.open(write=True) as stores:
        assert (await stores.sweep.batch(BEGIN + HOUR - TICK))["shared_states"] == 0
        assert (await stores.sweep.batch(BEGIN + HOUR))["shared_states"] == 2  # person and network
        assert (await stores.sweep.batch(BEGIN + 2 * DAY))["shared_states"] == 2  # breaker and day

    assert await one.stores.allowances.take(CALLER, BEGIN) is None
    assert await one.stores.health.admit(BEGIN)


# The JSON


moments = st.datetimes(timezones=st.just(UTC))
counts = st.integers(0, 10**12)


@given(
    st.builds(
        Breaker,
        st.lists(st.booleans(), max_size=20).map(tuple),
        st.none() | moments,
        st.integers(60, 900).map(lambda seconds: timedelta(seconds=seconds)),
        st.none() | moments,
    ),
    st.builds(Calls, st.lists(moments, max_size=20).map(tuple)),
    st.builds(Spent, st.dates(), counts, counts, counts),
    st.builds(Bucket, st.integers(0, WHOLE_PROMPT)),
    st.builds(RawAnswer, st.text(), counts, st.text(), st.booleans(), counts, counts),
)
def test_every_state_is_read_as_it_was_written(
    breaker: Breaker, calls: Calls, spent: Spent, bucket: Bucket, answer: RawAnswer
) -> None:
    assert shared_advice_json.breaker(shared_advice_json.of_breaker(breaker)) == breaker
    assert shared_advice_json.calls(shared_advice_json.of_calls(calls)) == calls
    assert shared_advice_json.spent(shared_advice_json.of_spent(spent), spent.day) == spent
    assert shared_advice_json.bucket(shared_advice_json.of_bucket(bucket)) == bucket
    assert shared_advice_json.answer(shared_advice_json.of_answer(answer)) == answer


odd: st.SearchStrategy[Json] = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())
NAMES = ("recent", "pause", "open_until", "probing_since", "at", "day", "calls", "tokens_in", "millionths", "text")


@given(st.dictionaries(st.sampled_from(NAMES), odd))
def test_what_cannot_be_read_is_taken_for_nothing(content: JsonObject) -> None:
    today = BEGIN.date()

    assert shared_advice_json.breaker(content).admit(BEGIN) is not None or content.get("open_until")
    assert shared_advice_json.calls(content).add(BEGIN, 1000) is not None
    assert shared_advice_json.spent(content, today).day == today
    assert 0 <= shared_advice_json.bucket(content).millionths <= WHOLE_PROMPT
    assert shared_advice_json.answer(content) is None


def test_a_naive_or_broken_moment_is_none() -> None:
    broken: list[Json] = ["2026-11-02T09:00:00", "yesterday", 7]
    assert shared_advice_json.calls({"at": broken}) == Calls()
    assert shared_advice_json.spent(
        {"day": "soon", "calls": 1, "tokens_in": 1, "tokens_out": 1}, BEGIN.date()
    ) == Spent(BEGIN.date())
