"""A decision record is one canonical document, and replays alone to the decision that it tells of."""

import json

import pytest

from idp.policy import record, rule_file, shipped
from idp.policy.facts import Json
from tests.support.recorded import history

POLICIES = [rule_file.read(shipped.text(name), name) for name in shipped.NAMES]


@pytest.mark.parametrize("policy", POLICIES, ids=shipped.NAMES)
def test_a_record_replays_to_its_decision_from_its_bytes_alone(policy: rule_file.Policy) -> None:
    for made in history(policy, 1500):
        text = record.canonical(record.to_json(made))

        read = record.from_json(json.loads(text))

        assert record.replay(read, policy).as_json() == made.verdict
        assert record.canonical(record.to_json(read)) == text


def test_a_document_has_one_form_and_one_name() -> None:
    (made,) = history(POLICIES[0], 1)
    document = record.to_json(made)

    shuffled = dict(reversed(document.items()))

    assert record.content_hash(shuffled) == record.content_hash(document)
    assert b": " not in record.canonical({"a": {"b": [1, 2]}})
    assert record.canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'.encode()
    assert record.content_hash({**document, "user": "somebody"}) != record.content_hash(document)
    with pytest.raises(ValueError, match="not JSON compliant"):
        record.canonical({"llr": float("nan")})


def test_a_record_holds_what_the_engine_and_the_adviser_said() -> None:
    (made,) = history(POLICIES[0], 1)
    document: dict[str, Json] = {
        **record.to_json(made),
        "advice": {"state": "ok"},
        "taught": ["NET_IP"],
        "label": "legit",
    }

    read = record.from_json(document)

    assert read.assessed == made.assessed
    assert read.advice == {"state": "ok"}
    assert read.taught == ("NET_IP",)
    assert not read.is_attack
    assert record.to_json(read) == document


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2}, {"v": None}, {"facts": []}, {"facts": {"net.planet": 1}}, {"ability": {}}, {"ability": []},
        {"taught": None}, {"at": "yesterday"}, {"decision": "maybe"},
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused(change: dict[str, Json]) -> None:
    (made,) = history(POLICIES[0], 1)
    document = record.to_json(made)

    with pytest.raises(ValueError):
        record.from_json({**document, **change})
    with pytest.raises(ValueError):
        record.from_json({key: value for key, value in document.items() if key not in change})


@pytest.mark.parametrize(
    "change",
    [
        {"proofs": None}, {"proofs": [3]}, {"proofs": [{"factor": "palm", "at": "2026-01-01", "traits": []}]},
        {"enrolled": ["palm"]}, {"floor": [1]}, {"floor": ["1", False, False, False, None]}, {"order": None},
    ],
)  # fmt: skip
def test_an_ability_of_another_shape_is_refused(change: dict[str, Json]) -> None:
    (made,) = history(POLICIES[0], 1)
    document = record.to_json(made)
    ability = document["ability"]
    assert isinstance(ability, dict)

    with pytest.raises(ValueError):
        record.from_json({**document, "ability": {**ability, **change}})
