"""What happens to somebody who has nothing that would meet the demand: a mailed code, a new factor, or a refusal."""

from collections.abc import Collection
from dataclasses import dataclass

from idp.domain.assurance import LOA1V, REQUIREMENTS, Proof, Requirement, fresh
from idp.domain.risk import Band
from idp.policy import ability as abilities
from idp.policy import lifetimes
from idp.policy.ability import Ability
from idp.policy.facts import Facts
from idp.policy.rules import Decision, EffectKind, Notice, Unenrolled
from idp.policy.verdict_parts import Refusal, Resolution

RANKS = {word: rank for rank, word in enumerate(Unenrolled)}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known of an attempt whose demand is out of reach."""

    facts: Facts
    ability: Ability
    proofs: tuple[Proof, ...]  # fresh enough for the demand
    most: Requirement  # what the person could prove of it
    is_outside: bool  # an account for emergencies
    no_deny: bool


def way_out(resolution: Resolution, words: Collection[Unenrolled], attempt: Attempt) -> Resolution:
    """Return the strictest of these ways; one that is closed gives way to the next stricter one, never to a weaker.

    Whichever it is, the person is told.
    """
    counted = {word for word in words if not (attempt.no_deny and word is Unenrolled.DENY)}
    if attempt.is_outside:  # outside every refusal, so it goes on with what it has
        counted = {Unenrolled.VERIFY_EMAIL}
    word = max(counted, key=RANKS.__getitem__, default=Unenrolled.VERIFY_EMAIL)
    if word is Unenrolled.VERIFY_EMAIL:
        verifying = _verifying(resolution, attempt)
        if verifying is not None:
            return verifying
    if word is not Unenrolled.DENY and _may_enrol(resolution, attempt):
        return _enrolling(resolution, attempt)
    return Resolution(
        Decision.DENY, resolution.requirement, resolution.step, resolution.effects, resolution.notify | {Notice.USER},
        (), (), resolution.rules, refusal=Refusal.UNREACHABLE, asks=resolution.asks,
    )  # fmt: skip


def _may_enrol(resolution: Resolution, attempt: Attempt) -> bool:
    """Say whether a factor may be set up now: at low risk only, and unless a rule forbids it."""
    return (
        attempt.facts.known.get("risk.band") == Band.LOW
        and all(effect.kind is not EffectKind.NO_ENROLMENT for effect in resolution.effects)
        and abilities.can_enrol(resolution.requirement, attempt.ability)
    )


def _enrolling(resolution: Resolution, attempt: Attempt) -> Resolution:
    """Return the way to a new factor: after a fresh proof of the best that the person has already."""
    step = attempt.most.join(Requirement(max_age=resolution.requirement.max_age)).join(
        Requirement(max_age=lifetimes.REAUTHENTICATION)
    )
    counted = fresh(attempt.proofs, attempt.ability.now - lifetimes.REAUTHENTICATION)
    found = abilities.ways(step, counted, attempt.ability)
    return Resolution(
        Decision.ENROL, resolution.requirement, step, resolution.effects, resolution.notify | {Notice.USER},
        found.options, found.cheapest, resolution.rules, asks=resolution.asks,
    )  # fmt: skip


def _verifying(resolution: Resolution, attempt: Attempt) -> Resolution | None:
    """Return the way of somebody with too little: all that they have, a mailed code at least, and a mark to enrol.

    None for somebody with nothing that was checked; only an account for emergencies goes on without.
    """
    wanted = resolution.requirement.join(REQUIREMENTS[LOA1V])
    found = abilities.ways(wanted, attempt.proofs, attempt.ability)
    if not found.most.checked and not attempt.is_outside:
        return None
    most = found.most.join(Requirement(max_age=wanted.max_age))
    left = abilities.ways(most, attempt.proofs, attempt.ability)
    if not left.is_reachable:
        return None
    return Resolution(
        Decision.ALLOW if left.is_met else Decision.VERIFY_EMAIL, most, most, resolution.effects,
        resolution.notify | {Notice.USER}, left.options, left.cheapest, resolution.rules, asks=resolution.asks,
        marks_enrolment=True,
    )  # fmt: skip
