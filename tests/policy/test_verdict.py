"""What the rules ask: all are matched, the strictest wins, unknown exempts nobody and refuses nobody."""

from collections.abc import Callable
from datetime import time, timedelta

import pytest

from idp.domain.assurance import LOA1, LOA1V, LOA2, PHR, REQUIREMENTS, Factor, Proof, Requirement, Trait
from idp.domain.risk import Band
from idp.policy import ability as abilities
from idp.policy import rule_file, shipped, step_up
from idp.policy.ability import Ability
from idp.policy.facts import Facts, Value, ordinary
from idp.policy.rule_tests import NOW, ability_of, verdict_on
from idp.policy.rules import Decision, Mode, Notice, Policy
from idp.policy.verdict import decide, floor_plus_one
from idp.policy.verdict_parts import Refusal, Resolution

P, T, W, M, S, R = (
    Factor.PASSWORD, Factor.TOTP, Factor.WEBAUTHN, Factor.EMAIL_OTP, Factor.SMS_OTP, Factor.RECOVERY_CODE,
)  # fmt: skip
HEAD = 'schema = 1\nbreak_glass = { group = "break-glass" }\n'
BALANCED, QUIET, STRICT = (rule_file.read(shipped.text(name), name) for name in ("balanced", "quiet", "strict"))


def policy(*rules: str, head: str = HEAD) -> Policy:
    """Return a policy of these rules, each the body of a block."""
    return rule_file.read(head + "".join(f'[[rule]]\nid = "r{n}"\n{body}\n' for n, body in enumerate(rules)))


def facts(**known: Value) -> Facts:
    """Return an ordinary sign-in but for these facts; __ stands for a dot."""
    return ordinary().but({name.replace("__", "."): value for name, value in known.items()})


def ago(factor: Factor, minutes: float, *traits: Trait) -> Proof:
    return Proof(factor, NOW - timedelta(minutes=minutes), None, frozenset(traits))


def able(*enrolled: Factor, proofs: tuple[Proof, ...] = (Proof(P, NOW),), **more: object) -> Ability:
    return Ability(NOW, proofs, frozenset(enrolled), **more)  # type: ignore[arg-type]


def result(rules: Policy, known: Facts, ability: Ability) -> Resolution:
    return decide(rules, known, ability).resolution


def test_without_rules_the_floor_is_what_holds() -> None:
    assert result(policy(), facts(), able(P)).decision is Decision.ALLOW
    assert result(policy(), facts(), able(P, proofs=())).decision is Decision.STEP_UP
    assert result(policy(), facts(), able(P, T, floor=REQUIREMENTS[LOA2])).options == (T,)
    assert result(policy(head=HEAD + 'defaults = { floor = "loa:2" }\n'), facts(), able(P, T)).acr == LOA2


def test_floor_request_and_every_rule_add_up() -> None:
    rules = policy('require = { acr = "loa:1v", max_age = "1h" }', 'require = { acr = "loa:2", max_age = "5m" }')

    found = result(rules, facts(), able(P, T, W, request=REQUIREMENTS[PHR]))

    assert found.requirement == Requirement(2, True, True, False, timedelta(minutes=5))
    assert found.options == (W,)


def test_effects_and_notices_are_united_and_the_shortest_session_wins() -> None:
    rules = policy(
        'effects = ["short_session:1h", "no_enrolment"]\nnotify = ["user"]',
        'effects = ["short_session:30m", "proof_of_work"]\nnotify = ["admin"]',
        'effects = ["short_session:2h"]',
    )

    found = result(rules, facts(), able(P))

    assert [str(effect) for effect in found.effects] == ["no_enrolment", "proof_of_work", "short_session:30m"]
    assert found.notify == {Notice.USER, Notice.ADMIN}
    assert found.session_limit == timedelta(minutes=30)


def test_the_order_of_rules_changes_nothing() -> None:
    bodies = ('require = { acr = "phr" }\nunenrolled = "deny"', 'require = { acr = "loa:2" }', 'notify = ["user"]')

    forward, backward = (result(policy(*order), facts(), able(P, T)) for order in (bodies, bodies[::-1]))

    assert (forward.decision, forward.requirement, forward.notify) == (
        backward.decision, backward.requirement, backward.notify,
    )  # fmt: skip


