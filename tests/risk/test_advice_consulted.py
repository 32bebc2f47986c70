"""Advice within its budgets: in time or late, cached, limited, muted – and no sign-in that waits longer or fails."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from idp.domain.advice import Payload, true_reasons
from idp.domain.risk import Band, band_of
from idp.domain.secret import Digester
from idp.domain.vocabulary import UserClass
from idp.providers.adviser.local import LocalAdviser
from idp.providers.adviser.none import NoAdviser
from idp.providers.adviser.port import Adviser, AdviserDelayed, AdviserRejected, RawAnswer
from idp.risk.advice import Bounds, Mode, Why
from idp.risk.allowance import PER_PREFIX, PER_USER, WHOLE_PROMPT, Bucket, Prices
from idp.risk.consultant import AT_ONCE, KEPT, Consultant
from idp.risk.consultation import Caller, Consequence, Occasion, Record, State, occasion, replay
from tests.support import virtual_time
from tests.support.advice_stores import FrozenClock, KeptStores
from tests.support.adviser_server import answer_text
from tests.support.attempts import CALLER, ORDINARY, any_payload, question

BUDGET = 0.7
GOOD = answer_text(100)
Act = Callable[[Payload], Awaitable[str]]


@dataclass
class Hostile:
    """An adviser outside that does whatever it is told to."""

    act: Act
    model: str = "hostile-1"
    is_outside: bool = True
    asked: int = 0

    async def ask(self, payload: Payload) -> RawAnswer:
        """Count the question and act."""
        self.asked += 1
        return RawAnswer(await self.act(payload), payload.v, tokens_in=480, tokens_out=41)


def at_once(text: str) -> Act:
    async def act(_payload: Payload) -> str:
        return text

    return act


def after(seconds: float, text: str = GOOD) -> Act:
    async def act(_payload: Payload) -> str:
        await asyncio.sleep(seconds)  # of a clock that jumps
        return text

    return act


def raising(error: Exception) -> Act:
    async def act(_payload: Payload) -> str:
        raise error

    return act


async def never(_payload: Payload) -> str:
    await asyncio.Event().wait()
    return ""


@dataclass
class Desk:
    """A consultant with everything around it; its tenant can pay for one prompt."""

    adviser: Adviser
    clock: FrozenClock = field(default_factory=FrozenClock)
    stores: KeptStores = field(default_factory=KeptStores)
    late: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rich()
        self.consultant = Consultant(self.adviser, self.stores.ports(), clock=self.clock, digester=Digester(b"k" * 32))

    def rich(self) -> None:
        self.stores.allowances.buckets[CALLER.tenant] = Bucket(WHOLE_PROMPT)

    async def on_late(self, record: Record) -> None:
        self.late.append(record)

    async def ask(self, payload: Payload = ORDINARY, bounds: Bounds | None = None, **more: object) -> Record:
        return await self.consultant.consult(question(payload, bounds, **more), self.on_late)  # type: ignore[arg-type]


def one(act: Act, **options: object) -> tuple[Record, float]:
    """Ask once; return what came of it and the seconds it took."""

    async def run() -> tuple[Record, float]:
        desk = Desk(Hostile(act))
        record = await desk.ask(**options)  # type: ignore[arg-type]
        seconds = virtual_time.elapsed()
        await desk.consultant.close()
        return record, seconds

    return virtual_time.run(run())


HOSTILE: dict[str, Act] = {
    "garbage": at_once("{"),
    "ten megabytes": at_once("x" * 10_000_000),
    "zero": at_once(answer_text(0)),
    "untrue": at_once(answer_text(100, reasons=["LIST_DENY"])),
    "unsure": at_once(answer_text(100, confidence="low")),
    "rejected": raising(AdviserRejected("no")),
    "delayed": raising(AdviserDelayed("later")),
    "a fault of the vendor": raising(AttributeError("secret")),
    "never": never,
    "slow": after(5),
}


@pytest.mark.parametrize("act", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_adviser_without_a_usable_answer_is_as_good_as_none(act: Act) -> None:
    """I5: whatever happens, the decision is the local one."""
    assert one(act)[0].final == ORDINARY.local_score


@pytest.mark.parametrize("act", [*HOSTILE.values(), at_once(GOOD), after(0.69)])
@pytest.mark.parametrize("milliseconds", [200, 700, 1500])
def test_nobody_waits_longer_than_the_time_budget(act: Act, milliseconds: int) -> None:
    """I8, by a clock that counts only waiting."""
    bounds = Bounds(budget=timedelta(milliseconds=milliseconds))

    assert one(act, bounds=bounds)[1] <= milliseconds / 1000 + 1e-9


def test_an_answer_in_time_raises_within_the_bounds_and_is_recorded_whole() -> None:
    record, _ = one(after(0.6))

    assert (record.final, record.effect, record.state) == (58, 25, State.OK)
    assert record.payload == ORDINARY.to_bytes()
    assert record.raw is not None
    assert record.raw.text == GOOD


def test_a_late_answer_reaches_the_session_under_the_same_bounds_and_budget() -> None:
    async def run() -> None:
        desk = Desk(Hostile(after(5)))
        first = await desk.ask()
        await asyncio.sleep(10)
        second = await desk.ask(replace(ORDINARY, user_class=UserClass.PRIVILEGED))
        await asyncio.sleep(10)

        assert (first.state, first.effect, second.effect) == (State.LATE, 0, 0)
        assert [(late.state, late.effect) for late in desk.late] == [(State.LATE, 25), (State.MUTED, 0)]

    virtual_time.run(run())


def test_an_answer_after_twenty_seconds_is_none_and_says_so_once() -> None:
    async def run() -> None:
        desk = Desk(Hostile(after(60)))
        await desk.ask()
        await asyncio.sleep(100)

        assert [(late.state, late.why, late.effect) for late in desk.late] == [(State.DEGRADED, Why.SLOW, 0)]

    virtual_time.run(run())


def test_a_late_callback_that_fails_takes_nothing_along() -> None:
    async def run() -> None:
        desk = Desk(Hostile(after(5)))

        async def fail(_record: Record) -> None:
            raise RuntimeError("the database is gone")

        await desk.consultant.consult(question(), fail)
        await asyncio.sleep(10)
        desk.rich()
        assert (await desk.ask()).state is State.CACHED

    virtual_time.run(run())


async def test_the_same_question_gets_the_same_answer_for_a_day() -> None:
    """RK11: a noisy adviser is asked once."""
    dice = random.Random(3)

    async def noisy(_payload: Payload) -> str:
        return answer_text(dice.randrange(40, 100))

    desk = Desk(Hostile(noisy))
    finals = set()
    for _ in range(50):
        desk.rich()
        finals.add((await desk.ask()).final)

    assert len(finals) == 1
    assert desk.adviser.asked == 1  # type: ignore[attr-defined]
    desk.clock.advance(KEPT)
    await desk.ask()
    assert desk.adviser.asked == 2  # type: ignore[attr-defined]


async def test_a_bad_answer_is_not_kept() -> None:
    desk = Desk(Hostile(at_once("{")))

    await desk.ask()

    assert not desk.stores.answers.kept


async def test_another_model_is_asked_anew() -> None:
    desk = Desk(Hostile(at_once(GOOD)))
    await desk.ask()
    other = Desk(Hostile(at_once(GOOD), model="hostile-2"), stores=desk.stores)

    assert (await other.ask()).state is State.OK


async def test_an_empty_friction_budget_mutes_advice_that_would_change_an_outcome() -> None:
    desk = Desk(Hostile(at_once(GOOD)))
    desk.stores.allowances.buckets.clear()

    record = await desk.ask()

    assert (record.state, record.why, record.effect, record.proposed) == (State.MUTED, Why.NO_BUDGET, 0, 58)


async def test_a_raise_within_the_band_costs_nothing() -> None:
    desk = Desk(Hostile(at_once(answer_text(39))))
    desk.stores.allowances.buckets.clear()

    assert (await desk.ask()).final == 39


async def test_advice_that_a_policy_would_deny_for_has_no_effect() -> None:
    """I2, whatever the policy's bands are."""
    desk = Desk(Hostile(at_once(GOOD)))
    asked = question()

    record = await desk.consultant.consult(replace(asked, weigh=lambda _score: Consequence.DENY), desk.on_late)

    assert (record.why, record.effect) == (Why.WOULD_DENY, 0)


