"""The adviser in the house: the same payload, the same answer; and none at all."""

import random
from dataclasses import replace

import pytest

from idp.domain.advice import Advice, Confidence, Reason, true_reasons
from idp.domain.vocabulary import AgentDepth, DeviceCookie, NetDepth
from idp.providers.adviser.local import POINTS, LocalAdviser
from idp.providers.adviser.none import NoAdviser
from idp.providers.adviser.port import AdviserRejected
from idp.risk.advice import Bounds, accept, bound
from tests.support.attempts import ORDINARY, any_payload

QUIET = replace(
    ORDINARY, net_depth=NetDepth.IP_KNOWN, agent_depth=AgentDepth.UA_KNOWN, device_cookie=DeviceCookie.KNOWN
)


async def test_nobody_says_nothing() -> None:
    with pytest.raises(AdviserRejected):
        await NoAdviser().ask(ORDINARY)


async def test_each_true_reason_beside_the_local_ones_adds_its_points() -> None:
    payload = replace(ORDINARY, top=(Reason.DEV_NO_COOKIE,))

    advice = accept(await LocalAdviser().ask(payload), payload)

    assert isinstance(advice, Advice)
    assert advice.score == 33 + POINTS * 2
    assert advice.confidence is Confidence.MEDIUM
    assert advice.reasons == (Reason.NET_NEW_IP, Reason.DEV_NEW_AGENT)


async def test_three_reasons_make_it_sure() -> None:
    advice = accept(await LocalAdviser().ask(ORDINARY), ORDINARY)

    assert isinstance(advice, Advice)
    assert (advice.score, advice.confidence) == (51, Confidence.HIGH)


async def test_an_attempt_without_reasons_keeps_its_score() -> None:
    answer = await LocalAdviser().ask(QUIET)
    advice = accept(answer, QUIET)

    assert isinstance(advice, Advice)
    assert (advice.score, advice.reasons) == (33, (Reason.NONE,))


async def test_every_answer_is_true_and_the_same_twice() -> None:
    dice = random.Random(1)
    for _ in range(2_000):
        payload = any_payload(dice)
        first, second = await LocalAdviser().ask(payload), await LocalAdviser().ask(payload)
        verdict = accept(first, payload)

        assert first == second
        has_reason = payload.local_score < 40 or set(true_reasons(payload)) - set(payload.top)
        assert isinstance(verdict, Advice) is bool(has_reason)
        assert payload.local_score <= bound(payload.local_score, verdict, Bounds())
