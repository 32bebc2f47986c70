"""Drafts for operators: recommendations from the fleet, words no password may be made of, and wording per code.

A model may help, and is a callable that is passed in; without one, or with one that fails, a plain template answers.
Nothing drafted takes effect before a person approved it. No password, and nothing made from one person's, can get here:
what is sent are members of closed lists, counts of fifty people and more, and names that an administrator approved.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from idp.domain.advice import Payload, true_reasons
from idp.domain.json import BadJson, Json, read_json
from idp.domain.refusal import Refusal
from idp.policy.passwords import own_words
from idp.risk.drafting_text import EXPLANATIONS, GUIDANCE, MEASURES, NOTHING_UNUSUAL, PROMPTS, Cell, Measure
from idp.risk.wording import Blank, Language, Wording, accepted

Draft = Callable[[str], Awaitable[str]]
FEWEST = 50  # people in whatever is shown or sent
STEP = 5  # per cent: finer shares could be subtracted from each other until they tell of somebody
MOST_WORDS = 50
MOST_PIECES = 6
MOST_FACTS = 100
_LONGEST_ANSWER = 8 * 1024
_NAME = re.compile(r"[^\W_]+(?:[ .'’-]{1,2}[^\W_]+){0,5}")
_WORD = re.compile(r"[^\W_]{3,32}")
_PLACE = (Blank.CITY, Blank.COUNTRY, Blank.TIME)
log = structlog.get_logger("drafting")


# Wording


async def explain(payload: Payload, draft: Draft | None = None) -> Wording:
    """Say in a sentence or three why a score is what it is; a model sees the payload alone, which names nobody."""
    if type(payload) is not Payload:
        raise TypeError("only a Payload can be explained")
    plain = " ".join(EXPLANATIONS[reason] for reason in payload.top) or NOTHING_UNUSUAL
    written = await _ask(draft, f"{PROMPTS['explain']}\n{payload.to_bytes().decode()}")
    codes = [reason.value for reason in (*true_reasons(payload), *payload.top)]
    return _chosen(written, Wording(plain), codes)


async def guide(code: Refusal, language: Language = Language.EN, draft: Draft | None = None) -> Wording:
    """Say how to do better after a refusal; written once per code and language, whoever was refused.

    Without a model the answer is in English. Raises ValueError for a code that has no guidance.
    """
    if type(code) is not Refusal or code not in GUIDANCE or type(language) is not Language:
        raise ValueError("there is guidance for refused passwords only")
    plain = GUIDANCE[code]
    question = json.dumps({"code": code.value, "language": language.value, "template": plain})
    return _chosen(await _ask(draft, f"{PROMPTS['guide']}\n{question}"), Wording(plain), (), language)


def _chosen(
    written: str | None, plain: Wording, codes: Iterable[str], language: Language = Language.EN
) -> Wording:  # fmt: skip
    text = None if written is None else accepted(written, codes=codes, blanks=_PLACE)
    return plain if text is None else Wording(text, language, is_ai_written=True)


# Context words


class FactKind(StrEnum):
    """What an administrator may say about the surroundings."""

    PRODUCT = "product"
    BRAND = "brand"
    CITY = "city"


@dataclass(frozen=True, slots=True)
class ApprovedFact:
    """A name that everybody here knows and an administrator entered for this; raises TypeError or ValueError."""

    kind: FactKind
    name: str
    approved_by: str

    def __post_init__(self) -> None:
        """Check it, since it is the one text that a model is given."""
        if type(self.kind) is not FactKind or type(self.name) is not str or type(self.approved_by) is not str:
            raise TypeError("a fact is a kind and a name, approved by somebody")
        if not self.approved_by.strip() or len(self.name) > 64 or not _NAME.fullmatch(self.name):
            raise ValueError("a fact is a short name of letters and digits, approved by somebody")


@dataclass(frozen=True, slots=True)
class ApprovedWord:
    """A word that no password may be made of."""

    word: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class ProposedWord:
    """A word that waits for a person; until then it goes into no list."""

    word: str
    is_ai_written: bool = False

    def approve(self, by: str) -> ApprovedWord:
        """Return the word as a person approved it; raises ValueError without a name."""
        if not by.strip():
            raise ValueError("a word is approved by somebody")
        return ApprovedWord(self.word, by)


async def propose_words(facts: Sequence[ApprovedFact], draft: Draft | None = None) -> tuple[ProposedWord, ...]:
    """Return words that guessers would try here: the names' own parts, and what a model adds to them.

    Raises TypeError for anything but facts, ValueError for more than a hundred.
    """
    if any(type(fact) is not ApprovedFact for fact in facts):
        raise TypeError("words come from approved facts only")
    if len(facts) > MOST_FACTS:
        raise ValueError("too many facts")
    own = dict.fromkeys(word.casefold() for fact in facts for word in own_words(fact.name) if _WORD.fullmatch(word))
    sent = json.dumps([{"kind": fact.kind.value, "name": fact.name} for fact in facts], ensure_ascii=False)
    answer = await _ask_list(draft if facts else None, f"{PROMPTS['words']}\n{sent}")
    added = dict.fromkeys(each.casefold() for each in answer if _WORD.fullmatch(each))
    return (
        *(ProposedWord(word) for word in own),
        *[ProposedWord(word, is_ai_written=True) for word in added if word not in own][:MOST_WORDS],
    )


# Recommendations


class Piece(StrEnum):
    """A part of a password's structure, never what it says."""

    WORD = "word"
    NAME = "name"
    OWN_WORD = "own_word"
    YEAR = "year"
    DATE = "date"
    DIGITS = "digits"
    SIGN = "sign"
    KEYBOARD = "keyboard"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True)
