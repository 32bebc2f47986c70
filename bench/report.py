"""What the benchmark found, as a table for people and as JSON for programs."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.bound import WANTED as WANTED_BOUND
from bench.bound import Bound
from bench.ratios import Ratio
from bench.sign_ins import WANTED_MEGABYTES, WANTED_SHARE, WANTED_SLOWDOWN, Memory, Slowdown, Throughput

HEAD = (
    f"{'operation':20} {'database':10} {'floor':>8} {'ours':>8} {'ratio':>6} {'wanted':>7} "
    f"{'req/s':>6} {'p50 ms':>7} {'p99 ms':>7}"
)


@dataclass
class Findings:
    """Everything that was measured."""

    ratios: list[Ratio] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)
    throughputs: list[Throughput] = field(default_factory=list)
    slowdowns: list[Slowdown] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)

    @property
    def lines(self) -> Sequence[Ratio | Bound | Throughput | Slowdown | Memory]:
        """Return every finding that has a wish."""
        return [*self.ratios, *self.bounds, *self.throughputs, *self.slowdowns, *self.memories]


def machine() -> str:
    """Return what was measured on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"


def show(findings: Findings) -> None:
    """Print the findings."""
    if findings.ratios:
        print(f"CPU milliseconds per request, one worker, {machine()}\n\n{HEAD}")
        for line in sorted(findings.ratios, key=lambda line: line.database != "sqlite"):
            print(_ratio(line))
    for bound in findings.bounds:
        print(f"\n{_bound(bound)}")
    for throughput in findings.throughputs:
        print(f"\n{_throughput(throughput)}")
    if findings.slowdowns:
        print(
            f"\n{'p99 while signing in':20} {'database':10} {'idle ms':>8} {'storm ms':>8} {'ratio':>6} {'wanted':>7}"
        )
    for slowdown in findings.slowdowns:
        print(_slowdown(slowdown))
    for memory in findings.memories:
        print(f"\n{_memory(memory)}")
    missed = sum(not line.is_met for line in findings.lines)
    print(f"\n{len(findings.lines) - missed} of {len(findings.lines)} as wanted")


def _met(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def _ratio(line: Ratio) -> str:
    run, floor, ours = line.ours.best_run, line.floor.best_cpu * 1000, line.ours.best_cpu * 1000
    return (
        f"{line.operation.name:20} {line.database:10} {floor:8.3f} {ours:8.3f} "
        f"{line.ratio:6.2f} {line.operation.wanted:7.2f} {run.rate:6.0f} {run.percentile(0.5) * 1000:7.2f} "
        f"{run.percentile(0.99) * 1000:7.2f} {_met(line.is_met)}"
    )


def _bound(found: Bound) -> str:
    return (
        f"code flow on {found.database}: {found.plain * 1000:.2f} ms plain, {found.bound * 1000:.2f} ms pushed and"
        " bound (DPoP, ID token by ES256): "
        f"{found.ratio:.2f} times, wanted at most {WANTED_BOUND}: {_met(found.is_met)}"
    )


def _throughput(found: Throughput) -> str:
    return (
        f"sign-ins on {found.database}, bcrypt cost {found.rounds}: {found.per_second:.2f}/s, "
        f"{found.share:.1%} of cores / bcrypt time ({found.hashes_per_second:.2f}/s), wanted {WANTED_SHARE:.0%}: "
        f"{_met(found.is_met)}\n"
        f"  CPU: {found.sign_in_cpu * 1000:.0f} ms per sign-in, of it bcrypt {found.cpu_share:.1%}; "
        f"bare bcrypt got {found.machine_share:.0%} of the cores, others the rest"
    )


def _slowdown(found: Slowdown) -> str:
    return (
        f"{found.operation:20} {found.database:10} {found.idle * 1000:8.2f} {found.storm * 1000:8.2f} "
        f"{found.ratio:6.2f} {WANTED_SLOWDOWN:7.2f} {_met(found.is_met)}"
    )


def _memory(found: Memory) -> str:
    return (
        f"memory on {found.database}: {found.at_start:.0f} MB after start, {found.afterwards:.0f} MB after "
        f"{found.sign_ins} sign-ins (bcrypt cost 4, to be quick), wanted at most {WANTED_MEGABYTES:.0f} MB: "
        f"{_met(found.is_met)}"
    )


def write(findings: Findings, file: Path) -> None:
    """Write the findings as JSON."""
    document: dict[str, Any] = {
        "machine": machine(),
        "operations": [
            {
                "operation": line.operation.name, "database": line.database,
                "floor_cpu_ms": line.floor.best_cpu * 1000, "cpu_ms": line.ours.best_cpu * 1000,
                "ratio": line.ratio, "wanted": line.operation.wanted, "met": line.is_met,
                "requests_per_second": line.ours.best_run.rate,
                "floor_requests_per_second": line.floor.best_run.rate,
                "p50_ms": line.ours.best_run.percentile(0.5) * 1000,
                "p99_ms": line.ours.best_run.percentile(0.99) * 1000,
            }
            for line in findings.ratios
        ],
        "pushed_and_bound": [
            {
                "database": found.database, "plain_cpu_ms": found.plain * 1000, "cpu_ms": found.bound * 1000,
                "ratio": found.ratio, "wanted": WANTED_BOUND, "met": found.is_met,
            }
            for found in findings.bounds
        ],
        "sign_ins": [
            {
                "database": found.database, "bcrypt_rounds": found.rounds, "per_second": found.per_second,
                "bcrypt_per_second": found.hashes_per_second, "share": found.share, "cpu_share": found.cpu_share,
                "machine_share": found.machine_share,
                "wanted": WANTED_SHARE, "met": found.is_met,
            }
            for found in findings.throughputs
        ],
        "p99_in_a_storm": [
            {
                "database": found.database, "operation": found.operation, "idle_ms": found.idle * 1000,
                "storm_ms": found.storm * 1000, "ratio": found.ratio, "wanted": WANTED_SLOWDOWN, "met": found.is_met,
            }
            for found in findings.slowdowns
        ],
        "memory": [
            {
                "database": found.database, "sign_ins": found.sign_ins, "at_start_mb": found.at_start,
                "afterwards_mb": found.afterwards, "wanted": WANTED_MEGABYTES, "met": found.is_met,
            }
            for found in findings.memories
        ],
    }  # fmt: skip
    file.write_text(json.dumps(document, indent=2) + "\n")
