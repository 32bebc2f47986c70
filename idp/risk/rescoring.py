"""Recorded sign-ins scored again by another table: from depths, hours and lessons that were kept, and nothing else.

A record holds depths, not values, so the same engine can weigh them by other shares. Each record is first scored by its
own table again; only where that gives what was recorded is everything known that another score rests on.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from idp.domain.risk import Band, Reading
from idp.policy.facts import Facts as PolicyFacts
from idp.policy.record import RecordedSignIn
from idp.risk.engine import CONTEXT_HIGHEST, CONTEXT_LOWEST
from idp.risk.novelty import ENGINE, clip, code_of, history_parts
from idp.risk.population import Population
from idp.risk.profile import Match, Profile, Taught
from idp.risk.scale import lift, score_of
from idp.risk.shipped import Tables
from idp.risk.signal import Circumstances, Facts
from idp.risk.signals import unusual_hour

CLOSE: Final = 0.02  # nats: counts are read again once a minute, so a score rests on those of a minute ago
_OURS: Final = frozenset({"NO_HISTORY", "NET_HABIT", "AGENT_HABIT", "DEV_HABIT", "TIME_HOUR", "CONTEXT_CAP"})
_MATCHES: Final[Mapping[str, Match]] = {
    code_of(Match((net,), (agent,), dev), devices=devices): Match((net,), (agent,), dev)
    for net in range(4) for agent in range(5) for dev in (0, 1) for devices in (True, False)
}  # fmt: skip
Lesson = tuple[RecordedSignIn, Taught | None]


@dataclass(slots=True)
class _Person:
    logins: int = 0
    depths: list[int] = field(default_factory=lambda: [0] * 11)
    hours: list[int] = field(default_factory=lambda: [0] * 24)

    def profile(self) -> Profile:
        return Profile(self.logins, depths=tuple(self.depths), hours=tuple(self.hours))

    def learn(self, taught: Taught) -> None:
        self.logins += 1
        for index in taught.own:
            self.depths[index] += 1
        if taught.hour is not None:
            self.hours[taught.hour] += 1


@dataclass(slots=True)
class Tally:
    """How many records were scored again, which were not and why, and how well the old score came out."""

    records: int = 0
    rescored: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    furthest: float = 0.0  # nats between a recorded sum and the same sum made again
    without_advice: int = 0  # an adviser had answered for the old score; for the new one nobody was asked


class Rescoring:
    """One pass over a history, in the order in which it happened."""

    def __init__(self, tables: Tables, recorded: Iterable[Tables], band_of: Callable[[int], Band]) -> None:
        """Score by `tables` what was scored by one of the `recorded` ones; `band_of` are the bands of the policy."""
        self.tally = Tally()
        self._new = Population(tables)
        self._old = {each.version: Population(each) for each in recorded}
        self._band_of = band_of
        self._people: dict[str, _Person] = {}
        self._facts: PolicyFacts | None = None

    def over(self, history: Iterable[Lesson]) -> Iterator[RecordedSignIn]:
        """Yield each record after it was scored again; `facts_of` has its facts until the next one comes."""
        for record, taught in history:
            self.tally.records += 1
            person = self._people.setdefault(record.user, _Person())
            found = self._rescore(record, person)
            self._facts = None if isinstance(found, str) else found
            if isinstance(found, str):
                self.tally.skipped[found] += 1
            else:
                self.tally.rescored += 1
            yield record
            if taught is not None:
                person.learn(taught)
                for population in (self._new, *self._old.values()):
                    population.add(taught)

    def facts_of(self, _record: RecordedSignIn) -> PolicyFacts | None:
        """Return the facts of the record that was just yielded, None if it could not be scored again."""
        return self._facts

    def _rescore(self, record: RecordedSignIn, person: _Person) -> PolicyFacts | str:
        """Return the facts with the new score, or why there is none."""
        assessed = record.assessed
        old = self._old.get(str(assessed.get("tables")))
        if assessed.get("engine") != ENGINE:
            return "scored by another engine"
        if old is None:
            return "scored by a table that is not here"
        if assessed.get("history") != person.logins:
            return "earlier sign-ins of the person are not kept"
        parts = _parts(assessed.get("parts"))
        codes = [code for code, _ in parts if code in _MATCHES]
        if person.logins and not codes:
            return "network or agent was not known whole"
        found = _MATCHES[codes[0]] if codes else Match()
        context = sum([nats for code, nats in parts if code not in _OURS and code not in _MATCHES])
        again = _sum(record, person.profile(), old, found, context)
        distance = abs(again - _number(assessed.get("llr")))
        if distance > CLOSE:
            return "the counts of that moment are not kept"
        self.tally.furthest = max(self.tally.furthest, distance)
        score, _ = lift(score_of(_sum(record, person.profile(), self._new, found, context)), _floors(assessed))
        return self._with_score(record, score)

    def _with_score(self, record: RecordedSignIn, local: int) -> PolicyFacts:
        """Return the facts at a new local score; what lifted the old one beside the engine lifts the new one, too."""
        was, score = int(_number(record.assessed.get("local"))), int(_number(record.assessed.get("score")))
        adviser = record.assessed.get("adviser")
        effect = int(_number(adviser.get("effect"))) if isinstance(adviser, dict) else 0
        if local == was:
            return record.facts
        self.tally.without_advice += bool(effect)
        others = [band.start for name in ("risk.user_band", "risk.session_band")
                  if isinstance(band := record.facts.known.get(name), Band)]  # fmt: skip
        if score > was + effect:  # the person's, the session's or an earlier try's: that score stands
            others.append(score)
        score = max([local, *others])
        return record.facts.but({"risk.score": score, "risk.band": self._band_of(score)})


def _sum(record: RecordedSignIn, profile: Profile, population: Population, found: Match, context: float) -> float:
    """Return the sum of a recorded sign-in by the shares of a population."""
    local = record.facts.known.get("time.local")
    hour = getattr(local, "hour", None)
    facts = Facts(
        Circumstances(record.at, hour=hour), profile=profile,
        hour_share=None if hour is None else population.hour_share(hour),
    )  # fmt: skip
    hours = sum([reading.nats for reading in unusual_hour.read(facts)])
    parts = sum([part.nats for part in history_parts(profile, population, found)])
    return parts + clip(hours + context, CONTEXT_LOWEST, CONTEXT_HIGHEST)


def _parts(value: object) -> list[tuple[str, float]]:
    each = value if isinstance(value, list) else []
    return [(str(part.get("code")), _number(part.get("nats"))) for part in each if isinstance(part, dict)]


def _floors(assessed: Mapping[str, object]) -> list[Reading]:
    found = assessed.get("floors")
    readings = []
    for each in found if isinstance(found, list) else []:
        code, band = str(each.get("code")), Band(str(each.get("band")))
        is_step = code == "SPRAY_ACTIVE"
        readings.append(Reading(code, floor=None if is_step else band, one_band_up=is_step))
    return readings


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
