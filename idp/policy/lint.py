"""Whether the rules of a policy make sense together: what refuses a file, and what is only worth a word.

Refused: a rule that can never be true, an acr that no factor can give, setting up a factor at medium risk or above, a
deny that is not tested or that unknown facts could cause, less at more risk, an administrator left outside, a test
that fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from idp.domain.assurance import SUPPORTED_ACRS, Factor
from idp.domain.risk import Band
from idp.policy import rule_file, rule_tests
from idp.policy.ability import is_as_strict
from idp.policy.conditions import All as AllOf
from idp.policy.conditions import Compare, Condition, Not, Operator
from idp.policy.conditions import Some as SomeOf
from idp.policy.facts import RISK_BANDS, SHORT_NAMES, ordinary
from idp.policy.findings import BadPolicy, Finding, Severity
from idp.policy.monotone import slackening
from idp.policy.rules import AdviserMode, Decision, Mode, Policy, Rule, Unenrolled
from idp.policy.satisfiable import can_be_true, implies
from idp.policy.verdict import match
from idp.policy.way_out import RANKS


@dataclass(frozen=True, slots=True)
class Site:
    """What an installation knows about itself; None where it is not asked."""

    acrs: frozenset[str] = frozenset(SUPPORTED_ACRS)  # that can be reached here
    clients: frozenset[str] | None = None
    groups: frozenset[str] | None = None
    admin_groups: frozenset[str] = frozenset({"admins"})
    adviser_is_proven: bool | None = None


ANYWHERE = Site()


def load(text: str, file: str = "policy.toml", site: Site = ANYWHERE) -> Policy:
    """Return a policy that is fit for use: read, free of contradictions, its tests passed.

    Raises BadPolicy with everything that is wrong with it.
    """
    policy = rule_file.read(text, file)
    refused = [finding for finding in check(policy, site) if finding.severity is Severity.REFUSED]
    if refused:
        raise BadPolicy(file, refused)
    return policy


def check(policy: Policy, site: Site = ANYWHERE) -> list[Finding]:
    """Return all findings about a policy, in the order of lines."""
    found = [finding for rule in policy.rules for finding in _of_rule(policy, rule, site)]
    found += [*_of_tests(policy), *_of_administrators(policy, site), *_of_adviser(policy, site)]
    return sorted(found, key=lambda finding: finding.line)


def _of_rule(policy: Policy, rule: Rule, site: Site) -> Iterator[Finding]:
    def refused(reason: str) -> Finding:
        return Finding(rule.line, reason, rule.id)

    def warning(reason: str) -> Finding:
        return Finding(rule.line, reason, rule.id, Severity.WARNING)

    if not can_be_true(rule.when):
        yield refused("never true: its conditions contradict each other")
        return
    if rule.require is not None:
        for acr in (rule.require.acr, *rule.require.prefer):
            if acr not in site.acrs:
                yield refused(f"no factor here can give the acr {SHORT_NAMES[acr]!r}")
    if rule.unenrolled is Unenrolled.ENROL and not can_be_true(rule.when, _low(policy)):
        yield refused("it would have people enrol at medium risk or above")
    if rule.is_deny:
        yield from map(refused, _of_deny(policy, rule))
    rise = slackening(policy, rule)
    if rise is not None:
        yield refused(f"more risk would ask for less: {rise}")
    for unknown in _unknown_names(rule, site):
        yield warning(f"never true ({unknown} is unknown)")
    covering = _covering(policy, rule)
    if covering is not None:
        yield warning(f"covered by {covering.id}")


def _low(policy: Policy) -> tuple[Compare, ...]:
    """Return what holds while risk is low; the band of a decision is at least that of user and session."""
    below = policy.bands[Band.MEDIUM] - 1
    return (
        *(Compare(fact, Operator.EQ, Band.LOW) for fact in RISK_BANDS), Compare("risk.score", Operator.LE, below),
    )  # fmt: skip


def _of_deny(policy: Policy, rule: Rule) -> Iterator[str]:
    index = policy.rules.index(rule)
    is_tested = any(
        test.decision is Decision.DENY and match(policy, test.facts).truths[index] is True for test in policy.tests
    )
    if policy.mode_of(rule) is not Mode.OFF and not is_tested:
        yield "deny without a test: no test expects it"
    if _is_true_of_unknown(rule.when):
        yield "a missing fact could refuse people: exists = false denies nobody"


def _is_true_of_unknown(condition: Condition, *, wanted: bool = True) -> bool:
    match condition:
        case Compare(_, Operator.EXISTS, operand):
            return bool(operand) is not wanted
        case Compare():
            return False
        case Not(part):
            return _is_true_of_unknown(part, wanted=not wanted)
        case AllOf(parts) | SomeOf(parts):
            return any(_is_true_of_unknown(part, wanted=wanted) for part in parts)


def _unknown_names(rule: Rule, site: Site) -> Iterator[str]:
    """Yield the clients and groups that nobody knows here and without which the rule cannot be true."""
    for fact, word, known in (("client.id", "client", site.clients), ("groups", "group", site.groups)):
        if known is None:
            continue
        for name in sorted(_named(rule.when, fact) - known):
            operator = Operator.NONE if fact == "groups" else Operator.IN
            others = frozenset(_named(rule.when, fact) - {name}) | {"~other~"}
            absent = Compare(fact, operator, frozenset({name})) if fact == "groups" else Compare(fact, operator, others)
            if not can_be_true(rule.when, [absent]):
                yield f'{word} "{name}"'


def _named(condition: Condition, fact: str) -> set[str]:
    match condition:
        case Compare(found, _, operand) if found == fact:
            return set(map(str, operand)) if isinstance(operand, frozenset) else {str(operand)}
        case Not(part):
            return _named(part, fact)
        case AllOf(parts) | SomeOf(parts):
            return set().union(*(_named(part, fact) for part in parts))
    return set()


def _covering(policy: Policy, rule: Rule) -> Rule | None:
    """Return a rule that is true whenever this one is, and asks for as much."""
    for other in policy.rules:
        if other is rule or not _asks_as_much(policy, other, rule) or not implies(rule.when, other.when):
            continue
        is_mutual = _asks_as_much(policy, rule, other) and implies(other.when, rule.when)
        if not is_mutual or policy.rules.index(other) < policy.rules.index(rule):
            return other
    return None


def _asks_as_much(policy: Policy, rule: Rule, other: Rule) -> bool:
    if policy.mode_of(rule) is not policy.mode_of(other) or policy.mode_of(rule) is Mode.OFF:
        return False
    if not (set(rule.effects) >= set(other.effects) and rule.notify >= other.notify):
        return False
    if other.denies_for is not None:
        return rule.denies_for is not None and rule.denies_for >= other.denies_for
    if other.require is None:
        return True
    usual = policy.defaults.unenrolled
    return (
        rule.require is not None
        and is_as_strict(rule.require.requirement, other.require.requirement)
        and set(rule.require.prefer) >= set(other.require.prefer)
        and RANKS[rule.unenrolled or usual] >= RANKS[other.unenrolled or usual]
        and rule.require.unless_verified_within in (None, other.require.unless_verified_within)
    )


def _of_tests(policy: Policy) -> Iterator[Finding]:
    for outcome in rule_tests.run(policy):
        if not outcome.has_passed:
            yield Finding(outcome.test.line, f"test failed: {'; '.join(outcome.faults)}")


def _of_administrators(policy: Policy, site: Site) -> Iterator[Finding]:
    """Look whether an administrator with every factor could still sign in on an ordinary day."""
    for group in sorted(site.admin_groups):
        enrolled = frozenset(factor.value for factor in Factor if factor is not Factor.FEDERATED)
        facts = ordinary().but({"groups": frozenset({group}), "enrolled": enrolled})
        verdict = rule_tests.verdict_on(policy, facts)
        if verdict.decision is Decision.DENY:
            rules = ", ".join(rule.id for rule in policy.rules if rule.id in verdict.resolution.rules)
            line = next((rule.line for rule in policy.rules if rule.id in verdict.resolution.rules), 1)
            yield Finding(line, f"an administrator ({group}) could not sign in on an ordinary day: {rules or 'floor'}")


def _of_adviser(policy: Policy, site: Site) -> Iterator[Finding]:
    if policy.adviser.mode is AdviserMode.RAISE_ONLY and site.adviser_is_proven is False:
        cost = (
            f"up to {policy.adviser.friction_budget:.1%} of logins, {policy.adviser.budget.total_seconds():.1f} s each"
        )
        reason = f"adviser: raise_only runs unproven ({cost}); a lower threshold may do as well"
        yield Finding(1, reason, None, Severity.WARNING)
