"""A rule that was put into words for somebody: closed vocabulary in, the text of a policy file out.

What is written here is read again by rule_file.py like any other text; nothing drafted is trusted to be a rule. Not
here: how sentences are read → plain_words.py.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from idp.policy import durations
from idp.policy.conditions import OPERATORS, Operator
from idp.policy.facts import FACTS, Kind, ordinary, to_json

Operand = str | int | bool | tuple[str, ...] | tuple[int, ...]
DENIES_FOR = "15m"
_LISTS = frozenset({Operator.IN, Operator.ANY, Operator.NONE})
_OTHER_WORDS: Mapping[str, tuple[str, ...]] = {
    "net.country": ("CH", "NO"), "net.kind": ("residential", "mobile"), "event": ("login", "authorize"),
    "client.id": ("client", "another"), "user.class": ("standard", "privileged"),
    "client.trust": ("third_party", "first_party"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clause:
    """One fact compared, or that comparison denied; raises ValueError for what no rule can say."""

    fact: str
    operator: Operator
    operand: Operand
    is_negated: bool = False

    def __post_init__(self) -> None:
        """Check fact and operator; the operand is checked when the text is read."""
        if self.fact not in FACTS or self.operator not in OPERATORS[FACTS[self.fact].kind]:
            raise ValueError(f"{self.fact} cannot be compared by {self.operator}")

    @property
    def key(self) -> str:
        """Return how a file names the comparison."""
        return self.fact if self.operator is Operator.EQ else f"{self.fact}.{self.operator}"


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule in our words: every group of clauses must hold, and a group holds if one of its clauses does."""

    when: tuple[tuple[Clause, ...], ...] = ()
    acr: str | None = None
    max_age: str | None = None
    denies_for: str | None = None
    unenrolled: str | None = None
    effects: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    id: str | None = None

    @property
    def says_something(self) -> bool:
        """Say whether it asks, refuses, tells or does anything."""
        return bool(self.acr or self.denies_for or self.effects or self.notify)


def named(draft: RuleDraft, taken: Iterable[str]) -> str:
    """Return the id of the rule: its own or one of what it is about, and no other rule's."""
    subjects = [_word(clause) for group in draft.when for clause in group[:1]]
    wanted = draft.id or "-".join([*subjects[:3], draft.acr or ("deny" if draft.denies_for else "notice")])
    plain = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")[:48].strip("-") or "draft"
    used = set(taken)
    numbered = (f"{plain}-{number}" for number in range(2, len(used) + 3))
    return plain if plain not in used else next(each for each in numbered if each not in used)


def _word(clause: Clause) -> str:
    operand = clause.operand[0] if isinstance(clause.operand, tuple) and clause.operand else clause.operand
    if clause.fact == "device.known":
        return "known-device" if (operand is True) is not clause.is_negated else "new-device"
    word = f"{clause.fact}-{operand}" if isinstance(operand, bool | int) else str(operand)
    if not clause.is_negated:
        return word
    return f"outside-{word}" if clause.fact.startswith(("net.", "time.")) else f"not-{word}"


def to_toml(draft: RuleDraft, name: str) -> str:
    """Return the rule as a block, and behind a deny the test that lint demands of it."""
    lines = ["[[rule]]", f"id = {_spelt(name)}"]
    if draft.when:
        lines.append(f"when = {_table(draft.when)}")
    if draft.acr is not None:
        age = f", max_age = {_spelt(draft.max_age)}" if draft.max_age else ""
        lines.append(f"require = {{ acr = {_spelt(draft.acr)}{age} }}")
        if draft.unenrolled:
            lines.append(f"unenrolled = {_spelt(draft.unenrolled)}")
    elif draft.denies_for is not None:
        lines.append(f"deny = {{ for = {_spelt(draft.denies_for)} }}")
    lines += [
        f"{key} = {_spelt(words)}" for key, words in (("effects", draft.effects), ("notify", draft.notify)) if words
    ]
    if draft.acr is None and draft.denies_for is not None:
        example = ", ".join(f"{fact} = {_spelt(value)}" for fact, value in _example(draft).items())
        lines += ["", "[[test]]", f"facts = {{ {example} }}" if example else "facts = {}"]
        lines.append('expect = { decision = "deny" }')
    return "\n".join(lines) + "\n"


