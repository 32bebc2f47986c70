"""The entries of a policy file become rules and tests, each wrong key with its line."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from idp.domain.risk import Band
from idp.policy import durations
from idp.policy.condition_file import read_condition, snapshot
from idp.policy.conditions import ALWAYS
from idp.policy.facts import ACR_NAMES, ordinary
from idp.policy.findings import Finding, Places
from idp.policy.rules import Decision, Effect, EffectKind, Mode, Notice, Require, Rule, RuleTest, Unenrolled

E = TypeVar("E", bound=StrEnum)
Table = Mapping[str, object]
RULE_KEYS = frozenset({"id", "when", "require", "deny", "unenrolled", "notify", "effects", "mode"})


def acr(value: object) -> str | None:
    """Return the acr of a short name, None if it is none."""
    return ACR_NAMES.get(value) if isinstance(value, str) else None


def named_networks(when: object) -> set[str]:
    """Return the networks that a condition names."""
    if isinstance(when, list):
        return set().union(*map(named_networks, when))
    if not isinstance(when, dict):
        return set()
    net = when.get("net")
    named = net.get("named") if isinstance(net, dict) else None
    lists = [named] if isinstance(named, list) else list(named.values()) if isinstance(named, dict) else []
    here = {word for words in lists if isinstance(words, list) for word in words if isinstance(word, str)}
    return here.union(*(named_networks(inner) for key, inner in when.items() if key in ("all", "any", "not")))


def read_rules(tables: Sequence[Table], places: Places, findings: list[Finding]) -> tuple[Rule, ...]:
    """Return the rules; what is wrong is added to the findings."""
    rules: list[Rule] = []
    seen: dict[str, int] = {}
    for index, table in enumerate(tables):
        entry = _Entry("rule", index, table, places, findings, rule=_id(table))
        rule = _rule(entry)
        if rule.id in seen:
            entry.refuse(f"a rule with this id stands in line {seen[rule.id]} already", rule.id)
        seen.setdefault(rule.id, rule.line)
        rules.append(rule)
    return tuple(rules)


def _id(table: Table) -> str | None:
    name = table.get("id")
    return name if isinstance(name, str) and re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", name) else None


@dataclass(slots=True)
class _Entry:
    kind: str
    index: int
    table: Table
    places: Places
    findings: list[Finding]
    rule: str | None = None

    def refuse(self, reason: str, word: str | None = None) -> None:
        line = self.places.of_entry(self.kind, self.index, word or self.rule)
        self.findings.append(Finding(line, reason, self.rule))

    def known_keys(self, table: Table, keys: Collection[str], where: str = "") -> None:
        for key in table.keys() - set(keys):
            self.refuse(f"unknown key {key!r}{where}", key)

    def choice(self, key: str, value: object, kind: type[E]) -> E | None:
        try:
            return kind(str(value))
        except ValueError:
            self.refuse(f"{key} is one of {', '.join(kind)}, not {value!r}", key)
            return None

    def subtable(self, key: str) -> Table:
        value = self.table.get(key, {})
        if isinstance(value, dict):
            return value
        self.refuse(f"{key} is a table", key)
        return {}

    def words(self, table: Table, key: str) -> list[str]:
        value = table.get(key, [])
        if isinstance(value, list) and all(isinstance(word, str) for word in value):
            return value
        self.refuse(f"{key} is a list of words", key)
        return []

    def duration(self, table: Table, key: str) -> timedelta | None:
        value = table.get(key)
        if value is None:
            return None
        try:
            return durations.read(str(value))
        except ValueError as error:
            self.refuse(f"{key}: {error}", key)
            return None


def _rule(entry: _Entry) -> Rule:
    table = entry.table
    entry.known_keys(table, RULE_KEYS)
    if entry.rule is None:
        entry.refuse(f"a rule needs an id of a-z, 0-9, '-', '_' and '.', not {table.get('id')!r}", "id")
    require = _require(entry) if "require" in table else None
    if "deny" in table and "require" in table:
        entry.refuse("deny and require contradict each other", "deny")
    if not table.keys() & {"require", "deny", "effects", "notify"}:
        entry.refuse("it does nothing: it needs require, deny, effects or notify")
    if "unenrolled" in table and "require" not in table:
        entry.refuse("unenrolled without require", "unenrolled")
    condition = read_condition(entry.subtable("when"), entry.refuse) if "when" in table else ALWAYS
    return Rule(
        entry.rule or f"#{entry.index + 1}",
        condition,
        require,
        _deny(entry) if "deny" in table else None,
        entry.choice("unenrolled", table["unenrolled"], Unenrolled) if "unenrolled" in table else None,
        _effects(entry),
        frozenset(filter(None, (entry.choice("notify", word, Notice) for word in entry.words(table, "notify")))),
        entry.choice("mode", table["mode"], Mode) if "mode" in table else None,
        entry.places.of_entry("rule", entry.index, entry.rule),
    )


def _require(entry: _Entry) -> Require | None:
    table = entry.subtable("require")
    entry.known_keys(table, {"acr", "max_age", "unless_verified_within", "prefer"}, " in require")
    name = acr(table.get("acr"))
    if name is None:
        entry.refuse(
            f"no factor can give the acr {table.get('acr')!r}: {', '.join(ACR_NAMES)} can be",
            "acr" if table else "require",
        )
        return None
    prefer = [(word, acr(word)) for word in entry.words(table, "prefer")]
    for word, found in prefer:
        if found is None:
            entry.refuse(f"prefer: {word!r} is no acr", "prefer")
    return Require(
        name,
        entry.duration(table, "max_age"),
        entry.duration(table, "unless_verified_within"),
        tuple(found for _, found in prefer if found is not None),
    )


def _deny(entry: _Entry) -> timedelta | None:
    table = entry.subtable("deny")
    entry.known_keys(table, {"for"}, " in deny")
    if "for" not in table:
        entry.refuse('deny without for: say how long, as in deny = { for = "15m" }', "deny")
    length = entry.duration(table, "for")
    if length is not None and not timedelta() < length <= timedelta(days=1):
        entry.refuse("deny lasts at least a second and at most a day", "deny")
    return length


def _effects(entry: _Entry) -> tuple[Effect, ...]:
    found: list[Effect] = []
    for word in entry.words(entry.table, "effects"):
        name, has_length, length = word.partition(":")
        try:
            kind = EffectKind(name)
            if bool(has_length) is not (kind is EffectKind.SHORT_SESSION):
                raise ValueError("short_session:30m has a length, no other effect has")
            found.append(Effect(kind, durations.read(length) if has_length else None))
        except ValueError as error:
            entry.refuse(f"effect {word!r}: {error}", "effects")
    return tuple(found)


def read_tests(
    tables: Sequence[Table], bands: Mapping[Band, int], places: Places, findings: list[Finding]
) -> tuple[RuleTest, ...]:
    """Return the examples of a file; what is wrong is added to the findings."""
    return tuple(_test(_Entry("test", index, table, places, findings), bands) for index, table in enumerate(tables))


def _test(entry: _Entry, bands: Mapping[Band, int]) -> RuleTest:
    entry.known_keys(entry.table, {"facts", "expect", "unknown"})
    refuse: Callable[[str, str], None] = entry.refuse
    hidden = {"unknown": entry.table["unknown"]} if "unknown" in entry.table else {}
    facts = snapshot(ordinary(), {**entry.subtable("facts"), **hidden}, bands, refuse)
    expect = entry.subtable("expect")
    entry.known_keys(expect, {"decision", "acr", "effects"}, " in expect")
    if not expect:
        entry.refuse("a test expects something: decision, acr or effects")
    if "acr" in expect and acr(expect["acr"]) is None:
        entry.refuse(f"expect: {expect['acr']!r} is no acr", "acr")
    return RuleTest(
        facts,
        entry.choice("decision", expect["decision"], Decision) if "decision" in expect else None,
        acr(expect.get("acr")),
        frozenset(entry.words(expect, "effects")) if "effects" in expect else None,
        entry.places.of_entry("test", entry.index),
    )
