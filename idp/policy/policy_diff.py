"""What changes from one policy to another, rule by rule, and whether that asks for more or for less."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from idp.domain.assurance import REQUIREMENTS
from idp.policy.ability import is_as_strict
from idp.policy.condition_text import spell_condition
from idp.policy.durations import spell
from idp.policy.facts import SHORT_NAMES, Json
from idp.policy.rules import Mode, Policy, Require, Rule
from idp.policy.satisfiable import implies
from idp.policy.way_out import RANKS


class Direction(StrEnum):
    """What a change does."""

    TIGHTENS = "tightens"
    WEAKENS = "weakens"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `rule` is None for what concerns the whole policy."""

    rule: str | None
    what: str
    direction: Direction
    is_new_rule: bool = False

    def __str__(self) -> str:
        """Return the line for people: + a new rule, ! what asks for less, ~ everything else."""
        if self.is_new_rule:
            return f"+ rule {self.rule} ({self.what})"
        sign = "!" if self.direction is Direction.WEAKENS else "~"
        return f"{sign} {self.rule or 'policy'}: {self.what} ({self.direction})"

    def as_json(self) -> dict[str, Json]:
        """Return the change for programs."""
        return {"rule": self.rule, "what": self.what, "direction": self.direction.value, "added": self.is_new_rule}


MODES = {mode: rank for rank, mode in enumerate(Mode)}
Found = Iterator[tuple[str, Direction]]


def diff(old: Policy, new: Policy) -> tuple[Change, ...]:
    """Return every change, those of the whole policy first, then by rule in the order of the new file."""
    before = {rule.id: rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    changes = [Change(None, what, direction) for what, direction in _of_policy(old, new)]
    for name, rule in after.items():
        if name not in before:
            changes.append(Change(name, new.mode_of(rule).value, Direction.TIGHTENS, is_new_rule=True))
        else:
            found = _of_rule(old, before[name], new, rule)
            changes += [Change(name, what, direction) for what, direction in found]
    changes += [Change(name, "removed", Direction.WEAKENS) for name in before if name not in after]
    return tuple(changes)


def _of_policy(old: Policy, new: Policy) -> Found:
    floors = SHORT_NAMES[old.defaults.floor], SHORT_NAMES[new.defaults.floor]
    if floors[0] != floors[1]:
        yield f"floor {floors[0]} → {floors[1]}", _by_acr(old.defaults.floor, new.defaults.floor)
    if old.defaults.unenrolled is not new.defaults.unenrolled:
        ranks = RANKS[old.defaults.unenrolled], RANKS[new.defaults.unenrolled]
        yield f"unenrolled {old.defaults.unenrolled} → {new.defaults.unenrolled}", _more(*ranks)
    for band, start in new.bands.items():
        if start != old.bands[band]:
            yield f"{band} starts at {old.bands[band]} → {start}", _more(start, old.bands[band])
    for name, was, now in (
        ("adviser", old.adviser, new.adviser),
        ("break_glass", old.break_glass_group, new.break_glass_group),
        ("networks", old.networks, new.networks),
    ):
        if was != now:
            yield f"{name} changed", Direction.CHANGES


def _more(before: int, after: int) -> Direction:
    return Direction.TIGHTENS if after > before else Direction.WEAKENS


def _by_acr(before: str, after: str) -> Direction:
    if is_as_strict(REQUIREMENTS[after], REQUIREMENTS[before]):
        return Direction.TIGHTENS
    return Direction.WEAKENS if is_as_strict(REQUIREMENTS[before], REQUIREMENTS[after]) else Direction.CHANGES


def _of_rule(old: Policy, before: Rule, new: Policy, after: Rule) -> Found:
    modes = old.mode_of(before), new.mode_of(after)
    if modes[0] is not modes[1]:
        yield f"mode {modes[0]} → {modes[1]}", _more(MODES[modes[0]], MODES[modes[1]])
    if before.when != after.when:
        yield f"when {spell_condition(before.when)} → {spell_condition(after.when)}", _by_condition(before, after)
    if before.denies_for != after.denies_for:
        yield from _by_age("deny", before.denies_for, after.denies_for, longer=Direction.TIGHTENS)
    if before.require is None and after.require is not None:
        yield f"require {SHORT_NAMES[after.require.acr]} added", Direction.TIGHTENS
    elif before.require is not None and after.require is None:
        yield "require removed", Direction.WEAKENS
    elif before.require is not None and after.require is not None:
        yield from _by_demand(before.require, after.require)
    ways = before.unenrolled or old.defaults.unenrolled, after.unenrolled or new.defaults.unenrolled
    if ways[0] is not ways[1] and before.require is not None and after.require is not None:
        yield f"unenrolled {ways[0]} → {ways[1]}", _more(RANKS[ways[0]], RANKS[ways[1]])
    yield from _by_words("effects", set(map(str, before.effects)), set(map(str, after.effects)))
    yield from _by_words("notify", set(before.notify), set(after.notify))


def _by_condition(before: Rule, after: Rule) -> Direction:
    if implies(before.when, after.when):
        return Direction.TIGHTENS
    return Direction.WEAKENS if implies(after.when, before.when) else Direction.CHANGES


def _by_demand(before: Require, after: Require) -> Found:
    if before.acr != after.acr:
        yield f"acr {SHORT_NAMES[before.acr]} → {SHORT_NAMES[after.acr]}", _by_acr(before.acr, after.acr)
    if before.max_age != after.max_age:
        yield from _by_age("max_age", before.max_age, after.max_age, longer=Direction.WEAKENS)
    was, now = before.unless_verified_within, after.unless_verified_within
    if was != now:
        # Without the exemption the demand always counts: none at all is the strictest.
        direction = _more(1, 0) if was is None else _more(0, 1) if now is None or now < was else _more(1, 0)
        yield _said("unless_verified_within", was, now), direction
    if before.prefer != after.prefer:
        yield from _by_words("prefer", set(before.prefer), set(after.prefer), name=SHORT_NAMES.__getitem__)


def _by_age(name: str, was: timedelta | None, now: timedelta | None, *, longer: Direction) -> Found:
    if was is None or now is None:
        yield _said(name, was, now), Direction.TIGHTENS if was is None else Direction.WEAKENS
        return
    other = Direction.WEAKENS if longer is Direction.TIGHTENS else Direction.TIGHTENS
    yield _said(name, was, now), longer if now > was else other


def _said(name: str, was: timedelta | None, now: timedelta | None) -> str:
    if now is None:
        return f"{name} removed"
    return f"{name} {spell(now)} added" if was is None else f"{name} {spell(was)} → {spell(now)}"


def _by_words(name_of_list: str, was: set[str], now: set[str], *, name: Callable[[str], str] = str) -> Found:
    gone, come = sorted(was - now), sorted(now - was)
    if gone:
        what = "removed" if not now else "without " + ", ".join(map(name, gone))
        yield f"{name_of_list} {what}", Direction.WEAKENS
    if come:
        yield f"{name_of_list} with {', '.join(map(name, come))}", Direction.TIGHTENS
