"""What a person proved, and could prove: the ways to meet a requirement, cheapest first."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from idp.domain.assurance import Factor, Proof, Requirement, Trait, fresh, kinds, merge
from idp.policy import lifetimes, step_up

#: The order in which somebody is asked who never said what they like.
USUAL_ORDER = (*step_up.STRONGEST_FIRST, Factor.PASSWORD)
Shown = frozenset[tuple[Factor, frozenset[Trait], tuple[Factor, ...]]]


@dataclass(frozen=True, slots=True)
class Ability:
    """The person at the moment of a decision: proofs, factors, and what is demanded of them whatever the rules say."""

    now: datetime
    proofs: tuple[Proof, ...] = ()
    enrolled: frozenset[Factor] = frozenset({Factor.PASSWORD})  # what they can use now; a password too is listed
    has_bound_key: bool = False  # a passkey whose make was checked and that cannot leave its device
    enrolable: frozenset[Factor] = frozenset(step_up.ENROLABLE)  # what could be set up here
    attests: bool = False  # whether a key's make can be checked, so that `phrh` can be enrolled
    order: tuple[Factor, ...] = USUAL_ORDER  # the user's own
    floor: Requirement = field(default_factory=Requirement)  # of the account
    request: Requirement = field(default_factory=Requirement)  # of the client and of this request
    act_began: datetime | None = None  # what was proved since then was proved for this very act
    denies: bool = True  # whether the break-glass group has a member with `phr`; until then no deny is enforced
    only_revoked: bool = False  # every passkey is of a make that is no longer trusted


def of_facts(
    now: datetime, proofs: tuple[Proof, ...], facts: step_up.Facts, rules: step_up.Rules, *, has_password: bool = True
) -> Ability:
    """Return the ability of an account as the rest of the provider describes it."""
    usable = facts.enrolled - (frozenset() if rules.sends_sms else {Factor.SMS_OTP})
    usable -= frozenset() if rules.sends_mail else {Factor.EMAIL_OTP}
    return Ability(
        now,
        proofs,
        usable | ({Factor.PASSWORD} if has_password else frozenset()),
        facts.has_bound_key,
        frozenset(step_up.ENROLABLE) - (frozenset() if rules.sends_sms else {Factor.SMS_OTP}),
        rules.attests,
        floor=step_up.of_account(facts, rules),
        only_revoked=facts.only_revoked,
    )


def fresh_proofs(ability: Ability, ages: Iterable[timedelta | None]) -> tuple[Proof, ...]:
    """Return the proofs that are fresh enough for every age; zero asks for one of this very act."""
    limits = [age for age in ages if age is not None]
    if not limits:
        return ability.proofs
    cutoffs = [ability.now - age for age in limits if age]
    if len(cutoffs) < len(limits):
        cutoffs.append(ability.act_began or ability.now)
    return fresh(ability.proofs, max(cutoffs))


@dataclass(frozen=True, slots=True)
class Ways:
    """How a requirement, its age aside, can be met beside what is proved already."""

    is_met: bool
    is_reachable: bool
    most: Requirement  # the requirement, cut down to what the person can reach at all
    options: tuple[Factor, ...]  # what to offer now
    cheapest: tuple[Factor, ...]  # the smallest set that meets `most`, by the user's order


def ways(requirement: Requirement, proofs: tuple[Proof, ...], ability: Ability) -> Ways:
    """Return the ways to meet a requirement with these proofs and what is enrolled."""
    shown: Shown = frozenset((proof.factor, proof.traits, proof.believed) for proof in proofs)
    return _ways(ageless(requirement), shown, ability.enrolled, _keys_of(ability), ability.order)


def can_enrol(requirement: Requirement, ability: Ability) -> bool:
    """Say whether the requirement could be met after setting up what can be set up here."""
    everything = ability.enrolled | ability.enrolable
    keys = _Keys(ability.has_bound_key or ability.attests, only_revoked=False)
    return _ways(ageless(requirement), frozenset(), everything, keys, ability.order).is_reachable


class _Keys(NamedTuple):
    """What the best passkey of a person is."""

    has_bound_key: bool
    only_revoked: bool


def _keys_of(ability: Ability) -> _Keys:
    return _Keys(ability.has_bound_key, ability.only_revoked)


@lru_cache(8192)
def _ways(
    requirement: Requirement, shown: Shown, enrolled: frozenset[Factor], keys: _Keys, order: tuple[Factor, ...]
) -> Ways:
    proved = tuple(Proof(factor, lifetimes.ALWAYS, None, traits, believed) for factor, traits, believed in shown)
    listed = [factor for factor in dict.fromkeys((*order, *USUAL_ORDER)) if factor in enrolled]
    best = {
        factor: step_up.best_proof(factor, has_bound_key=keys.has_bound_key, only_revoked=keys.only_revoked)
        for factor in listed
    }
    everything = (*proved, *best.values())
    most = _cut_down(requirement, everything)
    if most.is_met(proved):
        return Ways(requirement.is_met(proved), requirement.is_met(everything), most, (), ())
    for size in range(1, len(listed) + 1):
        sets = [some for some in combinations(listed, size) if most.is_met(_beside(proved, [best[f] for f in some]))]
        if sets:
            offered = tuple(factor for factor in listed if any(factor in some for some in sets))
            return Ways(False, requirement.is_met(everything), most, offered, sets[0])
    return Ways(False, False, most, (), ())


def _beside(proved: tuple[Proof, ...], added: list[Proof]) -> tuple[Proof, ...]:
    """Return all proofs; a factor proved anew replaces what it showed before."""
    again = {proof.factor for proof in added}
    return merge([proof for proof in proved if proof.factor not in again], added)


def _cut_down(requirement: Requirement, possible: tuple[Proof, ...]) -> Requirement:
    """Return the requirement without the parts that nothing here could prove; what is left can be met together."""
    has_key = any(proof.is_phishing_resistant for proof in possible)
    is_bound = any(Requirement(hardware_bound=True).is_met([proof]) for proof in possible)
    return Requirement(
        min(requirement.factors, max(1, len(kinds(possible)))),
        requirement.checked and any(proof.is_checked for proof in possible),
        requirement.phishing_resistant and has_key,
        requirement.hardware_bound and is_bound,
    )


def ageless(requirement: Requirement) -> Requirement:
    """Return the requirement without its age."""
    if requirement.max_age is None:
        return requirement
    return Requirement(
        requirement.factors, requirement.checked, requirement.phishing_resistant, requirement.hardware_bound
    )


def is_as_strict(requirement: Requirement, other: Requirement) -> bool:
    """Say whether whoever meets the first requirement meets the other one, too."""
    return requirement.join(other) == requirement