def test_each_proof_must_be_fresh_enough_on_its_own() -> None:
    rules = policy('require = { acr = "loa:2", max_age = "5m" }')
    stale = (ago(P, 6), ago(T, 1))
    fresh = (ago(P, 5), ago(T, 1))

    assert result(rules, facts(), able(P, T, proofs=fresh)).decision is Decision.ALLOW
    found = result(rules, facts(), able(P, T, proofs=stale))
    assert found.decision is Decision.STEP_UP
    assert found.satisfied_by == (P,)


def test_an_age_of_zero_means_proved_for_this_very_act() -> None:
    rules = policy('require = { acr = "loa:1", max_age = "0s" }')
    began = NOW - timedelta(minutes=2)

    assert result(rules, facts(), able(P, proofs=(ago(P, 3),), act_began=began)).decision is Decision.STEP_UP
    assert result(rules, facts(), able(P, proofs=(ago(P, 1),), act_began=began)).decision is Decision.ALLOW
    assert result(rules, facts(), able(P, proofs=(ago(P, 1),))).decision is Decision.STEP_UP
    both = policy('require = { acr = "loa:1", max_age = "0s" }', 'require = { acr = "loa:1", max_age = "30s" }')
    assert result(both, facts(), able(P, proofs=(ago(P, 1),), act_began=began)).decision is Decision.STEP_UP


def test_an_active_proof_of_the_acr_makes_a_demand_void_for_a_while() -> None:
    rules = policy('require = { acr = "loa:2", max_age = "1m", unless_verified_within = "10m" }')

    within = result(rules, facts(), able(P, T, proofs=(ago(P, 10), ago(T, 10))))
    after = result(rules, facts(), able(P, T, proofs=(ago(P, 10.1), ago(T, 1))))
    one_only = result(rules, facts(), able(P, T, proofs=(ago(P, 2),)))

    assert (within.decision, within.acr) == (Decision.ALLOW, LOA1)
    assert after.decision is one_only.decision is Decision.STEP_UP


def test_who_has_what_is_preferred_must_use_it() -> None:
    rules = policy('require = { acr = "loa:2", prefer = ["phrh", "phr"] }')

    assert result(rules, facts(), able(P, T, W)).options == (W,)
    assert result(rules, facts(), able(P, T, W)).acr == PHR
    assert result(rules, facts(), able(P, T)).options == (T,)
    proved = (Proof(P, NOW), Proof(T, NOW))
    assert result(rules, facts(), able(P, T, W, proofs=proved)).decision is Decision.STEP_UP
    assert result(rules, facts(), able(W, has_bound_key=True)).acr == "phrh"


def test_the_cheapest_way_is_by_the_order_of_the_user() -> None:
    rules = policy('require = { acr = "loa:2" }')

    assert result(rules, facts(), able(P, T, W, S)).options == (W, T, S)
    assert result(rules, facts(), able(P, T, W, order=(T, W))).satisfied_by == (T,)
    nothing_yet = result(rules, facts(), able(P, T, R, proofs=()))
    assert nothing_yet.satisfied_by == (T, P)
    assert set(nothing_yet.options) == {T, R, P}


def test_who_has_too_little_gets_a_mailed_code_a_notice_and_a_mark() -> None:
    rules = policy('require = { acr = "loa:2" }\nunenrolled = "verify_email"')

    asked = result(rules, facts(), able(P, M))
    proved = result(rules, facts(), able(P, M, proofs=(Proof(P, NOW), Proof(M, NOW))))

    assert (asked.decision, asked.acr, asked.options) == (Decision.VERIFY_EMAIL, LOA1V, (M,))
    assert Notice.USER in asked.notify
    assert (proved.decision, proved.marks_enrolment, proved.acr) == (Decision.ALLOW, True, LOA1V)


def test_a_demand_out_of_reach_never_asks_for_less_than_one_within_reach() -> None:
    """No silent downgrade: who has two factors proves both, though the rule wanted a passkey."""
    reachable = policy('require = { acr = "loa:2" }')
    beyond = policy('require = { acr = "loa:2" }', 'require = { acr = "phr" }')

    assert result(reachable, facts(), able(P, T, M)).options == (T,)
    found = result(beyond, facts(), able(P, T, M))
    assert (found.decision, found.acr, found.options) == (Decision.VERIFY_EMAIL, LOA2, (T,))


def test_without_anything_that_is_checked_a_factor_is_set_up_or_the_attempt_refused() -> None:
    """A way that is closed gives way to the next stricter one."""
    rules = policy('require = { acr = "loa:1v" }')

    medium = result(rules, facts(risk__band=Band.MEDIUM), able(P))

    assert result(rules, facts(), able(P)).decision is Decision.ENROL
    assert (medium.decision, medium.refusal, medium.denies_for) == (Decision.DENY, Refusal.UNREACHABLE, None)


