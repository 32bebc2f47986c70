"""What the rules of a policy ask of an attempt: every rule is matched, the strictest wins, and all explain themselves.

A rule that demands something matches also when a fact it needs is unknown; one that denies only when it is true. So
what is unknown exempts nobody and refuses nobody.
"""

from bisect import bisect_left
from dataclasses import replace
from functools import lru_cache

from idp.domain.assurance import LOA2, REQUIREMENTS, Proof, Requirement, fresh
from idp.policy import ability as abilities
from idp.policy import lifetimes
from idp.policy.ability import Ability
from idp.policy.facts import Facts
from idp.policy.rules import Decision, Mode, Notice, Policy, Require, Rule, TakingPart
from idp.policy.verdict_parts import Matched, Refusal, Resolution, Verdict, joined_effects
from idp.policy.way_out import Attempt, way_out

_MOST_KEPT = 8192  # of each policy; some eight megabytes at most


def match(policy: Policy, facts: Facts) -> Matched:
    """Return how true the condition of each rule is, in the order of the file; order changes nothing."""
    known = facts.known
    return Matched(policy, facts, tuple([rule.predicate(known) for rule in policy.rules]))


def decide(policy: Policy, facts: Facts, ability: Ability) -> Verdict:
    """Return what must happen before this attempt goes on, and why."""
    matched = match(policy, facts)
    taking = policy.taking.get(matched.truths) or _taking(policy, matched.truths)
    key = _depends_on(taking, facts, ability)
    found = policy.decided.get(key)
    if found is None:
        if len(policy.decided) >= _MOST_KEPT:
            policy.decided.clear()
        found = policy.decided[key] = _both(policy, taking, facts, ability)
    resolution, shadow = found
    return Verdict(resolution, matched, shadow)


def _taking(policy: Policy, truths: tuple[bool | None, ...]) -> TakingPart:
    """Return the rules that take part when the conditions are so true; kept, since they are few for a policy."""
    enforced: list[Rule] = []
    shadowed: list[Rule] = []
    for rule, truth in zip(policy.rules, truths, strict=True):
        if truth if rule.denies_for is not None else truth is not False:
            mode = policy.mode_of(rule)
            if mode is Mode.ENFORCE:
                enforced.append(rule)
            elif mode is Mode.SHADOW:
                shadowed.append(rule)
    demands = [rule.require for rule in (*enforced, *shadowed) if rule.require is not None]
    ages = {age for demand in demands for age in (demand.max_age, demand.unless_verified_within) if age is not None}
    found = TakingPart(tuple(enforced), tuple(shadowed), tuple(sorted(ages | {lifetimes.REAUTHENTICATION})))
    if len(policy.taking) >= _MOST_KEPT:
        policy.taking.clear()
    policy.taking[truths] = found
    return found


def _depends_on(taking: TakingPart, facts: Facts, ability: Ability) -> tuple[object, ...]:
    """Return all that a resolution depends on: of every proof, which ages it is fresh enough for.

    Times themselves differ in every attempt; what follows from them seldom does.
    """
    now, floor, request = ability.now, ability.floor, ability.request
    began = ability.act_began or now
    shown: list[object] = []
    for proof in ability.proofs:
        age = now - proof.verified_at
        shown += (
            proof.factor, proof.traits, proof.believed, bisect_left(taking.ages, age), age <= now - began,
            floor.max_age is None or age <= floor.max_age, request.max_age is None or age <= request.max_age,
        )  # fmt: skip
    known = facts.known
    return (
        taking.ids, known.get("risk.band"), known.get("user.break_glass"), tuple(shown), ability.enrolled,
        ability.has_bound_key, ability.enrolable, ability.attests, ability.order, floor, request, ability.denies,
        ability.only_revoked,
    )  # fmt: skip


def _both(policy: Policy, taking: TakingPart, facts: Facts, ability: Ability) -> tuple[Resolution, Resolution | None]:
    """Return what the rules come to, and what they would if those in shadow counted; None if none of them matched."""
    is_outside = facts.known.get("user.break_glass") is True  # an account for emergencies is outside every deny
    no_deny = is_outside or not ability.denies
    enforced, shadowed = list(taking.enforced), list(taking.shadowed)
    resolution = _resolve(policy, enforced, facts, ability, no_deny=no_deny, is_outside=is_outside)
    shadow = None
    if shadowed or (enforced and no_deny and not is_outside):  # then every deny runs in shadow, too
        everything = [*enforced, *shadowed]
        shadow = _resolve(policy, everything, facts, ability, no_deny=is_outside, is_outside=is_outside)
    return resolution, shadow


