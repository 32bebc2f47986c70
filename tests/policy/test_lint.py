"""Rules that make no sense together are refused before anybody is asked anything, each with its line."""

import pytest

from idp.policy import lint, rule_file, shipped
from idp.policy.conditions import Compare, Operator
from idp.policy.findings import BadPolicy, Severity
from idp.policy.lint import Site
from idp.policy.satisfiable import can_be_true, implies

HEAD = 'schema = 1\nbreak_glass = { group = "break-glass" }\n'
DENY_TEST = '[[test]]\nfacts = { risk.band = "critical" }\nexpect = { decision = "deny" }\n'


def text(*bodies: str, tests: str = "") -> str:
    rules = "".join(f'[[rule]]\nid = "r{number}"\n{body}\n' for number, body in enumerate(bodies))
    return f"{HEAD}{rules}{tests}"


def findings(source: str, site: Site = lint.ANYWHERE) -> list[str]:
    return [f"{each.severity} {each.at('p.toml')}" for each in lint.check(rule_file.read(source), site)]


@pytest.mark.parametrize("name", shipped.NAMES)
def test_a_shipped_policy_has_nothing_to_find(name: str) -> None:
    assert lint.check(lint.load(shipped.text(name), name)) == []


@pytest.mark.parametrize(
    "when",
    [
        '{ risk.band = "low", any = [{ risk.band.ge = "medium" }] }',
        "{ history.logins = { ge = 5, le = 4 } }",
        '{ history.logins.in = [1, 2], not = { history.logins.le = 2 } }',
        '{ groups.any = ["a"], not = { groups.any = ["a", "b"] } }',
        '{ all = [{ groups.any = ["a"] }, { groups.none = ["a"] }] }',
        '{ groups = [], all = [{ groups.any = ["a"] }] }',
        "{ device.known = true, not = { device.known = true } }",
        '{ event = "login", not = { event.in = ["login", "refresh"] } }',
        '{ device.age = { within = "1d", ge = "2d" } }',
        '{ time.local.within = ["08:00", "09:00"], not = { time.local.within = ["07:00", "10:00"] } }',
        '{ net.country = "CH", all = [{ net.country.exists = false }] }',
        '{ net.kind.in = ["tor"], not = { any = [{ net.kind = "tor" }, { net.kind = "vpn" }] } }',
        '{ not = { event.in = ["login", "authorize", "refresh", "recovery", "credential_change", "email_change", '
        '"consent_admin", "token_export", "device_approval", "ciba_approval"] } }',
    ],
)  # fmt: skip
def test_a_rule_that_can_never_be_true_is_refused(when: str) -> None:
    said = findings(text(f"when = {when}\nrequire = {{ acr = 'loa:2' }}"))

    assert said == ["refused p.toml:4: r0: never true: its conditions contradict each other"]


@pytest.mark.parametrize(
    "when",
    [
        "{ history.logins = { ge = 4, le = 4 } }",
        '{ groups.any = ["a"], not = { groups.any = ["b"] } }',
        '{ not = { groups = ["a"] }, groups.any = ["a"] }',
        '{ device.age = { within = "2d", ge = "2d" } }',
        '{ time.local.within = ["22:00", "06:00"] }',
        '{ not = { time.local.within = ["00:00", "23:59"] } }',
        '{ not = { signals.any = ["LIST_TOR"] }, net.kind = "tor" }',
    ],
)  # fmt: skip
def test_a_rule_that_may_be_true_is_not(when: str) -> None:
    (rule,) = rule_file.read(text(f"when = {when}\nnotify = ['user']")).rules

    assert can_be_true(rule.when)


@pytest.mark.parametrize(
    "when",
    ['{ risk.band.ge = "medium" }', '{ risk.user_band.ge = "medium" }', "{ risk.score.ge = 40 }",
     '{ groups.any = ["a"], risk.band.in = ["high", "critical"] }'],
)  # fmt: skip
def test_nobody_enrols_at_medium_risk_or_above(when: str) -> None:
    said = findings(text(f"when = {when}\nrequire = {{ acr = 'loa:2' }}\nunenrolled = 'enrol'"))

    assert said == ["refused p.toml:4: r0: it would have people enrol at medium risk or above"]


def test_an_acr_that_no_factor_can_give_here_is_refused() -> None:
    body = "require = { acr = 'phrh' }\nunenrolled = 'enrol'"

    assert findings(text(body)) == []
    assert findings(text(body), Site(acrs=frozenset({"phr"}))) == [
        "refused p.toml:4: r0: no factor here can give the acr 'phrh'"
    ]


def test_a_deny_that_no_test_expects_is_refused() -> None:
    body = "when = { risk.band.ge = 'critical' }\ndeny = { for = '5m' }"

    assert findings(text(body)) == ["refused p.toml:4: r0: deny without a test: no test expects it"]
    assert findings(text(body, tests=DENY_TEST)) == []
    other = "when = { groups.any = ['x'] }\ndeny = { for = '5m' }"
    assert len(findings(text(body, other, tests=DENY_TEST))) == 1


def test_a_deny_that_a_missing_fact_could_cause_is_refused() -> None:
    for when in ("{ net.country.exists = false }", "{ not = { net.country.exists = true } }"):
        body = f"when = {{ any = [{{ risk.band.ge = 'critical' }}, {when}] }}\ndeny = {{ for = '5m' }}"
        assert "a missing fact could refuse people" in findings(text(body, tests=DENY_TEST))[0]
    fine = "when = { risk.band.ge = 'critical', net.country.exists = true }\ndeny = { for = '5m' }"
    assert findings(text(fine, tests=DENY_TEST)) == []