def test_enrolment_is_offered_at_low_risk_only_and_after_a_fresh_proof_of_what_is_there() -> None:
    rules = policy('require = { acr = "phr" }\nunenrolled = "enrol"')

    at_once = result(rules, facts(), able(P))
    first_totp = result(rules, facts(), able(P, T))
    stale = result(rules, facts(), able(P, proofs=(ago(P, 6),)))
    medium = result(rules, facts(risk__band=Band.MEDIUM), able(P, M))
    unknown = result(rules, ordinary().but({}, frozenset({"risk.band"})), able(P, M))

    assert (at_once.decision, at_once.acr, at_once.options) == (Decision.ENROL, PHR, ())
    assert (first_totp.decision, first_totp.options) == (Decision.ENROL, (T,))
    assert stale.options == (P,)
    assert medium.decision is unknown.decision is Decision.DENY


def test_no_enrolment_where_a_rule_forbids_it_or_nothing_would_do() -> None:
    demand = 'require = { acr = "phr" }\nunenrolled = "enrol"'
    bound = policy('require = { acr = "phrh" }\nunenrolled = "enrol"')

    assert result(policy(demand, 'effects = ["no_enrolment"]'), facts(), able(P, M)).decision is Decision.DENY
    assert result(bound, facts(), able(P, M)).decision is Decision.DENY
    assert result(bound, facts(), able(P, M, attests=True)).decision is Decision.ENROL


def test_of_several_ways_out_the_strictest_counts() -> None:
    bodies = [f'require = {{ acr = "phr" }}\nunenrolled = "{word}"' for word in ("verify_email", "enrol", "deny")]

    decisions = [result(policy(*bodies[: n + 1]), facts(), able(P, M)).decision for n in range(3)]

    assert decisions == [Decision.VERIFY_EMAIL, Decision.ENROL, Decision.DENY]


def test_an_enforced_deny_wins_and_says_for_how_long() -> None:
    rules = policy('deny = { for = "5m" }', 'deny = { for = "15m" }', 'require = { acr = "loa:1" }')

    found = result(rules, facts(), able(P))

    assert (found.decision, found.refusal) == (Decision.DENY, Refusal.RULE)
    assert found.denies_for == timedelta(minutes=15)
    assert found.options == ()


def test_accounts_for_emergencies_are_outside_every_deny_and_their_use_is_told() -> None:
    rules = policy('deny = { for = "5m" }', 'require = { acr = "phr" }\nunenrolled = "deny"')

    found = result(rules, facts(user__break_glass=True), able(P, M))

    assert found.decision is Decision.VERIFY_EMAIL
    assert Notice.ADMIN in found.notify
    assert result(rules, facts(user__break_glass=True), able(P)).decision is Decision.ALLOW
    assert result(rules, facts(user__break_glass=True), able(P, W)).options == (W,)


def test_no_deny_is_enforced_before_somebody_can_break_the_glass() -> None:
    rules = policy('deny = { for = "5m" }')

    found = decide(rules, facts(), able(P, denies=False))

    assert found.decision is Decision.ALLOW
    assert found.shadow is not None
    assert found.shadow.decision is Decision.DENY


def test_a_rule_in_shadow_is_told_and_changes_nothing() -> None:
    shadowed = policy('deny = { for = "5m" }\nmode = "shadow"', 'notify = ["user"]\nmode = "off"')

    found = decide(shadowed, facts(), able(P))

    assert found.resolution == result(policy(), facts(), able(P))
    assert found.shadow is not None
    assert found.shadow.decision is Decision.DENY
    assert [(each.matched, each.mode) for each in found.matched.trace] == [(True, Mode.SHADOW), (False, Mode.OFF)]


def test_a_rule_may_be_enforced_in_a_policy_that_is_in_shadow() -> None:
    rules = policy(
        'require = { acr = "loa:2" }', 'require = { acr = "loa:1v" }\nmode = "enforce"', head=f'{HEAD}mode = "shadow"\n'
    )

    assert result(rules, facts(), able(P, T)).acr == LOA1V


