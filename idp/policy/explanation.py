"""A verdict in words for operators, and the smallest change that would have avoided the challenge."""

from itertools import combinations

from idp.policy.ability import Ability
from idp.policy.condition_text import spell
from idp.policy.facts import SHORT_NAMES, Facts, Value, ordinary
from idp.policy.rules import Decision, Policy
from idp.policy.verdict import decide
from idp.policy.verdict_parts import Verdict

MOST_CHANGES = 2


def smallest_change(policy: Policy, facts: Facts, ability: Ability) -> dict[str, Value] | None:
    """Return the fewest facts that, had they been those of an ordinary sign-in, would have let this one pass.

    None if nothing was asked, or if no two of them would have been enough.
    """
    if decide(policy, facts, ability).decision is Decision.ALLOW:
        return None
    usual = ordinary()
    asked = sorted({fact for rule in policy.rules for fact in rule.facts if fact in usual and fact != "enrolled"})
    differing = [fact for fact in asked if facts.known.get(fact) != usual[fact]]
    for size in range(1, MOST_CHANGES + 1):
        for chosen in combinations(differing, size):
            changes = {fact: usual[fact] for fact in chosen}
            if decide(policy, facts.but(changes), ability).decision is Decision.ALLOW:
                return changes
    return None


def as_text(verdict: Verdict, change: dict[str, Value] | None = None) -> str:
    """Return the whole verdict, a line for every rule."""
    done = verdict.resolution
    age = "" if done.requirement.max_age is None else f", at most {spell(done.requirement.max_age)} old"
    lines = [f"decision {done.decision}: {SHORT_NAMES[done.acr]}{age}"]
    if done.satisfied_by:
        others = ", ".join(done.options)
        lines.append(f"satisfied by {' + '.join(done.satisfied_by)} (on offer: {others})")
    if done.refusal is not None:
        length = "" if done.denies_for is None else f", this network and device for {spell(done.denies_for)}"
        lines.append(f"refused: {done.refusal}{length}")
    if done.effects:
        lines.append(f"effects: {', '.join(map(str, done.effects))}")
    if done.notify:
        lines.append(f"told: {', '.join(sorted(done.notify))}")
    for traced in verdict.matched.trace:
        unknown = f" (unknown: {', '.join(traced.unknown)})" if traced.unknown and traced.matched else ""
        sign, why = ("+", f"{traced.mode}{unknown}") if traced.matched else ("-", traced.because)
        lines.append(f"{sign} {traced.id}: {why}")
    if verdict.shadow is not None:
        lines.append(f"were the shadow enforced: {verdict.shadow.decision}, {SHORT_NAMES[verdict.shadow.acr]}")
    if change:
        lines.append(f"it would have passed with {', '.join(f'{fact} = {spell(now)}' for fact, now in change.items())}")
    return "\n".join(lines)
