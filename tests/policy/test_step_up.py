"""Whether what was proved is enough, and which factor comes next: tables, and rules that hold for everything."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.domain.assurance import (
    LOA1,
    LOA1V,
    LOA2,
    PHR,
    PHRH,
    REQUIREMENTS,
    SUPPORTED_ACRS,
    Factor,
    Proof,
    Requirement,
    Trait,
    merge,
)
from idp.policy import lifetimes, step_up
from idp.policy.prompts import Situation, requirement_of
from idp.policy.step_up import ENROLABLE, STRONGEST_FIRST, Facts, Rules
from tests.support.builders import HOUR, MINUTE, NOW, TICK, request

F = Factor
PASSWORD = Proof(F.PASSWORD, NOW)
TOTP = Proof(F.TOTP, NOW)
ALL = frozenset(STRONGEST_FIRST)
FRESH = timedelta(minutes=5)

some_ages = some.none() | some.integers(0, 120).map(lambda minutes: minutes * MINUTE)
some_requirements = some.builds(
    Requirement, some.integers(1, 3), some.booleans(), some.booleans(), some.booleans(), some_ages
)
some_proofs = some.lists(
    some.builds(
        Proof,
        some.sampled_from(Factor),
        some.integers(0, 120).map(lambda minutes: NOW - minutes * MINUTE),
        some.none(),
        some.frozensets(some.sampled_from(Trait)),
    ),
    max_size=5,
).map(tuple)
some_facts = some.builds(Facts, some.frozensets(some.sampled_from(STRONGEST_FIRST)), some.booleans(), some.booleans())
some_rules = some.builds(Rules, some.booleans(), some.booleans(), some.booleans(), some.booleans(), some.booleans())
some_acrs = some.lists(some.sampled_from((*SUPPORTED_ACRS, "urn:unknown")), max_size=3).map(tuple)


@given(some_requirements, some_requirements, some_proofs)
def test_a_stricter_requirement_is_never_met_by_what_fails_a_weaker_one(
    one: Requirement, other: Requirement, proofs: tuple[Proof, ...]
) -> None:
    if one.join(other).is_met(proofs, NOW):
        assert one.is_met(proofs, NOW)
        assert other.is_met(proofs, NOW)


@given(some_requirements, some_proofs, some_proofs)
def test_more_proof_never_fails_what_less_met(
    one: Requirement, proofs: tuple[Proof, ...], more: tuple[Proof, ...]
) -> None:
    if one.is_met(proofs, NOW):
        assert one.is_met((*proofs, *more), NOW)


@given(some_requirements, some_requirements, some_requirements)
def test_the_order_of_demands_does_not_matter(one: Requirement, two: Requirement, three: Requirement) -> None:
    assert one.join(two) == two.join(one)
    assert one.join(two).join(three) == one.join(two.join(three))
    assert one.join(one) == one
    assert one.join(Requirement()) == one


@given(some_requirements)
def test_nothing_is_never_enough(one: Requirement) -> None:
    assert not one.is_met((), NOW)


@pytest.mark.parametrize(
    ("age", "is_met"), [(FRESH, True), (FRESH + TICK, False), (timedelta(), True), (-MINUTE, True)]
)
def test_a_proof_counts_while_it_is_fresh(age: timedelta, is_met: bool) -> None:
    proofs = (Proof(F.PASSWORD, NOW - age),)

    assert Requirement(max_age=FRESH).is_met(proofs, NOW) is is_met
    assert Requirement().is_met(proofs, NOW)


def test_every_factor_must_be_fresh_not_only_one() -> None:
    """RFC 9470: a demanded factor is itself proved inside its freshness."""
    both = REQUIREMENTS[LOA2].join(Requirement(max_age=FRESH))

    assert not both.is_met((Proof(F.PASSWORD, NOW - HOUR), TOTP), NOW)
    assert both.is_met((PASSWORD, TOTP), NOW)


@given(some_facts, some_rules, some_acrs, some.booleans())
def test_a_remembered_browser_weakens_no_request(
    facts: Facts, rules: Rules, acrs: tuple[str, ...], is_essential: bool
) -> None:
    asked = request(essential_acrs=acrs) if is_essential else request(acr_values=acrs)
    needed = requirement_of(asked, Situation(None, None, NOW, facts, rules))
    own = step_up.demanded(acrs, facts) if is_essential else step_up.wished(acrs, facts)

    assert (needed is None) is (own is None)
    if needed is not None and own is not None:
        assert needed.join(own) == needed


@given(some_facts)
def test_a_remembered_browser_spares_nothing_on_a_sensitive_page(facts: Facts) -> None:
    """ASVS 7.5.1: all that the account has, within five minutes."""
    remembered, not_remembered = (step_up.of_sensitive_page(Facts(facts.enrolled, each)) for each in (True, False))

    assert remembered == not_remembered
    assert remembered.max_age == lifetimes.REAUTHENTICATION
    assert (remembered.factors == 2) is bool(facts.second_factors)


@given(some_facts, some_rules)
def test_a_remembered_browser_spares_only_who_has_a_second_factor(facts: Facts, rules: Rules) -> None:
    spared = step_up.of_account(facts, rules) == Requirement()

    if rules.demands_second_factor or facts.second_factors:
        assert spared is (facts.is_remembered and rules.remembers_browsers and bool(facts.second_factors))
    else:
        assert spared


@given(some_requirements, some_proofs, some_facts, some_rules)
def test_whatever_is_offered_would_be_enough(
    needed: Requirement, proofs: tuple[Proof, ...], facts: Facts, rules: Rules
) -> None:
    """Policy picks the level: no way that is offered is weaker than what is asked (case LG33)."""
    ageless = Requirement(needed.factors, needed.checked, needed.phishing_resistant, needed.hardware_bound)

    offered = step_up.options(needed, proofs, facts, rules)

    assert set(offered) <= facts.enrolled
    assert list(offered) == sorted(offered, key=STRONGEST_FIRST.index)
    assert rules.sends_sms or F.SMS_OTP not in offered
    for factor in offered:
        traits = step_up.best_proof(factor, has_bound_key=True, only_revoked=False).traits
        assert ageless.is_met(merge(proofs, [Proof(factor, NOW - 1000 * HOUR, None, traits)]))


@pytest.mark.parametrize(
    ("needed", "proofs", "enrolled", "offered"),
    [
        (LOA2, (PASSWORD,), ALL, (F.WEBAUTHN, F.TOTP, F.SMS_OTP, F.RECOVERY_CODE)),
        (LOA2, (PASSWORD,), {F.EMAIL_OTP}, ()),
        (LOA2, (PASSWORD,), {F.EMAIL_OTP, F.TOTP}, (F.TOTP,)),
        (LOA1V, (PASSWORD,), {F.EMAIL_OTP, F.TOTP}, (F.TOTP, F.EMAIL_OTP)),
        (PHR, (PASSWORD,), ALL, (F.WEBAUTHN,)),
        (PHR, (PASSWORD, TOTP), ALL - {F.WEBAUTHN}, ()),
        (PHR, (PASSWORD,), {F.RECOVERY_CODE}, ()),
        (LOA1, (PASSWORD,), set(), ()),
    ],
)
def test_the_strongest_way_is_offered_first(
    needed: str, proofs: tuple[Proof, ...], enrolled: set[Factor], offered: tuple[Factor, ...]
) -> None:
    facts = Facts(frozenset(enrolled), has_bound_key=True)

    assert step_up.options(REQUIREMENTS[needed], proofs, facts, Rules()) == offered


def test_a_key_that_may_be_synced_is_not_offered_for_hardware() -> None:
    for has_bound_key, offered in ((True, (F.WEBAUTHN,)), (False, ())):
        facts = Facts(ALL, has_bound_key=has_bound_key)
        assert step_up.options(REQUIREMENTS[PHRH], (PASSWORD,), facts, Rules()) == offered


def test_a_code_by_sms_is_not_offered_where_none_is_sent() -> None:
    facts = Facts(frozenset({F.SMS_OTP}))

    assert step_up.options(REQUIREMENTS[LOA2], (PASSWORD,), facts, Rules()) == (F.SMS_OTP,)
    assert step_up.options(REQUIREMENTS[LOA2], (PASSWORD,), facts, Rules(sends_sms=False)) == ()


@pytest.mark.parametrize(
    ("wishes", "enrolled", "needed"),
    [
        ((), ALL, LOA1),
        ((PHR, LOA2), {F.TOTP}, LOA2),
        ((PHR, LOA2), {F.WEBAUTHN}, PHR),
        ((PHR, LOA2), set(), LOA1),
        (("urn:unknown", LOA1V), {F.EMAIL_OTP}, LOA1V),
        ((LOA2,), {F.EMAIL_OTP}, LOA1),
    ],
)
def test_the_first_wish_in_reach_is_asked_for(wishes: tuple[str, ...], enrolled: set[Factor], needed: str) -> None:
    """OIDC Core §5.5.1.1: voluntary, tried in order."""
    assert step_up.wished(wishes, Facts(frozenset(enrolled))) == REQUIREMENTS[needed]


@pytest.mark.parametrize(
    ("demands", "enrolled", "needed"),
    [
        ((PHR, LOA2), {F.TOTP}, LOA2),
        ((PHR, LOA2), set(), PHR),
        ((LOA2,), {F.EMAIL_OTP}, LOA2),
        ((PHRH, "urn:unknown"), ALL, None),
        ((), ALL, None),
    ],
)
def test_a_demand_is_met_by_what_is_there_or_else_by_enrolling(
    demands: tuple[str, ...], enrolled: set[Factor], needed: str | None
) -> None:
    found = step_up.demanded(demands, Facts(frozenset(enrolled)))

    assert found == (REQUIREMENTS[needed] if needed else None)


@pytest.mark.parametrize(("acr", "is_enrolable"), [(PHRH, False), (PHR, True), (LOA2, True), (LOA1V, True)])
def test_hardware_cannot_be_promised(acr: str, is_enrolable: bool) -> None:
    assert step_up.is_enrolable(REQUIREMENTS[acr]) is is_enrolable
    assert set(ENROLABLE) <= ALL


def test_only_what_can_be_reached_is_told_of() -> None:
    assert set(Rules(attests=True).acrs) - set(Rules().acrs) == {PHRH}


@pytest.mark.parametrize(
    ("proofs", "is_administrator", "limits"),
    [
        ((PASSWORD,), False, lifetimes.SESSION_AAL1),
        ((PASSWORD, Proof(F.EMAIL_OTP, NOW)), False, lifetimes.SESSION_AAL1),
        ((PASSWORD, TOTP), False, lifetimes.SESSION_AAL2),
        ((PASSWORD,), True, lifetimes.SESSION_ADMINISTRATOR),
    ],
)
def test_a_stronger_session_is_shorter(
    proofs: tuple[Proof, ...], is_administrator: bool, limits: tuple[timedelta, timedelta]
) -> None:
    """NIST SP 800-63B-4 §2.1.3, §2.2.3, §2.3.3."""
    assert step_up.session_limits(proofs, is_administrator=is_administrator) == limits
