"""Schemas of requests mean what JSON Schema says, but that unlisted members are refused; nothing unknown is ignored."""

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.domain.json_schema import BadSchema, are_among, check_schema, faults, same

PAYMENT: dict[str, Any] = {
    "type": "object",
    "required": ["amount", "to"],
    "properties": {
        "to": {"type": "string", "minLength": 1, "maxLength": 5},
        "amount": {"type": "integer", "minimum": 1, "exclusiveMaximum": 100},
        "actions": {"type": "array", "items": {"type": "string", "enum": ["pay", "plan"]}, "minItems": 1,
                    "maxItems": 2, "uniqueItems": True},
        "place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "note": {"type": "object", "additionalProperties": True},
        "urgent": {"type": "boolean", "const": True},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        {"to": "Ada", "amount": 1},
        {"to": "Ada", "amount": 99, "actions": ["pay", "plan"], "place": {"city": "X"}, "note": {"any": [1]},
         "urgent": True, "share": 0.5},
        {"to": "Ada", "amount": 5.0},
    ],
)  # fmt: skip
def test_what_fits_has_no_faults(value: Any) -> None:
    assert list(faults(value, PAYMENT)) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"to": ""}, "to"),
        ({"to": "longer"}, "to"),
        ({"to": 5}, "to"),
        ({"amount": 0}, "amount"),
        ({"amount": 100}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"actions": []}, "actions"),
        ({"actions": ["pay", "pay"]}, "actions"),
        ({"actions": ["steal"]}, "actions.0"),
        ({"actions": "pay"}, "actions"),
        ({"place": {}}, "place.city"),
        ({"place": {"city": "X", "zip": "1"}}, "place.zip"),
        ({"urgent": False}, "urgent"),
        ({"urgent": 1}, "urgent"),
        ({"share": 0}, "share"),
        ({"share": 1.1}, "share"),
        ({"more": 1}, "more"),
    ],
)
def test_what_does_not_fit_is_named_by_its_place_and_never_repeated(change: dict[str, Any], where: str) -> None:
    found = list(faults({"to": "Ada", "amount": 1, **change}, PAYMENT))
    assert found
    assert found[0].startswith(where)


def test_a_missing_member_is_named() -> None:
    assert list(faults({"to": "Ada"}, PAYMENT)) == ["amount is missing"]


@pytest.mark.parametrize(
    "schema",
    [
        None, [], {}, {"type": "null"}, {"type": ["string"]}, {"type": "string", "pattern": "a*"},
        {"type": "string", "maxLength": -1}, {"type": "string", "maxLength": True}, {"type": "string", "enum": "a"},
        {"type": "object", "properties": []}, {"type": "object", "properties": {"a": {}}},
        {"type": "object", "required": [1]}, {"type": "object", "additionalProperties": {}},
        {"type": "array", "items": {"$ref": "https://elsewhere.example"}}, {"type": "number", "minimum": "1"},
    ],
)  # fmt: skip
def test_a_schema_that_is_not_understood_whole_is_refused(schema: Any) -> None:
    with pytest.raises(BadSchema):
        check_schema(schema)


def test_a_schema_nested_too_deeply_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(13):
        schema = {"type": "array", "items": schema}
    with pytest.raises(BadSchema):
        check_schema(schema)


LEAVES = st.one_of(
    st.booleans(), st.integers(-2, 3), st.sampled_from([0.5, 1.0, 2.5]), st.sampled_from(["", "a", "bb"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_leaves=6,
)
COUNTS = st.integers(0, 2)


def _leaf() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "number", "integer", "boolean"])},
        optional={
            "minLength": COUNTS, "maxLength": COUNTS, "minimum": COUNTS, "maximum": COUNTS,
            "exclusiveMinimum": COUNTS, "exclusiveMaximum": COUNTS, "enum": st.lists(LEAVES, min_size=1, max_size=2),
            "const": LEAVES,
        },
    )  # fmt: skip


def _nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    of_array = st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={"items": inner, "minItems": COUNTS, "maxItems": COUNTS, "uniqueItems": st.booleans()},
    )
    of_object = st.fixed_dictionaries(
        {"type": st.just("object"), "additionalProperties": st.booleans()},
        optional={
            "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            "required": st.lists(st.sampled_from("ab"), max_size=2, unique=True),
        },
    )
    return st.one_of(of_array, of_object)


@settings(max_examples=300)
@given(VALUES, st.recursive(_leaf(), _nested, max_leaves=4))
def test_a_value_fits_exactly_where_another_implementation_says_so(value: Any, schema: dict[str, Any]) -> None:
    check_schema(schema)
    expected = jsonschema_rs.validator_for(schema).is_valid(value)
    assert (list(faults(value, schema)) == []) is expected, json.dumps([value, schema])


@settings(max_examples=300)
@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4))
def test_values_are_among_others_if_each_is_the_same_as_one_of_them(some: list[Any], others: list[Any]) -> None:
    assert are_among(some, others) is all(any(same(each, other) for other in others) for each in some)


def test_items_are_told_apart_without_comparing_each_with_every_other() -> None:
    """Else some kilobytes that anybody may send keep a process busy: this would take a quarter of an hour."""
    many: list[Any] = list(range(100_000))
    schema = {"type": "array", "uniqueItems": True}

    assert list(faults(many, schema)) == []
    assert list(faults([*many, 5.0], schema)) != []
    assert are_among(many, [*reversed(many)])
