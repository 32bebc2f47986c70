"""`python -m bench.policy`: how long one decision of the policy takes, with 30 rules and its trace, and how fast
history is replayed. Neither database nor network; figures of one core.
"""

import json
import time
from collections.abc import Callable

from idp.domain.risk import Band
from idp.policy import record, rule_file, rule_tests, shipped
from idp.policy.facts import Facts, ordinary
from idp.policy.simulation import simulate
from idp.policy.verdict import decide
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
        start = time.perf_counter()
        for _ in range(REPEATS):
            work()
        best = min(best, time.perf_counter() - start)
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
    print(f"{len(policy.rules)} rules; µs per decision, alone and with its trace")
    for name, facts in situations().items():
        ability = rule_tests.ability_of(facts)
        alone = microseconds(lambda f=facts, a=ability: decide(policy, f, a))
        traced = microseconds(lambda f=facts, a=ability: decide(policy, f, a).matched.trace)
        print(f"  {name:22} {alone:6.1f} {traced:6.1f}")
    old, new = (rule_file.read(shipped.text(name)) for name in ("balanced", "strict"))
    past = list(history(old, SIGN_INS))
    lines = [record.canonical(record.to_json(each)) for each in past]
    print("sign-ins a second: replayed under two policies, and read from their records, too")
    print(f"  {per_second(lambda: simulate(old, new, past)):10,.0f}")
    print(f"  {per_second(lambda: simulate(old, new, (record.from_json(json.loads(line)) for line in lines))):10,.0f}")


def per_second(work: Callable[[], object]) -> float:
    """Return how many sign-ins are replayed in a second, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return SIGN_INS / best


if __name__ == "__main__":
    main()
