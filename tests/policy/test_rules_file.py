"""A policy file is read whole, or refused with file, line and reason – all of them at once."""

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.assurance import LOA2, PHR
from idp.domain.risk import Band
from idp.policy import rule_file, shipped
from idp.policy.conditions import All, Compare, Not, Operator, Some
from idp.policy.findings import BadPolicy
from idp.policy.rules import AdviserMode, Decision, Effect, EffectKind, Mode, Notice, Policy, Unenrolled

HEAD = 'schema = 1\nbreak_glass = { group = "break-glass" }\n'


def refusals(text: str) -> list[str]:
    """Return what is wrong with a file, line by line."""
    with pytest.raises(BadPolicy) as caught:
        rule_file.read(text, "p.toml")
    return str(caught.value).splitlines()


def of_rule(body: str) -> Policy:
    return rule_file.read(f'{HEAD}[[rule]]\nid = "r"\n{body}\n')


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("colour = 3\nrequire = {acr = 'loa:2'}", 5, "unknown key 'colour'"),
        ("require = {acr = 'loa:2', minutes = 3}", 5, "unknown key 'minutes' in require"),
        ("require = {acr = 'loa:3'}", 5, "no factor can give the acr 'loa:3'"),
        ("require = {}", 5, "no factor can give the acr None"),
        ("require = 3", 5, "require is a table"),
        ("require = {acr = 'loa:2', max_age = 300}", 5, "is no duration"),
        ("require = {acr = 'loa:2', prefer = ['best']}", 5, "prefer: 'best' is no acr"),
        ("require = {acr = 'loa:2', prefer = 'phr'}", 5, "prefer is a list of words"),
        ("deny = {}", 5, "deny without for"),
        ("deny = {for = '0s'}", 5, "deny lasts at least a second"),
        ("deny = {for = '2d'}", 5, "at most a day"),
        ("deny = {for = '5m', user = true}", 5, "unknown key 'user' in deny"),
        ("require = {acr = 'loa:2'}\ndeny = {for = '5m'}", 6, "deny and require contradict each other"),
        ("mode = 'enforce'", 4, "it does nothing"),
        ("notify = ['user']\nunenrolled = 'deny'", 6, "unenrolled without require"),
        ("require = {acr = 'phr'}\nunenrolled = 'allow'", 6, "unenrolled is one of verify_email, enrol, deny"),
        ("notify = ['boss']", 5, "notify is one of user, admin"),
        ("notify = ['user']\nmode = 'on'", 6, "mode is one of off, shadow, enforce"),
        ("effects = ['reboot']", 5, "effect 'reboot'"),
        ("effects = ['short_session']", 5, "short_session:30m has a length"),
        ("effects = ['short_session:long']", 5, "is no duration"),
        ("effects = ['proof_of_work:3m']", 5, "no other effect has"),
        ("notify = ['user']\nwhen = 'always'", 6, "when is a table"),
        ("notify = ['user']\n[rule.when]\nrisk.bond = 'low'", 7, "unknown fact 'risk.bond', did you mean 'risk.band'?"),
        ("notify = ['user']\nwhen = {net = 'x'}", 6, "unknown fact 'net'"),
        ("notify = ['user']\nwhen = {risk.band = 'severe'}", 6, "'severe' is no band"),
        ("notify = ['user']\nwhen = {risk.band.any = ['low']}", 6, "risk.band is a band: 'any' is no operator for it"),
        ("notify = ['user']\nwhen = {groups.in = ['a']}", 6, "groups is a set: 'in' is no operator for it"),
        ("notify = ['user']\nwhen = {groups.matches = '^a'}", 6, "'matches' is no operator"),
        ("notify = ['user']\nwhen = {groups = {}}", 6, "groups is compared with nothing"),
        ("notify = ['user']\nwhen = {groups.any = []}", 6, "any needs a list that is not empty"),
        ("notify = ['user']\nwhen = {groups.any = 'a'}", 6, "any needs a list"),
        ("notify = ['user']\nwhen = {groups = 'a'}", 6, "'a' is not a list"),
        ("notify = ['user']\nwhen = {groups.any = [3]}", 6, "it can never be 3"),
        ("notify = ['user']\nwhen = {signals.any = ['LIST_DENI']}", 6, "did you mean 'LIST_DENY'?"),
        ("notify = ['user']\nwhen = {event = 'sign_in'}", 6, "it can never be 'sign_in'"),
        ("notify = ['user']\nwhen = {net.country = 'Germany'}", 6, "it can never be 'Germany'"),
        ("notify = ['user']\nwhen = {device.known = 'yes'}", 6, "'yes' is not true or false"),
        ("notify = ['user']\nwhen = {device.known.exists = 1}", 6, "exists is true or false"),
        ("notify = ['user']\nwhen = {history.logins.ge = '3'}", 6, "'3' is no whole number"),
        ("notify = ['user']\nwhen = {history.logins.ge = -1}", 6, "-1 is no whole number"),
        ("notify = ['user']\nwhen = {risk.score.ge = 101}", 6, "101 is above 100"),
        ("notify = ['user']\nwhen = {device.age.le = 5}", 6, "5 is not a duration"),
        ("notify = ['user']\nwhen = {time.local.within = ['8', '9']}", 6, "'8' is no time"),
        ("notify = ['user']\nwhen = {time.local.within = ['08:00']}", 6, "within needs two times"),
        ("notify = ['user']\nwhen = {all = []}", 6, "all needs a list of conditions"),
        ("notify = ['user']\nwhen = {any = [3]}", 6, "any needs a list of conditions"),
        ("notify = ['user']\nwhen = {not = true}", 6, "not needs a condition"),
        ("notify = ['user']\nwhen = {net.named.any = ['office']}", 6, "network 'office' is not among networks"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_line_and_reason(body: str, line: int, reason: str) -> None:
    said = refusals(f'{HEAD}[[rule]]\nid = "r"\n{body}\n')

    assert any(each.startswith(f"p.toml:{line}: r: ") and reason in each for each in said), said


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "schema = 1 is required"),
        ("schema = 2\n", 1, "schema = 1 is required"),
        ("schema = 1\n", 1, "break_glass = "),
        ("schema = 1\nbreak_glass = { group = '' }\n", 2, "break_glass = "),
        (f"{HEAD}colour = 1\n", 3, "unknown key 'colour'"),
        (f"{HEAD}mode = 'on'\n", 3, "mode is one of off, shadow, enforce"),
        (f"{HEAD}bands = {{ low = 5 }}\n", 3, "bands start at 0"),
        (f"{HEAD}bands = {{ medium = 80 }}\n", 3, "low < medium < high < critical"),
        (f"{HEAD}bands = {{ critical = 101 }}\n", 3, "critical is a whole number of 0 to 100"),
        (f"{HEAD}bands = {{ extreme = 95 }}\n", 3, "unknown key 'extreme' in bands"),
        (f"{HEAD}adviser = {{ mode = 'lower' }}\n", 3, "mode is one of off, shadow, raise_only"),
        (f"{HEAD}adviser = {{ up_max = 90 }}\n", 3, "up_max is a whole number of 0 to 49"),
        (f"{HEAD}adviser = {{ budget_ms = 5000 }}\n", 3, "budget_ms is a whole number of 200 to 1500"),
        (f"{HEAD}adviser = {{ friction_budget = 2 }}\n", 3, "friction_budget is a share"),
        (f"{HEAD}adviser = 3\n", 3, "adviser is a table"),
        (f"{HEAD}defaults = {{ floor = 'loa:9' }}\n", 3, "floor is no acr"),
        (f"{HEAD}defaults = {{ unenrolled = 'allow' }}\n", 3, "unenrolled is one of"),
        (f"{HEAD}defaults = {{ on_engine_error = 'allow' }}\n", 3, "on_engine_error can only be"),
        (f"{HEAD}[networks]\noffice = ['192.0.2.1/24']\n", 4, "network 'office'"),
        (f"{HEAD}[networks]\noffice = []\n", 4, "it needs a list of ranges"),
        (f"{HEAD}rule = 3\n", 3, "rule is a list of tables"),
        (f"{HEAD}[[rule]]\nnotify = ['user']\n", 3, "a rule needs an id"),
        (f"{HEAD}[[rule]]\nid = 'A b'\nnotify = ['user']\n", 4, "a rule needs an id"),
        (f"{HEAD}[[test]]\nfacts = {{}}\n", 3, "a test expects something"),
        (f"{HEAD}[[test]]\nfacts = {{}}\nexpect = {{ decision = 'maybe' }}\n", 5, "decision is one of"),
        (f"{HEAD}[[test]]\nfacts = {{}}\nexpect = {{ acr = 'x' }}\n", 5, "'x' is no acr"),
        (
            f"{HEAD}[[test]]\nfacts = {{ net.planet = 'x' }}\nexpect = {{ acr = 'phr' }}\n",
            4,
            "unknown fact 'net.planet'",
        ),
        (f"{HEAD}[[test]]\nfacts = {{ net.asn = 'x' }}\nexpect = {{ acr = 'phr' }}\n", 4, "'x' is no whole number"),
        (f"{HEAD}[[test]]\nunknown = ['x']\nexpect = {{ acr = 'phr' }}\n", 4, "unknown lists facts by their names"),
        (f"{HEAD}\n[[rule\n", 4, "this is not TOML"),
        (f"{HEAD}mode = 'enforce'\nmode = 'off'\n", 4, "this is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_reason(text: str, line: int, reason: str) -> None:
    said = refusals(text)

    assert any(each.startswith(f"p.toml:{line}: ") and reason in each for each in said), said


def test_two_rules_of_one_id_are_refused() -> None:
    rule = '[[rule]]\nid = "r"\nnotify = ["user"]\n'

    assert refusals(f"{HEAD}{rule}{rule}") == ["p.toml:7: r: a rule with this id stands in line 4 already"]


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_lines() -> None:
    text = (
        "colour = 1\nschema = 1\n[[rule]]\nid = 'a'\nwhen = { risk.bond = 'low' }\ndeny = {}\n[[rule]]\nid = 'b'\n"
        "require = { acr = 'gold' }\n"
    )

    said = refusals(text)

    assert len(said) == 5
    assert [int(each.split(":")[1]) for each in said] == sorted(int(each.split(":")[1]) for each in said)


def test_inline_rules_are_found_by_their_own_lines() -> None:
    text = f"{HEAD}rule = [\n  {{ id = 'a', notify = ['user'] }},\n  {{ id = 'b', notify = ['boss'] }}, # id = 'c'\n]\n"

    assert refusals(text) == ["p.toml:5: b: notify is one of user, admin, not 'boss'"]


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(BadPolicy):
        rule_file.read(HEAD.replace("\n", " ") + text)


def test_a_file_that_is_too_large_or_too_deep_is_refused() -> None:
    assert refusals("#" * (1 << 20) + HEAD) == ["p.toml:1: larger than 1 MB"]
    assert refusals(HEAD + "a = " + "[" * 20_000) == ["p.toml:1: nested too deeply"]


def test_all_that_a_rule_can_say_is_read() -> None:
    policy = of_rule(
        'when = { risk.band.ge = "high", not = { net.named.any = ["office"] } }\n'
        'require = { acr = "loa:2", max_age = "5m", unless_verified_within = "10m", prefer = ["phr"] }\n'
        'unenrolled = "enrol"\nnotify = ["user", "admin"]\nmode = "shadow"\n'
        'effects = ["no_enrolment", "short_session:30m"]\n[networks]\noffice = ["192.0.2.0/24", "2001:db8::/32"]'
    )
    (rule,) = policy.rules

    assert rule.when == All(
        (
            Compare("risk.band", Operator.GE, Band.HIGH),
            Not(All((Compare("net.named", Operator.ANY, frozenset({"office"})),))),
        )
    )
    assert rule.require is not None
    assert (rule.require.acr, rule.require.prefer) == (LOA2, (PHR,))
    assert (rule.require.max_age, rule.require.unless_verified_within) == (timedelta(minutes=5), timedelta(minutes=10))
    assert (rule.unenrolled, rule.mode) == (Unenrolled.ENROL, Mode.SHADOW)
    assert rule.notify == {Notice.USER, Notice.ADMIN}
    assert rule.effects == (
        Effect(EffectKind.NO_ENROLMENT),
        Effect(EffectKind.SHORT_SESSION, timedelta(minutes=30)),
    )
    assert policy.networks == {"office": ("192.0.2.0/24", "2001:db8::/32")}


def test_conditions_are_read_with_every_operator() -> None:
    (rule,) = of_rule(
        'notify = ["user"]\n[rule.when]\nevent.in = ["login", "refresh"]\nhistory.logins = { ge = 1, le = 5 }\n'
        'time.local.within = ["22:00", "06:00"]\ndevice.age.within = "30d"\nnet.country.exists = true\n'
        'scope.none = ["admin"]\ndevice.known = true\nany = [{ net.asn = 1 }, { net.asn.in = [2, 3] }]'
    ).rules

    assert isinstance(rule.when, All)
    assert set(rule.when.parts) == {
        Compare("event", Operator.IN, frozenset({"login", "refresh"})),
        Compare("history.logins", Operator.GE, 1),
        Compare("history.logins", Operator.LE, 5),
        Compare("time.local", Operator.WITHIN, (time(22, 0), time(6, 0))),
        Compare("device.age", Operator.WITHIN, timedelta(days=30)),
        Compare("device.known", Operator.EQ, True),
        Compare("net.country", Operator.EXISTS, True),
        Compare("scope", Operator.NONE, frozenset({"admin"})),
        Some(
            (
                All((Compare("net.asn", Operator.EQ, 1),)),
                All((Compare("net.asn", Operator.IN, frozenset({2, 3})),)),
            )
        ),
    }


def test_a_file_may_leave_everything_to_the_defaults() -> None:
    policy = rule_file.read(HEAD)

    assert policy.mode is Mode.ENFORCE
    assert policy.adviser.mode is AdviserMode.RAISE_ONLY
    assert (policy.adviser.up_max, policy.adviser.budget, policy.adviser.friction_budget) == (
        25, timedelta(milliseconds=700), 0.01,
    )  # fmt: skip
    assert policy.band(69) is Band.MEDIUM
    assert policy.rules == policy.tests == ()


def test_a_policy_may_have_bands_of_its_own() -> None:
    policy = rule_file.read(f"{HEAD}bands = {{ medium = 30, critical = 95 }}\n")

    assert [policy.band(score) for score in (0, 29, 30, 69, 70, 94, 95, 100)] == [
        Band.LOW, Band.LOW, Band.MEDIUM, Band.MEDIUM, Band.HIGH, Band.HIGH, Band.CRITICAL, Band.CRITICAL,
    ]  # fmt: skip


def test_a_test_brings_score_and_band_into_line() -> None:
    test = "[[test]]\nexpect = { decision = 'allow' }\nfacts = { %s }\n"
    policy = rule_file.read(HEAD + test % "risk.band = 'high'" + test % "risk.score = 45" + test % "groups = ['a']")

    assert [(each.facts["risk.band"], each.facts["risk.score"]) for each in policy.tests] == [
        (Band.HIGH, 70), (Band.MEDIUM, 45), (Band.LOW, 0),
    ]  # fmt: skip
    assert policy.tests[0].decision is Decision.ALLOW


def test_the_digest_tells_texts_apart() -> None:
    assert rule_file.read(HEAD).digest != rule_file.read(f"{HEAD}\n").digest
    assert rule_file.read(HEAD).digest.startswith("sha256:")


@pytest.mark.parametrize("name", shipped.NAMES)
def test_the_shipped_policies_are_read(name: str) -> None:
    assert len(rule_file.read(shipped.text(name), name).rules) >= 7


def test_there_is_no_other_shipped_policy() -> None:
    with pytest.raises(KeyError):
        shipped.text("../rules")
