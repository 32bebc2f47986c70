"""The conditions of a rule: comparisons of facts, joined by all, any and not, in three values.

True, False, or None where a fact is unknown and the rest does not settle it (Kleene's strong logic). A condition is
compiled into closures once, when its policy is read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import TypeAlias

from idp.domain.risk import Band
from idp.policy.facts import Kind, Value

Predicate = Callable[[Mapping[str, Value]], bool | None]
Operand = frozenset[str] | frozenset[int] | frozenset[Band] | str | int | timedelta | tuple[time, time]


class Operator(StrEnum):
    """How a fact is compared."""

    EQ = "eq"
    IN = "in"
    ANY = "any"
    NONE = "none"
    GE = "ge"
    LE = "le"
    WITHIN = "within"
    EXISTS = "exists"


OPERATORS: Mapping[Kind, frozenset[Operator]] = {
    Kind.SET: frozenset({Operator.EQ, Operator.ANY, Operator.NONE, Operator.EXISTS}),
    Kind.WORD: frozenset({Operator.EQ, Operator.IN, Operator.EXISTS}),
    Kind.INTEGER: frozenset({Operator.EQ, Operator.IN, Operator.GE, Operator.LE, Operator.EXISTS}),
    Kind.BAND: frozenset({Operator.EQ, Operator.IN, Operator.GE, Operator.LE, Operator.EXISTS}),
    Kind.FLAG: frozenset({Operator.EQ, Operator.EXISTS}),
    Kind.DURATION: frozenset({Operator.WITHIN, Operator.GE, Operator.LE, Operator.EXISTS}),
    Kind.TIME: frozenset({Operator.WITHIN, Operator.EXISTS}),
}


@dataclass(frozen=True, slots=True)
class Compare:
    """One fact compared with what the policy says."""

    fact: str
    operator: Operator
    operand: Operand


@dataclass(frozen=True, slots=True)
class All:
    """True when every part is."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """True when one part is."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True when its part is false."""

    part: "Condition"


Condition: TypeAlias = Compare | All | Some | Not
ALWAYS = All(())


def facts_of(condition: Condition) -> Iterator[str]:
    """Yield the facts that a condition asks about."""
    for comparison in comparisons(condition):
        yield comparison.fact


def comparisons(condition: Condition) -> Iterator[Compare]:
    """Yield every comparison inside a condition."""
    match condition:
        case Compare():
            yield condition
        case Not(part):
            yield from comparisons(part)
        case All(parts) | Some(parts):
            for part in parts:
                yield from comparisons(part)


def compiled(condition: Condition) -> Predicate:
    """Return the condition as a function from the known facts to True, False or None."""
    match condition:
        case Compare():
            return _compare(condition)
        case Not(part):
            return _negated(compiled(part))
        case All(parts):
            return _every(tuple(map(compiled, parts)))
        case Some(parts):
            return _some(tuple(map(compiled, parts)))


def _negated(predicate: Predicate) -> Predicate:
    def negated(known: Mapping[str, Value]) -> bool | None:
        truth = predicate(known)
        return None if truth is None else not truth

    return negated


def _every(predicates: tuple[Predicate, ...]) -> Predicate:
    if len(predicates) == 1:
        return predicates[0]

    def every(known: Mapping[str, Value]) -> bool | None:
        result: bool | None = True
        for predicate in predicates:
            truth = predicate(known)
            if truth is False:
                return False
            if truth is None:
                result = None
        return result

    return every


def _some(predicates: tuple[Predicate, ...]) -> Predicate:
    if len(predicates) == 1:
        return predicates[0]

    def some(known: Mapping[str, Value]) -> bool | None:
        result: bool | None = False
        for predicate in predicates:
            truth = predicate(known)
            if truth is True:
                return True
            if truth is None:
                result = None
        return result

    return some


def _compare(comparison: Compare) -> Predicate:
    fact = comparison.fact
    if comparison.operator is Operator.EXISTS:
        wanted = bool(comparison.operand)
        return lambda known: (fact in known) is wanted
    if comparison.operator is Operator.ANY and isinstance(comparison.operand, frozenset):
        return _any_of(fact, comparison.operand)
    members = _members(comparison)
    if members is not None:
        return _one_of(fact, members)
    holds = _of_value(comparison)

    def compare(known: Mapping[str, Value]) -> bool | None:
        value = known.get(fact)
        return None if value is None else holds(value)

    return compare


def _members(comparison: Compare) -> frozenset[object] | None:
    """Return the values for which the comparison is true, None where there are too many to list."""
    match comparison.operator, comparison.operand:
        case Operator.GE, Band() as least:
            return frozenset(band for band in Band if band.start >= least.start)
        case Operator.LE, Band() as most:
            return frozenset(band for band in Band if band.start <= most.start)
        case Operator.IN, frozenset() as listed:
            return frozenset(listed)
        case Operator.EQ, operand:
            return frozenset({operand})
    return None


def _one_of(fact: str, members: frozenset[object]) -> Predicate:
    def one_of(known: Mapping[str, Value]) -> bool | None:
        value = known.get(fact)
        return None if value is None else value in members

    return one_of


def _any_of(fact: str, wanted: frozenset[object]) -> Predicate:
    def any_of(known: Mapping[str, Value]) -> bool | None:
        value = known.get(fact)
        return None if value is None else isinstance(value, frozenset) and not value.isdisjoint(wanted)

    return any_of


def _of_value(comparison: Compare) -> Callable[[Value], bool]:
    operand = comparison.operand
    match comparison.operator, operand:
        case Operator.NONE, frozenset():
            return lambda value: isinstance(value, frozenset) and value.isdisjoint(operand)
        case Operator.WITHIN, (time() as start, time() as end):
            return lambda value: isinstance(value, time) and _is_between(value, start, end)
        case ((Operator.WITHIN | Operator.LE), timedelta()):
            return lambda value: isinstance(value, timedelta) and value <= operand
        case Operator.GE, timedelta():
            return lambda value: isinstance(value, timedelta) and value >= operand
        case Operator.GE, int():
            return lambda value: isinstance(value, int) and value >= operand
        case Operator.LE, int():
            return lambda value: isinstance(value, int) and value <= operand
        case _:
            raise AssertionError(comparison)


def _is_between(value: time, start: time, end: time) -> bool:
    """Say whether a time lies in a span that may reach over midnight; its end is outside."""
    if start <= end:
        return start <= value < end
    return value >= start or value < end
