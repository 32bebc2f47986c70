"""Whether more risk can make a policy ask for less: looks for facts where it does."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

from idp.domain.assurance import Requirement
from idp.domain.risk import Band
from idp.policy.ability import is_as_strict
from idp.policy.facts import ADVERSE_SIGNALS, RISK_BANDS, Facts, Value, ordinary
from idp.policy.rules import Mode, Policy, Rule
from idp.policy.satisfiable import values_in
from idp.policy.way_out import RANKS

MAX_POINTS = 2000
RISKY = frozenset({*RISK_BANDS, "risk.score", "signals"})


@dataclass(frozen=True, slots=True)
class Demand:
    """All that the matching rules ask for."""

    requirement: Requirement
    is_denied: bool
    way_out: int  # the rank of the strictest
    extras: frozenset[str]  # effects, notices and preferences

    def covers(self, other: "Demand") -> bool:
        """Say whether this asks for as much as the other."""
        return self.is_denied or (
            not other.is_denied
            and is_as_strict(self.requirement, other.requirement)
            and self.way_out >= other.way_out
            and self.extras >= other.extras
        )


def demand(policy: Policy, facts: Facts) -> Demand:
    """Return what the rules ask for here, those in shadow included."""
    requirement, way_out, is_denied, extras = Requirement(), -1, False, set[str]()
    for rule in policy.rules:
        truth = rule.predicate(facts.known)
        if policy.mode_of(rule) is Mode.OFF or not (truth if rule.is_deny else truth is not False):
            continue
        is_denied = is_denied or rule.is_deny
        extras |= {effect.kind.value for effect in rule.effects} | {notice.value for notice in rule.notify}
        if rule.require is not None:
            requirement = requirement.join(rule.require.requirement)
            extras |= set(rule.require.prefer)
            way_out = max(way_out, RANKS[rule.unenrolled or policy.defaults.unenrolled])
    return Demand(requirement, is_denied, way_out, frozenset(extras))


def slackening(policy: Policy, rule: Rule) -> str | None:
    """Return by which rise of risk the policy comes to ask for less because of this rule, None if by none."""
    if not rule.facts & RISKY:
        return None
    everything = values_in(each.when for each in policy.rules)
    asked = sorted(rule.facts)
    for point in islice(product(*(everything[fact] for fact in asked)), MAX_POINTS):
        facts = _in_line(policy, dict(zip(asked, point, strict=True)))
        before = demand(policy, facts)
        for name, raised in risen(policy, facts, everything):
            if not demand(policy, raised).covers(before):
                return name
    return None


def _in_line(policy: Policy, known: dict[str, Value]) -> Facts:
    """Return an ordinary sign-in with these facts, its score and band telling the same."""
    match known.get("risk.band"), known.get("risk.score"):
        case None, int() as score:
            known["risk.band"] = policy.band(min(score, 100))
        case Band() as band, _:
            known["risk.score"] = policy.bands[band]
    return ordinary().but(known)


def risen(policy: Policy, facts: Facts, everything: dict[str, list[Value]]) -> Iterator[tuple[str, Facts]]:
    """Yield what rises, and the facts with it: a higher band, a higher score, one more signal against the person."""
    known = facts.known
    for fact in RISK_BANDS:
        band = known.get(fact)
        for higher in Band:
            if isinstance(band, Band) and higher.start > band.start:
                score: dict[str, Value] = {"risk.score": policy.bands[higher]} if fact == "risk.band" else {}
                yield f"{fact} from {band} to {higher}", facts.but({fact: higher, **score})
    score_now = known.get("risk.score")
    for more in everything.get("risk.score", []):
        if isinstance(score_now, int) and isinstance(more, int) and score_now < more <= 100:
            raised = facts.but({"risk.score": more, "risk.band": policy.band(more)})
            yield f"risk.score from {score_now} to {more}", raised
    signals = known.get("signals")
    mentioned = {word for some in everything.get("signals", []) if isinstance(some, frozenset) for word in some}
    for signal in sorted(mentioned & ADVERSE_SIGNALS):
        if isinstance(signals, frozenset) and signal not in signals:
            yield f"the signal {signal}", facts.but({"signals": signals | {signal}})
