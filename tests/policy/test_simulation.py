"""The past under another policy: counted, never guessed; an unchanged policy changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.assurance import Factor, Proof
from idp.domain.risk import Band
from idp.policy import rule_file, shipped
from idp.policy.ability import Ability
from idp.policy.facts import Value, ordinary
from idp.policy.lockout_replay import Person, lockout
from idp.policy.record import RecordedSignIn, of_verdict
from idp.policy.rules import Policy
from idp.policy.simulation import simulate
from idp.policy.simulation_report import as_json, as_text
from idp.policy.verdict import decide
from tests.support.recorded import history

HEAD = 'schema = 1\nbreak_glass = { group = "break-glass" }\n'
BALANCED = rule_file.read(shipped.text("balanced"))
NOTHING = rule_file.read(HEAD)
START = datetime(2026, 10, 1, tzinfo=UTC)
P, T, M = Factor.PASSWORD, Factor.TOTP, Factor.EMAIL_OTP


def policy(*bodies: str) -> Policy:
    return rule_file.read(HEAD + "".join(f'[[rule]]\nid = "r{n}"\n{body}\n' for n, body in enumerate(bodies)))


def signed_in(user: str, day: float = 0, *enrolled: Factor, label: str | None = None, **known: Value) -> RecordedSignIn:
    """Return a sign-in with a password that no policy asked anything about; __ stands for a dot."""
    now = START + timedelta(days=day)
    facts = ordinary().but({name.replace("__", "."): value for name, value in known.items()})
    ability = Ability(now, (Proof(P, now),), frozenset({P, *enrolled}))
    return of_verdict(decide(NOTHING, facts, ability), ability, user=user, assessed={}, label=label)


@pytest.mark.parametrize("name", shipped.NAMES)
def test_an_unchanged_policy_reproduces_every_recorded_outcome(name: str) -> None:
    rules = rule_file.read(shipped.text(name))

    report = simulate(rules, rules, history(rules, 3000))

    assert report.not_reproduced == 0
    assert report.challenged.before == report.challenged.after > 0
    assert not report.newly_challenged
    assert report.extra_prompts(0.95) == 0


def test_a_decision_that_is_not_reproduced_is_told() -> None:
    record = signed_in("ada")
    other = replace(record, verdict={**record.verdict, "decision": "deny"})

    report = simulate(NOTHING, NOTHING, [record, other])

    assert report.not_reproduced == 1
    assert "1 recorded decisions were not reproduced" in as_text(report)


def test_every_sign_in_is_of_one_kind() -> None:
    strict = rule_file.read(shipped.text("strict"))

    report = simulate(BALANCED, strict, history(BALANCED, 3000))

    assert report.not_applied + report.satisfied + report.user_action_needed + report.would_fail == report.sign_ins


def test_new_challenges_are_laid_at_the_door_of_the_rule_that_changed() -> None:
    usual = "when = { device.known = true }\nrequire = { acr = 'loa:1' }"
    medium = "when = { risk.band.ge = 'medium' }\nrequire = { acr = 'loa:2' }"
    past = [
        signed_in("ada", 0, T, risk__band=Band.MEDIUM),
        signed_in("bob", 1, T, risk__band=Band.HIGH),
        signed_in("cyd", 2, T),
        signed_in("dan", 3, T, groups=frozenset({"admins"})),
    ]

    report = simulate(
        policy(usual), policy(usual, medium, "when = { groups.any = ['admins'] }\nrequire = { acr = 'loa:2' }"), past
    )

    assert report.newly_challenged == {"r1": 2, "r2": 1}
    assert (report.challenged.before, report.challenged.after) == (0, 3)
    assert (report.satisfied, report.not_applied) == (1, 0)


def test_a_preference_can_be_what_challenges() -> None:
    record = signed_in("ada", 0, Factor.WEBAUTHN)

    report = simulate(NOTHING, policy("require = { acr = 'loa:1', prefer = ['phr'] }"), [record])

    assert report.newly_challenged == {"r0": 1}


def test_a_higher_floor_is_told_as_such() -> None:
    floor = rule_file.read(HEAD + "defaults = { floor = 'loa:2' }\n")

    assert simulate(NOTHING, floor, [signed_in("ada", 0, T)]).newly_challenged == {"floor": 1}


def test_who_has_no_way_is_listed_and_administrators_apart() -> None:
    demand = policy("require = { acr = 'loa:2' }\nunenrolled = 'deny'")
    past = [
        signed_in("ada", 0, T), signed_in("bob", 1, M), signed_in("bob", 2, M),
        signed_in("eve", 3, groups=frozenset({"admins"})),
    ]  # fmt: skip

    report = simulate(NOTHING, demand, past)

    assert report.unreachable == {"bob", "eve"}
    assert report.admins_locked_out == {"eve"}
    assert report.would_fail == 3
    assert "unreachable 2 users (bob, eve)" in as_text(report)
    assert "admins locked out: 1 (eve)" in as_text(report)


def test_labelled_attacks_count_as_caught_when_challenged_or_refused() -> None:
    medium = policy("when = { risk.band.ge = 'medium' }\nrequire = { acr = 'loa:2' }")
    past = [
        signed_in("ada", 0, T, label="takeover", risk__band=Band.MEDIUM),
        signed_in("ada", 1, T, label="takeover"),
        signed_in("ada", 2, T, label="legit", risk__band=Band.MEDIUM),
    ]

    report = simulate(NOTHING, medium, past)

    assert (report.attacks.before, report.attacks.after, report.attacks.total) == (0, 1, 2)


def test_extra_prompts_are_counted_by_user_and_month() -> None:
    medium = policy("when = { risk.band.ge = 'medium' }\nrequire = { acr = 'loa:2' }")
    past = [signed_in("ada", day, T, risk__band=Band.MEDIUM) for day in (0, 5, 10, 15)]
    past += [signed_in(f"u{number}", 15, T) for number in range(9)]

    report = simulate(NOTHING, medium, past)

    assert report.days == 15
    assert report.extra_prompts(0.5) == 0
    assert report.extra_prompts(0.95) == 8


def test_the_most_affected_group_is_named_unless_it_is_tiny() -> None:
    medium = policy("when = { risk.band.ge = 'medium' }\nrequire = { acr = 'loa:2' }")
    past = [signed_in("ada", day, T, groups=frozenset({"contractors"})) for day in range(7)]
    past += [signed_in("ada", day, T, groups=frozenset({"contractors"}), risk__band=Band.HIGH) for day in range(3)]
    past += [signed_in("bob", 1, T, groups=frozenset({"two"}), risk__band=Band.HIGH)]

    text = as_text(simulate(NOTHING, medium, past))

    assert "most affected: group contractors 0 % → 30 %" in text
    assert "two" not in text


def test_the_report_has_every_line_for_people_and_for_programs() -> None:
    strict = rule_file.read(shipped.text("strict"))
    report = simulate(BALANCED, strict, history(BALANCED, 2000))

    text, document = as_text(report), as_json(report)

    for part in (
        "30 days, 2 000 sign-ins: challenged ", " · denied ", " · unreachable ", "newly challenged by rule: ",
        " · most affected: group ", "labelled attacks caught: ", "extra prompts per user-month: median ", ", p95 ",
        "admins locked out: ", "not applied ", " · satisfied ", "user action needed ", "would fail ",
        "counterfactual: a challenged user might have enrolled or left",
    ):  # fmt: skip
        assert part in text
    assert document["sign_ins"] == 2000
    assert document["challenged"] == {"before": report.challenged.before, "after": report.challenged.after}
    assert document["unreachable_users"] == sorted(report.unreachable)


def test_no_history_is_an_empty_report() -> None:
    report = simulate(BALANCED, BALANCED, [])

    assert report.sign_ins == 0
    assert "1 days, 0 sign-ins: challenged 0 → 0 (+0) · denied 0 → 0 · unreachable 0 users" in as_text(report)


def person(number: int, *enrolled: Factor, is_admin: bool = False) -> Person:
    record = signed_in(f"u{number}", 0, *enrolled)
    return Person(record.user, record.facts, record.ability, is_admin)


def test_a_policy_that_locks_out_an_administrator_is_refused() -> None:
    demand = policy("require = { acr = 'loa:2' }\nunenrolled = 'deny'")
    people = [person(number, T) for number in range(500)]

    assert lockout(demand, people).refusal is None
    found = lockout(demand, [*people, person(500, M, is_admin=True)])
    assert found.refusal == "it would lock out 1 administrators: u500"


def test_a_policy_that_locks_out_more_than_one_in_a_hundred_is_refused() -> None:
    demand = policy("require = { acr = 'loa:2' }\nunenrolled = 'deny'")

    at_most = lockout(demand, [person(number, *((T,) if number else ())) for number in range(100)])
    more = lockout(demand, [person(number, *((T,) if number > 1 else ())) for number in range(100)])

    assert (at_most.refusal, at_most.users) == (None, ("u0",))
    assert more.refusal == "it would lock out 2 of 100 active users, more than 1%"
    assert lockout(demand, []).refusal is None
