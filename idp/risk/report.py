"""Figures over scored logins: how many attacks are seen, and what that asks of owners; each with its 95 % interval.

All is computed from sums (llr) of logins of people with a history, except the shares by band, which include floors. The
intervals are bootstrapped over people, whose logins are alike, with draws that are the same on every machine.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import shake_128
from itertools import accumulate
from math import ceil, exp, factorial
from operator import mul
from typing import Final

from idp.domain.json import Json
from idp.domain.risk import Band
from idp.risk.event_file import Scored

CHALLENGED: Final = (0.01, 0.02, 0.05, 0.10)
CAUGHT: Final = (0.995, 0.99, 0.98, 0.9425, 0.8276, 0.7816)
GREY_FROM: Final = 20
FIRST_LOGINS: Final = 12
STRATA: Final[Mapping[str, Callable[[int], bool]]] = {
    "all": lambda n: True, "1": lambda n: n == 1, "2-3": lambda n: 2 <= n <= 3, "4-11": lambda n: 4 <= n <= 11,
    "12-39": lambda n: 12 <= n <= 39, "40+": lambda n: n >= 40,
}  # fmt: skip
MEASURES: Final = ("medium", "high", "critical", "grey", "device_rule")
_RESAMPLES: Final = 200

#: One person, drawn or not: how often everybody counts in one resample.
Weights = Sequence[int]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and its interval; None where there was nothing to count."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Attackers:
    """What is seen of one kind of attacker, by the label of its lines."""

    attempts: int
    auc: Figure
    tpr: Mapping[float, Figure]  # by the share of owners that is challenged
    reauthentications: Mapping[float, Figure]  # by the share of attacks that is to be caught


@dataclass(frozen=True, slots=True)
class Report:
    """All figures; shares of owners by stratum of learnt logins, then by measure."""

    lines: int
    owners: int
    users: int
    attackers: Mapping[str, Attackers]
    strata: Mapping[str, Mapping[str, Figure]]
    logins: Mapping[str, int]


@dataclass(slots=True)
class _Label:
    """The attempts of one label: sums and persons."""

    late: list[tuple[float, int]] = field(default_factory=list)  # after the warm-up
    every: list[tuple[float, int]] = field(default_factory=list)


def report(lines: Sequence[Scored], *, warmup: float) -> Report:
    """Return the figures of a file; the first share `warmup` of lines counts neither for AUC nor for TPR."""
    people = _People(lines, skip=int(warmup * len(lines)))
    draws = [people.one, *(draw(len(people.names), number) for number in range(_RESAMPLES))]
    attackers = {}
    cumulated = [people.cumulated(weights) for weights in draws]
    for name, label in sorted(people.labels.items()):
        attackers[name] = Attackers(
            len(label.every),
            figure_of([_auc(people, label, weights, sums) for weights, sums in zip(draws, cumulated, strict=True)]),
            {
                share: figure_of([_tpr(people, label, share, weights, sums)
                                for weights, sums in zip(draws, cumulated, strict=True)])
                for share in CHALLENGED
            },
            {share: figure_of([_reauthentications(people, label, share, weights) for weights in draws])
             for share in CAUGHT},
        )  # fmt: skip
    strata = {
        stratum: {measure: figure_of([_share(people, stratum, measure, weights) for weights in draws])
                  for measure in MEASURES}
        for stratum in STRATA
    }  # fmt: skip
    logins = {stratum: sum(people.counts[stratum, "logins"]) for stratum in STRATA}
    return Report(len(lines), logins["all"], len(people.names), attackers, strata, logins)


class _People:
    """The lines sorted by what the figures need; persons are numbered in the order in which they appear."""

    def __init__(self, lines: Sequence[Scored], *, skip: int) -> None:
        self.names = {user: number for number, user in enumerate(dict.fromkeys(line.user for line in lines))}
        self.one: Weights = [1] * len(self.names)
        self.labels: dict[str, _Label] = {}
        self.counts = {(stratum, what): [0] * len(self.names) for stratum in STRATA for what in ("logins", *MEASURES)}
        self.has_devices = any(line.device_known is not None for line in lines)
        late: list[tuple[float, int]] = []
        sums: list[list[float]] = [[] for _ in self.names]
        for number, line in enumerate(lines):
            if line.logins < 1:
                continue
            person = self.names[line.user]
            if line.label is not None:
                label = self.labels.setdefault(line.label, _Label())
                label.every.append((line.llr, person))
                if number >= skip:
                    label.late.append((line.llr, person))
                continue
            self._count(line, person)
            sums[person].append(line.llr)
            if number >= skip:
                late.append((line.llr, person))
        late.sort()
        self.sums = [llr for llr, _ in late]
        self._owners = [person for _, person in late]
        self.first = [(person, sorted(each[:FIRST_LOGINS])) for person, each in enumerate(sums)
                      if len(each) >= FIRST_LOGINS]  # fmt: skip

    def _count(self, line: Scored, person: int) -> None:
        present = {
            "logins": True, "medium": line.score >= Band.MEDIUM.start, "high": line.score >= Band.HIGH.start,
            "critical": line.score >= Band.CRITICAL.start, "grey": GREY_FROM <= line.score < Band.MEDIUM.start,
            "device_rule": not line.device_known,
        }  # fmt: skip
        for stratum, holds in STRATA.items():
            if holds(line.logins):
                for what, here in present.items():
                    self.counts[stratum, what][person] += here

    def cumulated(self, weights: Weights) -> list[int]:
        """Return how much owners weigh up to each position, from the lowest sum."""
        return [0, *accumulate(map(weights.__getitem__, self._owners))]


def _auc(people: _People, label: _Label, weights: Weights, sums: list[int]) -> float | None:
    total, below = 0, 0.0
    for llr, person in label.late:
        if weight := weights[person]:
            total += weight
            below += weight * (sums[bisect_left(people.sums, llr)] + sums[bisect_right(people.sums, llr)]) / 2
    return below / total / sums[-1] if total and sums[-1] else None


def _tpr(people: _People, label: _Label, share: float, weights: Weights, sums: list[int]) -> float | None:
    """Return the share of attacks above all but this share of owners."""
    total = caught = 0
    allowed = share * sums[-1]
    for llr, person in label.late:
        weight = weights[person]
        total += weight
        if sums[-1] - sums[bisect_left(people.sums, llr)] <= allowed:
            caught += weight
    return caught / total if total and sums[-1] else None


def _reauthentications(people: _People, label: _Label, share: float, weights: Weights) -> float | None:
    """Return the median over people of how many of their first twelve scored logins reach the threshold."""
    attempts = sorted(label.every, reverse=True)
    wanted = ceil(round(share * sum(weights[person] for _, person in attempts), 9))
    threshold = None
    for llr, person in attempts:
        wanted -= weights[person]
        if wanted <= 0:
            threshold = llr
            break
    if threshold is None:
        return None
    challenged = [0] * (FIRST_LOGINS + 1)
    for person, sums in people.first:
        challenged[FIRST_LOGINS - bisect_left(sums, threshold)] += weights[person]
    return _median(challenged)


def _median(counts: list[int]) -> float | None:
    """Return the median of small integers, given how often each occurs."""
    total = sum(counts)
    if not total:
        return None
    reached = list(accumulate(counts))
    lower, upper = bisect_left(reached, (total + 1) // 2), bisect_left(reached, total // 2 + 1)
    return (lower + upper) / 2


def _share(people: _People, stratum: str, measure: str, weights: Weights) -> float | None:
    if measure == "device_rule" and not people.has_devices:
        return None
    logins = sum(map(mul, weights, people.counts[stratum, "logins"]))
    return sum(map(mul, weights, people.counts[stratum, measure])) / logins if logins else None


def figure_of(values: list[float | None]) -> Figure:
    """Return the first value, and the interval that the others span."""
    drawn = sorted(value for value in values[1:] if value is not None)
    if values[0] is None or not drawn:
        return Figure(values[0])
    return Figure(values[0], drawn[int(0.025 * len(drawn))], drawn[min(len(drawn) - 1, int(0.975 * len(drawn)))])


def _poisson_bytes() -> bytes:
    """Return how often a person is drawn for each value of a random byte: Poisson with mean 1."""
    bounds = list(accumulate(exp(-1) / factorial(times) for times in range(6)))
    return bytes(bisect_left(bounds, (value + 0.5) / 256) for value in range(256))


_POISSON: Final = _poisson_bytes()


def draw(people: int, number: int) -> Weights:
    """Return how often each person counts in the resample of this number."""
    return shake_128(b"idp risk report %d" % number).digest(people).translate(_POISSON)


def to_json(found: Report) -> dict[str, Json]:
    """Return the report as a JSON document; a figure is [value, low, high]."""
    return {
        "lines": found.lines, "owners": found.owners, "users": found.users,
        "labels": {
            name: {
                "attempts": each.attempts, "auc": _triple(each.auc),
                "tpr": {f"{share:g}": _triple(figure) for share, figure in each.tpr.items()},
                "reauthentications": {f"{share:g}": _triple(each.reauthentications[share]) for share in CAUGHT},
            }
            for name, each in found.attackers.items()
        },
        "challenged": {
            stratum: {"logins": found.logins[stratum], **{name: _triple(figure) for name, figure in figures.items()}}
            for stratum, figures in found.strata.items()
        },
    }  # fmt: skip


def _triple(figure: Figure) -> Json:
    return [None if value is None else round(value, 6) for value in (figure.value, figure.low, figure.high)]


def to_text(found: Report) -> str:
    """Return the report as two tables for people."""
    lines = [f"{found.owners} logins of owners with a history, {found.users} people; 95 % intervals in brackets", ""]
    for name, each in found.attackers.items():
        lines.append(f"{name}: {each.attempts} attempts, AUC {_words(each.auc)}")
        lines += [f"  {share:.0%} of owners challenged: {_words(figure, 100)} % caught"
                  for share, figure in each.tpr.items()]  # fmt: skip
        lines += [f"  {share:.4g} caught: {_words(figure)} re-authentications in {FIRST_LOGINS} logins"
                  for share, figure in each.reauthentications.items()]  # fmt: skip
    lines += ["", "owners by learnt logins, in %: medium and above · high and above · critical · grey · unknown device"]
    for stratum, figures in found.strata.items():
        shares = " · ".join(_words(figure, 100) for figure in figures.values())
        lines.append(f"  {stratum:>5} ({found.logins[stratum]}): {shares}")
    return "\n".join(lines)


def _words(figure: Figure, times: float = 1) -> str:
    if figure.value is None:
        return "–"
    if figure.low is None or figure.high is None:
        return f"{figure.value * times:.3g}"
    return f"{figure.value * times:.3g} [{figure.low * times:.3g}–{figure.high * times:.3g}]"
