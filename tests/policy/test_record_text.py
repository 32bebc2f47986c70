"""Records read quickly from their text: the same as read at length, whatever the text."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.policy import record_text, rule_file, shipped
from idp.policy.facts import Json
from idp.policy.record import RecordedSignIn, canonical, from_json, replay, to_json
from idp.policy.record_text import Rest
from tests.support.recorded import history

OWN = rule_file.read(shipped.text("balanced"))
PAST = list(history(OWN, 200))
DOCUMENTS = [to_json(each) for each in PAST]
LOOKED_AT = ("v", "at", "user", "facts", "ability", "decision", "policy", "taught")
AWKWARD = st.sampled_from(
    [
        '"',
        "\\",
        ',"facts":{}',
        ',"policy":"x","rules":[',
        '","v":1}',
        "]",
        "}",
        "\ud7ff",
        "\x00",
        "🦊",
        "password",
        "u1",
        "",
    ]
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**12) | st.floats(allow_nan=False, allow_infinity=False) | AWKWARD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(AWKWARD, inner, max_size=2),
    max_leaves=4,
)


def at_length(text: str) -> RecordedSignIn | None:
    try:
        document = json.loads(text)
        return from_json(document) if isinstance(document, dict) else None
    except ValueError:
        return None


def quickly(text: str, like: RecordedSignIn | None) -> RecordedSignIn | None:
    outcome, label = (None, None) if like is None else (like.outcome, like.label)
    try:
        return record_text.read(text, outcome=outcome, label=label)
    except ValueError:
        return None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", "{}", '{"v":1}', "[" * 50_000, '{"ability":{}}'])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        record_text.read(text, outcome=None, label=None)


def test_every_record_is_read_the_quick_way_and_is_the_same() -> None:
    for document in DOCUMENTS:
        text = canonical(document).decode()

        found = quickly(text, at_length(text))

        assert found is not None
        assert isinstance(found.verdict, Rest)
        assert found == at_length(text)


def test_what_came_of_a_decision_since_stands_beside_its_record() -> None:
    found = record_text.read(canonical(DOCUMENTS[0]).decode(), outcome="failed", label="attack")

    assert (found.outcome, found.is_attack) == ("failed", True)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(DOCUMENTS), st.data())
def test_a_document_of_any_shape_is_read_quickly_as_at_length(document: dict[str, Json], data: st.DataObject) -> None:
    """One value anywhere is another one, or a key more or less.

    What is read at length is read quickly, and the same; only of what a replay never looks at, less is found wrong.
    """
    changed: dict[str, Json] = json.loads(canonical(document))
    place = changed
    while isinstance(inner := place.get(key := data.draw(st.sampled_from(sorted(place)))), dict) and inner:
        if data.draw(st.booleans()):
            break
        place = inner
    if data.draw(st.booleans()):
        place[data.draw(AWKWARD | st.just(key))] = data.draw(VALUES)
    else:
        del place[key]
    text = canonical(changed).decode()

    slowly = at_length(text)
    found = quickly(text, slowly)

    if slowly is not None or key in LOOKED_AT:
        assert found == slowly


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(DOCUMENTS), st.integers(0, 3000), st.integers(1, 40), AWKWARD)
def test_a_torn_text_is_no_exception_but_a_record_or_none(
    document: dict[str, Json], at: int, length: int, inserted: str
) -> None:
    text = canonical(document).decode()

    found = quickly(text[:at] + inserted + text[at + length :], None)

    assert found is None or len(found.verdict) >= 0


def test_a_record_that_was_read_quickly_gives_its_decision_again() -> None:
    for record in PAST[:50]:
        found = quickly(canonical(to_json(record)).decode(), record)

        assert found is not None
        assert replay(found, OWN).as_json() == record.verdict
        assert found.ability.now - found.at == timedelta(0)