def _table(groups: tuple[tuple[Clause, ...], ...]) -> str:
    """Return a condition: what can stand side by side does, everything else goes into lists."""
    entries: dict[str, str] = {}
    rest: list[str] = []
    excepted = [group[0] for group in groups if len(group) == 1 and group[0].is_negated]
    if len(excepted) > 1:
        inner = ", ".join(f"{{ {clause.key} = {_spelt(clause.operand)} }}" for clause in excepted)
        entries["not"] = f"not = {{ any = [{inner}] }}"
    for group in groups:
        if "not" in entries and len(group) == 1 and group[0] in excepted:
            continue
        if len(group) > 1:
            text = f"any = [{', '.join(f'{{ {_clause(clause)} }}' for clause in group)}]"
        else:
            text = _clause(group[0])
        key = text.partition(" = ")[0]
        if any(key == other or key.startswith(f"{other}.") or other.startswith(f"{key}.") for other in entries):
            rest.append(f"{{ {text} }}")
        else:
            entries[key] = text
    both = [*entries.values(), *([f"all = [{', '.join(rest)}]"] if rest else [])]
    return f"{{ {', '.join(both)} }}"


def _clause(clause: Clause) -> str:
    text = f"{clause.key} = {_spelt(clause.operand)}"
    return f"not = {{ {text} }}" if clause.is_negated else text


def _spelt(value: Operand) -> str:
    """Return a value as TOML spells it; whatever a text holds, it stays inside of its quotes."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return f'"{"".join(map(_escaped, value))}"'
        case tuple():
            return f"[{', '.join(map(_spelt, value))}]"


def _escaped(sign: str) -> str:
    if sign in ('"', "\\"):
        return f"\\{sign}"
    is_safe = sign.isprintable() and not 0xD800 <= ord(sign) <= 0xDFFF
    return sign if is_safe else f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08x}"


def _example(draft: RuleDraft) -> dict[str, Operand]:
    """Return facts for which the rule is true, as far as an ordinary sign-in lacks them."""
    usual = ordinary().as_json()
    found: dict[str, Operand] = {}
    for group in draft.when:
        clause = group[0]
        value = _other(clause) if clause.is_negated else _value(clause)
        if isinstance(value, tuple) and isinstance(found.get(clause.fact), tuple):
            value = (*found[clause.fact], *value)  # type: ignore[misc]
        if value is not None and usual.get(clause.fact) != value:
            found[clause.fact] = value
    return found


def _value(clause: Clause) -> Operand | None:
    operand = clause.operand
    if clause.operator in (Operator.EXISTS, Operator.NONE):
        return None
    if isinstance(operand, tuple) and clause.operator is not Operator.EQ:
        return operand[:1] if FACTS[clause.fact].kind is Kind.SET else operand[0]
    return operand


def _other(clause: Clause) -> Operand | None:
    """Return a value for which the comparison is false; None where that of an ordinary sign-in is one."""
    operand, fact = clause.operand, FACTS[clause.fact]
    listed = operand if isinstance(operand, tuple) else (operand,)
    if fact.kind is Kind.FLAG:
        return operand is not True
    if fact.kind is Kind.TIME and isinstance(operand, tuple):
        return operand[1]
    if fact.kind is Kind.DURATION and isinstance(operand, str) and clause.operator is not Operator.GE:
        return durations.spell(2 * durations.read(operand))
    if to_json(ordinary().known.get(clause.fact, "")) not in listed:
        return None
    return next((word for word in _OTHER_WORDS.get(clause.fact, ()) if word not in listed), None)


def added(policy: str, rule: str) -> str:
    """Return the text of a policy with the text of a rule at its end.

    Raises ValueError if the policy writes its rules in a way that leaves no room at the end.
    """
    both = f"{policy.rstrip()}\n\n{rule}"
    try:
        tomllib.loads(policy)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"this is not TOML: {error}") from error
    try:
        tomllib.loads(both)
    except tomllib.TOMLDecodeError as error:
        raise ValueError("rules and tests have to be written as [[rule]] and [[test]] blocks") from error
    return both
