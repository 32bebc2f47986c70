"""Which answers are believed, and how far they reach."""

import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.advice import ActionHint, Advice, Confidence, Reason, true_reasons
from idp.domain.risk import Band, band_of
from idp.providers.adviser.port import RawAnswer
from idp.risk.advice import HIGHEST_CAP, PROMPT_HASH, SCHEMA, Bounds, Mode, NoAdvice, Why, accept, bound
from idp.risk.allowance import Bucket
from tests.support.adviser_server import answer_text
from tests.support.attempts import ORDINARY, any_payload

CASES = 120_000
GARBAGE = ["", "null", "[]", "{", "NaN", '"score"', "<html>", "\ud800", "[" * 500, "\x00", "0", "{}"]


def raw(text: str, **more: object) -> RawAnswer:
    return replace(RawAnswer(text, 1), **more)


def why(text: str, **more: object) -> Why | None:
    verdict = accept(raw(text, **more), ORDINARY)
    return verdict.why if isinstance(verdict, NoAdvice) else None


def test_the_prompt_is_the_one_that_was_reviewed() -> None:
    """A changed prompt is a changed adviser: measure it, then pin it anew."""
    assert PROMPT_HASH == "2a7946a2f8a808903edecf05cb8ed0d00def60bdd0fd667d4396fd9826053fa0"


def test_the_schema_allows_nothing_beyond_its_members() -> None:
    assert SCHEMA["additionalProperties"] is False
    assert set(json.loads(answer_text())) == set(SCHEMA["required"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, Why.SCHEMA) for text in GARBAGE),
        (answer_text(101), Why.SCHEMA),
        (answer_text(-1), Why.SCHEMA),
        (answer_text(60.0), Why.SCHEMA),
        (answer_text(True), Why.SCHEMA),
        (answer_text("60"), Why.SCHEMA),
        (answer_text(confidence="certain"), Why.SCHEMA),
        (answer_text(reasons=[]), Why.SCHEMA),
        (answer_text(reasons="DEV_NO_COOKIE"), Why.SCHEMA),
        (answer_text(reasons=["DEV_NO_COOKIE"] * 2), Why.SCHEMA),
        (answer_text(reasons=["BECAUSE"]), Why.SCHEMA),
        (answer_text(reasons=[["DEV_NO_COOKIE"]]), Why.SCHEMA),
        (answer_text(reasons=[each.value for each in Reason][:5]), Why.SCHEMA),
        (answer_text()[:-1] + ',"deny":true}', Why.SCHEMA),
        (answer_text()[:-1] + ',"score":60}', Why.SCHEMA),
        ("```json\n" + answer_text() + "\n```", Why.SCHEMA),
        ('{"score":60,"confidence":"high","reasons":["DEV_NO_COOKIE"]}', Why.SCHEMA),
        (answer_text() + " " * 65_536, Why.TOO_LONG),
        ("é" * 40_000, Why.TOO_LONG),
        (answer_text(reasons=["LIST_DENY"]), Why.UNTRUE),
        (answer_text(reasons=["DEV_NO_COOKIE", "LIST_DENY"]), Why.UNTRUE),
        (answer_text(60, reasons=["NONE", "DEV_NO_COOKIE"]), Why.UNTRUE),
        (answer_text(40, reasons=["NONE"]), Why.UNNAMED),
    ],
)
def test_an_answer_that_is_not_as_agreed_is_no_advice(text: str, reason: Why) -> None:
    assert why(text) is reason


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"finish_reason": "length"}, Why.UNFINISHED),
        ({"finish_reason": "tool_calls"}, Why.UNFINISHED),
        ({"is_refusal": True}, Why.REFUSAL),
        ({"version": 2}, Why.VERSION),
    ],
)
def test_an_answer_that_is_cut_refused_or_to_another_question_is_no_advice(
    more: dict[str, object], reason: Why
) -> None:
    assert why(answer_text(), **more) is reason


def test_an_answer_as_agreed_is_advice() -> None:
    advice = accept(raw(answer_text(60, reasons=["DEV_NO_COOKIE", "NET_NEW_IP"])), ORDINARY)

    assert advice == Advice(60, Confidence.HIGH, (Reason.DEV_NO_COOKIE, Reason.NET_NEW_IP), ActionHint.STEP_UP)
    assert why(answer_text(39, reasons=["NONE"])) is None