def _resolve(
    policy: Policy, rules: list[Rule], facts: Facts, ability: Ability, *, no_deny: bool, is_outside: bool
) -> Resolution:
    """Return what these matching rules come to."""
    base = _base(policy.defaults.floor, ability.floor, ability.request)
    demands = [rule for rule in rules if rule.require is not None and not _is_void(rule.require, ability)]
    requirement, proofs = _joined(base, demands, ability)
    found = abilities.ways(requirement, proofs, ability)
    resolution = Resolution(
        Decision.ALLOW if found.is_met else Decision.STEP_UP, requirement, requirement, joined_effects(rules),
        _notices(rules, is_outside=is_outside), found.options, found.cheapest, tuple([rule.id for rule in rules]),
        asks=any(rule.require is not None for rule in rules),
    )  # fmt: skip
    denials = [rule.denies_for for rule in rules if rule.denies_for is not None]
    if denials and not no_deny:
        return replace(_refused(resolution, Refusal.RULE), denies_for=max(denials))
    if found.is_reachable:
        return resolution
    words = {rule.unenrolled or policy.defaults.unenrolled for rule in demands}
    if not abilities.ways(base, proofs, ability).is_reachable:
        words.add(policy.defaults.unenrolled)
    return way_out(resolution, words, Attempt(facts, ability, proofs, found.most, is_outside, no_deny))


@lru_cache(1024)
def _base(floor: str, account: Requirement, request: Requirement) -> Requirement:
    return REQUIREMENTS[floor].join(account).join(request)


@lru_cache(4096)
def _join(requirement: Requirement, other: Requirement) -> Requirement:
    return requirement.join(other)


def _is_void(demand: Require, ability: Ability) -> bool:
    """Say whether the acr was actively proved recently enough to spare the demand."""
    recent = demand.unless_verified_within
    if recent is None or not ability.proofs:
        return False
    return REQUIREMENTS[demand.acr].is_met(fresh(ability.proofs, ability.now - recent))


def _joined(base: Requirement, demands: list[Rule], ability: Ability) -> tuple[Requirement, tuple[Proof, ...]]:
    """Return all demands as one, and the proofs that are fresh enough for it.

    What somebody has and a rule prefers becomes part of the demand: an attacker cannot choose something weaker.
    """
    required = [rule.require for rule in demands if rule.require is not None]
    if not required:
        return base, abilities.fresh_proofs(ability, (base.max_age,))
    requirement = base
    for demand in required:
        requirement = _join(requirement, demand.requirement)
    ages = (base.max_age, *(demand.max_age for demand in required))
    proofs = ability.proofs if requirement.max_age is None else abilities.fresh_proofs(ability, ages)
    for demand in required:
        for acr in demand.prefer:
            if abilities.ways(REQUIREMENTS[acr], (), ability).is_reachable:
                requirement = _join(requirement, REQUIREMENTS[acr])
                break
    return requirement, proofs


def _notices(rules: list[Rule], *, is_outside: bool) -> frozenset[Notice]:
    told = {notice for rule in rules for notice in rule.notify}
    return frozenset(told | {Notice.ADMIN} if is_outside else told)


def _refused(resolution: Resolution, refusal: Refusal) -> Resolution:
    return replace(resolution, decision=Decision.DENY, refusal=refusal, options=(), satisfied_by=())


def floor_plus_one(ability: Ability) -> Resolution:
    """Return what is asked when the engine itself fails: any second factor the person has, else a mailed code.

    Never open, and no general lockout; an administrator is told.
    """
    asked = REQUIREMENTS[LOA2].join(ability.floor).join(ability.request)
    proofs = abilities.fresh_proofs(ability, (asked.max_age,))
    most = abilities.ways(asked, proofs, ability).most.join(Requirement(max_age=asked.max_age))
    found = abilities.ways(most, proofs, ability)
    resolution = Resolution(
        Decision.ALLOW if found.is_met else Decision.STEP_UP, most, most, (), frozenset({Notice.ADMIN}), found.options,
        found.cheapest, (),
    )  # fmt: skip
    return resolution if most.checked and found.is_reachable else _refused(resolution, Refusal.UNREACHABLE)
