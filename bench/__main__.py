"""`python -m bench`: measure provider and floor on both databases, and print the table."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from bench.operations import Client, with_needs
from bench.processes import floor, provider
from bench.ratios import Ratio, measure
from tests.support import postgres, session
from tests.support.databases import KINDS, fresh_database
from tests.support.postgres import Postgres


async def main(options: argparse.Namespace) -> None:
    lines: list[Ratio] = []
    for kind in [options.database] if options.database else KINDS:
        lines += await ratios(kind, options)
    for r in lines:
        print(
            f"{r.operation.name:20} {r.database:11} {r.floor.best_cpu * 1000:7.3f} {r.ours.best_cpu * 1000:7.3f} {r.ratio:5.2f} {r.operation.wanted} {r.is_met} {r.ours.best_run.rate:7.0f} p50 {r.ours.best_run.percentile(0.5) * 1000:6.2f} p99 {r.ours.best_run.percentile(0.99) * 1000:6.2f}  floor {r.floor.best_run.rate:7.0f}  cpu {[round(c * 1000, 2) for c in r.floor.cpu]} {[round(c * 1000, 2) for c in r.ours.cpu]}"
        )


async def ratios(kind, options):
    with tempfile.TemporaryDirectory(prefix="idp-bench-") as folder:
        path = Path(folder)
        async with fresh_database(kind, path) as url, empty(kind, path) as other:
            async with provider(path / "ours", url, rounds=4) as ours, floor(path / "floor", other, ours) as low:
                return await measure(
                    kind,
                    Client(low),
                    Client(ours),
                    with_needs(options.only),
                    requests=300 if options.quick else 1200,
                    rounds=2 if options.quick else 3,
                )


from contextlib import asynccontextmanager


@asynccontextmanager
async def empty(kind, path):
    if kind == "sqlite":
        yield f"sqlite:///{path}/floor.sqlite3"
    else:
        p = await Postgres.shared()
        async with p.database() as url:
            yield url


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--quick", action="store_true")
    p.add_argument("--only")
    p.add_argument("--database")
    options = p.parse_args()
    session.begin()
    try:
        asyncio.run(main(options))
    finally:
        postgres.stop_shared()
        session.end()
