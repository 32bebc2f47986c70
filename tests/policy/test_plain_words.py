"""A sentence becomes a rule, or says what of it did not (plain_words.py, rule_draft.py)."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.policy import lint, plain_words, rule_draft, rule_file, shipped
from idp.policy.conditions import Operator
from idp.policy.findings import Severity
from idp.policy.rule_draft import Clause, RuleDraft

BASE = 'schema = 1\nbreak_glass = { group = "break-glass" }\n\n[networks]\noffice = ["192.0.2.0/24"]\n'


def written(sentence: str) -> dict[str, object]:
    """Return the rule of a sentence as TOML reads it; the sentence is understood whole."""
    read = plain_words.read(sentence, networks=["office"])
    assert read.is_whole, read.not_understood
    text = rule_draft.to_toml(read.draft, rule_draft.named(read.draft, []))
    rule_file.read(rule_draft.added(BASE, text))
    rule: dict[str, object] = tomllib.loads(text)["rule"][0]
    return {key: value for key, value in rule.items() if key != "id"}


@pytest.mark.parametrize(
    ("sentence", "rule"),
    [
        ("ask admins for a passkey", 'when={groups.any=["admins"]}\nrequire={acr="phr"}'),
        ("Second factor for new devices outside Norway",
         'when={device.known=false, not={net.country.in=["NO"]}}\nrequire={acr="loa:2"}'),
        ("no sign-in from Iran without second factor",
         'when={net.country.in=["IR"]}\nrequire={acr="loa:2"}\nunenrolled="deny"'),
        ("no sign-ins from North Korea or Iran", 'when={net.country.in=["KP","IR"]}\ndeny={for="15m"}'),
        ("deny tor", 'when={any=[{signals.any=["LIST_TOR"]},{net.kind.in=["tor"]}]}\ndeny={for="15m"}'),
        ("Block VPNs and hosting for 2 hours and alert admins",
         'when={net.kind.in=["vpn","hosting"]}\ndeny={for="2h"}\nnotify=["admin"]'),
        ("ask members of Finance for a passkey every 12 hours at night",
         'when={groups.any=["Finance"], time.local.within=["22:00","06:00"]}\nrequire={acr="phr", max_age="12h"}'),
        ("require 2fa from Côte d’Ivoire for accounts younger than a week",
         'when={net.country.in=["CI"], account.age.within="7d"}\nrequire={acr="loa:2"}'),
        ("Ask for a passkey outside Norway and Sweden for members of Finance",
         'when={not={net.country.in=["NO","SE"]}, groups.any=["Finance"]}\nrequire={acr="phr"}'),
        ("a mailed code for new devices except from the office",
         'when={device.known=false, not={net.named.any=["office"]}}\nrequire={acr="loa:1v"}'),
        ("a hardware key for high-risk sign-ins or new devices",
         'when={any=[{risk.band.ge="high"},{device.known=false}]}\nrequire={acr="phrh"}'),
        ("ask everybody for a second factor within the last 10 minutes for password changes",
         'when={event.in=["credential_change"]}\nrequire={acr="loa:2", max_age="10m"}'),
        ("tell admins about first logins between 22 and 6:30",
         'when={history.logins.le=0, time.local.within=["22:00","06:30"]}\nnotify=["admin"]'),
        ("deny AS64500 to app Payments", 'when={net.asn.in=[64500], client.id.in=["Payments"]}\ndeny={for="15m"}'),
        ("passkeys for Guinea-Bissau", 'when={net.country.in=["GW"]}\nrequire={acr="phr"}'),
    ],
)  # fmt: skip
def test_a_common_sentence_becomes_the_rule_it_describes(sentence: str, rule: str) -> None:
    assert written(sentence) == tomllib.loads(rule)


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("deny tor and cheese", ("cheese",)),
        ("no sign-in from X without second factor", ("x",)),
        ("ask admins for a passkey and mfa", ("mfa",)),
        ("frobnicate", ("frobnicate",)),
        ("", ()),
        ("for users who sign in", ()),
    ],
)
def test_what_is_not_understood_is_said_and_the_rule_is_not_whole(sentence: str, left: tuple[str, ...]) -> None:
    read = plain_words.read(sentence)

    assert read.not_understood == left
    assert not read.is_whole


@pytest.mark.parametrize(
    "sentence",
    ["deny tor", "deny high risk from new devices outside working hours", "block everything outside Switzerland",
     "refuse members of temps at night", "no logins by bots from Norway", "deny accounts younger than 2 days on vpn"],
)  # fmt: skip
def test_a_drafted_deny_brings_the_test_that_lint_asks_for(sentence: str) -> None:
    draft = plain_words.read(sentence).draft

    text = rule_draft.added(shipped.text("balanced"), rule_draft.to_toml(draft, "drafted"))

    assert not [each for each in lint.check(rule_file.read(text)) if each.severity is Severity.REFUSED]


WORDS = """
ask deny tor admins outside Norway without a second factor or and unless new devices high risk for 5 minutes x between
22 7 passkey every at night group as64500 not from office
"""


@given(st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join) | st.text(max_size=80))
def test_every_sentence_is_read_and_its_rule_is_a_rule(sentence: str) -> None:
    draft = plain_words.read(sentence, networks=["office"]).draft

    if draft.says_something:
        rule_file.read(rule_draft.added(BASE, rule_draft.to_toml(draft, rule_draft.named(draft, ["x"]))))


@given(st.text(min_size=1, max_size=30))
def test_words_stay_inside_of_their_quotes(word: str) -> None:
    draft = RuleDraft(((Clause("groups", Operator.ANY, (word,)),),), acr="loa:2")

    rule = tomllib.loads(rule_draft.to_toml(draft, "x").encode("utf-8", "surrogatepass").decode("utf-8", "replace"))

    assert rule["rule"][0]["when"] == {"groups": {"any": [word]}}
    assert rule.keys() == {"rule"}


def test_a_rule_never_takes_the_name_of_another() -> None:
    draft = RuleDraft(acr="phr", id="Admins!")

    assert rule_draft.named(draft, []) == "admins"
    assert rule_draft.named(draft, ["admins", "admins-2"]) == "admins-3"


def test_a_policy_whose_rules_stand_in_one_list_is_not_added_to() -> None:
    with pytest.raises(ValueError, match=r"\[\[rule\]\]"):
        rule_draft.added("schema = 1\nrule = [{ id = 'a' }]\n", "[[rule]]\nid = 'b'\n")
