"""What strangers write is bounded before anything parses it: filters, paths, lists."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scim2_models import ScimFilter

from idp.flows.admin.problem import Code, Problem
from idp.flows.admin.scim import bodies, faults, filters
from idp.flows.admin.scim.faults import Kind, ScimProblem, reading
from idp.flows.admin.scim.models import Group, Person

WORDS = [
    "userName",
    "emails",
    "eq",
    "pr",
    "and",
    "or",
    "not",
    "(",
    ")",
    "[",
    "]",
    '"',
    "\\",
    " ",
    '"x"',
    "true",
    ".",
    ":",
]


def depth(text: str) -> int:
    """Return how deep brackets are, for a text without any strings."""
    deepest = now = 0
    for letter in text:
        now += (letter in "([") - (letter in ")]")
        deepest = max(deepest, now)
    return deepest


@given(st.lists(st.sampled_from(WORDS), max_size=60).map("".join))
@settings(max_examples=300, deadline=None)
def test_no_text_does_more_than_be_refused(text: str) -> None:
    refusals = set()
    try:
        with reading():
            parsed = ScimFilter[Person](filters.check_bounds(text))
        filters.of_people(parsed)
    except ScimProblem as problem:
        refusals.add(problem.kind)
    assert refusals <= {Kind.INVALID_FILTER, Kind.INVALID_PATH}


@given(st.text(alphabet="([)]a", max_size=60))
def test_what_is_too_deep_is_refused_and_nothing_else(text: str) -> None:
    if depth(text) > filters.DEEPEST:
        with pytest.raises(ScimProblem):
            filters.check_bounds(text)
    else:
        assert filters.check_bounds(text) == text


def test_both_sides_of_the_longest_filter() -> None:
    assert filters.check_bounds("x" * filters.LONGEST)
    with pytest.raises(ScimProblem):
        filters.check_bounds("x" * (filters.LONGEST + 1))


@pytest.mark.parametrize(("terms", "is_taken"), [(filters.MOST_TERMS, True), (filters.MOST_TERMS + 1, False)])
def test_both_sides_of_the_most_comparisons(terms: int, is_taken: bool) -> None:
    wanted = ScimFilter[Person](" or ".join(["title pr"] * terms))

    if is_taken:
        assert not filters.of_people(wanted).is_exact
    else:
        with pytest.raises(ScimProblem):
            filters.of_people(wanted)


@pytest.mark.parametrize(("length", "is_taken"), [(100, True), (101, False)])
def test_both_sides_of_the_longest_list(length: int, is_taken: bool) -> None:
    document = {"deep": {"list": ["x"] * length}}

    if is_taken:
        bodies.check_lists(document, 100)
    else:
        with pytest.raises(ScimProblem):
            bodies.check_lists(document, 100)


def test_members_are_never_asked_of_all_groups() -> None:
    for text in (
        "members pr",
        'members.value eq "a" or id pr',
        'not (members eq "a")',
        'members eq "a" and members eq "b"',
    ):
        with pytest.raises(ScimProblem) as refused:
            filters.of_groups(ScimFilter[Group](text))
        assert refused.value.kind is Kind.TOO_MANY


@pytest.mark.parametrize("code", list(Code))
def test_every_refusal_of_an_operation_has_a_form_in_scim(code: Code) -> None:
    problem = Problem(code, "said")

    body = faults.document(problem.status, problem.detail, faults.kind_of(problem))

    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert body["status"] == str(problem.status)