class Structure:
    """How often new passwords had these parts in this order; linked to nobody. Raises TypeError or ValueError."""

    pieces: tuple[Piece, ...]
    seen: int

    def __post_init__(self) -> None:
        """Check what the types promise."""
        if type(self.pieces) is not tuple or any(type(piece) is not Piece for piece in self.pieces):
            raise TypeError("a structure is a tuple of pieces")
        if type(self.seen) is not int or not 0 < len(self.pieces) <= MOST_PIECES:
            raise ValueError("a structure has one to six pieces and a count")


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many of all people are in which cell; raises TypeError for anything but counts of cells."""

    people: int
    cells: Mapping[Cell, int] = field(default_factory=dict)
    structures: tuple[Structure, ...] = ()

    def __post_init__(self) -> None:
        """Check what the types promise."""
        numbers = [self.people, *self.cells.values()]
        if any(type(cell) is not Cell for cell in self.cells) or any(type(number) is not int for number in numbers):
            raise TypeError("a fleet is counts of cells")
        if any(type(structure) is not Structure for structure in self.structures):
            raise TypeError("a fleet has structures")

    def shares(self) -> dict[Cell, int]:
        """Return the share of each cell of fifty people or more, in per cent, rounded down to steps of five."""
        return {
            cell: min(100, number * 100 // self.people) // STEP * STEP
            for cell, number in sorted(self.cells.items())
            if FEWEST <= number <= self.people
        }

    def common_structures(self) -> tuple[Structure, ...]:
        """Return what was seen fifty times or more, the commonest first."""
        common = [structure for structure in self.structures if structure.seen >= FEWEST]
        return tuple(sorted(common, key=lambda structure: (-structure.seen, structure.pieces)))


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What an operator might do, why, and whether a model alone proposed it."""

    measure: Measure
    text: str
    percent: int | None = None
    is_ai_written: bool = False


async def recommend(
    fleet: Fleet, draft: Draft | None = None, *, with_structures: bool = False
) -> tuple[Recommendation, ...]:
    """Return what the fleet's shares speak for, the largest first; a model may only add measures from the list.

    Structures are looked at, and sent, only if the operator switched that on.
    """
    if type(fleet) is not Fleet:
        raise TypeError("only a fleet can be looked at")
    shares = fleet.shares()
    structures = [list(each.pieces) for each in fleet.common_structures()] if with_structures else []
    plain = [_advised(measure, shares[cell]) for measure, cell, least in _rules() if shares.get(cell, -1) >= least]
    plain.sort(key=lambda each: -(each.percent or 0))
    plain += [Recommendation(Measure.EXPLAIN_STRUCTURES, MEASURES[Measure.EXPLAIN_STRUCTURES].text)] * bool(structures)
    sent = json.dumps({"percent": shares, "structures": structures}, sort_keys=True)
    answer = await _ask_list(draft if shares or structures else None, f"{PROMPTS['recommend']}\n{sent}")
    known = {each.measure for each in plain}
    cells = {measure: cell for measure, cell, _ in _rules() if cell in shares and measure not in known}
    named = [measure for measure in dict.fromkeys(answer) if measure in cells]
    return (*plain, *(_advised(Measure(each), shares[cells[Measure(each)]], is_ai_written=True) for each in named))


def _rules() -> Iterable[tuple[Measure, Cell, int]]:
    return [(measure, rule.cell, rule.least) for measure, rule in MEASURES.items() if rule.cell is not None]


def _advised(measure: Measure, percent: int, *, is_ai_written: bool = False) -> Recommendation:
    return Recommendation(measure, MEASURES[measure].text.format(percent=percent), percent, is_ai_written)


# The model


async def _ask(draft: Draft | None, prompt: str) -> str | None:
    """Return what a model wrote; None without one, or if it failed or wrote too much."""
    if draft is None:
        return None
    try:
        written = await draft(prompt)
    except Exception as error:  # noqa: BLE001 – whatever a vendor's code does, the template answers
        log.warning("draft_failed", kind=type(error).__name__)
        return None
    return written if isinstance(written, str) and len(written) <= _LONGEST_ANSWER else None


async def _ask_list(draft: Draft | None, prompt: str) -> list[str]:
    """Return the words that a model listed as JSON; none if it wrote anything else."""
    written = await _ask(draft, prompt)
    try:
        listed: Json = [] if written is None else read_json(written, max_depth=2)
    except BadJson:
        return []
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