@pytest.mark.parametrize(
    ("when", "unknown", "is_asked"),
    [
        ('{ net.country = "DE" }', "net.country", True),
        ('{ not = { net.country = "CH" } }', "net.country", True),
        ('{ net.country = "DE", device.known = false }', "net.country", False),
        ('{ any = [{ net.country = "DE" }, { device.known = true }] }', "net.country", True),
        ('{ any = [{ net.country = "DE" }, { device.known = false }] }', "net.country", True),
        ("{ net.country.exists = true }", "net.country", False),
        ("{ net.country.exists = false }", "net.country", True),
        ('{ not = { email.verified_age.within = "1h" } }', "email.verified_age", True),
    ],
)
def test_what_is_unknown_exempts_nobody(when: str, unknown: str, is_asked: bool) -> None:
    rules = policy(f'when = {when}\nrequire = {{ acr = "loa:2" }}')

    found = decide(rules, ordinary().but({}, frozenset({unknown})), able(P, T))

    assert (found.decision is Decision.STEP_UP) is is_asked
    assert (unknown in found.matched.unknown) is (is_asked and "exists" not in when and "true" not in when)


@pytest.mark.parametrize(
    "when",
    ['{ net.country = "DE" }', '{ not = { net.country = "CH" } }', '{ groups.none = ["a"], net.country = "DE" }'],
)
def test_what_is_unknown_refuses_nobody(when: str) -> None:
    rules = policy(f'when = {when}\ndeny = {{ for = "5m" }}')

    found = decide(rules, ordinary().but({}, frozenset({"net.country"})), able(P))

    assert found.decision is Decision.ALLOW
    assert found.matched.unknown == ("net.country",)
    assert found.matched.trace[0].because == "net.country unknown: that denies nobody"


@pytest.mark.parametrize(
    ("when", "because"),
    [
        ('{ risk.band.ge = "high" }', "risk.band low < high"),
        ("{ history.logins.le = 0 }", "history.logins 12 > 0"),
        ('{ not = { history.logins.ge = 3 } }', "history.logins 12 ≥ 3"),
        ('{ groups.any = ["admins"] }', "groups without [admins]"),
        ('{ not = { groups.none = ["admins"] } }', "groups without [admins]"),
        ('{ groups = ["a"] }', "groups [] ≠ [a]"),
        ('{ event = "refresh" }', "event login ≠ refresh"),
        ('{ event.in = ["refresh", "recovery"] }', "event login not in [recovery, refresh]"),
        ("{ device.known = false }", "device.known true ≠ false"),
        ('{ device.age.within = "30d" }', "device.age 90d > 30d"),
        ('{ not = { device.age.within = "100d" } }', "device.age 90d ≤ 100d"),
        ('{ device.age.ge = "100d" }', "device.age 90d < 100d"),
        ('{ time.local.within = ["22:00", "06:00"] }', "time.local 10:00 outside 22:00–06:00"),
        ('{ not = { time.local.within = ["08:00", "18:00"] } }', "time.local 10:00 inside 08:00–18:00"),
        ("{ session.acr.exists = true }", "session.acr is unknown"),
        ('{ all = [{ device.known = true }, { net.asn = 1 }] }', "net.asn 64496 ≠ 1"),
        ('{ any = [{ net.asn = 1 }, { net.country = "DE" }] }', "net.asn 64496 ≠ 1; net.country CH ≠ DE"),
        ('{ not = { any = [{ net.asn = 1 }, { net.country = "CH" }] } }', "net.country CH = CH"),
        ('{ net.asn = 1, session.acr = "phr" }', "net.asn 64496 ≠ 1"),
    ],
)  # fmt: skip
def test_a_rule_says_why_it_did_not_match(when: str, because: str) -> None:
    (traced,) = decide(policy(f'when = {when}\nnotify = ["user"]'), facts(), able(P)).matched.trace

    assert (traced.matched, traced.because) == (False, because)


def test_nights_reach_over_midnight_and_end_before_their_end() -> None:
    rules = policy('when = { time.local.within = ["22:00", "06:00"] }\nrequire = { acr = "loa:2" }')

    asked = [hour for hour in range(24) if result(rules, facts(time__local=time(hour)), able(P, T)).acr == LOA2]

    assert asked == [0, 1, 2, 3, 4, 5, 22, 23]


