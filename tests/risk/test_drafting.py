"""Drafts: plain without a model, bounded with one, approved by people; no password can be handed to any of it."""

import ast
import json
from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from enum import Enum
from pathlib import Path
from typing import cast, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.advice import Payload, Reason
from idp.domain.refusal import Refusal
from idp.risk.drafting import (
    FEWEST,
    MOST_WORDS,
    ApprovedFact,
    Draft,
    FactKind,
    Fleet,
    Piece,
    ProposedWord,
    Structure,
    explain,
    guide,
    propose_words,
    recommend,
)
from idp.risk.drafting_text import EXPLANATIONS, GUIDANCE, MEASURES, NOTHING_UNUSUAL, Cell, Measure
from idp.risk.wording import LONGEST, Blank, Language, Wording, accepted
from tests.support.attempts import ORDINARY

SECRET = "Sommer2026-geheim"
GOOD = "This device is new, and it signs in from {{city}}."
UNKNOWN_DEVICE = replace(ORDINARY, top=(Reason.DEV_NO_COOKIE,))
FACTS = (
    ApprovedFact(FactKind.PRODUCT, "Nordlicht Bank", "ada"),
    ApprovedFact(FactKind.CITY, "Köln", "ada"),
)
IDP = Path(__file__).parents[2] / "idp"


