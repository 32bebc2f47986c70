"""A verdict in words, and the smallest change that would have avoided it."""

from idp.domain.assurance import Factor
from idp.domain.risk import Band
from idp.policy import rule_file
from idp.policy.explanation import as_text, smallest_change
from idp.policy.facts import Facts, Value, ordinary
from idp.policy.rule_tests import ability_of, verdict_on
from idp.policy.rules import Policy

HEAD = 'schema = 1\nbreak_glass = { group = "break-glass" }\n'


def policy(*bodies: str, head: str = "") -> Policy:
    rules = "".join(f'[[rule]]\nid = "r{number}"\n{body}\n' for number, body in enumerate(bodies))
    return rule_file.read(HEAD + head + rules)


def facts(**known: Value) -> Facts:
    return ordinary().but({name.replace("__", "."): value for name, value in known.items()})


MEDIUM = 'when = { risk.band.ge = "medium" }\nrequire = { acr = "loa:2", max_age = "5m" }'
DEVICE = 'when = { device.known = false }\nrequire = { acr = "loa:2" }'


def change(rules: Policy, known: Facts) -> dict[str, Value] | None:
    return smallest_change(rules, known, ability_of(known))


def test_the_fewest_facts_that_would_have_made_the_difference_are_named() -> None:
    rules = policy(MEDIUM, DEVICE)

    assert change(rules, facts()) is None
    assert change(rules, facts(risk__band=Band.HIGH)) == {"risk.band": Band.LOW}
    assert change(rules, facts(risk__band=Band.HIGH, device__known=False)) == {
        "risk.band": Band.LOW, "device.known": True,
    }  # fmt: skip
    assert change(policy(head='defaults = { floor = "loa:2" }\n'), facts()) is None


def test_everything_that_happens_is_said() -> None:
    rules = policy(
        MEDIUM,
        'when = { net.country = "DE" }\neffects = ["short_session:30m"]\nnotify = ["admin"]',
        'deny = { for = "5m" }\nmode = "shadow"',
        'notify = ["user"]\nmode = "off"',
    )
    known = facts(risk__band=Band.MEDIUM).but({}, frozenset({"net.country"}))

    text = as_text(verdict_on(rules, known), change(rules, known))

    assert text.splitlines() == [
        "decision step_up: loa:2, at most 5m old",
        "satisfied by totp (on offer: totp)",
        "effects: short_session:30m",
        "told: admin",
        "+ r0: enforce",
        "+ r1: enforce (unknown: net.country)",
        "+ r2: shadow",
        "- r3: the rule is off",
        "were the shadow enforced: deny, loa:2",
        "it would have passed with risk.band = low",
    ]


def test_a_mark_to_enrol_is_written_down() -> None:
    rules = policy('require = { acr = "loa:2" }')

    asked = verdict_on(rules, facts(enrolled=frozenset({Factor.PASSWORD.value, Factor.EMAIL_OTP.value}))).as_json()

    assert (asked["decision"], asked["marks_enrolment"]) == ("verify_email", True)
