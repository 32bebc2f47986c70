"""Is what was proved enough, for this account and this request? And if not: which factor next, strongest first.

Facts in, answer out. A risk engine joins its own requirement to the ones here; nothing can take one away.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from idp.domain.assurance import LOA2, REQUIREMENTS, Factor, Proof, Requirement, Trait, merge
from idp.policy import lifetimes

#: What may be asked after the first factor, strongest first (NIST SP 800-63B-4 §3.1; SMS is restricted, §3.1.3.3).
STRONGEST_FIRST = (Factor.WEBAUTHN, Factor.TOTP, Factor.SMS_OTP, Factor.EMAIL_OTP, Factor.RECOVERY_CODE)
#: What makes an account one of two factors.
SECOND_FACTORS = frozenset({Factor.WEBAUTHN, Factor.TOTP, Factor.SMS_OTP})
ENROLABLE = (Factor.WEBAUTHN, Factor.TOTP, Factor.SMS_OTP)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator decided."""

    demands_second_factor: bool = False
    remembers_browsers: bool = True
    sends_sms: bool = True  # and takes it as a second factor
    sends_mail: bool = True
    attests: bool = False  # whether a key's make can be checked, so that `phrh` can be reached
    revoked: frozenset[str] = frozenset()  # makes (AAGUIDs) that are no longer trusted

    @property
    def acrs(self) -> tuple[str, ...]:
        """Return the acr values that can be reached here at all, strongest first."""
        return tuple(value for value, needed in REQUIREMENTS.items() if self.attests or not needed.hardware_bound)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the person at this moment; `enrolled` are the factors that they can use."""

    enrolled: frozenset[Factor] = field(default_factory=frozenset)
    is_remembered: bool = False
    has_bound_key: bool = False  # a passkey whose make was checked and that cannot leave its device
    only_revoked: bool = False  # every passkey is of a make that is no longer trusted

    @property
    def second_factors(self) -> frozenset[Factor]:
        """Return the enrolled factors that make this an account of two factors."""
        return self.enrolled & SECOND_FACTORS


def of_account(facts: Facts, rules: Rules) -> Requirement:
    """Return what the account itself asks for; a remembered browser spares the second factor where that is allowed."""
    if not facts.second_factors:
        return REQUIREMENTS[LOA2] if rules.demands_second_factor else Requirement()
    if facts.is_remembered and rules.remembers_browsers:
        return Requirement()
    return REQUIREMENTS[LOA2]


def of_sensitive_page(facts: Facts) -> Requirement:
    """Return what a change to the account asks for: everything the account has, and freshly (ASVS 7.5.1).

    No remembered browser spares anything here.
    """
    strongest = REQUIREMENTS[LOA2] if facts.second_factors else Requirement()
    return strongest.join(Requirement(max_age=lifetimes.REAUTHENTICATION))


def wished(acr_values: Iterable[str], facts: Facts) -> Requirement:
    """Return the first wish that this person can fulfil (OIDC Core §5.5.1.1: voluntary, tried in order)."""
    for value in acr_values:
        requirement = REQUIREMENTS.get(value)
        if requirement is not None and is_reachable(requirement, facts):
            return requirement
    return Requirement()


def demanded(essential: Iterable[str], facts: Facts) -> Requirement | None:
    """Return the first demand that can be met, by what is enrolled or else by enrolling; None if none can."""
    known = [REQUIREMENTS[value] for value in essential if value in REQUIREMENTS]
    reachable = [requirement for requirement in known if is_reachable(requirement, facts)]
    possible = [requirement for requirement in known if is_enrolable(requirement)]
    return next(iter((*reachable, *possible)), None)


def is_reachable(requirement: Requirement, facts: Facts) -> bool:
    """Say whether a password and what this person has could meet the requirement at all."""
    best = [_best_proof(factor, facts) for factor in (Factor.PASSWORD, *facts.enrolled)]
    return _without_age(requirement).is_met(best)


def is_enrolable(requirement: Requirement) -> bool:
    """Say whether somebody could meet the requirement after setting up a factor here."""
    return not requirement.hardware_bound and is_reachable(requirement, Facts(frozenset(ENROLABLE)))


def options(requirement: Requirement, proofs: Iterable[Proof], facts: Facts, rules: Rules) -> tuple[Factor, ...]:
    """Return the factors that would meet the requirement beside what is proved, strongest first."""
    counted = tuple(proofs)
    needed = _without_age(requirement)
    return tuple(
        factor
        for factor in STRONGEST_FIRST
        if factor in facts.enrolled
        and (rules.sends_sms or factor is not Factor.SMS_OTP)
        and needed.is_met(merge(counted, [_best_proof(factor, facts)]))
    )


def _without_age(requirement: Requirement) -> Requirement:
    return Requirement(
        requirement.factors, requirement.checked, requirement.phishing_resistant, requirement.hardware_bound
    )


def _best_proof(factor: Factor, facts: Facts) -> Proof:
    return best_proof(factor, has_bound_key=facts.has_bound_key, only_revoked=facts.only_revoked)


def best_proof(factor: Factor, *, has_bound_key: bool, only_revoked: bool) -> Proof:
    """Return the most that somebody with this factor could show."""
    traits: set[Trait] = set()
    if factor is Factor.WEBAUTHN:
        traits.add(Trait.USER_VERIFIED)
        traits |= {Trait.DEVICE_BOUND, Trait.ATTESTED} if has_bound_key else set()
        traits |= {Trait.REVOKED} if only_revoked else set()
    return Proof(factor, lifetimes.ALWAYS, None, frozenset(traits))


def is_aal2(proofs: Iterable[Proof]) -> bool:
    """Say whether two kinds of factor were proved (NIST SP 800-63B-4 §2.2)."""
    return REQUIREMENTS[LOA2].is_met(proofs)


def session_limits(proofs: tuple[Proof, ...], *, is_administrator: bool) -> tuple[timedelta, timedelta]:
    """Return how long a session lives at most, and unused (NIST SP 800-63B-4 §2.1.3, §2.2.3, §2.3.3)."""
    if is_administrator:
        return lifetimes.SESSION_ADMINISTRATOR
    return lifetimes.SESSION_AAL2 if is_aal2(proofs) else lifetimes.SESSION_AAL1
