"""Does an adviser earn its keep? Local scores against local scores with advice, at equal friction.

Raising scores always catches more attackers; so would a lower threshold. What counts is whether advice catches more
than the local engine does when it may challenge just as many owners. Only then has advice passed the gate.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import Final

from idp.domain.json import Json
from idp.domain.risk import Band
from idp.risk import roc
from idp.risk.event_file import BrokenLine, Scored
from idp.risk.report import Figure, Weights, draw, figure_of
from idp.risk.roc import Curve, Row

ZONE: Final = range(20, Band.MEDIUM.start)
FEWEST_ATTACKS: Final = 200
_UP_MOST, _CAP = 25, 89
_RESAMPLES: Final = 400
_RESAMPLED_CURVES: Final = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """What an adviser said to one event; no score if it did not answer in time or was not accepted."""

    score: int | None
    is_sure: bool  # confidence medium or high
    reasons: tuple[str, ...] = ()
    latency_ms: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Flip:
    """A login that advice challenged and the local engine alone did not."""

    id: str
    label: str | None
    local: int
    final: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Shares of attacks caught, at the friction that advice causes, and what it costs."""

    attacks: int
    friction: float  # share of owners that are challenged with advice
    caught: float
    caught_locally: float  # when as many owners are challenged
    gain: Figure
    calls: int
    unanswered: int
    agreement: float | None  # answers on the same side of medium as the local score
    latency_ms: tuple[float, float, float] | None  # p50, p95, p99
    tokens: tuple[int, int]  # in, out
    flips: tuple[Flip, ...]
    local: Curve
    advised: Curve

    @property
    def passes(self) -> bool:
        """Say whether it is proven that advice catches more at equal friction."""
        return self.attacks >= FEWEST_ATTACKS and self.gain.low is not None and self.gain.low > 0


def final_score(local: int, answer: Answer | None) -> int:
    """Return the score after advice: raised by 25 at most and never above 89, and only in the grey zone."""
    if answer is None or answer.score is None or not answer.is_sure or local not in ZONE:
        return local
    return max(local, min(answer.score, local + _UP_MOST, _CAP))


def compare(lines: Sequence[Scored], ids: Sequence[str | None], answers: Mapping[str, Answer]) -> Comparison:
    """Compare over the scored logins of people with a history; answers are found by the id of their event."""
    people = {user: number for number, user in enumerate(dict.fromkeys(line.user for line in lines))}
    ranks: list[tuple[tuple[int, float], int, bool]] = []
    attacks: list[tuple[tuple[int, float], int, bool]] = []
    finals: tuple[list[Row], list[Row]] = ([], [])  # owners, attacks
    flips = []
    for line, name in zip(lines, ids, strict=True):
        if line.logins < 1:
            continue
        answer = answers.get(name) if name is not None else None
        final = final_score(line.score, answer)
        row = ((line.score, line.llr), people[line.user], final >= Band.MEDIUM.start)
        (ranks if line.label is None else attacks).append(row)
        finals[line.label is not None].append(((final, line.llr), row[1]))
        if row[2] and line.score < Band.MEDIUM.start and answer is not None:
            flips.append(Flip(name or "", line.label, line.score, final, answer.reasons))
    ranks.sort()
    first: Weights = [1] * len(people)
    draws = [first, *(draw(len(people), number) for number in range(_RESAMPLES))]
    measured = [_measure(ranks, attacks, weights) for weights in draws]
    friction, caught, locally = measured[0]
    called = [
        (line, answers[name]) for line, name in zip(lines, ids, strict=True) if name is not None and name in answers
    ]
    heard = [(line, answer.score) for line, answer in called if answer.score is not None]
    medium = Band.MEDIUM.start
    agree = sum((line.score >= medium) == (score >= medium) for line, score in heard)
    waits = sorted(answer.latency_ms for _, answer in called if answer.latency_ms is not None)
    return Comparison(
        attacks=len(attacks), friction=friction, caught=caught, caught_locally=locally,
        gain=figure_of([with_advice - alone for _, with_advice, alone in measured]), calls=len(called),
        unanswered=len(called) - len(heard), agreement=agree / len(heard) if heard else None,
        latency_ms=(_at(waits, 0.5), _at(waits, 0.95), _at(waits, 0.99)) if waits else None,
        tokens=(sum(answer.tokens_in for _, answer in called), sum(answer.tokens_out for _, answer in called)),
        flips=tuple(flips), local=_curve(ranks, attacks, draws), advised=roc.curve(*finals, draws[:_RESAMPLED_CURVES]),
    )  # fmt: skip


