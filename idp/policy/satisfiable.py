"""Whether a condition can ever be true, and whether one implies another: by trying the values that make a difference.

Facts are independent of each other, so a conjunction can be true when each of its facts has a value that suits.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import time, timedelta
from itertools import islice, product

from idp.domain.risk import Band
from idp.policy.conditions import All, Compare, Condition, Not, Operator, Some, comparisons, compiled
from idp.policy.facts import FACTS, Kind, Value

Literal = tuple[Compare, bool]  # a comparison, and whether it is wanted true or false
Term = tuple[Literal, ...]
MAX_TERMS = 512
OTHER = "~other~"  # some word that no policy mentions
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def terms(condition: Condition, *, wanted: bool = True) -> list[Term]:
    """Return the conjunctions of which one must be true; cut off after 512 of them."""
    match condition:
        case Compare():
            return [((condition, wanted),)]
        case Not(part):
            return terms(part, wanted=not wanted)
        case All(parts) | Some(parts):
            each = [terms(part, wanted=wanted) for part in parts]
            if isinstance(condition, Some) is wanted:
                return [term for alternatives in each for term in alternatives][:MAX_TERMS]
            return [
                tuple(literal for term in chosen for literal in term) for chosen in islice(product(*each), MAX_TERMS)
            ]


def can_be_true(condition: Condition, also: Iterable[Compare] = ()) -> bool:
    """Say whether some facts make the condition true while these comparisons are true, too."""
    given = tuple((comparison, True) for comparison in also)
    return any(_is_possible((*term, *given)) for term in terms(condition))


def implies(condition: Condition, other: Condition) -> bool:
    """Say whether the other condition surely is true whenever the first one is; False where that is not plain."""
    ours, theirs = terms(condition), terms(other)
    return bool(ours) and all(any(_term_implies(term, goal) for goal in theirs) for term in ours)


def _is_possible(term: Term) -> bool:
    return all(any(_suits(value, literals) for value in _tried(fact, literals)) for fact, literals in _by_fact(term))


def _by_fact(term: Term) -> Iterator[tuple[str, list[Literal]]]:
    found: dict[str, list[Literal]] = {}
    for literal in term:
        found.setdefault(literal[0].fact, []).append(literal)
    yield from found.items()


def _suits(value: Value | None, literals: Iterable[Literal]) -> bool:
    return all(_truth(comparison, value) is wanted for comparison, wanted in literals)


def _truth(comparison: Compare, value: Value | None) -> bool | None:
    known: Mapping[str, Value] = {} if value is None else {comparison.fact: value}
    return compiled(comparison)(known)


def _term_implies(term: Term, goal: Term) -> bool:
    ours = dict(_by_fact(term))
    return all(fact in ours and _literals_imply(fact, ours[fact], wanted) for fact, wanted in _by_fact(goal))


def _literals_imply(fact: str, given: list[Literal], goal: list[Literal]) -> bool:
    if FACTS[fact].kind is Kind.SET:
        return all(any(_set_implies(literal, wanted) for literal in given) for wanted in goal)
    return all(_suits(value, goal) for value in _tried(fact, [*given, *goal]) if _suits(value, given))


def _set_implies(literal: Literal, goal: Literal) -> bool:
    (ours, is_wanted), (theirs, is_goal) = literal, goal
    if literal == goal:
        return True
    if not (isinstance(ours.operand, frozenset) and isinstance(theirs.operand, frozenset)):
        return False
    if is_wanted is is_goal is True and ours.operator is theirs.operator is Operator.ANY:
        return ours.operand <= theirs.operand
    return False


def _tried(fact: str, literals: Iterable[Literal]) -> list[Value | None]:
    return [None, *values(fact, [comparison for comparison, _ in literals])]


def values(fact: str, compared: Iterable[Compare]) -> list[Value]:
    """Return values of a fact among which are all that these comparisons tell apart."""
    operands = [comparison.operand for comparison in compared if comparison.operator is not Operator.EXISTS]
    kind, words = FACTS[fact].kind, FACTS[fact].words
    match kind:
        case Kind.SET:
            listed = [frozenset(map(str, operand)) for operand in operands if isinstance(operand, frozenset)]
            return _sets(listed, has_others=words is None)
        case Kind.BAND:
            return list(Band)
        case Kind.FLAG:
            return [False, True]
        case Kind.WORD:
            named = {str(word) for operand in operands for word in _each(operand)}
            return sorted(named | (words or {OTHER}))
        case Kind.INTEGER:
            whole = {number for operand in operands for number in _each(operand) if isinstance(number, int)}
            return sorted({max(0, number + step) for number in whole | {0} for step in (-1, 0, 1)})
        case Kind.DURATION:
            spans = {operand for operand in operands if isinstance(operand, timedelta)}
            return sorted({max(timedelta(), span + step * SECOND) for span in spans for step in (-1, 0, 1)})
        case Kind.TIME:
            return _times({edge for operand in operands if isinstance(operand, tuple) for edge in operand})


def _each(operand: object) -> Iterable[object]:
    return operand if isinstance(operand, frozenset) else (operand,)


def _sets(listed: list[frozenset[str]], *, has_others: bool) -> list[Value]:
    """Return nothing, all, each alone, all but each, and each as listed; with a word more where there may be one."""
    union: frozenset[str] = frozenset().union(*listed)
    found = {frozenset[str](), union, *listed, *(frozenset({word}) for word in union)}
    found |= {union - one for one in listed} | {union - {word} for word in union}
    found |= {union - one - other for one in listed for other in listed}
    if has_others:
        found |= {some | {OTHER} for some in found}
    return [*sorted(found, key=sorted)]


def _times(edges: set[time]) -> list[Value]:
    minutes = {edge.hour * 60 + edge.minute for edge in edges} | {0}
    around = {(minute + step) % 1440 for minute in minutes for step in (-1, 0, 1)}
    return [time(minute // 60, minute % 60) for minute in sorted(around)]


def values_in(conditions: Iterable[Condition]) -> dict[str, list[Value]]:
    """Return, of each fact that these conditions ask about, the values that make a difference to any of them."""
    compared: dict[str, list[Compare]] = {}
    for condition in conditions:
        for comparison in comparisons(condition):
            compared.setdefault(comparison.fact, []).append(comparison)
    return {fact: values(fact, found) for fact, found in compared.items()}