def test_a_verdict_can_be_written_down() -> None:
    document = verdict_on(BALANCED, facts(risk__band=Band.MEDIUM)).as_json()

    assert document["decision"] == "step_up"
    assert document["acr"] == LOA2
    assert document["satisfied_by"] == ["totp"]
    assert document["rules"] == [
        {"id": "first-login", "matched": False, "because": "history.logins 12 > 0"},
        {"id": "medium", "matched": True, "mode": "enforce"},
        {"id": "high", "matched": False, "because": "risk.band medium < high"},
        {"id": "critical-listed", "matched": False, "because": "risk.band medium < critical"},
        {"id": "admins", "matched": False, "because": "groups without [admins]"},
        {"id": "sensitive", "matched": False, "because":
         "event login not in [consent_admin, credential_change, email_change, recovery, token_export]"},
        {"id": "breached-password", "matched": False, "because": "signals without [CRED_BREACHED]"},
        {"id": "spray", "matched": False, "because": "signals without [SPRAY_ACTIVE]"},
        {"id": "moved-session", "matched": False, "because": "event login ≠ refresh"},
    ]  # fmt: skip
    denied = verdict_on(BALANCED, facts(risk__band=Band.CRITICAL, signals=frozenset({"LIST_DENY"}))).as_json()
    assert (denied["denies_for"], denied["refusal"]) == (900, "rule")


@pytest.mark.parametrize(
    ("ability", "decision", "options"),
    [
        (able(P, T, M), Decision.STEP_UP, (T,)),
        (able(P, W, M), Decision.STEP_UP, (W,)),
        (able(P, M), Decision.STEP_UP, (M,)),
        (able(P, T, proofs=(Proof(P, NOW), Proof(T, NOW))), Decision.ALLOW, ()),
        (able(P), Decision.DENY, ()),
        (able(P, T, W, request=REQUIREMENTS[PHR]), Decision.STEP_UP, (W,)),
    ],
)
def test_a_broken_engine_asks_for_a_second_factor_else_a_mailed_code(
    ability: Ability, decision: Decision, options: tuple[Factor, ...]
) -> None:
    found = floor_plus_one(ability)

    assert (found.decision, found.options) == (decision, options)
    assert found.notify == {Notice.ADMIN}


def test_an_ability_is_what_the_operator_lets_people_use() -> None:
    has = step_up.Facts(frozenset({S, M, T}))

    everything = abilities.of_facts(NOW, (), has, step_up.Rules())
    less = abilities.of_facts(NOW, (), has, step_up.Rules(sends_sms=False, sends_mail=False), has_password=False)

    assert everything.enrolled == {P, S, M, T}
    assert everything.floor == REQUIREMENTS[LOA2]
    assert less.enrolled == {T}
    assert S not in less.enrolable


