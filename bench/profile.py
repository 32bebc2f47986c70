"""Where the provider's CPU time goes, for each operation: from the stacks that bench/profiled.py noted."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.load import drive
from bench.operations import Client, Operation, request
from bench.profiled import MARK

REPOSITORY = f"{Path(__file__).parents[1]}/"
LINES = 45
WARM_UP = 100
Stack = Sequence[tuple[str, str, int]]


async def profile(ours: Client, operations: Sequence[Operation], folder: Path, *, requests: int) -> None:
    """Print, for each operation, milliseconds of CPU per request by function: inside it, and below it too."""
    for operation in operations:
        await ours.run(operation, WARM_UP)
    for operation in operations:
        await _mark(ours, "nothing")
        before = ours.subject.cpu_seconds()
        count = requests * operation.weight
        await ours.run(operation, count)
        milliseconds = (ours.subject.cpu_seconds() - before) / count * 1000
        await _mark(ours, operation.name)
        stacks = json.loads((folder / f"{operation.name}.json").read_text())
        print(f"\n## {operation.name}: {milliseconds:.2f} ms")
        _print(stacks, milliseconds)


async def _mark(ours: Client, name: str) -> None:
    await drive(ours.subject.port, [request(ours.subject, "GET", f"{MARK}{name}")], connections=1)


def _print(stacks: Sequence[tuple[int, Stack]], milliseconds: float) -> None:
    total = sum(count for count, _ in stacks)
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for count, stack in stacks:
        own[_name(stack[0])] += count
        for name in {_name(frame) for frame in stack}:
            below[name] += count
    print(f"{total} samples\n### with everything below")
    for name, count in below.most_common(LINES * 2):
        print(f"{count / total * milliseconds:7.3f} ms {count / total:6.1%}  {name}")
    print("### in the function itself")
    for name, count in own.most_common(LINES):
        print(f"{count / total * milliseconds:7.3f} ms {count / total:6.1%}  {name}")


def _name(frame: tuple[str, str, int]) -> str:
    file, function, _line = frame
    short = file.removeprefix(REPOSITORY).rpartition("site-packages/")[2]
    return f"{short} {function}"
