"""What changes between two policies, and whether it asks for more or less."""

import pytest

from idp.policy import rule_file, shipped
from idp.policy.policy_diff import diff

HEAD = 'schema = 1\nbreak_glass = { group = "break-glass" }\n'


def said(before: str, after: str, *, head: str = "") -> list[str]:
    """Return the changes between two versions of the rule `high`."""
    rule = '[[rule]]\nid = "high"\n'
    return [
        str(change) for change in diff(rule_file.read(HEAD + rule + before), rule_file.read(HEAD + head + rule + after))
    ]


@pytest.mark.parametrize("name", shipped.NAMES)
def test_nothing_changes_between_a_policy_and_itself(name: str) -> None:
    assert diff(rule_file.read(shipped.text(name)), rule_file.read(shipped.text(name))) == ()


A = "require = { acr = 'loa:2' }\n"


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("require = { acr = 'loa:2', unless_verified_within = '10m' }",
         "require = { acr = 'loa:2', unless_verified_within = '5m' }",
         "~ high: unless_verified_within 10m → 5m (tightens)"),
        (A, "require = { acr = 'loa:2', unless_verified_within = '5m' }",
         "! high: unless_verified_within 5m added (weakens)"),
        ("require = { acr = 'loa:2', unless_verified_within = '5m' }", A,
         "~ high: unless_verified_within removed (tightens)"),
        ("require = { acr = 'loa:2', unless_verified_within = '5m' }",
         "require = { acr = 'loa:2', unless_verified_within = '10m' }",
         "! high: unless_verified_within 5m → 10m (weakens)"),
        ("require = { acr = 'loa:2', prefer = ['phr'] }", A, "! high: prefer removed (weakens)"),
        ("require = { acr = 'loa:2', prefer = ['phr', 'phrh'] }", "require = { acr = 'loa:2', prefer = ['phr'] }",
         "! high: prefer without phrh (weakens)"),
        (A, "require = { acr = 'loa:2', prefer = ['phr'] }", "~ high: prefer with phr (tightens)"),
        (A, "require = { acr = 'loa:1v' }", "! high: acr loa:2 → loa:1v (weakens)"),
        (A, "require = { acr = 'phr' }", "~ high: acr loa:2 → phr (changes)"),
        (A, "require = { acr = 'loa:2', max_age = '5m' }", "~ high: max_age 5m added (tightens)"),
        ("require = { acr = 'loa:2', max_age = '5m' }", "require = { acr = 'loa:2', max_age = '1h' }",
         "! high: max_age 5m → 1h (weakens)"),
        (A, A + "unenrolled = 'deny'", "~ high: unenrolled verify_email → deny (tightens)"),
        (A, A + "mode = 'shadow'", "! high: mode enforce → shadow (weakens)"),
        (A, A + "notify = ['user']", "~ high: notify with user (tightens)"),
        (A + "effects = ['no_enrolment']", A, "! high: effects removed (weakens)"),
        ("deny = { for = '5m' }", "deny = { for = '1m' }", "! high: deny 5m → 1m (weakens)"),
        (A, "notify = ['user']", "! high: require removed (weakens)"),
        ("notify = ['user']", A + "notify = ['user']", "~ high: require loa:2 added (tightens)"),
        (A + "when = { risk.band.ge = 'high' }", A + "when = { risk.band.ge = 'medium' }",
         "~ high: when risk.band ge high → risk.band ge medium (tightens)"),
        (A, A + "when = { any = [{ device.known = false }, { not = { groups.any = ['a'] } }] }",
         "! high: when always → any (device.known eq false | not (groups any [a])) (weakens)"),
        (A + "when = { groups.any = ['a'] }", A + "when = { groups.any = ['b'] }",
         "~ high: when groups any [a] → groups any [b] (changes)"),
    ],
)  # fmt: skip
def test_a_change_of_a_rule_says_what_it_does(before: str, after: str, change: str) -> None:
    assert change in said(before, after)


@pytest.mark.parametrize(
    ("head", "change"),
    [
        ("mode = 'shadow'\n", "! high: mode enforce → shadow (weakens)"),
        ("defaults = { floor = 'loa:2' }\n", "~ policy: floor loa:1 → loa:2 (tightens)"),
        ("defaults = { unenrolled = 'deny' }\n", "~ policy: unenrolled verify_email → deny (tightens)"),
        ("bands = { medium = 50 }\n", "! policy: medium starts at 40 → 50 (weakens)"),
        ("adviser = { mode = 'off' }\n", "~ policy: adviser changed (changes)"),
        ("networks = { office = ['192.0.2.0/24'] }\n", "~ policy: networks changed (changes)"),
    ],
)
def test_a_change_of_the_whole_policy_is_told(head: str, change: str) -> None:
    assert change in said(A, A, head=head)


def test_rules_come_and_go() -> None:
    new = HEAD + "[[rule]]\nid = 'payments'\nmode = 'shadow'\nwhen = { client.id = 'payments' }\n" + A

    changes = diff(rule_file.read(HEAD + "[[rule]]\nid = 'high'\n" + A), rule_file.read(new))

    assert [str(change) for change in changes] == ["+ rule payments (shadow)", "! high: removed (weakens)"]
    assert changes[0].as_json() == {"rule": "payments", "what": "shadow", "direction": "tightens", "added": True}
