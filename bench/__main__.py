"""`python -m bench`: measure the provider against the floor on both databases, and print the table.

Takes some ten minutes, with --quick about one; ends by itself, and stops whatever it started. Nothing depends on its
figures: machines differ and are busy, so read the ratios.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import bound, profile, ratios, report, sign_ins
from bench.operations import OPERATIONS, Client, with_needs
from bench.processes import floor, provider
from bench.report import Findings
from tests.support import postgres, session
from tests.support.databases import KINDS, fresh_database
from tests.support.postgres import Postgres

LONGEST_SECONDS = 1800
BCRYPT_ROUNDS = 12
CHEAP_ROUNDS = 4
PEOPLE = max(8, 4 * sign_ins.CORES)
JOURNEYS = ("bound", "sign-ins", "storm", "memory")


@dataclass(frozen=True)
class Effort:
    """How much is done for each figure."""

    requests: int
    rounds: int
    sign_in_seconds: float
    storm_seconds: float
    sign_ins: int


FULL = Effort(requests=1000, rounds=3, sign_in_seconds=5, storm_seconds=8, sign_ins=10_000)
QUICK = Effort(requests=200, rounds=1, sign_in_seconds=1, storm_seconds=2, sign_ins=250)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("bench", description=__doc__)
    names = (*(operation.name for operation in OPERATIONS), *JOURNEYS)
    parser.add_argument("--quick", action="store_true", help="about a minute, coarse figures")
    parser.add_argument("--only", choices=names, metavar="OP", help=f"one of {', '.join(names)}")
    parser.add_argument("--database", choices=KINDS, help="one database only")
    parser.add_argument("--bcrypt-rounds", type=int, default=BCRYPT_ROUNDS, help="cost for sign-ins and storm")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--profile", type=Path, metavar="FOLDER", help="show where our CPU time goes instead")
    return parser.parse_args()


async def measure(options: argparse.Namespace) -> Findings:
    """Measure what was asked for."""
    findings = Findings()
    for kind in [options.database] if options.database else KINDS:
        with tempfile.TemporaryDirectory(prefix="idp-bench-") as folder:
            if options.profile is not None:
                await _profile(kind, Path(folder), options)
            else:
                await _measure(findings, kind, Path(folder), options)
    return findings


async def _measure(findings: Findings, kind: str, folder: Path, options: argparse.Namespace) -> None:
    effort: Effort = QUICK if options.quick else FULL
    only: str | None = options.only
    rounds: int = options.bcrypt_rounds
    if only != "memory":
        async with (
            fresh_database(kind, folder) as url,
            provider(folder / "ours", url, rounds=rounds, people=PEOPLE) as ours,
        ):
            if only not in JOURNEYS:
                _say(f"{kind}: operations")
                async with _empty(kind, folder) as other, floor(folder / "floor", other, ours) as low:
                    findings.ratios += await ratios.measure(
                        kind, Client(low), Client(ours), with_needs(only), requests=effort.requests,
                        rounds=effort.rounds,
                    )  # fmt: skip
            if only in (None, "bound"):
                _say(f"{kind}: flows that push and prove a key")
                findings.bounds.append(
                    await bound.measure(kind, ours, requests=effort.requests // 2, rounds=effort.rounds)
                )
            if only in (None, "sign-ins"):
                _say(f"{kind}: sign-ins")
                findings.throughputs.append(
                    await sign_ins.throughput(kind, ours, rounds=rounds, seconds=effort.sign_in_seconds)
                )
            if only in (None, "storm"):
                _say(f"{kind}: others during sign-ins")
                findings.slowdowns += await sign_ins.slowdowns(kind, ours, rounds=rounds, seconds=effort.storm_seconds)
    if only in (None, "memory"):
        _say(f"{kind}: memory")
        async with (
            fresh_database(kind, folder) as url,
            provider(folder / "memory", url, rounds=CHEAP_ROUNDS, people=PEOPLE) as ours,
        ):
            findings.memories.append(await sign_ins.memory(kind, ours, count=effort.sign_ins))


async def _profile(kind: str, folder: Path, options: argparse.Namespace) -> None:
    effort: Effort = QUICK if options.quick else FULL
    stacks = options.profile.absolute() / kind
    stacks.mkdir(parents=True, exist_ok=True)
    print(f"# {kind}")
    async with (
        fresh_database(kind, folder) as url,
        provider(folder / "ours", url, rounds=CHEAP_ROUNDS, profiles=stacks) as ours,
    ):
        await profile.profile(Client(ours), with_needs(options.only), stacks, requests=effort.requests)


@asynccontextmanager
async def _empty(kind: str, folder: Path) -> AsyncIterator[str]:
    """Yield the URL of a database without any table."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/floor.sqlite3"
        return
    server = await Postgres.shared()
    async with server.database() as url:
        yield url


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


async def _within_bounds(options: argparse.Namespace) -> Findings:
    async with asyncio.timeout(LONGEST_SECONDS):
        return await measure(options)


def main() -> None:
    """Measure, print, clean up."""
    if not os.path.exists("/proc/self/stat"):
        sys.exit("bench reads CPU time from /proc: it runs on Linux only")
    options = read_options()
    session.begin()
    try:
        findings = asyncio.run(_within_bounds(options))
    finally:
        postgres.stop_shared()
        session.end()
    if options.profile is None:
        report.show(findings)
        if options.json is not None:
            report.write(findings, options.json)


if __name__ == "__main__":
    main()
