"""Records read from their text by the hundred thousand: what a replay needs at once, the rest when it is asked for.

The text of a record is canonical, so everything stands where it always stands, and what differs little between records
(who can do what) is read once. A text of any other shape is read as a whole, and comes to the same. Whether a text is
what was written is its digest's to say.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from idp.domain.assurance import Factor, Proof, Trait
from idp.policy import facts as fact_file
from idp.policy.ability import Ability
from idp.policy.facts import Json
from idp.policy.record import DECISIONS, RecordedSignIn, assessed_of, from_json, read_ability, verdict_of

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_WORD, _FLAT_LIST = r'"([^"\\]*)"', r"\[[^][{}]*\]"
# Rigid on purpose: a quotation mark inside a string is escaped, so that none of this can be found inside one.
_BEGIN = re.compile(
    rf'{{"ability":{{"act_began":(?:null|{_WORD}),("attests":[^{{}}]*),"proofs":\['
    rf'((?:{{"at":"[^"\\]*","factor":"[^"\\]*","traits":{_FLAT_LIST}}},?)*)\],"request":({_FLAT_LIST})}},'
    rf'"acr":"[^"\\]*","advice":null,(?:"adviser":{{[^{{}}]*}},)?"at":{_WORD},"band":"[^"\\]*","decision":{_WORD},'
    rf'(?:"denies_for":\d+,)?"effects":{_FLAT_LIST},"engine":"[^"\\]*","facts":'
)
_PROOF = re.compile(rf'{{"at":{_WORD},"factor":{_WORD},"traits":({_FLAT_LIST})}}')
_POLICY = re.compile(rf',"policy":{_WORD},(?:"refusal":"[^"\\]*",)?"rules":\[')
_END = re.compile(rf',"taught":\[\],"unknown":{_FLAT_LIST},"user":{_WORD},"v":1}}\Z')
_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # reads one value of a longer text
_Part = Callable[[Mapping[str, Json]], Mapping[str, Json]]
_NOTHING: Mapping[str, Json] = {}
_FACTORS: Mapping[str, Factor] = {factor.value: factor for factor in Factor}


class Rest(Mapping[str, Json]):
    """A part of a record of which little was needed yet; the text is read when anything else is asked for."""

    __slots__ = ("_all", "_known", "_part", "_text")

    def __init__(self, text: str, part: _Part, known: Mapping[str, Json]) -> None:
        """Keep the text, and what was found in it already."""
        self._text = text
        self._part = part
        self._known = known
        self._all: Mapping[str, Json] | None = None

    def _whole(self) -> Mapping[str, Json]:
        if self._all is None:
            self._all = self._part(_document(self._text))
        return self._all

    def __getitem__(self, key: str) -> Json:
        """Return a value."""
        return self._known[key] if key in self._known else self._whole()[key]

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._whole())

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self._whole())


def read(text: str, *, outcome: str | None, label: str | None) -> RecordedSignIn:
    """Return the record that a text holds, with what came of it since.

    Raises ValueError if it holds none.
    """
    try:
        found = _read_usual(text, outcome, label)
    except (KeyError, OverflowError, RecursionError, StopIteration, TypeError, ValueError):
        found = None  # whatever is wrong with it, reading the whole of it says so
    if found is not None:
        return found
    try:
        return replace(from_json(json.loads(text)), outcome=outcome, label=label)
    except (RecursionError, TypeError) as error:  # too deep, or no object at all
        raise ValueError("no decision record") from error


def _read_usual(text: str, outcome: str | None, label: str | None) -> RecordedSignIn | None:
    begin = _BEGIN.match(text)
    if begin is None:
        return None
    began, standing, proofs, request, at, decision = begin.groups()
    facts, end = _scan(text, begin.end())
    policy = _POLICY.match(text, text.find(',"policy":', end))
    last = _END.match(text, text.rfind(',"taught":'))
    if policy is None or last is None or decision not in DECISIONS or not isinstance(facts, dict):
        return None
    usual, now = _standing(standing, request), datetime.fromisoformat(at)
    ability = Ability(
        now, tuple(map(_proof, _PROOF.findall(proofs))), usual.enrolled, usual.has_bound_key, usual.enrolable,
        usual.attests, usual.order, usual.floor, usual.request,
        None if began is None else datetime.fromisoformat(began), usual.denies,
        usual.only_revoked,
    )  # fmt: skip
    verdict = Rest(text, verdict_of, {"decision": decision, "policy": policy[1]})
    return RecordedSignIn(
        now, last[1], fact_file.from_json(facts), ability, verdict, Rest(text, assessed_of, _NOTHING), None, (),
        outcome, label,
    )  # fmt: skip


def _proof(found: tuple[str, str, str]) -> Proof:
    at, factor, traits = found
    return Proof(_FACTORS[factor], datetime.fromisoformat(at), None, _traits(traits))


@lru_cache(64)
def _traits(text: str) -> frozenset[Trait]:
    return frozenset(map(Trait, json.loads(text)))


@lru_cache(4096)
def _standing(text: str, request: str) -> Ability:
    """Return an ability without its times: the same few come again and again in a long history."""
    return read_ability(_NEVER, json.loads(f'{{"act_began":null,{text},"proofs":[],"request":{request}}}'))


def _document(text: str) -> Mapping[str, Json]:
    """Return the whole of a text; nothing of one that cannot be read."""
    try:
        document = json.loads(text)
    except (RecursionError, ValueError):
        return _NOTHING
    return document if isinstance(document, dict) else _NOTHING
