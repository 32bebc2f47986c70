"""RK02–RK05, RK11, RK13, RK14: a risk adviser that is hostile, broken or bribed changes nothing it must not.

Each asks over a real connection, by the client that operators run.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from idp.domain.advice import Reason, true_reasons
from idp.domain.risk import Assessment, Band, Depths, Floor, Part, band_of
from idp.domain.secret import Digester
from idp.providers.adviser.openai import OpenAiAdviser
from idp.risk.advice import BRIEF
from idp.risk.allowance import WHOLE_PROMPT, Bucket
from idp.risk.consultant import Consultant
from idp.risk.consultation import Caller, Record, State
from idp.risk.payload import describe, top_reasons
from tests.support.advice_stores import FrozenClock, KeptStores
from tests.support.adviser_server import (
    AdviserServer,
    Behaviour,
    Flood,
    adviser_server,
    advises,
    answer_text,
    breaks_off,
    completion,
    never,
    resets,
    says,
)
from tests.support.attempts import CALLER, INJECTIONS, ORDINARY, USUAL, any_payload, question

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"
Ask = Callable[..., Awaitable[Record]]


class Desk:
    """A consultant whose adviser is a server; its tenant can always pay for a prompt."""

    def __init__(self, server: AdviserServer, key: str | None = "sk-test") -> None:
        self.server = server
        self.stores = KeptStores()
        self.late: list[Record] = []
        self.adviser = OpenAiAdviser(key, base_url=server.url, model="test-1", brief=BRIEF)
        self.consultant = Consultant(
            self.adviser, self.stores.ports(), clock=FrozenClock(), digester=Digester(b"k" * 32)
        )
        self._number = 0

    async def on_late(self, record: Record) -> None:
        self.late.append(record)

    async def ask(self, **changes: object) -> Record:
        """Ask on behalf of somebody new."""
        self._number += 1
        self.stores.allowances.buckets[CALLER.tenant] = Bucket(WHOLE_PROMPT)
        caller = Caller(CALLER.tenant, b"user-%d" % self._number, b"prefix-%d" % self._number)
        payload = replace(ORDINARY, **changes)  # type: ignore[arg-type]
        return await self.consultant.consult(question(payload, caller=caller), self.on_late)


@asynccontextmanager
async def desk(behaviour: Behaviour, key: str | None = "sk-test") -> AsyncIterator[Desk]:
    async with adviser_server(behaviour) as server:
        opened = Desk(server, key)
        try:
            yield opened
        finally:
            await opened.consultant.close()
            await opened.adviser.close()


@pytest.mark.parametrize("local", [0, 20, 39, 40, 69, 89, 95, 100])
@pytest.mark.parametrize("score", [0, 39, 40, 100])
async def test_rk02_an_adviser_that_calls_it_safe_or_deadly_neither_lowers_nor_denies(local: int, score: int) -> None:
    async with desk(advises(score)) as opened:
        final = (await opened.ask(local_score=local)).final

    assert local <= final <= local + 25
    assert final == local or band_of(final) is not Band.CRITICAL


async def test_rk03_an_adviser_that_hangs_leaves_the_decision_to_the_rules() -> None:
    async with desk(never) as opened:
        async with asyncio.timeout(10):  # far beyond the budget, far below what the adviser would take
            record = await opened.ask()

    assert (record.final, record.state) == (33, State.LATE)


@pytest.mark.parametrize(
    "behaviour",
    [
        says(b"not json"),
        says(b"<html></html>", kind="text/html"),
        says(b'{"choices":[{"message":{"content":NaN}}]}'),
        says(completion(answer_text(), tool_calls=[{"id": "1", "function": {"name": "deny_user"}}])),
        says(completion("{" * 10_000)),
        says(completion(answer_text(float("1e308")))),
        says(completion(answer_text(reasons=["</script><script>alert(1)</script>"]))),
        Flood(),
        breaks_off,
        resets,
        says(b"", status=401),
        says(b"", status=429),
        says(b"", status=500),
    ],
)
async def test_rk04_what_is_no_answer_changes_nothing(behaviour: Behaviour) -> None:
    async with desk(behaviour) as opened:
        record = await opened.ask()

    assert (record.final, record.state, record.advice) == (33, State.DEGRADED, None)


async def test_rk05_a_service_that_is_down_is_not_stormed() -> None:
    async with desk(says(b"{}", status=503, headers="retry-after: 0\r\n")) as opened:
        finals = [(await opened.ask()).final for _ in range(60)]

        assert len(opened.server.received) == 5
    assert set(finals) == {33}


async def test_rk11_a_noisy_adviser_gives_one_outcome() -> None:
    dice = random.Random(4)

    async def noisy(writer: asyncio.StreamWriter) -> None:
        await advises(dice.randrange(40, 100))(writer)

    async with desk(noisy) as opened:
        finals = {(await opened.ask()).final for _ in range(50)}

    assert len(finals) == 1


async def test_rk13_an_advisers_words_stand_in_the_record_alone() -> None:
    """What is accepted consists of our own words; the text that was sent is kept beside it, as it came."""
    async with desk(says(completion(answer_text(80, reasons=["<b>LIST_DENY</b>"])))) as opened:
        record = await opened.ask()

    assert record.advice is None
    assert record.raw is not None
    assert record.effect == 0


@pytest.mark.parametrize("key", [None, "", "\r\nx: y"])
async def test_rk14_without_a_usable_key_nothing_is_sent_and_the_rules_decide(key: str | None) -> None:
    async with desk(advises(100), key) as opened:
        record = await opened.ask()

        assert not opened.server.received
    assert record.final == 33


def payload_of(agent: str, depth: int) -> bytes:
    """Return what an adviser would be sent, were that text to slip into every code of an assessment."""
    parts = (Part(f"DEV_NO_COOKIE+NET_ASN_KNOWN+{agent}", 2.0), Part(agent, 3.0))
    assessment = Assessment(1.0, parts, (Floor(agent, Band.MEDIUM),), 33, 9, agent, agent, codes=(agent,))
    return describe(replace(USUAL, depths=Depths(1, depth, 1)), 33, top_reasons(assessment)).to_bytes()


@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("text", INJECTIONS)
def test_injections_change_no_byte_within_a_bucket(text: str, depth: int) -> None:
    """A2, I6."""
    assert payload_of(f"{BROWSER} {text}", depth) == payload_of(BROWSER, depth)


async def test_what_leaves_is_made_of_our_own_words_alone() -> None:
    """I7, LG24, G12: over many attempts, every byte at the socket but the payload is the same."""
    dice = random.Random(6)
    async with desk(says(b"{}", status=500)) as opened:
        payloads = [any_payload(dice, local=33) for _ in range(5)]
        for payload in payloads:
            await opened.consultant.consult(question(payload), opened.on_late)
            opened.stores.allowances.calls.clear()

        assert len(opened.server.received) == 5
        for index, payload in enumerate(payloads):
            body = opened.server.body(index)
            assert body["messages"][1]["content"].encode() == payload.to_bytes()
            assert body["messages"][0]["content"] == BRIEF.prompt


async def test_an_adviser_that_shouts_the_truth_still_pays_for_each_prompt() -> None:
    """I4: with an empty budget nothing changes, and the record says why."""
    reasons = [reason.value for reason in true_reasons(ORDINARY)]
    async with desk(advises(100, reasons=reasons)) as opened:
        opened.stores.allowances.buckets.clear()
        record = await opened.consultant.consult(question(), opened.on_late)

    assert (record.state, record.final, Reason.DEV_NO_COOKIE in true_reasons(ORDINARY)) == (State.MUTED, 33, True)
