"""CPU time per request of provider and floor, taken in turns so that a busy machine hurts both alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.load import Run
from bench.operations import Client, Operation

WARM_UP = 100


@dataclass
class Figures:
    """What one server needed for one operation, over all rounds."""

    cpu: list[float] = field(default_factory=list)  #: seconds of CPU per request
    runs: list[Run] = field(default_factory=list)

    @property
    def best_cpu(self) -> float:
        """Return the least CPU seconds per request: whatever disturbs a round only adds to it."""
        return min(self.cpu)

    @property
    def best_run(self) -> Run:
        """Return the fastest round."""
        return max(self.runs, key=lambda run: run.rate)


@dataclass(frozen=True)
class Ratio:
    """One line of the table."""

    operation: Operation
    database: str
    floor: Figures
    ours: Figures

    @property
    def ratio(self) -> float:
        """Return how many times the floor's CPU time we need."""
        return self.ours.best_cpu / self.floor.best_cpu

    @property
    def is_met(self) -> bool:
        """Say whether that is little enough."""
        return self.ratio <= self.operation.wanted


async def measure(
    database: str, floor: Client, ours: Client, operations: Sequence[Operation], *, requests: int, rounds: int
) -> list[Ratio]:
    """Return a line for each operation."""
    for client in (floor, ours):
        for operation in operations:
            await client.run(operation, WARM_UP)
    lines = [Ratio(operation, database, Figures(), Figures()) for operation in operations]
    for _ in range(rounds):
        for line in lines:
            for client, figures in ((floor, line.floor), (ours, line.ours)):
                before = client.subject.cpu_seconds()
                run = await client.run(line.operation, requests * line.operation.weight)
                figures.cpu.append((client.subject.cpu_seconds() - before) / len(run.replies))
                figures.runs.append(run)
    return lines
