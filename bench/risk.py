"""`python -m bench.risk`: what a score costs, in CPU time and in memory, on a calibrated world.

Prints scores per second and core, the CPU time of one login (observe, assess, learn), memory per person and row size.
"""

import json
import sys
import time
from typing import Any

from idp.risk.engine import assess, observe
from idp.risk.evaluation import Replay, plain_digest
from idp.risk.event_file import read_events
from idp.risk.novelty import history_parts
from idp.risk.profile import EMPTY, Profile, learn, match, to_json
from idp.risk.scale import score_of
from idp.risk.shipped import default_tables
from idp.risk.signal import Facts
from idp.risk.signals import unusual_hour
from tests.support.worlds import world
from tests.support.worlds_shapes import CALIBRATED, HARDER

SEED = 2000
ROUNDS = 3


def main() -> None:
    """Measure and print."""
    for shape in (CALIBRATED, HARDER):
        events = list(read_events(world(shape, SEED)))
        replay = Replay(default_tables())
        cases, costs = [], []
        for event in events:
            before = time.process_time_ns()
            seen = observe(event.now, plain_digest)
            profile = replay.profiles.get(event.user, EMPTY)
            assess(event.now, seen, profile, replay.population)
            learn(profile, seen)
            costs.append(time.process_time_ns() - before)
            cases.append((event.now, seen, profile))
            if event.learn:
                replay.learn(event, seen)
        best = min(_seconds(cases, replay) for _ in range(ROUNDS))
        print(f"{shape.name}: {len(cases) / best:,.0f} assessments per second and core, from digests to floors")
        sums = min(_sum_seconds(cases, replay) for _ in range(ROUNDS))
        print(f"  {len(cases) / sums:,.0f} scores, once it is known how deep an attempt matches")
        print(f"  login with learning: p50 {_at(costs, 0.5) / 1e6:.3f} ms, p99 {_at(costs, 0.99) / 1e6:.3f} ms")
        memory = [_memory(profile) for profile in replay.profiles.values()]
        rows = [len(json.dumps(to_json(each), separators=(",", ":"))) for each in replay.profiles.values()]
        print(f"  memory per person: mean {sum(memory) / len(memory):,.0f} B, p99 {_at(memory, 0.99):,} B")
        print(f"  row: median {_at(rows, 0.5):,} B, p99 {_at(rows, 0.99):,} B, longest {max(rows):,} B")


def _seconds(cases: list[tuple[Any, ...]], replay: Replay) -> float:
    before = time.process_time()
    for now, seen, profile in cases:
        assess(now, seen, profile, replay.population)
    return time.process_time() - before


def _sum_seconds(cases: list[tuple[Any, ...]], replay: Replay) -> float:
    """Time what scores: novelty, habits, hour, their sum and its score."""
    matched = [
        (profile, found, Facts(now, found, True, profile, replay.population.hour_share(now.hour)))
        for now, seen, profile in cases
        if (found := match(profile, seen))
    ]
    before = time.process_time()
    for profile, found, facts in matched:
        parts = history_parts(profile, replay.population, found)
        score_of(sum([part.nats for part in parts]) + unusual_hour.read(facts)[0].nats)
    return time.process_time() - before


def _at(values: list[int], share: float) -> int:
    return sorted(values)[int(share * (len(values) - 1))]


def _memory(profile: Profile) -> int:
    """Return the bytes of a profile with all it holds, shared small integers left out."""
    parts: list[object] = [profile, profile.values, *profile.values, profile.depths, profile.hours]
    if profile.last is not None:
        parts += [profile.last, profile.last.at]
    return sum(sys.getsizeof(part) for part in parts)


if __name__ == "__main__":
    main()