@pytest.mark.parametrize("options", [{"bounds": Bounds(mode=Mode.SHADOW)}, {"occasion": Occasion.RECORD}])
def test_what_is_only_recorded_changes_nothing(options: dict[str, object]) -> None:
    async def run() -> None:
        desk = Desk(Hostile(after(0.1)))
        record = await desk.ask(**options)  # type: ignore[arg-type]
        await asyncio.sleep(1)
        for each in (record, *desk.late):
            assert each.effect == 0
        assert 58 in [each.proposed for each in (record, *desk.late)]
        assert desk.stores.allowances.buckets[CALLER.tenant] == Bucket(WHOLE_PROMPT)

    virtual_time.run(run())


def test_nobody_waits_for_an_answer_that_only_explains() -> None:
    assert one(after(0.5), occasion=Occasion.RECORD)[1] == 0


@pytest.mark.parametrize("options", [{"bounds": Bounds(mode=Mode.OFF)}, {"occasion": Occasion.NONE}])
async def test_an_adviser_that_is_off_is_never_called(options: dict[str, object]) -> None:
    adviser = Hostile(at_once(GOOD))

    record = await Desk(adviser).ask(**options)  # type: ignore[arg-type]

    assert (record.state, adviser.asked) == (State.OFF, 0)


async def test_no_adviser_is_off() -> None:
    assert (await Desk(NoAdviser()).ask()).state is State.OFF


