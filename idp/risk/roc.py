"""How well an order tells attacks from owners: the ROC curve, the area under it, and the part that anybody would use.

Along the curve lies the share of owners who are challenged, above it the share of attacks caught. Whoever stands level
with an owner counts half. The partial area is that from 0 to 10 % challenged, in tenths: 1 is perfect, chance is .05.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from idp.domain.json import Json
from idp.risk.report import Figure, Weights, figure_of

USABLE: Final = 0.10  # of owners challenged; nobody would challenge more
POINTS: Final = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.10, 0.20, 0.50, 1.0)
#: What sign-ins are ordered by, and the number of the person.
Row = tuple[tuple[float, float], int]


@dataclass(frozen=True, slots=True)
class Curve:
    """One order: both areas with their intervals, and the share of attacks caught by the share of owners challenged."""

    auc: Figure
    partial: Figure
    points: Mapping[float, float]


def curve(owners: Sequence[Row], attacks: Sequence[Row], draws: Sequence[Weights]) -> Curve:
    """Return the curve; the first draw is the figure, the others span its interval."""
    ordered = sorted(owners)
    keys = [key for key, _ in ordered]
    people = [person for _, person in ordered]
    spans = [(bisect_left(keys, key), bisect_right(keys, key), person) for key, person in attacks]
    areas = [_areas(spans, people, weights) for weights in draws]
    ramps = _ramps(spans, people, draws[0])
    return Curve(
        auc=figure_of([area[0] for area in areas]), partial=figure_of([area[1] for area in areas]),
        points={share: _caught(ramps, share) for share in POINTS} if ramps else {},
    )  # fmt: skip


def _areas(
    spans: Sequence[tuple[int, int, int]], people: Sequence[int], weights: Weights
) -> tuple[float | None, float | None]:
    ramps = _ramps(spans, people, weights)
    total = sum(weight for _, _, weight in ramps)
    if not total:
        return None, None
    whole, usable = (
        sum([weight * _area(begin, end, up_to) for begin, end, weight in ramps]) / total / up_to
        for up_to in (1.0, USABLE)
    )
    return whole, usable


def _ramps(
    spans: Sequence[tuple[int, int, int]], people: Sequence[int], weights: Weights
) -> list[tuple[float, float, int]]:
    """Return for each attack the shares of owners at which it begins to be caught and is, and how much it weighs."""
    sums = [0, *accumulate(map(weights.__getitem__, people))]
    every = sums[-1]
    if not every:
        return []
    return [
        ((every - sums[high]) / every, (every - sums[low]) / every, weights[person])
        for low, high, person in spans
        if weights[person]
    ]


def _area(begin: float, end: float, up_to: float) -> float:
    """Return the area under a step from 0 to 1 that rises evenly between two shares, up to a share."""
    if up_to <= begin:
        return 0.0
    if up_to >= end:
        return up_to - (begin + end) / 2
    return (up_to - begin) ** 2 / (2 * (end - begin))


def _caught(ramps: Sequence[tuple[float, float, int]], share: float) -> float:
    total = sum(weight for _, _, weight in ramps)
    return sum([weight * _height(begin, end, share) for begin, end, weight in ramps]) / total if total else 0.0


def _height(begin: float, end: float, share: float) -> float:
    if share >= end:
        return 1.0
    return (share - begin) / (end - begin) if share > begin else 0.0


def to_json(found: Curve) -> dict[str, Json]:
    """Return the curve as JSON: areas as [value, low, high], points as [challenged, caught]."""
    return {
        "auc": [found.auc.value, found.auc.low, found.auc.high],
        "partial_auc": [found.partial.value, found.partial.low, found.partial.high],
        "roc": [[share, round(caught, 6)] for share, caught in found.points.items()],
    }


def to_text(name: str, found: Curve) -> list[str]:
    """Return the areas in one line, and the points up to 10 % challenged in another."""
    points = " · ".join(f"{share:.3g}: {caught:.1%}" for share, caught in found.points.items() if share <= USABLE)
    areas = f"AUC {_words(found.auc)}, up to {USABLE:.0%} challenged {_words(found.partial)}"
    return [f"{name}: {areas}", f"  caught by share challenged: {points}"] if points else [f"{name}: nothing to order"]


def _words(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    interval = "" if figure.low is None or figure.high is None else f" [{figure.low:.3f}–{figure.high:.3f}]"
    return f"{figure.value:.3f}{interval}"