@pytest.mark.parametrize(
    ("local", "score", "final"),
    [(33, 0, 33), (33, 33, 33), (33, 50, 50), (33, 58, 58), (33, 59, 58), (33, 100, 58), (80, 100, 89), (95, 100, 95)],
)
def test_advice_raises_by_a_bounded_step_and_never_to_critical(local: int, score: int, final: int) -> None:
    advice = Advice(score, Confidence.MEDIUM, (Reason.DEV_NO_COOKIE,), ActionHint.NONE)

    assert bound(local, advice, Bounds()) == final


@pytest.mark.parametrize("bounds", [Bounds(mode=Mode.OFF), Bounds(up_max=0), Bounds(cap=0)])
def test_advice_changes_nothing_where_no_room_is_left(bounds: Bounds) -> None:
    advice = Advice(100, Confidence.HIGH, (Reason.DEV_NO_COOKIE,), ActionHint.STEP_UP)

    assert bound(33, advice, bounds) == 33


def test_low_confidence_changes_nothing() -> None:
    advice = Advice(100, Confidence.LOW, (Reason.DEV_NO_COOKIE,), ActionHint.STEP_UP)

    assert bound(33, advice, Bounds()) == 33


@pytest.mark.parametrize(
    "wrong",
    [{"cap": 90}, {"cap": -1}, {"up_max": -1}, {"up_max": 101}]
    + [{"budget": timedelta(milliseconds=ms)} for ms in (199, 1501)],
)
def test_no_policy_can_let_an_adviser_deny_or_hold_up(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        replace(Bounds(), **wrong)


def hostile(dice: random.Random, payload_reasons: list[str]) -> RawAnswer:
    """Return what an adviser with a grudge says."""
    match dice.randrange(6):
        case 0:
            return raw(dice.choice(GARBAGE))
        case 1:
            return raw(answer_text(dice.randint(-50, 150), reasons=dice.choices([each.value for each in Reason], k=2)))
        case 2:
            text = answer_text(100, reasons=payload_reasons[:4] or ["NONE"])
            return raw(text[: dice.randrange(len(text))])
        case 3:
            return raw(answer_text(100, reasons=payload_reasons[:1]), finish_reason=dice.choice(["length", "x", ""]))
        case _:  # true in what it names, extreme in what it wants
            score = dice.choice([0, 39, 40, 89, 90, 99, 100, dice.randrange(101)])
            confidence = dice.choice(["low", "medium", "high"])
            return raw(answer_text(score, confidence=confidence, reasons=payload_reasons[:4] or ["NONE"]))


def test_whatever_a_hostile_adviser_says_the_bounds_hold() -> None:
    """I1 never lower · I2 never a deny · I3 at most up_max · I4 within the budget · I5 no advice, no change."""
    dice, bucket, changed, rate = random.Random(20261102), Bucket(), 0, 0.01
    payloads = [any_payload(dice, local=dice.choice([None, 20, 33, 39])) for _ in range(2_000)]
    reasons = {id(payload): [reason.value for reason in true_reasons(payload)] for payload in payloads}
    accepted = raised = 0
    for case in range(CASES):
        payload = payloads[case % len(payloads)]
        local = payload.local_score
        bounds = Bounds(up_max=dice.choice([0, 5, 25, 100]), cap=dice.choice([0, 69, HIGHEST_CAP]))
        bucket = bucket.earn(rate)

        verdict = accept(hostile(dice, reasons[id(payload)]), payload)
        final = bound(local, verdict, bounds)

        assert local <= final <= local + bounds.up_max
        assert band_of(final) is not Band.CRITICAL or final == local
        if isinstance(verdict, NoAdvice):
            assert final == local
        else:
            accepted += 1
        raised += final > local
        if band_of(final) is not band_of(local):
            paid = bucket.pay()
            changed += paid is not None
            bucket = paid or bucket

    assert accepted > CASES // 4
    assert raised > CASES // 20
    assert 0 < changed <= rate * CASES
