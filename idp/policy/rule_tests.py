"""The examples in a policy file: facts, and what must come of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from idp.domain.assurance import Factor, Proof
from idp.policy import lifetimes
from idp.policy.ability import Ability
from idp.policy.facts import SHORT_NAMES, Facts
from idp.policy.rules import Policy, RuleTest
from idp.policy.verdict import decide
from idp.policy.verdict_parts import Verdict

NOW = lifetimes.ALWAYS + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one example; `faults` says what was expected instead."""

    test: RuleTest
    verdict: Verdict
    faults: tuple[str, ...]

    @property
    def has_passed(self) -> bool:
        """Say whether all went as expected."""
        return not self.faults


def ability_of(facts: Facts) -> Ability:
    """Return what somebody with these facts can do who gave the password, or the passkey instead, a moment ago."""
    enrolled = facts.known.get("enrolled", frozenset({Factor.PASSWORD.value}))
    assert isinstance(enrolled, frozenset)
    factors = frozenset(map(Factor, enrolled))
    proofs = (Proof(Factor.PASSWORD, NOW),) if Factor.PASSWORD in factors else ()
    return Ability(NOW, proofs, factors, attests=True, act_began=NOW)


def verdict_on(policy: Policy, facts: Facts) -> Verdict:
    """Return the verdict on somebody with these facts."""
    return decide(policy, facts, ability_of(facts))


def run(policy: Policy) -> Iterator[Outcome]:
    """Run every example of a policy."""
    for test in policy.tests:
        verdict = verdict_on(policy, test.facts)
        yield Outcome(test, verdict, tuple(_faults(test, verdict)))


def _faults(test: RuleTest, verdict: Verdict) -> Iterator[str]:
    found = verdict.resolution
    if test.decision is not None and found.decision is not test.decision:
        yield f"decision is {found.decision}, not {test.decision}"
    if test.acr is not None and found.acr != test.acr:
        yield f"acr is {SHORT_NAMES[found.acr]}, not {SHORT_NAMES[test.acr]}"
    effects = frozenset(map(str, found.effects))
    if test.effects is not None and effects != test.effects:
        yield f"effects are [{', '.join(sorted(effects))}], not [{', '.join(sorted(test.effects))}]"
