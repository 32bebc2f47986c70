"""Reads a sentence of an administrator's as a rule, without a model: a small grammar that says what it left out.

A sentence is read from left to right; the longest phrase that is known counts, a word that is neither known nor idle is
reported. Not understood is better than misunderstood: nobody's rule comes from half a word.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from idp.policy.conditions import Operator
from idp.policy.plain_phrases import (
    COUNTRIES_BY_LENGTH,
    DEMANDS,
    IDLE,
    NEGATIONS,
    PHRASES,
    TURNS,
    UNITS,
    Family,
    Phrase,
)
from idp.policy.rule_draft import DENIES_FOR, Clause, RuleDraft

LONGEST = 500
_MOST_ACCENTS = 4
_QUOTED = r"[\"'“‘]?(?P<name>[\w.-]+)[\"'”’]?"
_GROUP = re.compile(rf"(?:(?:members of )?(?:the )?group|members of) {_QUOTED}")
_CLIENT = re.compile(rf"(?:client|app|application) {_QUOTED}")
_ASN = re.compile(r"as ?(?P<number>[0-9]{1,10})\b")
_SPAN = re.compile(r"between (?P<start>[0-2]?[0-9](?::[0-5][0-9])?) and (?P<end>[0-2]?[0-9](?::[0-5][0-9])?)\b")
_COUNT = r"(?P<number>[0-9]{1,4}|an?|one) ?(?P<unit>[a-z]+)"
_AGE = re.compile(rf"accounts? (?:that are |which are )?(?P<how>younger|newer|older) than {_COUNT}")
_LENGTH = re.compile(
    r"(?P<how>for|every|within(?: the last)?|in the last|at most|no older than|not older than|not more than) "
    rf"{_COUNT}(?! factors?\b)(?: old| ago)?"
)
_WORD = re.compile(r"[^\s,.;:!?()]+")


@dataclass(frozen=True, slots=True)
class Read:
    """What a sentence says, and the words that nothing was made of."""

    draft: RuleDraft
    not_understood: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Say whether every word found its place."""
        return self.draft.says_something and not self.not_understood


@dataclass(slots=True)
class _State:
    """What has been read so far."""

    text: str  # as it was written, capitals and all
    groups: list[list[Clause]] = field(default_factory=list)
    families: list[str | None] = field(default_factory=list)  # of each group; None if it takes nothing more
    acr: str | None = None
    max_age: str | None = None
    denies_for: str | None = None
    wants_deny: bool = False
    is_condition: bool = False  # the demand is what lets people in: "… without a second factor"
    notify: list[str] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    negation: str = ""
    was_used: bool = False  # something was excepted by it
    is_or: bool = False
    unknown: list[str] = field(default_factory=list)


def read(sentence: str, *, networks: Iterable[str] = ()) -> Read:
    """Return the rule that a sentence describes; `networks` are the names that the policy gives to ranges."""
    text = " ".join(unicodedata.normalize("NFKC", sentence)[:LONGEST].split())
    small = "".join(sign.lower() if len(sign.lower()) == 1 else sign for sign in text)
    state, at, names = _State(text), 0, sorted(networks, key=len, reverse=True)
    while at < len(text):
        at += _take(state, small, at, names) or _skip(state, small, at)
        while text[at : at + 1] == " ":
            at += 1
    return Read(_draft(state), tuple(dict.fromkeys(state.unknown)))


def _skip(state: _State, text: str, at: int) -> int:
    """Pass over a word that says nothing, or note one that is not understood; return its length."""
    found = _WORD.match(text, at)
    if found is None:
        return 1
    word = found[0].strip("\"'“”‘’-–")
    if word and word not in IDLE:
        state.unknown.append(found[0])
        state.is_or = False
    return len(found[0])


def _draft(state: _State) -> RuleDraft:
    denies = state.wants_deny and state.acr is None
    return RuleDraft(
        when=tuple(map(tuple, state.groups)),
        acr=state.acr,
        max_age=state.max_age if state.acr is not None else None,
        denies_for=(state.denies_for or DENIES_FOR) if denies else None,
        unenrolled="deny" if state.acr is not None and (state.wants_deny or state.is_condition) else None,
        effects=tuple(dict.fromkeys(state.effects)),
        notify=tuple(dict.fromkeys(state.notify)),
    )


def _take(state: _State, text: str, at: int, networks: list[str]) -> int:
    """Take the phrase that begins here; return its length, 0 if none does."""
    if state.was_used and any(_begins(text, at, word) for word in TURNS):
        state.negation, state.was_used = "", False
    for take in (_connective, _demand, _length, _phrase, _names, _country):
        found = take(state, text, at)
        if found:
            return found
    for name in networks:
        if _begins(text, at, name.lower()):
            _put(state, Clause("net.named", Operator.ANY, (name,)), Family.PLACE)
            return len(name)
    return 0


def _begins(text: str, at: int, phrase: str) -> bool:
    end = at + len(phrase)
    return text.startswith(phrase, at) and (end == len(text) or not (text[end].isalnum() or text[end] in "-_"))