SHIPPED: list[tuple[str, Policy, Facts, tuple[Factor, ...], Decision, str]] = [
    ("balanced: usual", BALANCED, facts(), (P, T), Decision.ALLOW, LOA1),
    ("balanced: first login", BALANCED, facts(history__logins=0), (P, M), Decision.STEP_UP, LOA1V),
    ("balanced: first login after the address was proved", BALANCED,
     facts(history__logins=0, email__verified_age=timedelta(minutes=59)), (P, M), Decision.ALLOW, LOA1),
    ("balanced: medium", BALANCED, facts(risk__band=Band.MEDIUM), (P, T), Decision.STEP_UP, LOA2),
    ("balanced: medium, no factor", BALANCED, facts(risk__band=Band.MEDIUM), (P, M), Decision.VERIFY_EMAIL, LOA1V),
    ("balanced: high with a key", BALANCED, facts(risk__band=Band.HIGH), (P, T, W), Decision.STEP_UP, PHR),
    ("balanced: critical", BALANCED, facts(risk__band=Band.CRITICAL), (P, T), Decision.STEP_UP, LOA2),
    ("balanced: critical and listed", BALANCED,
     facts(risk__band=Band.CRITICAL, signals=frozenset({"AUTOMATION"})), (P, T), Decision.DENY, LOA2),
    ("balanced: listed alone", BALANCED, facts(signals=frozenset({"LIST_DENY"})), (P, T), Decision.ALLOW, LOA1),
    ("balanced: admin", BALANCED, facts(groups=frozenset({"admins"})), (P, W), Decision.STEP_UP, PHR),
    ("balanced: admin without a key", BALANCED, facts(groups=frozenset({"admins"})), (P,), Decision.ENROL, PHR),
    ("balanced: sensitive", BALANCED, facts(event="email_change"), (P, T), Decision.STEP_UP, LOA2),
    ("balanced: breached", BALANCED, facts(signals=frozenset({"CRED_BREACHED"})), (P, T), Decision.STEP_UP, LOA2),
    ("quiet: first login", QUIET, facts(history__logins=0), (P, M), Decision.ALLOW, LOA1),
    ("quiet: medium", QUIET, facts(risk__band=Band.MEDIUM), (P, T), Decision.ALLOW, LOA1),
    ("quiet: high", QUIET, facts(risk__band=Band.HIGH), (P, T, W), Decision.STEP_UP, LOA2),
    ("quiet: high without a factor", QUIET, facts(risk__band=Band.HIGH), (P, M), Decision.VERIFY_EMAIL, LOA1V),
    ("quiet: critical and listed", QUIET,
     facts(risk__band=Band.CRITICAL, signals=frozenset({"LIST_DENY"})), (P, T), Decision.STEP_UP, LOA2),
    ("quiet: admin", QUIET, facts(groups=frozenset({"admins"})), (P, T), Decision.STEP_UP, LOA2),
    ("quiet: breached", QUIET, facts(signals=frozenset({"CRED_BREACHED"})), (P, T), Decision.ALLOW, LOA1),
    ("strict: usual", STRICT, facts(), (P, T), Decision.ALLOW, LOA1),
    ("strict: new device", STRICT, facts(device__known=False), (P, T), Decision.STEP_UP, LOA2),
    ("strict: first login", STRICT, facts(history__logins=0), (P,), Decision.ENROL, LOA2),
    ("strict: medium without a factor", STRICT, facts(risk__band=Band.MEDIUM), (P, M), Decision.DENY, LOA2),
    ("strict: high", STRICT, facts(risk__band=Band.HIGH), (P, T), Decision.DENY, PHR),
    ("strict: high with a key", STRICT, facts(risk__band=Band.HIGH), (P, W), Decision.STEP_UP, PHR),
    ("strict: critical", STRICT, facts(risk__band=Band.CRITICAL), (P, W), Decision.DENY, PHR),
    ("strict: Tor", STRICT, facts(signals=frozenset({"LIST_TOR"})), (P, W), Decision.DENY, LOA1),
    ("strict: deny list", STRICT, facts(signals=frozenset({"LIST_DENY"})), (P, W), Decision.DENY, LOA1),
    ("strict: admin", STRICT, facts(groups=frozenset({"admins"})), (P, T), Decision.ENROL, "phrh"),
    ("strict: breached without a factor", STRICT,
     facts(signals=frozenset({"CRED_BREACHED"})), (P, M), Decision.DENY, LOA2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "known", "enrolled", "decision", "acr"), [case[1:] for case in SHIPPED], ids=[case[0] for case in SHIPPED]
)
def test_a_shipped_policy_decides(
    rules: Policy, known: Facts, enrolled: tuple[Factor, ...], decision: Decision, acr: str
) -> None:
    found = result(rules, known, able(*enrolled, attests=True))

    assert (found.decision, found.acr) == (decision, acr)


def _effects_of(rules: Policy, **known: Value) -> set[str]:
    return set(map(str, verdict_on(rules, facts(**known)).resolution.effects))


def test_a_moved_session_proves_itself_again_is_told_or_loses_its_family() -> None:
    moved: Callable[[Policy], Resolution] = lambda rules: result(  # noqa: E731 – one line per policy reads best
        rules, facts(event="refresh", signals=frozenset({"SESSION_MOVED"})), able(P, proofs=(ago(P, 60),))
    )

    assert moved(BALANCED).decision is Decision.STEP_UP
    assert (moved(QUIET).decision, moved(QUIET).notify) == (Decision.ALLOW, {Notice.USER})
    assert [str(effect) for effect in moved(STRICT).effects] == ["revoke_family"]


def test_a_breached_password_is_changed_everywhere_and_blocks_where_it_is_strict() -> None:
    breached = {"signals": frozenset({"CRED_BREACHED"})}

    assert _effects_of(QUIET, **breached) == _effects_of(BALANCED, **breached) == {"change_password"}
    assert _effects_of(STRICT, **breached) == {"change_password", "no_enrolment", "no_recovery_change"}


@pytest.mark.parametrize("rules", [BALANCED, QUIET, STRICT], ids=shipped.NAMES)
def test_a_spray_costs_unknown_devices_work_in_every_shipped_policy(rules: Policy) -> None:
    spray = frozenset({"SPRAY_ACTIVE"})

    assert "proof_of_work" in _effects_of(rules, signals=spray, device__known=False)
    assert "proof_of_work" not in _effects_of(rules, signals=spray, device__known=True)


def test_an_example_proves_the_password_first() -> None:
    assert ability_of(facts()).proofs == (Proof(P, NOW),)
    assert ability_of(facts(enrolled=frozenset({"webauthn"}))).proofs == ()
