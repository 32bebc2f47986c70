"""JSON from strangers is read strictly: what two parsers could read differently is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from idp.domain.json import MAX_MEMBERS, BadJson, depth_of, read_json, read_object

VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=20,
)

REFUSED = {
    "a member twice": '{"a": 1, "a": 2}',
    "a member twice, deep inside": '[{"b": {"a": 1, "a": 1}}]',
    "a member twice, once escaped": '{"a": 1, "\\u0061": 2}',
    "NaN": "[NaN]",
    "Infinity": "[Infinity]",
    "minus Infinity": "[-Infinity]",
    "a number beyond every float": "[1e999]",
    "a number of 5,000 digits": "9" * 5000,
    "a lone surrogate": '["\\ud800"]',
    "a lone surrogate as a name": '{"\\udc00": 1}',
    "a trailing comma": "[1,]",
    "single quotes": "{'a': 1}",
    "a comment": "[1] // one",
    "two values": "{} {}",
    "nothing": "",
    "a byte order mark": "\ufeff{}",
    "a control character in a string": '["\n"]',
    "too deep": "[" * 33 + "]" * 33,
    "far too deep": "[" * 100_000,
    "too wide": json.dumps({str(number): 0 for number in range(MAX_MEMBERS + 1)}),
    "too wide in the sum": json.dumps([{"a": 0}] * (MAX_MEMBERS + 1)),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_json_that_parsers_read_differently_is_refused(text: str) -> None:
    with pytest.raises(BadJson):
        read_json(text)


@pytest.mark.parametrize(
    "text",
    ["[" * 32 + "]" * 32, json.dumps({str(number): 0 for number in range(MAX_MEMBERS)}), '"\\ud83d\\ude00"', "1e308"],
    ids=["as deep as allowed", "as wide as allowed", "a surrogate pair", "a large number"],
)
def test_json_at_the_limits_is_read(text: str) -> None:
    assert read_json(text) == json.loads(text)


@given(VALUES)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert read_json(json.dumps(value)) == value


@given(some.text(alphabet='[]{}",:\\ua01e.-+ "nulltrefs\ud800'))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        value = read_json(text)
    except BadJson:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize("text", ["[]", '"{}"', "1", "null"])
def test_an_object_is_wanted_and_nothing_else(text: str) -> None:
    with pytest.raises(BadJson):
        read_object(text)


def test_an_object_is_read() -> None:
    assert read_object('{"a": [1, null]}') == {"a": [1, None]}


@pytest.mark.parametrize(
    ("text", "depth"), [("1", 0), ("[]", 1), ('{"a": [[]]}', 3), ('"[[["', 0), ('["\\"[[", []]', 2), ("]]][", 0)]
)
def test_brackets_in_strings_are_not_depth(text: str, depth: int) -> None:
    assert depth_of(text) == depth