def _connective(state: _State, text: str, at: int) -> int:
    for word in NEGATIONS:
        if _begins(text, at, word):
            state.negation, state.was_used = word, False
            return len(word)
    if _begins(text, at, "or"):
        state.is_or = bool(state.groups)
        return 2
    return 0


def _demand(state: _State, text: str, at: int) -> int:
    for phrase, acr in DEMANDS:
        if _begins(text, at, phrase):
            if state.acr not in (None, acr):
                state.unknown.append(phrase)  # two demands: one rule asks for one
            state.acr = state.acr or acr
            state.is_condition = state.is_condition or state.negation in ("unless", "without")
            state.negation = ""
            return len(phrase)
    return 0


def _phrase(state: _State, text: str, at: int) -> int:
    for phrase in PHRASES:
        word = next((each for each in phrase.words if _begins(text, at, each)), None)
        if word is None:
            continue
        _say(state, phrase)
        return len(word)
    return 0


def _say(state: _State, phrase: Phrase) -> None:
    match phrase.family:
        case Family.DENY:
            state.wants_deny = True
            state.negation = ""
        case Family.NOTIFY:
            state.notify += [phrase.value]
        case Family.EFFECT:
            state.effects += [phrase.value]
        case _:
            for clause in phrase.clauses:
                _put(state, clause, phrase.family)


def _length(state: _State, text: str, at: int) -> int:
    age, length = _AGE.match(text, at), _LENGTH.match(text, at)
    found = age or length
    spelt = _spell(found["number"], found["unit"]) if found is not None else None
    if found is None or spelt is None:
        return 0
    if age is not None:
        operator = Operator.GE if age["how"] == "older" else Operator.WITHIN
        _put(state, Clause("account.age", operator, spelt), None)
    elif found["how"] == "for":
        state.denies_for = spelt
    else:
        state.max_age = spelt
    return len(found[0])


def _spell(number: str, unit: str) -> str | None:
    count = 1 if number in ("a", "an", "one") else int(number)
    short = UNITS.get(unit)
    return None if short is None or not count else f"{count * short[0]}{short[1]}"


def _names(state: _State, text: str, at: int) -> int:
    if (found := _GROUP.match(text, at)) is not None:
        _put(
            state, Clause("groups", Operator.ANY, (state.text[found.start("name") : found.end("name")],)), Family.GROUPS
        )
    elif (found := _CLIENT.match(text, at)) is not None and found["name"] not in IDLE:
        _put(
            state,
            Clause("client.id", Operator.IN, (state.text[found.start("name") : found.end("name")],)),
            Family.CLIENT,
        )
    elif (found := _ASN.match(text, at)) is not None:
        _put(state, Clause("net.asn", Operator.IN, (int(found["number"]),)), Family.PLACE)
    elif (found := _SPAN.match(text, at)) is not None and max(_hour(found["start"]), _hour(found["end"])) < 24:
        _put(state, Clause("time.local", Operator.WITHIN, (_time(found["start"]), _time(found["end"]))), None)
    else:
        return 0
    return len(found[0])


def _hour(text: str) -> int:
    return int(text.partition(":")[0])


def _time(text: str) -> str:
    return f"{_hour(text):02}:{text.partition(':')[2] or '00'}"


def _country(state: _State, text: str, at: int) -> int:
    for name, code in COUNTRIES_BY_LENGTH:
        if _fold(text[at])[:1] != name[0]:
            continue
        for end in range(at + len(name), at + len(name) + _MOST_ACCENTS):
            if _fold(text[at:end]) == name and not (text[end : end + 1].isalnum() or text[end : end + 1] == "-"):
                _put(state, Clause("net.country", Operator.IN, (code,)), Family.PLACE)
                return end - at
    return 0


def _fold(text: str) -> str:
    """Return a name without accents and apostrophes."""
    return "".join(
        " " if each == "-" else each for each in unicodedata.normalize("NFD", text) if each in " -" or each.isalnum()
    )


def _put(state: _State, clause: Clause, family: str | None) -> None:
    """Add a condition: one more of a family, or one after an "or", widens its group; any other narrows the rule."""
    if state.negation:
        state.was_used = True
        negated = replace(clause, is_negated=True)
        for number, group in enumerate(state.groups):
            if group[0].is_negated and len(_merged(group, negated)) == 1:
                state.groups[number] = _merged(group, negated)
                return
        state.groups.append([negated])
        state.families.append(None)
        return
    at = len(state.groups) - 1 if state.is_or and state.families[-1:] != [None] else None
    if at is None and family is not None and family in state.families:
        at = state.families.index(family)
    state.is_or = False
    if at is None:
        state.groups.append([clause])
        state.families.append(family or clause.key)
        return
    state.groups[at] = _merged(state.groups[at], clause)


def _merged(group: list[Clause], clause: Clause) -> list[Clause]:
    """Return the group with one clause more; lists of the same comparison become one."""
    for number, other in enumerate(group):
        if (
            other.key == clause.key
            and clause.fact != "time.local"
            and isinstance(other.operand, tuple)
            and isinstance(clause.operand, tuple)
        ):
            words = tuple(dict.fromkeys((*other.operand, *clause.operand)))
            return [*group[:number], replace(other, operand=words), *group[number + 1 :]]
    return group if clause in group else [*group, clause]