@pytest.mark.parametrize(
    ("when", "rise"),
    [
        ('{ risk.band.le = "medium" }', "risk.band from low to high"),
        ('{ risk.band = "medium" }', "risk.band from medium to high"),
        ('{ not = { risk.session_band.ge = "high" } }', "risk.session_band from low to high"),
        ("{ risk.score.le = 50 }", "risk.band"),
        ('{ signals.none = ["LIST_TOR"] }', "the signal LIST_TOR"),
        ('{ not = { signals.any = ["LIST_TOR"] }, groups.any = ["a"] }', "the signal LIST_TOR"),
        ('{ signals = ["AUTOMATION"], any = [{ signals.none = ["LIST_DENY"] }] }', "the signal LIST_DENY"),
    ],
)
def test_less_at_more_risk_is_refused(when: str, rise: str) -> None:
    said = findings(text(f"when = {when}\nrequire = {{ acr = 'loa:2' }}"))

    assert any("more risk would ask for less" in each and rise in each for each in said), said


def test_another_rule_may_make_up_for_it() -> None:
    medium = "when = { risk.band = 'medium' }\nrequire = { acr = 'loa:2' }"
    high = "when = { risk.band.ge = 'high' }\nrequire = { acr = 'loa:2', max_age = '5m' }"
    known = "when = { not = { signals.any = ['DEV_KNOWN'] } }\nrequire = { acr = 'loa:1v' }"

    assert findings(text(medium, high, known)) == []


def test_an_administrator_left_outside_is_refused() -> None:
    body = "when = { groups.any = ['admins'] }\ndeny = { for = '5m' }"
    tests = "[[test]]\nfacts = { groups = ['admins'] }\nexpect = { decision = 'deny' }\n"

    (said,) = findings(text(body, tests=tests))

    assert said == "refused p.toml:4: an administrator (admins) could not sign in on an ordinary day: r0"


def test_a_test_that_fails_is_refused_with_what_came_instead() -> None:
    tests = "[[test]]\nfacts = { }\nexpect = { decision = 'deny', acr = 'phr', effects = ['proof_of_work'] }\n"

    assert findings(text(tests=tests)) == [
        "refused p.toml:3: test failed: decision is allow, not deny; acr is loa:1, not phr; effects are [], not "
        "[proof_of_work]"
    ]


def test_clients_and_groups_that_nobody_knows_are_worth_a_word() -> None:
    site = Site(clients=frozenset({"shop"}), groups=frozenset({"admins", "staff"}))
    source = text(
        "when = { client.id = 'payments' }\nrequire = { acr = 'loa:2' }",
        "when = { client.id.in = ['payments', 'shop'] }\nrequire = { acr = 'loa:1v' }",
        "when = { groups.any = ['stuff'] }\nrequire = { acr = 'phr' }",
        "when = { not = { groups.any = ['stuff'] } }\nrequire = { acr = 'loa:1v', max_age = '1h' }",
    )

    assert findings(source, site) == [
        'warning p.toml:4: r0: never true (client "payments" is unknown)',
        'warning p.toml:12: r2: never true (group "stuff" is unknown)',
    ]
    assert findings(source) == []


def test_a_rule_that_another_one_covers_is_worth_a_word() -> None:
    high = "when = { risk.band.ge = 'high' }\nrequire = { acr = 'loa:2' }"
    strict = "when = { risk.band.ge = 'medium' }\nrequire = { acr = 'loa:2', max_age = '5m' }\nnotify = ['user']"
    twice = "when = { groups.any = ['a'] }\neffects = ['proof_of_work']"

    assert findings(text(high, strict)) == ["warning p.toml:4: r0: covered by r1"]
    assert findings(text(twice, twice)) == ["warning p.toml:8: r1: covered by r0"]
    assert findings(text(high + "\nunenrolled = 'deny'", strict)) == []
    assert findings(text(high + "\nnotify = ['admin']", strict)) == []
    assert findings(text(high + "\nmode = 'shadow'", strict)) == []


def test_an_unproven_adviser_is_worth_a_word() -> None:
    assert "unproven" in findings(HEAD, Site(adviser_is_proven=False))[0]
    assert findings(HEAD, Site(adviser_is_proven=True)) == []
    assert findings(HEAD + "adviser = { mode = 'shadow' }\n", Site(adviser_is_proven=False)) == []


def test_a_file_with_warnings_is_used_and_one_with_refusals_is_not() -> None:
    high = "when = { risk.band.ge = 'high' }\nrequire = { acr = 'loa:2' }"

    assert len(lint.load(text(high, high)).rules) == 2
    assert lint.check(lint.load(text(high, high)))[0].severity is Severity.WARNING
    with pytest.raises(BadPolicy, match=r"^p\.toml:4: r0: deny without a test"):
        lint.load(text("deny = { for = '5m' }\nwhen = { risk.band.ge = 'critical' }"), "p.toml")


def test_implication_is_claimed_only_where_it_is_plain() -> None:
    wide = Compare("groups", Operator.ANY, frozenset({"a", "b"}))
    narrow = Compare("groups", Operator.ANY, frozenset({"a"}))

    assert implies(narrow, wide)
    assert not implies(wide, narrow)
    assert implies(Compare("history.logins", Operator.GE, 5), Compare("history.logins", Operator.GE, 4))
    assert not implies(Compare("history.logins", Operator.GE, 4), Compare("history.logins", Operator.GE, 5))
    assert not implies(Compare("net.asn", Operator.EQ, 4), Compare("history.logins", Operator.GE, 5))
