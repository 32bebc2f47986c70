"""Replays a file of logins through an engine: score each against what was learnt before it, then learn it."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b

from idp.domain.risk import Assessment
from idp.risk import freeman
from idp.risk.engine import assess, observe
from idp.risk.event_file import Event
from idp.risk.population import Population
from idp.risk.profile import BUCKETS, EMPTY, Observation, Profile, learn
from idp.risk.shipped import CELLS, Tables, cell_of, write_tables


class Engine(StrEnum):
    """Which engine scores."""

    NDL = "ndl"
    FREEMAN = "freeman"


@lru_cache(maxsize=1 << 16)
def plain_digest(kind: str, value: str) -> int:
    """Return 64 bits of an unkeyed hash: files that are replayed need no secret."""
    raw = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(raw, digest_size=8).digest(), "big")


class Replay:
    """One tenant as it learns from a file."""

    def __init__(self, tables: Tables) -> None:
        """Start with nobody known."""
        self.population = Population(tables)
        self.profiles: dict[str, Profile] = {}

    def assess(self, event: Event) -> Assessment:
        """Score an event, and learn it if it says so."""
        seen = observe(event.now, plain_digest)
        profile = self.profiles.get(event.user, EMPTY)
        found = assess(event.now, seen, profile, self.population)
        if event.learn:
            self.learn(event, seen)
        return found

    def learn(self, event: Event, seen: Observation) -> None:
        """Learn a login, whoever it was."""
        profile, taught = learn(self.profiles.get(event.user, EMPTY), seen)
        self.profiles[event.user] = profile
        self.population.add(taught)


def evaluate(events: Iterable[Event], *, engine: Engine, tables: Tables) -> Iterator[tuple[Event, Assessment]]:
    """Yield each event with its assessment, in order."""
    if engine is Engine.FREEMAN:
        yield from _evaluate_freeman(events)
        return
    replay = Replay(tables)
    for event in events:
        yield event, replay.assess(event)


def _evaluate_freeman(events: Iterable[Event]) -> Iterator[tuple[Event, Assessment]]:
    history = freeman.History()
    for event in events:
        seen = observe(event.now, plain_digest)
        yield event, history.assess(event.user, seen)
        if event.learn:
            history.learn(event.user, seen)


def train(events: Iterable[Event], tables: Tables, *, version: str, generator: str | None, seed: str | None) -> str:
    """Return the document of a table made of the learnt logins of these events; raises BadTable if there are none."""
    replay = Replay(tables)
    for event in events:
        if event.learn:
            replay.learn(event, observe(event.now, plain_digest))
    cells = {bucket: [0] * CELLS for bucket in range(1, BUCKETS + 1)}
    for (bucket, net, agent, dev), count in replay.population.rows.items():
        cells[bucket][cell_of(net, agent, dev)] += count
    return write_tables(version, generator, seed, cells=cells, hours=replay.population.hours)
