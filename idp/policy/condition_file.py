"""A `when` table becomes a condition: facts by their dotted names, operators, and all, any, not."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import time
from difflib import get_close_matches
from typing import TypeVar

from idp.domain.risk import Band
from idp.policy import durations
from idp.policy.conditions import OPERATORS, All, Compare, Condition, Not, Operand, Operator, Some
from idp.policy.facts import FACTS, Fact, Facts, Kind, Value

T = TypeVar("T")
#: Says what is wrong, and the word in the text that it is about.
Refuse = Callable[[str, str], None]
Table = Mapping[str, object]


def read_condition(table: Table, refuse: Refuse) -> Condition:
    """Return the condition; what is wrong with it is handed to `refuse`."""
    return All(tuple(_parts(table, refuse)))


def _parts(table: Table, refuse: Refuse) -> Iterator[Condition]:
    for key, value in table.items():
        match key, value:
            case (("all" | "any"), list()) if value and all(isinstance(part, dict) for part in value):
                parts = tuple(read_condition(part, refuse) for part in value)
                yield All(parts) if key == "all" else Some(parts)
            case "not", dict() if value:
                yield Not(read_condition(value, refuse))
            case (("all" | "any"), _):
                refuse(f"{key} needs a list of conditions", key)
            case "not", _:
                refuse("not needs a condition", key)
            case _:
                yield from _of_fact(key, value, refuse)


def _of_fact(name: str, value: object, refuse: Refuse) -> Iterator[Condition]:
    fact = FACTS.get(name)
    if fact is None:
        if isinstance(value, dict) and value and any(other.startswith(f"{name}.") for other in FACTS):
            for key, inner in value.items():
                yield from _of_fact(f"{name}.{key}", inner, refuse)
        else:
            refuse(f"unknown fact {name!r}{_guess(name, FACTS)}", name.rsplit(".", 1)[-1])
        return
    operands = value if isinstance(value, dict) else {"eq": value}
    if not operands:
        refuse(f"{name} is compared with nothing", name)
    for word, operand in operands.items():
        compared = _compare(fact, word, operand, refuse)
        if compared is not None:
            yield compared


def _guess(word: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(word, known, n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def _compare(fact: Fact, word: str, operand: object, refuse: Refuse) -> Compare | None:
    allowed = OPERATORS[fact.kind]
    if word not in allowed:
        kinds = ", ".join(sorted(allowed))
        refuse(f"{fact.name} is a {fact.kind}: {word!r} is no operator for it, {kinds} are", fact.name)
        return None
    operator = Operator(word)
    try:
        return Compare(fact.name, operator, _operand(fact, operator, operand))
    except ValueError as error:
        refuse(f"{fact.name}: {error}", fact.name)
        return None


def _operand(fact: Fact, operator: Operator, operand: object) -> Operand:
    if operator is Operator.EXISTS:
        if not isinstance(operand, bool):
            raise ValueError("exists is true or false")
        return operand
    if operator in (Operator.IN, Operator.ANY, Operator.NONE):
        if not isinstance(operand, list) or not operand:
            raise ValueError(f"{operator} needs a list that is not empty")
        if fact.kind is Kind.INTEGER:
            return frozenset(_integer(fact, each) for each in operand)
        if fact.kind is Kind.BAND:
            return frozenset(_band(each) for each in operand)
        return frozenset(_word(fact, each) for each in operand)
    if fact.kind is Kind.TIME:
        if not isinstance(operand, list) or len(operand) != 2:
            raise ValueError('within needs two times, as in ["08:00", "18:00"]')
        return _time(operand[0]), _time(operand[1])
    value = read_value(fact, operand)
    assert not isinstance(value, time)
    return value


def read_value(fact: Fact, value: object) -> Value:
    """Return a value of a fact as a file spells it.

    Raises ValueError if the fact cannot have it.
    """
    match fact.kind:
        case Kind.SET:
            return frozenset(_word(fact, each) for each in _typed(value, list, "a list"))
        case Kind.WORD:
            return _word(fact, value)
        case Kind.BAND:
            return _band(value)
        case Kind.INTEGER:
            return _integer(fact, value)
        case Kind.FLAG:
            return _typed(value, bool, "true or false")
        case Kind.DURATION:
            return durations.read(_typed(value, str, 'a duration: write "30s", "10m", "12h" or "28d"'))
        case Kind.TIME:
            return _time(value)


def _typed(value: object, kind: type[T], meant: str) -> T:
    if isinstance(value, kind):
        return value
    raise ValueError(f"{value!r} is not {meant}")


def _word(fact: Fact, value: object) -> str:
    if not isinstance(value, str) or not fact.accepts(value):
        known = dict.fromkeys(fact.words or ())
        guess = _guess(value, known) if isinstance(value, str) else ""
        raise ValueError(f"it can never be {value!r}{guess}")
    return str(value)


def _band(value: object) -> Band:
    try:
        return Band(str(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is no band: low, medium, high or critical") from error


def _integer(fact: Fact, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    if fact.name == "risk.score" and value > 100:
        raise ValueError(f"{value} is above 100, the highest score")
    return value


def _time(value: object) -> time:
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError(f"{value!r} is no time: write 08:00")
    return time.fromisoformat(value)


def read_facts(table: Table, refuse: Refuse) -> dict[str, Value]:
    """Return the facts of a table by their dotted names; what is wrong with it is handed to `refuse`."""
    found: dict[str, Value] = {}
    _collect("", table, found, refuse)
    return found


def _collect(prefix: str, table: Table, found: dict[str, Value], refuse: Refuse) -> None:
    for key, value in table.items():
        name = f"{prefix}{key}"
        fact = FACTS.get(name)
        if fact is not None:
            try:
                found[name] = read_value(fact, value)
            except ValueError as error:
                refuse(f"{name}: {error}", name)
        elif isinstance(value, dict):
            _collect(f"{name}.", value, found, refuse)
        else:
            refuse(f"unknown fact {name!r}{_guess(name, FACTS)}", key)


def snapshot(base: Facts, table: Table, bands: Mapping[Band, int], refuse: Refuse) -> Facts:
    """Return the base with the facts of a table in place; a list `unknown` in it hides facts.

    A band brings the lowest score of it along, a score its band, unless both are given.
    """
    rest = {key: value for key, value in table.items() if key != "unknown"}
    hidden = table.get("unknown", [])
    if not isinstance(hidden, list) or not all(name in FACTS for name in hidden):
        refuse("unknown lists facts by their names", "unknown")
        hidden = []
    given = read_facts(rest, refuse)
    match given.get("risk.band"), given.get("risk.score"):
        case Band() as band, None:
            given["risk.score"] = bands[band]
        case None, int() as score:
            given["risk.band"] = next(band for band in reversed(Band) if score >= bands[band])
    return base.but(given, frozenset(hidden))