async def test_the_adviser_in_the_house_needs_no_store_and_no_limit() -> None:
    desk = Desk(LocalAdviser())

    for _ in range(PER_USER + 5):
        desk.rich()
        assert (await desk.ask()).state is State.OK
    assert not desk.stores.answers.kept
    assert not desk.stores.allowances.calls


async def test_a_person_and_a_network_have_so_many_calls_an_hour() -> None:
    dice = random.Random(5)
    desk = Desk(Hostile(at_once("{}")))
    desk.stores.health.report = _nothing  # type: ignore[method-assign]

    def mine() -> object:
        return desk.ask(any_payload(dice, local=33))

    whys = [(await mine()).why for _ in range(PER_USER + 1)]  # type: ignore[misc]
    assert whys[-1] is Why.USER_LIMIT
    for number in range(PER_PREFIX - PER_USER):
        caller = Caller(b"tenant", b"user-%d" % number, CALLER.prefix)
        assert (await desk.ask(any_payload(dice, local=33), caller=caller)).why is Why.SCHEMA
    stranger = await desk.ask(any_payload(dice, local=33), caller=Caller(b"tenant", b"new", CALLER.prefix))
    assert stranger.why is Why.NETWORK_LIMIT
    assert stranger.final == 33


async def _nothing(_now: object, *, is_good: bool) -> None:
    assert is_good is False


async def test_a_day_has_so_many_tokens() -> None:
    desk = Desk(Hostile(at_once("{}")))
    desk.stores.allowances.prices = Prices(600)

    assert (await desk.ask()).why is Why.SCHEMA
    assert (await desk.ask()).why is Why.DAY_LIMIT
    desk.clock.advance(timedelta(days=1))
    assert (await desk.ask()).why is Why.SCHEMA


async def test_after_five_failures_nobody_asks_until_the_pause_is_over() -> None:
    """RK05: no storm of retries; RK03: nobody waits for what is known to be broken."""
    adviser = Hostile(raising(AdviserDelayed("503")))
    desk = Desk(adviser)
    for number in range(40):
        await desk.ask(caller=Caller(b"tenant", b"user-%d" % number, b"prefix-%d" % number))

    assert adviser.asked == desk.stores.allowances.spent.calls == 5
    desk.clock.advance(timedelta(seconds=60))
    adviser.act = at_once(GOOD)
    assert (await desk.ask()).state is State.OK


def test_of_two_that_find_the_pause_over_one_asks() -> None:
    async def run() -> None:
        adviser = Hostile(raising(AdviserDelayed("503")))
        desk = Desk(adviser)
        callers = [Caller(b"tenant", b"user-%d" % number, b"prefix-%d" % number) for number in range(20)]
        for caller in callers[:5]:
            await desk.ask(caller=caller)
        desk.clock.advance(timedelta(seconds=60))
        adviser.act = after(0.1)
        records = await asyncio.gather(*(desk.ask(caller=caller) for caller in callers[5:9]))
        assert adviser.asked == 6
        assert [record.why for record in records].count(Why.BREAKER) == 3

    virtual_time.run(run())


