"""What a verdict is made of: which rules matched and why not, what that comes to, and the words for both."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from idp.domain.assurance import REQUIREMENTS, Factor, Requirement
from idp.policy.ability import ageless, is_as_strict
from idp.policy.facts import Facts, Json
from idp.policy.rules import Decision, Effect, EffectKind, Mode, Notice, Policy, Rule


class Refusal(StrEnum):
    """Why an attempt is refused."""

    RULE = "rule"  # a rule denies it
    UNREACHABLE = "unreachable"  # nothing that the person has meets the demand, and setting something up is not allowed


class Traced(NamedTuple):
    """What became of one rule; `because` says why it did not match, `unknown` which facts it lacked."""

    id: str
    matched: bool
    mode: Mode
    because: str = ""
    unknown: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """Return the line of this rule in a record."""
        document: dict[str, Json] = {"id": self.id, "matched": self.matched}
        if self.matched:
            document["mode"] = self.mode.value
        else:
            document["because"] = self.because
        if self.unknown:
            document["unknown"] = list(self.unknown)
        return document


@dataclass(frozen=True, slots=True)
class Matched:
    """How true the condition of each rule is: True, False, or None where an unknown fact leaves it open."""

    policy: Policy
    facts: Facts
    truths: tuple[bool | None, ...]

    @property
    def trace(self) -> tuple[Traced, ...]:
        """Return what became of every rule, in the order of the file."""
        return tuple(map(self._traced, self.policy.rules, self.truths))

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return the facts whose absence left a rule open, sorted."""
        missing: set[str] = set()
        for rule, truth in zip(self.policy.rules, self.truths, strict=True):
            if truth is None:
                missing |= rule.facts - self.facts.known.keys()
        return tuple(sorted(missing))

    def _traced(self, rule: Rule, truth: bool | None) -> Traced:
        mode = rule.mode or self.policy.mode
        if mode is Mode.OFF:
            return Traced(rule.id, False, mode, "the rule is off")
        if truth is False:
            return Traced(rule.id, False, mode, rule.because(self.facts.known))
        if truth is True:
            return Traced(rule.id, True, mode)
        unknown = tuple(sorted(rule.facts - self.facts.known.keys()))
        if rule.is_deny:
            return Traced(rule.id, False, mode, f"{', '.join(unknown)} unknown: that denies nobody", unknown)
        return Traced(rule.id, True, mode, "", unknown)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the matching rules come to."""

    decision: Decision
    requirement: Requirement  # what must hold in the end
    step: Requirement  # what must be proved now: all of it, or first what the person has
    effects: tuple[Effect, ...]
    notify: frozenset[Notice]
    options: tuple[Factor, ...]  # what to offer now, by the user's order; empty if nothing is to be proved
    satisfied_by: tuple[Factor, ...]  # the cheapest set that completes the step
    rules: tuple[str, ...]  # the ids of the rules that took part
    denies_for: timedelta | None = None  # this network and device
    refusal: Refusal | None = None
    asks: bool = False  # whether a rule demanded anything, be it met or not
    marks_enrolment: bool = False  # ask to set up a factor when this is over

    @property
    def acr(self) -> str:
        """Return the name of what must hold in the end, the strongest that it implies."""
        return acr_of(ageless(self.requirement))

    @property
    def is_challenge(self) -> bool:
        """Say whether the person has to do something."""
        return self.decision in (Decision.STEP_UP, Decision.VERIFY_EMAIL, Decision.ENROL)

    @property
    def session_limit(self) -> timedelta | None:
        """Return how long the session may live at most, None if no rule says."""
        return next((effect.length for effect in self.effects if effect.kind is EffectKind.SHORT_SESSION), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about one attempt, and its explanation."""

    resolution: Resolution
    matched: Matched
    shadow: Resolution | None = None  # what it would be if the rules in shadow counted; None if none of them matched

    @property
    def decision(self) -> Decision:
        """Return what happens."""
        return self.resolution.decision

    def as_json(self) -> dict[str, Json]:
        """Return the part of a decision record that the policy answers for."""
        done = self.resolution
        document: dict[str, Json] = {
            "decision": done.decision.value,
            "acr": done.acr,
            "max_age": None if done.requirement.max_age is None else int(done.requirement.max_age.total_seconds()),
            "effects": [str(effect) for effect in done.effects],
            "notify": [word.value for word in sorted(done.notify)],
            "rules": [traced.as_json() for traced in self.matched.trace],
            "unknown": list(self.matched.unknown),
            "options": [factor.value for factor in done.options],
            "satisfied_by": [factor.value for factor in done.satisfied_by],
            "policy": self.matched.policy.digest,
        }
        if done.denies_for is not None:
            document["denies_for"] = int(done.denies_for.total_seconds())
        if done.refusal is not None:
            document["refusal"] = done.refusal.value
        if done.marks_enrolment:
            document["marks_enrolment"] = True
        if self.shadow is not None:
            document["shadow"] = {"decision": self.shadow.decision.value, "acr": self.shadow.acr}
        return document


@lru_cache(256)
def acr_of(requirement: Requirement) -> str:
    """Return the strongest acr that a requirement without an age implies."""
    return next(acr for acr, needed in REQUIREMENTS.items() if is_as_strict(requirement, needed))


def joined_effects(rules: Iterable[Rule]) -> tuple[Effect, ...]:
    """Return the effects of all rules, each once, sorted; of short sessions the shortest."""
    found: dict[EffectKind, Effect] = {}
    for rule in rules:
        for effect in rule.effects:
            other = found.get(effect.kind)
            if other is None or (
                effect.length is not None and other.length is not None and effect.length < other.length
            ):
                found[effect.kind] = effect
    return tuple(found[kind] for kind in sorted(found))
