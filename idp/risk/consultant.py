"""Asks the adviser within a budget, once, and keeps a record of what came of it.

The answer of the local engine is there before anybody is asked, and is what a failure of any kind leaves. An answer
that comes after the budget goes to a callback: it raises the session's risk instead of the sign-in's.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import structlog

from idp.clock import Clock
from idp.domain.advice import Advice, Payload
from idp.domain.secret import Digester
from idp.providers.adviser.none import NoAdviser
from idp.providers.adviser.port import Adviser, AdviserDelayed, AdviserRejected, RawAnswer
from idp.risk.advice import PROMPT_HASH, Mode, NoAdvice, Why, accept, bound
from idp.risk.consultation import Caller, Consequence, Occasion, Question, Record, State, Stores, binds

AT_ONCE = 8  # calls of one process
LATEST = timedelta(seconds=20)
KEPT = timedelta(hours=24)
log = structlog.get_logger("adviser")

OnLate = Callable[[Record], Awaitable[None]]


class Consultant:
    """Asks one adviser on behalf of all sign-ins of a process."""

    def __init__(self, adviser: Adviser, stores: Stores, *, clock: Clock, digester: Digester) -> None:
        """Ask that adviser; answers are kept under digests of this deployment."""
        self._adviser = adviser
        self._is_off = isinstance(adviser, NoAdviser)
        self._stores = stores
        self._clock = clock
        self._digester = digester
        self._calls: set[asyncio.Task[RawAnswer | Why]] = set()
        self._followers: set[asyncio.Task[None]] = set()

    async def consult(self, question: Question, on_late: OnLate) -> Record:
        """Return within the time budget what the score shall be, and why; `on_late` gets what comes afterwards.

        A record that says `late` is followed by exactly one call of `on_late`, unless the process ends.
        """
        if self._is_off or question.bounds.mode is Mode.OFF or question.occasion is Occasion.NONE:
            return self._record(question, State.OFF)
        if not self._adviser.is_outside:
            return await self._judge(question, await self._answer(question.payload), State.OK)
        cached = await self._stores.answers.find(self._key(question.payload), self._clock.now())
        if cached is not None:
            return await self._judge(question, cached, State.CACHED)
        why = await self._obstacle(question.caller)
        if why is not None:
            return self._record(question, State.DEGRADED, why)
        call = asyncio.create_task(self._call(question.payload))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        if question.occasion is Occasion.DECIDE:
            await asyncio.wait({call}, timeout=question.bounds.budget.total_seconds())
        if call.done():
            return await self._judge(question, call.result(), State.OK)
        follower = asyncio.create_task(self._follow(question, call, on_late))
        self._followers.add(follower)
        follower.add_done_callback(self._followers.discard)
        return self._record(question, State.LATE, Why.SLOW)

    async def close(self) -> None:
        """Give up all calls under way."""
        under_way = [*self._calls, *self._followers]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _obstacle(self, caller: Caller) -> Why | None:
        if len(self._calls) >= AT_ONCE:
            return Why.BUSY
        now = self._clock.now()
        if await self._stores.health.is_resting(now):  # looked at first, so that an outage uses up no limit
            return Why.BREAKER
        why = await self._stores.allowances.take(caller, now)
        if why is not None:
            return why
        if not await self._stores.health.admit(now):  # last, so that nobody without a call left takes the probe
            return Why.BREAKER
        return None

    async def _call(self, payload: Payload) -> RawAnswer | Why:
        """Ask, once, and count what came of it."""
        try:
            async with asyncio.timeout(LATEST.total_seconds()):
                answer = await self._answer(payload)
        except TimeoutError:
            answer = Why.SLOW
        try:
            await self._count(payload, answer)
        except Exception as error:  # noqa: BLE001 – the answer is worth no less for not being counted
            log.error("adviser_uncounted", kind=type(error).__name__)
        return answer

    async def _count(self, payload: Payload, answer: RawAnswer | Why) -> None:
        is_good = isinstance(answer, RawAnswer) and isinstance(accept(answer, payload), Advice)
        now = self._clock.now()
        await self._stores.health.report(now, is_good=is_good)
        if isinstance(answer, RawAnswer):
            await self._stores.allowances.settle(answer.tokens_in, answer.tokens_out, now)
            if is_good:  # a bad one is asked for again: one hiccup shall not cost a day's advice
                await self._stores.answers.keep(self._key(payload), answer, now + KEPT)

    async def _answer(self, payload: Payload) -> RawAnswer | Why:
        try:
            return await self._adviser.ask(payload)
        except AdviserRejected as error:
            log.warning("adviser_rejected", why=str(error))
            return Why.REJECTED
        except AdviserDelayed as error:
            log.info("adviser_delayed", why=str(error))
            return Why.FAILED
        except Exception as error:  # noqa: BLE001 – whatever a vendor's code does, people sign in
            log.warning("adviser_failed", kind=type(error).__name__)
            return Why.FAILED

    async def _follow(self, question: Question, call: asyncio.Task[RawAnswer | Why], on_late: OnLate) -> None:
        try:
            await on_late(await self._judge(question, await call, State.LATE))
        except Exception as error:  # noqa: BLE001 – nobody waits for this task
            log.error("late_advice_lost", kind=type(error).__name__)

    async def _judge(self, question: Question, answer: RawAnswer | Why, state: State) -> Record:
        """Say what an answer changes, and have it paid for if it changes an outcome."""
        if isinstance(answer, Why):
            return self._record(question, State.DEGRADED, answer)
        verdict = accept(answer, question.payload)
        if isinstance(verdict, NoAdvice):
            return replace(self._record(question, State.DEGRADED, verdict.why), raw=answer)
        proposed = bound(question.local, verdict, question.bounds)
        record = replace(self._record(question, state), raw=answer, advice=verdict, proposed=proposed)
        if proposed == question.local:
            return record
        if not binds(question.occasion, question.bounds):
            return record
        match question.weigh(proposed):
            case Consequence.DENY:
                return replace(record, state=State.MUTED, why=Why.WOULD_DENY)
            case Consequence.STRICTER if not await self._stores.allowances.pay(question.caller.tenant):
                return replace(record, state=State.MUTED, why=Why.NO_BUDGET)
        return replace(record, final=proposed)

    def _record(self, question: Question, state: State, why: Why | None = None) -> Record:
        payload = question.payload.to_bytes()
        return Record(
            payload=payload,
            payload_hash=hashlib.sha256(payload).hexdigest(),
            model=self._adviser.model,
            prompt_hash=PROMPT_HASH,
            bounds=question.bounds,
            occasion=question.occasion,
            local=question.local,
            state=state,
            final=question.local,
            why=why,
        )

    def _key(self, payload: Payload) -> str:
        return self._digester.tag("advice", "|".join((payload.to_bytes().decode(), PROMPT_HASH, self._adviser.model)))