async def test_a_probe_taken_by_another_process_in_between_is_not_ours() -> None:
    desk = Desk(Hostile(at_once(GOOD)))

    async def refuse(_now: object) -> bool:
        return False

    desk.stores.health.admit = refuse  # type: ignore[method-assign]

    assert (await desk.ask()).why is Why.BREAKER


def test_at_most_eight_calls_are_under_way() -> None:
    async def run() -> None:
        adviser = Hostile(never)
        desk = Desk(adviser)
        asked = [desk.ask(caller=Caller(b"tenant", b"user-%d" % number, b"prefix-%d" % number)) for number in range(30)]
        records = await asyncio.gather(*asked)
        assert adviser.asked == AT_ONCE
        assert [record.why for record in records].count(Why.BUSY) == 30 - AT_ONCE
        assert virtual_time.elapsed() <= BUDGET
        await desk.consultant.close()

    virtual_time.run(run())


async def test_counting_that_fails_does_not_take_the_answer_away() -> None:
    desk = Desk(Hostile(at_once(GOOD)))

    async def fail(_now: object, *, is_good: bool) -> None:
        raise OSError(str(is_good))

    desk.stores.health.report = fail  # type: ignore[method-assign]

    assert (await desk.ask()).final == 58


async def test_a_record_replays_to_the_same_score_without_a_call() -> None:
    """I9; also what was muted, late, refused or only recorded."""
    dice = random.Random(9)
    for number in range(300):
        text = dice.choice([GOOD, "{", answer_text(dice.randrange(101), reasons=["NONE"]), answer_text(0)])
        adviser = Hostile(at_once(text))
        desk = Desk(adviser)
        if number % 3 == 0:
            desk.stores.allowances.buckets.clear()
        mode = dice.choice([Mode.RAISE_ONLY, Mode.RAISE_ONLY, Mode.SHADOW])
        record = await desk.ask(any_payload(dice), Bounds(mode=mode, up_max=dice.randrange(60)))

        assert replay(record) == record.final
        assert adviser.asked == 1


async def test_what_was_never_answered_replays_to_the_local_score() -> None:
    record = await Desk(Hostile(raising(AdviserDelayed("later")))).ask()

    assert replay(record) == record.final == 33


async def test_the_adviser_causes_at_most_its_share_of_prompts_and_no_denial() -> None:
    """A1, I2, I4: an adviser that always says 100, at a budget of one in a hundred."""
    dice = random.Random(11)
    desk = Desk(Hostile(at_once(""), is_outside=False))
    desk.stores.allowances.buckets.clear()
    changed, sign_ins = 0, 3000

    async def shout(payload: Payload) -> str:
        return answer_text(100, reasons=[reason.value for reason in true_reasons(payload)[:4]] or ["NONE"])

    desk.adviser.act = shout  # type: ignore[attr-defined]
    for _ in range(sign_ins):
        desk.stores.allowances.earn(CALLER.tenant, 0.01)
        record = await desk.ask(any_payload(dice, local=dice.randrange(20, 40)))
        changed += band_of(record.final) is not Band.LOW
        assert band_of(record.final) is not Band.CRITICAL

    assert sign_ins * 0.008 < changed <= sign_ins * 0.01


@pytest.mark.parametrize(
    ("local", "facts", "expected"),
    [
        (19, {}, Occasion.NONE),
        (20, {}, Occasion.DECIDE),
        (39, {}, Occasion.DECIDE),
        (40, {}, Occasion.NONE),
        (39, {"is_at_top": True}, Occasion.RECORD),
        (19, {"is_sampled": True}, Occasion.RECORD),
        (50, {"is_sampled": True}, Occasion.NONE),
        (5, {"is_review": True}, Occasion.DECIDE),
    ],
)
def test_it_is_asked_in_the_grey_zone_on_a_review_and_for_a_sample(
    local: int, facts: dict[str, bool], expected: Occasion
) -> None:
    asked = {"is_sampled": False, "is_review": False, "is_at_top": False} | facts

    assert occasion(local, **asked) is expected
