"""`python -m bench.policy`: how long one decision of the policy takes, with 30 rules and its trace, and how fast
history is replayed. Neither database nor network; CPU time of one core. `python -m bench.past` reads history from rows.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from idp.domain.risk import Band
from idp.policy import rule_file, rule_tests, shipped
from idp.policy.ability import Ability
from idp.policy.facts import Facts, ordinary
from idp.policy.rules import Policy
from idp.policy.simulation import simulate
from idp.policy.verdict import decide
from idp.policy.verdict_parts import Verdict
from tests.support.recorded import history

ROUNDS = 5
REPEATS = 4000
RULES = 30
SIGN_INS = 20_000


def with_rules(count: int) -> str:
    """Return the balanced policy with as many rules as wanted, the added ones about groups, clients and places."""
    rules = [
        f'[[rule]]\nid = "added-{number}"\n'
        f'when = {{ groups.any = ["team-{number}"], client.id.in = ["a{number}", "b{number}"], '
        f'not = {{ net.country = "CH" }} }}\nrequire = {{ acr = "loa:2", max_age = "1h" }}\n'
        if number % 2
        else f'[[rule]]\nid = "added-{number}"\n'
        f'when = {{ client.id = "c{number}", any = [{{ risk.band.ge = "high" }}, {{ device.age.le = "7d" }}] }}\n'
        'require = { acr = "phr" }\n'
        for number in range(count)
    ]
    text = shipped.text("balanced")
    present = text.count("[[rule]]")
    return text + "\n" + "\n".join(rules[: count - present])


def microseconds(work: Callable[[], object]) -> float:
    """Return how long the work takes, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(REPEATS):
            work()
        best = min(best, time.process_time() - start)
    return best / REPEATS * 1e6


def situations() -> dict[str, Facts]:
    """Return sign-ins of several kinds."""
    usual = ordinary()
    return {
        "ordinary": usual,
        "medium": usual.but({"risk.band": Band.MEDIUM, "risk.score": 50}),
        "high, administrator": usual.but({"risk.band": Band.HIGH, "groups": frozenset({"admins"})}),
        "places unknown": usual.but({}, frozenset({"net.country", "net.asn", "net.kind", "device.age"})),
    }


def main() -> None:
    """Measure and print."""
    policy = rule_file.read(with_rules(RULES))
    print(f"{len(policy.rules)} rules; µs per decision: what follows found before, found anew, that with its trace")
    for name, facts in situations().items():
        ability = rule_tests.ability_of(facts)
        kept = microseconds(lambda f=facts, a=ability: decide(policy, f, a))
        anew = microseconds(lambda f=facts, a=ability: decide_anew(policy, f, a))
        traced = microseconds(lambda f=facts, a=ability: decide_anew(policy, f, a).matched.trace)
        print(f"  {name:22} {kept:6.1f} {anew:6.1f} {traced:6.1f}")
    old, new = (rule_file.read(shipped.text(name)) for name in ("balanced", "strict"))
    past = list(history(old, SIGN_INS))
    print("sign-ins a second, replayed under two policies from memory")
    print(f"  {per_second(lambda: simulate(old, replace(new), past)):10,.0f}")


def decide_anew(policy: Policy, facts: Facts, ability: Ability) -> Verdict:
    """Decide as if nothing had been decided before."""
    policy.taking.clear()
    policy.decided.clear()
    return decide(policy, facts, ability)


def per_second(work: Callable[[], object]) -> float:
    """Return how many sign-ins are replayed in a second, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return SIGN_INS / best


if __name__ == "__main__":
    main()
