"""The published baseline beside a decision: where it stands among the sign-ins before it, to either engine.

What was compared is kept with each decision as keyed digests; what was learnt is known from the decisions that taught.
Only ranks are compared: the two scales have nothing in common.
"""

from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import starmap

from idp.domain.risk import Part
from idp.policy.facts import Json
from idp.risk.freeman import History
from idp.risk.hierarchy import AgentLevels, NetLevels
from idp.risk.profile import Observation

FEWEST = 20  # sign-ins to rank among


@dataclass(frozen=True, slots=True)
class Past:
    """One sign-in as it was kept: `seen` is what was compared, None if that was not kept."""

    user: str
    seen: Observation | None
    llr: float  # of our own engine
    logins: int  # that were learnt of this person then
    has_taught: bool


@dataclass(frozen=True, slots=True)
class Ranked:
    """The share of earlier sign-ins, from 0 to 1, that were less unusual to each engine; and what they were."""

    own: float
    baseline: float
    others: int
    llr: float
    parts: tuple[Part, ...]


@dataclass(slots=True)
class Baseline:
    """The baseline over a history, in the order in which it happened."""

    history: History = field(default_factory=History)
    scored: list[tuple[float, float]] = field(default_factory=list)  # own sum and the baseline's

    def go_over(self, past: Iterable[Past]) -> None:
        """Score each sign-in against those before it, then learn it if it taught."""
        for each in past:
            found = self.assess(each)
            if found is not None:
                self.scored.append((each.llr, found[0]))
            if each.has_taught and each.seen is not None:
                self.history.learn(each.user, each.seen)

    def assess(self, each: Past) -> tuple[float, tuple[Part, ...]] | None:
        """Return the baseline's sum and parts for a sign-in; None without values or without anything learnt."""
        if each.seen is None or each.logins < 1 or not self.history.by_user[each.user]:
            return None
        found = self.history.assess(each.user, each.seen)
        return found.llr, found.parts

    def rank(self, subject: Past) -> Ranked | str:
        """Return where a sign-in stands among those before it, or why that cannot be said."""
        if subject.seen is None:
            return "what it was compared by was not kept"
        found = self.assess(subject)
        if found is None:
            return "nothing that was kept was learnt of this person before"
        if len(self.scored) < FEWEST:
            return f"fewer than {FEWEST} sign-ins before it can be ranked"
        own, baseline = (_share([row[column] for row in self.scored], value)
                         for column, value in enumerate((subject.llr, found[0])))  # fmt: skip
        return Ranked(own, baseline, len(self.scored), found[0], found[1])


def _share(values: Sequence[float], value: float) -> float:
    return bisect_left(sorted(values), value) / len(values)


def to_json(seen: Observation) -> dict[str, Json]:
    """Return what was compared as it stands in a record: digests of network and agent, null where unknown."""
    net, agent = seen.net, seen.agent
    levels = None if agent is None else (agent.text, agent.browser, agent.system, agent.device)
    return {
        "net": [_text(each) for each in (net.address, net.asn, net.country)],
        "agent": None if levels is None else [_text(each) for each in levels],
    }


def from_json(document: object) -> Observation | None:
    """Return what was compared, None if it was not kept or cannot be read."""
    match document:
        case {"net": [_, _, _] as net, "agent": None | [_, _, _, _] as agent}:
            try:
                levels = None if agent is None else AgentLevels(*map(_required, agent))
                return Observation(day=0, net=NetLevels(*map(_raw, net)), agent=levels)
            except (TypeError, ValueError):
                return None
    return None


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()


def _raw(text: object) -> bytes | None:
    return None if text is None else _required(text)


def _required(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("a digest was expected")
    return b64decode(text, validate=True)


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 0 on, ties sharing theirs."""
    ordered = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    while start < len(ordered):
        end = start
        while end + 1 < len(ordered) and values[ordered[end + 1]] == values[ordered[start]]:
            end += 1
        for at in ordered[start : end + 1]:
            found[at] = (start + end) / 2
        start = end + 1
    return found


def correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return how alike two orders are (Spearman): 1 the same, −1 reversed, None where one of them has no order."""
    first, second = (ranks([pair[column] for pair in pairs]) for column in (0, 1))
    middle = (len(pairs) - 1) / 2
    spreads = [sum((rank - middle) ** 2 for rank in each) for each in (first, second)]
    together = sum(starmap(lambda a, b: (a - middle) * (b - middle), zip(first, second, strict=True)))
    return float(together / (spreads[0] * spreads[1]) ** 0.5) if all(spreads) else None
