"""What holds for every policy and every sign-in: risk, lists, rules and advice only ever add."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.assurance import LOA1, LOA2, PHR, REQUIREMENTS, Factor, Proof, Requirement, Trait
from idp.domain.risk import Band
from idp.policy import rule_file, shipped, step_up
from idp.policy.ability import Ability, is_as_strict
from idp.policy.facts import ADVERSE_SIGNALS, RISK_BANDS, Event, Facts, Value, ordinary
from idp.policy.rules import Decision, Mode, Policy
from idp.policy.verdict import decide
from idp.policy.verdict_parts import Resolution

HEAD = 'schema = 1\nbreak_glass = { group = "break-glass" }\n'
NOW = datetime(2026, 11, 1, tzinfo=UTC)
SHIPPED = [rule_file.read(shipped.text(name), name) for name in shipped.NAMES]
HIDDEN = ("net.country", "device.known", "email.verified_age", "history.logins", "groups", "signals", "risk.band")

CONDITIONS = st.sampled_from(
    [
        "risk.band.ge = 'medium'", "risk.band.ge = 'high'", "risk.score.ge = 80", "risk.user_band.ge = 'high'",
        "signals.any = ['LIST_TOR', 'LIST_DENY']", "signals.any = ['SPRAY_ACTIVE']", "device.known = false",
        "groups.any = ['admins']", "history.logins.le = 3", "event.in = ['email_change', 'refresh']",
        "not = { net.country = 'CH' }", "not = { email.verified_age.within = '1h' }",
        "not = { any = [{ net.named.any = ['office'] }, { device.known = true }] }",
    ]
)  # fmt: skip
DEMANDS = st.builds(
    "require = {{ acr = '{}'{} }}\n{}".format,
    st.sampled_from(["loa:1", "loa:1v", "loa:2", "phr", "phrh"]),
    st.sampled_from(
        ["", ", max_age = '5m'", ", max_age = '0s'", ", unless_verified_within = '10m'", ", prefer = ['phr', 'loa:2']"]
    ),
    st.sampled_from(["", "unenrolled = 'verify_email'", "unenrolled = 'enrol'", "unenrolled = 'deny'"]),
)
BODIES = st.one_of(
    DEMANDS,
    DEMANDS,
    st.sampled_from(["deny = { for = '5m' }", "effects = ['no_enrolment', 'short_session:30m']", "notify = ['user']"]),
)
RULES = st.builds("when = {{ {} }}\n{}\n".format, CONDITIONS, BODIES)


def policy(bodies: list[str]) -> Policy:
    """Return a policy of these rules."""
    networks = '[networks]\noffice = ["192.0.2.0/24"]\n'
    return rule_file.read(HEAD + "".join(f'[[rule]]\nid = "r{n}"\n{body}' for n, body in enumerate(bodies)) + networks)


POLICIES = st.one_of(st.sampled_from(SHIPPED), st.lists(RULES, max_size=5).map(policy))


@st.composite
def snapshots(draw: st.DrawFn) -> Facts:
    """Return some sign-in; anything may be unknown."""
    known: dict[str, Value] = {
        "groups": draw(st.sampled_from([frozenset(), frozenset({"admins"})])),
        "signals": draw(st.frozensets(st.sampled_from(sorted(ADVERSE_SIGNALS)), max_size=3)),
        "net.named": draw(st.sampled_from([frozenset(), frozenset({"office"})])),
        "event": draw(st.sampled_from(Event)).value,
        "history.logins": draw(st.integers(0, 20)),
        "device.known": draw(st.booleans()),
        "net.country": draw(st.sampled_from(["CH", "DE"])),
        "email.verified_age": timedelta(minutes=draw(st.sampled_from([5, 500]))),
        "user.break_glass": draw(st.sampled_from([False, False, False, True])),
        "risk.user_band": draw(st.sampled_from(Band)),
    }
    score = draw(st.integers(0, 100))
    known |= {"risk.score": score, "risk.band": SHIPPED[0].band(score)}
    return ordinary().but(known, draw(st.frozensets(st.sampled_from(HIDDEN), max_size=2)))


@st.composite
def abilities(draw: st.DrawFn) -> Ability:
    """Return some person with factors, some of them proved some time ago."""
    enrolled = draw(st.frozensets(st.sampled_from(Factor), min_size=1))
    ages = st.sampled_from([0, 1, 4, 7, 30])
    proofs = tuple(
        Proof(factor, NOW - timedelta(minutes=draw(ages))) for factor in sorted(enrolled) if draw(st.booleans())
    )
    requirements = st.sampled_from([Requirement(), REQUIREMENTS[LOA2], REQUIREMENTS[PHR]])
    return Ability(
        NOW, proofs, enrolled, draw(st.booleans()), attests=draw(st.booleans()), floor=draw(requirements),
        request=draw(requirements), act_began=NOW - timedelta(minutes=2), denies=draw(st.booleans()),
    )  # fmt: skip


def is_no_weaker(after: Resolution, before: Resolution) -> bool:
    """Say whether this asks for as much: a refusal for most, else a requirement that implies the other."""
    if after.decision is Decision.DENY:
        return True
    return (
        before.decision is not Decision.DENY
        and is_as_strict(after.requirement, before.requirement)
        and {effect.kind for effect in after.effects} >= {effect.kind for effect in before.effects}
        and after.notify >= before.notify
        and (after.decision is not Decision.ALLOW or before.decision is Decision.ALLOW)
    )


@given(POLICIES, snapshots(), abilities(), st.data())
def test_more_risk_never_asks_for_less(policy: Policy, facts: Facts, ability: Ability, data: st.DataObject) -> None:
    """A raise by an adviser is such a rise of the score, too."""
    before = decide(policy, facts, ability).resolution
    score = facts.known["risk.score"]
    assert isinstance(score, int)
    higher = data.draw(st.integers(score, 100))
    known: dict[str, Value] = {"risk.score": higher}
    if "risk.band" in facts:
        known["risk.band"] = policy.band(higher)
    user_band = facts.known["risk.user_band"]
    known["risk.user_band"] = data.draw(st.sampled_from([b for b in Band if b.start >= Band(str(user_band)).start]))

    after = decide(policy, facts.but(known), ability).resolution

    assert is_no_weaker(after, before)


@given(POLICIES, snapshots(), abilities(), st.sampled_from(sorted(ADVERSE_SIGNALS)))
def test_one_more_signal_never_asks_for_less(policy: Policy, facts: Facts, ability: Ability, signal: str) -> None:
    signals = facts.known.get("signals", frozenset())
    assert isinstance(signals, frozenset)
    if "signals" not in facts:  # what is unknown can only become less
        facts = facts.but({"signals": frozenset()})

    before = decide(policy, facts, ability).resolution
    after = decide(policy, facts.but({"signals": signals | {signal}}), ability).resolution

    assert is_no_weaker(after, before)


@given(st.lists(RULES, max_size=4), RULES, snapshots(), abilities())
def test_one_more_rule_never_asks_for_less(bodies: list[str], body: str, facts: Facts, ability: Ability) -> None:
    before = decide(policy(bodies), facts, ability).resolution

    after = decide(policy([*bodies, body]), facts, ability).resolution

    assert is_no_weaker(after, before)


@given(st.lists(RULES, max_size=4), st.lists(RULES, max_size=3), snapshots(), abilities())
def test_rules_in_shadow_never_alter_a_decision(
    bodies: list[str], shadows: list[str], facts: Facts, ability: Ability
) -> None:
    shadowed = policy([*bodies, *(f"{body}\nmode = 'shadow'\n" for body in shadows)])

    assert decide(shadowed, facts, ability).resolution == decide(policy(bodies), facts, ability).resolution


@given(POLICIES, snapshots(), abilities(), st.sampled_from(HIDDEN))
def test_hiding_a_fact_exempts_nobody_and_no_rule_refuses_for_it(
    policy: Policy, facts: Facts, ability: Ability, name: str
) -> None:
    before, after = (decide(policy, each, ability) for each in (facts, facts.but({}, frozenset({name}))))

    for rule, known, unknown in zip(policy.rules, before.matched.trace, after.matched.trace, strict=True):
        if rule.is_deny:
            assert known.matched or not unknown.matched
        else:
            assert unknown.matched or not known.matched


@given(st.lists(RULES, max_size=5), snapshots(), abilities())
def test_the_order_of_rules_changes_nothing_but_the_trace(bodies: list[str], facts: Facts, ability: Ability) -> None:
    forward, backward = (decide(policy(order), facts, ability).resolution for order in (bodies, bodies[::-1]))

    assert (forward.decision, forward.requirement, forward.effects, forward.notify, forward.options) == (
        backward.decision, backward.requirement, backward.effects, backward.notify, backward.options,
    )  # fmt: skip


@given(POLICIES, snapshots(), abilities())
def test_what_is_asked_can_be_done_and_then_lets_on(policy: Policy, facts: Facts, ability: Ability) -> None:
    """No loop: whoever proves what is asked passes, or goes on to set up a factor, with what they were told."""
    first = decide(policy, facts, ability).resolution
    if not first.is_challenge:
        return
    proved = tuple(Proof(factor, NOW, None, _traits(factor, ability)) for factor in first.satisfied_by)
    others = tuple(proof for proof in ability.proofs if proof.factor not in first.satisfied_by)
    again = Ability(
        NOW, (*others, *proved), ability.enrolled, ability.has_bound_key, attests=ability.attests, floor=ability.floor,
        request=ability.request, act_began=ability.act_began, denies=ability.denies,
    )  # fmt: skip

    second = decide(policy, facts, again).resolution

    expected = Decision.ENROL if first.decision is Decision.ENROL else Decision.ALLOW
    assert second.decision is expected
    assert second.satisfied_by == ()
    assert bool(first.satisfied_by) or first.decision is Decision.ENROL


def _traits(factor: Factor, ability: Ability) -> frozenset[Trait]:
    if factor is not Factor.WEBAUTHN:
        return frozenset()
    return step_up.best_proof(factor, has_bound_key=ability.has_bound_key, only_revoked=ability.only_revoked).traits


@given(POLICIES, snapshots(), abilities())
def test_an_account_for_emergencies_is_never_refused_by_a_rule(policy: Policy, facts: Facts, ability: Ability) -> None:
    inside = facts.but({"user.break_glass": True})

    assert decide(policy, inside, ability).resolution.refusal != "rule"


@pytest.mark.parametrize("rules", SHIPPED, ids=shipped.NAMES)
def test_a_shipped_policy_is_monotone_over_every_fact_that_it_asks_about(rules: Policy) -> None:
    """Every combination of band, signal, group, device, first login and event; each raised by one step."""
    ability = Ability(NOW, (Proof(Factor.PASSWORD, NOW),), frozenset({Factor.PASSWORD, Factor.TOTP, Factor.EMAIL_OTP}))
    asked = sorted(signal for signal in ADVERSE_SIGNALS if signal in shipped.text(shipped.NAMES[SHIPPED.index(rules)]))
    bands = list(Band)
    for band, signal, group, is_known, logins, event in product(
        bands, [None, *asked], [frozenset(), frozenset({"admins"})], (False, True), (0, 12),
        ("login", "refresh", "recovery"),
    ):  # fmt: skip
        signals = frozenset({signal} if signal else ())
        facts = ordinary().but({"risk.band": band, "signals": signals, "groups": group, "device.known": is_known,
                                "history.logins": logins, "event": event})  # fmt: skip
        before = decide(rules, facts, ability).resolution
        raised = [facts.but({name: Band.CRITICAL}) for name in RISK_BANDS[1:]]
        raised += [facts.but({"risk.band": higher}) for higher in bands[bands.index(band) + 1 :]]
        raised += [facts.but({"signals": signals | {other}}) for other in asked]
        for more in raised:
            assert is_no_weaker(decide(rules, more, ability).resolution, before)


def test_the_shipped_policies_are_enforced_and_begin_at_one_factor() -> None:
    assert {(rules.mode, rules.defaults.floor) for rules in SHIPPED} == {(Mode.ENFORCE, LOA1)}
