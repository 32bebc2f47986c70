"""Why a condition does not hold, in the words of the policy: "risk.band medium < high".

Like conditions, explanations are compiled once: they are given with every decision.
"""

from collections.abc import Callable, Mapping
from datetime import time, timedelta

from idp.domain.risk import Band
from idp.policy import durations
from idp.policy.conditions import All, Compare, Condition, Not, Operand, Operator, Predicate, Some, compiled
from idp.policy.facts import Value

Explanation = Callable[[Mapping[str, Value]], str]
_SIGNS: Mapping[Operator, tuple[str, str]] = {  # of what did not hold, and of what did
    Operator.GE: ("<", "≥"),
    Operator.LE: (">", "≤"),
    Operator.EQ: ("≠", "="),
    Operator.IN: ("not in", "in"),
    Operator.ANY: ("without", "with"),
    Operator.NONE: ("with", "without"),
}


def explained(condition: Condition, *, wanted: bool = True) -> Explanation:
    """Return a function that says why the condition is not what was wanted: "risk.band medium < high"."""
    match condition:
        case Not(part):
            return explained(part, wanted=not wanted)
        case Compare():
            return _explained_comparison(condition, wanted=wanted)
        case All(parts) | Some(parts):
            if len(parts) == 1:
                return explained(parts[0], wanted=wanted)
            pairs = tuple((compiled(part), explained(part, wanted=wanted)) for part in parts)
            # One false part settles that not all hold; every part is needed to say that none does. And mirrored.
            return _first_of(pairs, wanted) if isinstance(condition, All) is wanted else _each_of(pairs, wanted)


def _first_of(pairs: tuple[tuple[Predicate, Explanation], ...], wanted: bool) -> Explanation:
    def first(known: Mapping[str, Value]) -> str:
        for predicate, explanation in pairs:
            if predicate(known) is not wanted:
                return explanation(known)
        return "no condition"

    return first


def _each_of(pairs: tuple[tuple[Predicate, Explanation], ...], wanted: bool) -> Explanation:
    def each(known: Mapping[str, Value]) -> str:
        reasons = [explanation(known) for predicate, explanation in pairs if predicate(known) is not wanted]
        return "; ".join(reasons) or "no condition"

    return each


def _explained_comparison(comparison: Compare, *, wanted: bool) -> Explanation:
    fact, operator = comparison.fact, comparison.operator
    if operator is Operator.EXISTS:
        return lambda known: f"{fact} is {'known' if fact in known else 'unknown'}"
    signs = _SIGNS.get(operator)
    if signs is not None:
        sign = signs[not wanted]
    elif isinstance(comparison.operand, timedelta):
        sign = ">" if wanted else "≤"
    else:
        sign = "outside" if wanted else "inside"
    tail = f" {sign} {spell(comparison.operand)}"
    if operator in (Operator.ANY, Operator.NONE):
        known_text, unknown_text = f"{fact}{tail}", f"{fact} unknown"
        return lambda known: known_text if fact in known else unknown_text

    def explain(known: Mapping[str, Value]) -> str:
        value = known.get(fact)
        if value is None:
            return f"{fact} unknown"
        return f"{fact} {value if type(value) in _PLAIN else spell(value)}{tail}"

    return explain


_PLAIN = frozenset({str, int, Band})  # spelled as they are


def spell(value: Value | Operand) -> str:
    """Return a value as an explanation shows it."""
    match value:
        case frozenset():
            return "[" + ", ".join(sorted(map(str, value))) + "]"
        case timedelta():
            return durations.spell(value)
        case (time() as start, time() as end):
            return f"{start:%H:%M}–{end:%H:%M}"
        case time():
            return f"{value:%H:%M}"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def spell_condition(condition: Condition) -> str:
    """Return a condition in one line: "risk.band ge high, not (groups any [a])"."""
    match condition:
        case Compare(fact, operator, operand):
            return f"{fact} {operator} {spell(operand)}"
        case Not(part):
            return f"not ({spell_condition(part)})"
        case All(parts):
            return ", ".join(map(spell_condition, parts)) or "always"
        case Some(parts):
            return f"any ({' | '.join(map(spell_condition, parts))})"
