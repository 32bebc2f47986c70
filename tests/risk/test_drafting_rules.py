"""A model fills in a form whose every word is ours; what does not fit is read without it (drafting_rules.py)."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.json import JsonObject
from idp.policy import rule_draft, rule_file, shipped
from idp.policy.facts import FACTS
from idp.policy.findings import BadPolicy
from idp.risk.drafting_rules import PROMPT, SCHEMA, draft_rule, filled_in

FORM: dict[str, Any] = {
    "id": "night-admins",
    "when": [
        [{"fact": "groups", "operator": "any", "values": ["admins"], "negated": False}],
        [{"fact": "time.local", "operator": "within", "values": ["22:00", "06:00"], "negated": False},
         {"fact": "net.country", "operator": "in", "values": ["NO"], "negated": True}],
        [{"fact": "device.known", "operator": "eq", "values": ["false"], "negated": False}],
        [{"fact": "history.logins", "operator": "le", "values": ["3"], "negated": False}],
    ],
    "require": {"acr": "phr", "max_age": "12h", "unenrolled": "deny"},
    "deny_for": None, "effects": ["no_enrolment"], "notify": ["admin"], "not_understood": [],
}  # fmt: skip
CLAUSE = {"fact": "groups", "operator": "any", "values": ["admins"], "negated": False}


class Model:
    """A model that answers one thing, and remembers what it was asked."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[tuple[str, JsonObject]] = []

    async def __call__(self, prompt: str, schema: JsonObject) -> str:
        """Answer."""
        self.asked.append((prompt, schema))
        return self.answer


async def broken(_prompt: str, _schema: JsonObject) -> str:
    raise RuntimeError("down")


async def test_a_form_becomes_a_rule_that_we_write() -> None:
    model = Model(json.dumps(FORM))

    first, own = await draft_rule("admins at night", networks=["office"], writer=model)

    assert first.is_ai_written
    assert not own.is_ai_written
    text = rule_draft.to_toml(first.draft, "night-admins")
    assert text == (
        '[[rule]]\nid = "night-admins"\n'
        'when = { groups.any = ["admins"], any = [{ time.local.within = ["22:00", "06:00"] }, '
        '{ not = { net.country.in = ["NO"] } }], device.known = false, history.logins.le = 3 }\n'
        'require = { acr = "phr", max_age = "12h" }\nunenrolled = "deny"\n'
        'effects = ["no_enrolment"]\nnotify = ["admin"]\n'
    )
    prompt, schema = model.asked[0]
    assert prompt == f'{PROMPT}\n{{"sentence": "admins at night", "networks": ["office"]}}'
    assert schema is SCHEMA


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"require": {"acr": "loa:9", "max_age": None, "unenrolled": None}},
        {"require": {"acr": "phr", "max_age": None, "unenrolled": "wave through"}},
        {"require": {"acr": "phr"}},
        {"deny_for": "15m"},
        {"when": "always"},
        {"when": [[]]},
        {"when": [[CLAUSE | {"fact": "password"}]]},
        {"when": [[CLAUSE | {"operator": "matches"}]]},
        {"when": [[CLAUSE | {"operator": "ge"}]]},
        {"when": [[CLAUSE | {"values": ["x" * 129]}]]},
        {"when": [[CLAUSE | {"values": ["x"] * 25}]]},
        {"when": [[CLAUSE | {"more": 1}]]},
        {"when": [[CLAUSE]] * 9},
        {"when": [[{"fact": "device.known", "operator": "eq", "values": ["perhaps"], "negated": False}]]},
        {"when": [[{"fact": "net.asn", "operator": "eq", "values": ["one"], "negated": False}]]},
        {"effects": ["format_disk"]},
        {"notify": ["press"]},
        {"id": 7},
    ],
)
async def test_a_form_that_is_not_filled_in_as_asked_is_thrown_away(change: dict[str, Any]) -> None:
    found = await draft_rule("deny tor", writer=Model(json.dumps(FORM | change)))

    assert [each.is_ai_written for each in found] == [False]


@pytest.mark.parametrize("answer", ["", "no", "[]", "{}", "{" * 5000, "x" * 100_000, '{"id": NaN}'])
async def test_an_answer_that_is_no_form_leaves_our_own_reading(answer: str) -> None:
    (own,) = await draft_rule("deny tor", writer=Model(answer))

    assert own.draft.denies_for == "15m"
    assert own.is_whole


async def test_a_model_that_fails_leaves_our_own_reading() -> None:
    (own,) = await draft_rule("deny tor", writer=broken)

    assert own.is_whole


def test_what_a_model_did_not_understand_is_passed_on_without_hidden_marks() -> None:
    found = filled_in(json.dumps(FORM | {"not_understood": ["the\u202e moon\n", "\u200b"]}))

    assert found is not None
    assert found.not_understood == ("the moon",)
    assert not found.is_whole


def test_the_form_names_every_fact_and_nothing_is_optional() -> None:
    def objects(shape: Any) -> list[Any]:
        if isinstance(shape, list):
            return [each for item in shape for each in objects(item)]
        if not isinstance(shape, dict):
            return []
        inner = [each for value in shape.values() for each in objects(value)]
        return [shape, *inner] if shape.get("type") == "object" else inner

    found = objects(SCHEMA)

    assert len(found) == 3
    for shape in found:
        assert shape["additionalProperties"] is False
        assert shape["required"] == [*shape["properties"]]
    assert all(name in PROMPT for name in FACTS)


VALUES = st.lists(
    st.text(max_size=12) | st.sampled_from(["admins", "NO", "true", "3", "10m", "high", "22:00"]), max_size=3
)
CLAUSES = st.fixed_dictionaries({
    "fact": st.sampled_from([*FACTS]), "operator": st.sampled_from(["eq", "in", "any", "ge", "within", "exists"]),
    "values": VALUES, "negated": st.booleans(),
})  # fmt: skip


@given(st.lists(st.lists(CLAUSES, max_size=3), max_size=3), st.text(max_size=20))
def test_whatever_a_form_holds_comes_out_as_one_rule_or_is_refused(when: list[Any], name: str) -> None:
    found = filled_in(json.dumps(FORM | {"when": when, "id": name}))

    if found is not None:
        base = shipped.text("balanced")
        text = rule_draft.added(base, rule_draft.to_toml(found.draft, rule_draft.named(found.draft, [])))
        with suppress(BadPolicy):
            assert len(rule_file.read(text).rules) == len(rule_file.read(base).rules) + 1
