"""What a policy found out for one attempt and keeps for others is what it would find out for them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.domain.assurance import REQUIREMENTS, Factor, Proof, Requirement, Trait
from idp.policy import verdict as verdicts
from idp.policy.ability import USUAL_ORDER, Ability
from idp.policy.facts import Facts, ordinary
from idp.policy.rules import Policy
from idp.policy.verdict import decide
from tests.policy.test_policy_properties import NOW, POLICIES, SHIPPED, snapshots

MOMENT = timedelta(microseconds=1)
LIMITS = [timedelta(minutes=minutes) for minutes in (0, 1, 5, 10, 15, 60, 720)]
AGES = st.sampled_from([limit + off for limit in LIMITS for off in (-MOMENT, timedelta(), MOMENT)])
FACTORS = st.sampled_from(Factor)


@st.composite
def people(draw: st.DrawFn) -> Ability:
    """Return somebody whose proofs are just fresh enough for something, or just not."""
    proofs = tuple(
        Proof(factor, NOW - draw(AGES), None, draw(st.frozensets(st.sampled_from(Trait))))
        for factor in draw(st.lists(FACTORS, max_size=3, unique=True))
    )
    asked = [Requirement(), *REQUIREMENTS.values(), *(Requirement(max_age=limit) for limit in LIMITS)]
    return Ability(
        NOW + draw(st.sampled_from([timedelta(), MOMENT])), proofs, draw(st.frozensets(FACTORS)), draw(st.booleans()),
        draw(st.frozensets(FACTORS)), draw(st.booleans()), draw(st.sampled_from([USUAL_ORDER, USUAL_ORDER[::-1]])),
        draw(st.sampled_from(asked)), draw(st.sampled_from(asked)),
        draw(st.none() | st.builds(NOW.__sub__, AGES)), draw(st.booleans()),
    )  # fmt: skip


@st.composite
def at_other_times(draw: st.DrawFn, ability: Ability) -> Ability:
    """Return the same person, who did everything sooner or later."""
    proofs = tuple(replace(proof, verified_at=NOW - draw(AGES)) for proof in ability.proofs)
    return replace(ability, now=NOW, proofs=proofs, act_began=draw(st.none() | st.builds(NOW.__sub__, AGES)))


@settings(deadline=None, max_examples=150)
@given(POLICIES, snapshots(), people(), st.data())
def test_a_kept_decision_is_the_one_made_afresh(
    policy: Policy, facts: Facts, ability: Ability, data: st.DataObject
) -> None:
    attempts = [ability, *data.draw(st.lists(at_other_times(ability), min_size=2, max_size=5))]

    for one in attempts:
        assert decide(policy, facts, one) == decide(replace(policy), facts, one)


def test_what_is_kept_is_no_part_of_a_policy_and_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = replace(SHIPPED[0])
    monkeypatch.setattr(verdicts, "_MOST_KEPT", 3)
    for days in range(10):
        decide(policy, ordinary(), Ability(NOW, request=Requirement(max_age=timedelta(days=days))))

    assert len(policy.decided) <= 3
    assert policy == replace(policy)
    assert not replace(policy).decided
