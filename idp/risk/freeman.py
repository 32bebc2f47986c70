"""The published baseline: Freeman et al. (NDSS 2016), in the form of Wiefling et al. (TOPS 2022).

A second opinion, measured beside ours; it never decides. Its scale is not ours: compare ranks, never bands. There is no
attack data, and what was never seen of a person counts four times against them instead of being smoothed.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import log
from typing import Final

from idp.domain.risk import Assessment, Part
from idp.risk.profile import Observation
from idp.risk.scale import score_of

ENGINE: Final = "freeman-1"
_NEVER: Final = 4.0
_WEIGHTS: Final = ((0.6, 0.3, 0.1), (0.5386654, 0.2680451, 0.1881830, 0.0051065))
_CODES: Final = ("FREEMAN_ADDRESS", "FREEMAN_AGENT")

#: The levels of address and agent, from the finest; None is unknown and weighs nothing.
Values = tuple[tuple[bytes | None, ...], tuple[bytes | None, ...]]


class History:
    """How often each value was seen, over all and by person; only learnt logins count."""

    def __init__(self) -> None:
        """Start with no login."""
        self.logins = 0
        self.by_user: Counter[str] = Counter()
        self._all: tuple[tuple[Counter[bytes], ...], ...] = tuple(
            tuple(Counter[bytes]() for _ in each) for each in _WEIGHTS
        )
        self._own: defaultdict[str, Counter[tuple[int, int, bytes]]] = defaultdict(Counter)

    def learn(self, user: str, seen: Observation) -> None:
        """Count a login of this person."""
        self.logins += 1
        self.by_user[user] += 1
        own = self._own[user]
        for kind, values in enumerate(_values(seen)):
            for level, value in enumerate(values):
                if value is not None:
                    self._all[kind][level][value] += 1
                    own[kind, level, value] += 1

    def assess(self, user: str, seen: Observation) -> Assessment:
        """Score an attempt; without history there is no score, and the sum is 0."""
        own = self.by_user[user]
        if own == 0:
            return _assessment((Part("NO_HISTORY", 0.0),), 0)
        ratios = [self._ratio(user, kind, values) for kind, values in enumerate(_values(seen))]
        parts = [Part(code, log(ratio)) for code, ratio in zip(_CODES, ratios, strict=True)]
        attacked, usual = 1 / len(self.by_user), own / self.logins
        return _assessment((*parts, Part("FREEMAN_USER", log(attacked / usual))), own)

    def _ratio(self, user: str, kind: int, values: Sequence[bytes | None]) -> float:
        """Return p(x) / p(x|u) of an address or an agent; 4 where the person's side is zero, 1 where all is unknown."""
        common = personal = 0.0
        counts, own, own_logins = self._all[kind], self._own[user], self.by_user[user]
        for level, (weight, value) in enumerate(zip(_WEIGHTS[kind], values, strict=True)):
            if value is None:
                continue
            seen = counts[level].get(value, 0)
            common += weight * (self._finest(kind, seen) if level == 0 else seen / self.logins)
            personal += weight * own.get((kind, level, value), 0) / own_logins
        if all(value is None for value in values):
            return 1.0
        return common / personal if personal else _NEVER

    def _finest(self, kind: int, seen: int) -> float:
        """Return the smoothed share of a value on the finest level, seen so often by anybody."""
        logins, coarser = self.logins, self._all[kind][1:]
        unseen = 1 + sum([len(counts) for counts in coarser])
        if seen == 0:
            return 1 / (logins + unseen)
        return seen / logins * (1 - unseen / (logins + unseen)) * seen / (seen + 1 + len(coarser))


def _values(seen: Observation) -> Values:
    net, agent = seen.net, seen.agent
    agents = (None,) * 4 if agent is None else (agent.text, agent.browser, agent.system, agent.device)
    return (net.address, net.asn, net.country), agents


def _assessment(parts: tuple[Part, ...], logins: int) -> Assessment:
    llr = sum([part.nats for part in parts])
    return Assessment(
        llr=llr, parts=parts, floors=(), score=score_of(llr), logins=logins, engine=ENGINE, tables="none",
        codes=tuple(part.code for part in parts),
    )  # fmt: skip