class Model:
    """A model that answers one thing, and remembers what it was asked."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def __call__(self, prompt: str) -> str:
        """Answer."""
        self.asked.append(prompt)
        return self.answer


async def broken(_prompt: str) -> str:
    raise RuntimeError(SECRET)


async def shapeless(_prompt: str) -> str:
    return cast(str, 7)


# What is accepted


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x" * (LONGEST + 1),
        "x" * 1_000_000,
        "See https://example.org for more",
        "See example.org for more",
        "See ｅｘａｍｐｌｅ．ｏｒｇ for more",
        "See example。org for more",
        "See 192.0.2.1 for more",
        "Write to me@example",
        "<b>New</b> device",
        "[new](device)",
        "`new`",
        "First line\nsecond line",
        "hidden\u200bmark",
        "turned \u202earound",
        "null\0",
        "It is {{password}}",
        "It is {{ city",
        "It is {% city %}",
        "It is {{browser}}",
        "Because of NET_HOSTING",
        "Because of net-hosting",
        "Because of Net Hosting",
        "Because of ＮＥＴ＿ＨＯＳＴＩＮＧ",
        "Because of SPRAY_ACTIVE",
        "Because of AUTOMATION",
        "DEV_NO_COOKIE and LIST_DENY",
    ],
)
def test_a_text_with_a_link_markup_hidden_marks_or_a_code_that_is_not_there_is_dropped(text: str) -> None:
    assert accepted(text, codes=["DEV_NO_COOKIE"], blanks=[Blank.CITY]) is None


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "x" * LONGEST,
        "DEV_NO_COOKIE: nobody knows this device",
        "Neues Gerät, kurz vor 9:30 Uhr (sonst nie)!",
        "初めての端末です。いつもと違います。",
        "Nobody uses this network. Really?",
    ],
)
def test_a_plain_text_is_accepted(text: str) -> None:
    assert accepted(f" {text} ", codes=["DEV_NO_COOKIE"], blanks=[Blank.CITY]) == text


@given(st.text(max_size=500))
def test_what_is_accepted_is_accepted_again_and_is_short_and_leads_nowhere(text: str) -> None:
    kept = accepted(text)

    if kept is not None:
        assert accepted(kept) == kept
        assert len(kept) <= LONGEST
        assert not set(kept) & set("<>{}[]\n\r/@_")


# Blanks


@pytest.mark.parametrize(
    ("city", "expected"),
    [
        ("Köln", "in Köln at –"),
        ("St. John's", "in St. John's at –"),
        ("{{time}}", "in time at –"),
        ("<script>", "in script at –"),
        ("evil.example", "in – at –"),
        ("a\u202eb\n", "in ab at –"),
        ("x" * 99, f"in {'x' * 64} at –"),
        ("", "in – at –"),
    ],
)
def test_a_blank_is_filled_once_and_with_plain_text_only(city: str, expected: str) -> None:
    assert Wording("in {{city}} at {{ time }}").filled({Blank.CITY: city}) == expected


def test_a_page_gets_the_whole_text_escaped() -> None:
    assert Wording('"{{city}}" & more').as_html({Blank.CITY: "O'Fallon"}) == "&quot;O&#x27;Fallon&quot; &amp; more"


def test_what_a_model_wrote_is_shown_once_somebody_approved_it() -> None:
    written = Wording("Text", is_ai_written=True)

    assert Wording("Text").may_be_shown
    assert not written.may_be_shown
    assert written.approve("ada").may_be_shown
    assert written.approve("ada").is_ai_written
    with pytest.raises(ValueError, match="by somebody"):
        written.approve(" ")


# Explanations and guidance


async def test_without_a_model_a_template_explains() -> None:
    assert await explain(ORDINARY) == Wording(NOTHING_UNUSUAL)
    assert await explain(UNKNOWN_DEVICE) == Wording(EXPLANATIONS[Reason.DEV_NO_COOKIE])


@pytest.mark.parametrize("draft", [broken, shapeless, Model("Tor: LIST_TOR"), Model("x" * 10_000_000), Model("")])
async def test_a_model_that_fails_or_makes_things_up_changes_nothing(draft: Draft) -> None:
    assert await explain(UNKNOWN_DEVICE, draft) == await explain(UNKNOWN_DEVICE)
    assert await guide(Refusal.PASSWORD_BLOCKED, Language.DE, draft) == Wording(GUIDANCE[Refusal.PASSWORD_BLOCKED])
    assert await propose_words(FACTS, draft) == await propose_words(FACTS)
    assert await recommend(FLEET, draft) == await recommend(FLEET)


async def test_a_model_explains_the_payload_and_is_told_nothing_else() -> None:
    model = Model(f"{GOOD} DEV_NO_COOKIE")

    explained = await explain(UNKNOWN_DEVICE, model)

    assert explained == Wording(f"{GOOD} DEV_NO_COOKIE", is_ai_written=True)
    assert not explained.may_be_shown
    assert model.asked[0].split("\n")[1:] == [UNKNOWN_DEVICE.to_bytes().decode()]


async def test_guidance_is_asked_for_by_code_and_language_and_is_the_same_for_everybody() -> None:
    model = Model("Vier Wörter, die nichts miteinander zu tun haben.")

    first = await guide(Refusal.PASSWORD_TOO_SHORT, Language.DE, model)
    await guide(Refusal.PASSWORD_TOO_SHORT, Language.DE, model)

    assert first == Wording(model.answer, Language.DE, is_ai_written=True)
    assert model.asked[0] == model.asked[1]


def test_every_refused_password_has_guidance_and_every_reason_a_sentence() -> None:
    assert set(GUIDANCE) == {code for code in Refusal if code.value.startswith("password_")}
    assert set(EXPLANATIONS) == set(Reason) - {Reason.NONE}
    for text in (*GUIDANCE.values(), *EXPLANATIONS.values(), NOTHING_UNUSUAL):
        assert accepted(text) == text
    assert all(len(text) * 3 + 2 <= LONGEST for text in EXPLANATIONS.values())


# Context words


async def test_words_are_the_parts_of_approved_names_and_what_a_model_adds_and_wait_for_a_person() -> None:
    model = Model(json.dumps(["Alaaf", "köln", "two words", "ok", "http://x", 7, None, "rhein", "alaaf", "y" * 33]))

    plain, proposed = await propose_words(FACTS), await propose_words(FACTS, model)

    assert [each.word for each in plain] == ["nordlicht", "bank", "köln"]
    assert proposed == (*plain, ProposedWord("alaaf", is_ai_written=True), ProposedWord("rhein", is_ai_written=True))
    assert proposed[0].approve("ada").word == "nordlicht"
    with pytest.raises(ValueError, match="by somebody"):
        proposed[0].approve("")


@pytest.mark.parametrize("answer", ["{}", '"word"', "not JSON", "[[[]]]", '["a"', "7"])
async def test_an_answer_that_is_no_list_adds_no_word(answer: str) -> None:
    assert await propose_words(FACTS, Model(answer)) == await propose_words(FACTS)


async def test_a_model_adds_fifty_words_at_most_and_is_not_asked_about_nothing() -> None:
    model = Model(json.dumps([f"word{number}" for number in range(200)]))

    assert sum(each.is_ai_written for each in await propose_words(FACTS, model)) == MOST_WORDS
    assert await propose_words((), model) == ()
    assert len(model.asked) == 1
    with pytest.raises(ValueError, match="too many"):
        await propose_words(FACTS * 51)


# Recommendations


FLEET = Fleet(
    1000,
    {Cell.NO_SECOND_FACTOR: 412, Cell.ONLY_SMS: FEWEST - 1, Cell.NO_PASSKEY: 730, Cell.DORMANT: 150},
    (Structure((Piece.WORD, Piece.YEAR), FEWEST), Structure((Piece.NAME,), FEWEST - 1)),
)


async def test_measures_follow_from_shares_the_largest_first() -> None:
    advised = await recommend(FLEET)

    assert [(each.measure, each.percent) for each in advised] == [
        (Measure.OFFER_PASSKEYS, 70),
        (Measure.OFFER_SECOND_FACTOR, 40),
    ]
    assert all("%" in each.text and "{" not in each.text for each in advised)


async def test_a_cell_of_fewer_than_fifty_people_is_neither_shown_nor_sent() -> None:
    model = Model("[]")
    few = Fleet(FEWEST, {Cell.ONLY_SMS: FEWEST - 1, Cell.BREACHED_PASSWORD: FEWEST})

    assert [each.measure for each in await recommend(few, model)] == [Measure.CHANGE_BREACHED]
    assert json.loads(model.asked[0].split("\n")[1]) == {"percent": {"breached_password": 100}, "structures": []}
    assert await recommend(Fleet(FEWEST, {Cell.ONLY_SMS: FEWEST - 1}), model) == ()
    assert await recommend(Fleet(0), model) == ()
    assert len(model.asked) == 1


async def test_a_model_may_add_measures_that_a_shown_cell_speaks_of_and_no_others() -> None:
    model = Model(json.dumps(["close_dormant", "close_dormant", "replace_sms", "offer_passkeys", "delete_everybody"]))

    advised = await recommend(FLEET, model)

    assert advised[:2] == await recommend(FLEET)
    assert [(each.measure, each.percent, each.is_ai_written) for each in advised[2:]] == [
        (Measure.CLOSE_DORMANT, 15, True)
    ]


async def test_structures_are_off_until_somebody_switches_them_on_and_seen_fifty_times() -> None:
    model = Model("[]")

    assert Measure.EXPLAIN_STRUCTURES not in [each.measure for each in await recommend(FLEET, model)]
    switched_on = await recommend(FLEET, model, with_structures=True)

    assert switched_on[-1].measure is Measure.EXPLAIN_STRUCTURES
    assert [json.loads(asked.split("\n")[1])["structures"] for asked in model.asked] == [[], [["word", "year"]]]


@given(st.integers(0, 10_000), st.dictionaries(st.sampled_from(Cell), st.integers(-5, 10_000)))
def test_shares_tell_of_fifty_people_or_more_in_steps_of_five(people: int, cells: dict[Cell, int]) -> None:
    for cell, share in Fleet(people, cells).shares().items():
        assert cells[cell] >= FEWEST
        assert share % 5 == 0
        assert 0 <= share <= 100


def test_every_cell_has_a_measure() -> None:
    assert set(MEASURES) == set(Measure)
    assert {rule.cell for rule in MEASURES.values()} - {None} == set(Cell)


# No password gets here


HOSTILE: list[Callable[[Draft], Awaitable[object]]] = [
    lambda draft: explain(cast(Payload, SECRET), draft),
    lambda draft: guide(cast(Refusal, SECRET), Language.EN, draft),
    lambda draft: guide(Refusal.WRONG_CREDENTIALS, Language.EN, draft),
    lambda draft: guide(Refusal.PASSWORD_BLOCKED, cast(Language, SECRET), draft),
    lambda draft: propose_words(cast(tuple[ApprovedFact], (SECRET,)), draft),
    lambda draft: propose_words(cast(tuple[ApprovedFact], SECRET), draft),
    lambda draft: recommend(cast(Fleet, SECRET), draft),
]


@pytest.mark.parametrize("hand_over", HOSTILE)
async def test_a_password_is_refused_at_every_door(hand_over: Callable[[Draft], Awaitable[object]]) -> None:
    model = Model("[]")

    with pytest.raises((TypeError, ValueError)):
        await hand_over(model)

    assert model.asked == []


def test_what_is_counted_or_approved_has_no_place_for_one() -> None:
    with pytest.raises(TypeError):
        Fleet(1, {cast(Cell, SECRET): 60})
    with pytest.raises(TypeError):
        Fleet(1, {Cell.DORMANT: cast(int, SECRET)})
    with pytest.raises(TypeError):
        Fleet(1, {}, (cast(Structure, SECRET),))
    with pytest.raises(TypeError):
        Structure((cast(Piece, SECRET),), 60)
    for pieces in ((), (Piece.WORD,) * 7):
        with pytest.raises(ValueError, match="pieces"):
            Structure(pieces, 60)
    with pytest.raises(TypeError):
        ApprovedFact(cast(FactKind, SECRET), "Köln", "ada")
    for name, by in (("Köln", ""), ("", "ada"), ("a" * 65, "ada"), (SECRET + "!", "ada"), ("a.example/x", "ada")):
        with pytest.raises(ValueError, match="fact"):
            ApprovedFact(FactKind.CITY, name, by)


def test_an_approved_name_is_the_only_text_that_can_be_sent() -> None:
    """Every other field is a number or a member of a closed list."""
    texts = {
        f"{noun.__name__}.{field.name}"
        for noun in (Payload, Fleet, Structure, ApprovedFact)
        for field in fields(noun)
        if not _is_closed(get_type_hints(noun)[field.name])
    }

    assert texts == {"ApprovedFact.name", "ApprovedFact.approved_by"}


def _is_closed(kind: object) -> bool:
    inner = [each for each in getattr(kind, "__args__", ()) if each is not ...]
    if inner:
        return all(map(_is_closed, inner))
    return isinstance(kind, type) and (kind in (int, bool, Structure) or issubclass(kind, Enum))


def test_no_module_that_holds_passwords_knows_of_drafts() -> None:
    for path in IDP.rglob("*.py"):
        name = path.relative_to(IDP).as_posix()
        if "password" in name or name.startswith(("factors/", "flows/login", "flows/sign", "flows/recovery")):
            named = {node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
            assert not {"idp.risk.drafting", "idp.risk.wording"} & named, name