def _curve(
    owners: list[tuple[tuple[int, float], int, bool]], attacks: list[tuple[tuple[int, float], int, bool]],
    draws: Sequence[Weights],
) -> Curve:  # fmt: skip
    """Return the curve of the local order alone."""
    both = [[(rank, person) for rank, person, _ in rows] for rows in (owners, attacks)]
    return roc.curve(both[0], both[1], draws[:_RESAMPLED_CURVES])


def _measure(
    owners: list[tuple[tuple[int, float], int, bool]], attacks: list[tuple[tuple[int, float], int, bool]],
    weights: Weights,
) -> tuple[float, float, float]:  # fmt: skip
    """Return friction and share caught with advice, and the share caught by the local order at that friction.

    In doubt the local engine gets the benefit: an attack just above the next owner counts as caught.
    """
    sums = [0, *accumulate(weights[person] for _, person, _ in owners)]
    challenged = sum(weights[person] for _, person, is_challenged in owners if is_challenged)
    total = sum(weights[person] for _, person, _ in attacks)
    caught = sum(weights[person] for _, person, is_challenged in attacks if is_challenged)
    locally = 0
    for rank, person, _ in attacks:
        at = bisect_left(owners, (rank, -1, False))
        if sums[-1] - sums[at] <= challenged:
            locally += weights[person]
    return _share(challenged, sums[-1]), _share(caught, total), _share(locally, total)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))]


def read_answers(lines: Iterable[str | bytes]) -> dict[str, Answer]:
    """Return the answers of a file by the id of their event; raises BrokenLine.

    A line holds id, score (null if there was none), confidence, reasons, latency_ms, tokens_in and tokens_out.
    """
    answers = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            members = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BrokenLine(number, "not JSON") from error
        match members:
            case {"id": str(name), "score": None | int() as score}:
                answers[name] = _answer(number, score, members)
            case _:
                raise BrokenLine(number, "not an answer")
    return answers


def _answer(number: int, score: int | None, members: Mapping[str, Json]) -> Answer:
    latency, reasons = members.get("latency_ms"), members.get("reasons", [])
    tokens = [members.get("tokens_in", 0), members.get("tokens_out", 0)]
    if score is not None and not 0 <= score <= 100:
        raise BrokenLine(number, "score is not from 0 to 100")
    if not isinstance(reasons, list) or not all(isinstance(each, str) for each in reasons):
        raise BrokenLine(number, "reasons are not a list of codes")
    if not (latency is None or (isinstance(latency, int | float) and 0 <= latency < inf)):
        raise BrokenLine(number, "latency_ms is not a number")
    counts = [each for each in tokens if isinstance(each, int) and each >= 0]
    if len(counts) != len(tokens):
        raise BrokenLine(number, "tokens are not counts")
    is_sure = members.get("confidence") in ("medium", "high")
    return Answer(score, is_sure, tuple(reasons), latency, *counts)


def to_json(found: Comparison, *, price_in: float, price_out: float) -> dict[str, Json]:
    """Return the comparison as a JSON document; prices are for a million tokens."""
    gain = found.gain
    return {
        "passes": found.passes, "attacks": found.attacks, "friction": found.friction, "caught": found.caught,
        "caught_locally": found.caught_locally, "local": roc.to_json(found.local),
        "advised": roc.to_json(found.advised), "gain": [gain.value, gain.low, gain.high], "calls": found.calls,
        "unanswered": found.unanswered, "agreement": found.agreement,
        "latency_ms": None if found.latency_ms is None else list(found.latency_ms),
        "cost": (found.tokens[0] * price_in + found.tokens[1] * price_out) / 1_000_000,
        "flips": [
            {"id": each.id, "label": each.label, "local": each.local, "final": each.final, "reasons": [*each.reasons]}
            for each in found.flips
        ],
    }  # fmt: skip


def to_text(found: Comparison) -> str:
    """Return the comparison as a few sentences for people."""
    gain = found.gain
    interval = "" if gain.low is None or gain.high is None else f" [{gain.low:+.1%} – {gain.high:+.1%}]"
    return "\n".join(
        [
            f"{found.attacks} attacks, {found.friction:.1%} of owners challenged with advice",
            f"caught: {found.caught:.1%} with advice, {found.caught_locally:.1%} without it at the same friction,"
            f" gain {gain.value or 0:+.1%}{interval}",
            *roc.to_text("local", found.local),
            *roc.to_text("with advice", found.advised),
            f"{found.calls} calls, {found.unanswered} without an answer, {len(found.flips)} logins newly challenged",
            "passed: advice is worth its friction" if found.passes else
            f"not passed: unproven below {FEWEST_ATTACKS} attacks, or a lower threshold does as well",
        ]
    )  # fmt: skip
