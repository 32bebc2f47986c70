"""`python -m bench.past`: how fast the stored past is replayed under another policy, from the rows of SQLite.

The floor reads the same rows by the bare driver, and does to each record the two things that nobody can leave out:
hash its text, and parse it as JSON. CPU seconds of one core; wall-clock time is for reading only.
"""

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from idp import resources
from idp.flows import policy_history
from idp.flows.policy_history import Named
from idp.policy import record as records
from idp.policy import rule_file, shipped
from idp.policy.simulation import Report, simulate
from idp.storage import schema
from idp.storage.columns import to_micros
from idp.storage.maintenance import maintenance
from idp.storage.stores import Transactions
from tests.support import builders
from tests.support.recorded import START, history
from tests.support.storage import opened, transactions_on

T = TypeVar("T")
SIGN_INS = 200_000
PEOPLE = 5_000
PAGE = 500  # as the command line reads them
OLD, NEW = (rule_file.read(shipped.text(name)) for name in ("balanced", "strict"))
INSERT = (
    "INSERT INTO decisions (id, user_id, event, decided_at, decision, band, score, policy, record, digest, outcome,"
    " label, expires_at) VALUES (?,?,'login',?,?,?,?,?,?,?,?,?,?)"
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("bench.past", description=__doc__)
    parser.add_argument("--sign-ins", type=int, default=SIGN_INS)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder), parser.parse_args().sign_ins))


async def _measure(folder: Path, count: int) -> None:
    path = str(folder / "past.sqlite3")
    async with opened(f"sqlite+aiosqlite:///{path}") as database:
        async with maintenance(database.url) as connection:
            await schema.upgrade(connection, resources.folder("alembic"))
        transactions = transactions_on(database)
        async with transactions.open(write=True) as stores:
            for number in range(PEOPLE):
                await stores.users.add(builders.user(id=f"u{number}"))
        size = _fill(path, count)
        print(f"{count:,} sign-ins of {PEOPLE:,} people in SQLite, {size / count:,.0f} bytes a record")
        floor = min(_floor(path) for _ in range(2)) / count
        seconds, wall, report = await asyncio.to_thread(_replayed, transactions)
        assert (report.sign_ins, report.not_reproduced) == (count, 0)
        print(f"  floor: hash and parse   {floor * 1e6:6.1f} µs a sign-in, {1 / floor:9,.0f} a second and core")
        each = seconds / count
        print(f"  simulated               {each * 1e6:6.1f} µs a sign-in, {1 / each:9,.0f} a second and core")
        ahead, _, again = await asyncio.to_thread(_replayed, transactions, ahead=True)
        assert again == report
        ahead /= count
        print(f"  likewise, a page ahead  {ahead * 1e6:6.1f} µs a sign-in, {1 / ahead:9,.0f} a second and core")
        print(f"  ratio {each / floor:.2f}; a million: {each * 1e6:.0f} s of CPU; this run: {wall:.1f} s by the clock")


def _fill(path: str, count: int) -> int:
    """Store sign-ins of a month; return the bytes of their records."""
    size = 0
    connection = sqlite3.connect(path)
    for number, each in enumerate(history(OLD, count, users=PEOPLE)):
        document = records.to_json(each)
        raw = records.canonical(document)
        size += len(raw)
        connection.execute(
            INSERT,
            (f"{number:08d}", each.user, to_micros(each.at), each.decision.value, document["band"], document["score"],
             document["policy"], raw.decode(), sha256(raw).hexdigest(), each.outcome, each.label,
             to_micros(each.at + timedelta(days=90))),
        )  # fmt: skip
    connection.commit()
    connection.close()
    return size


def _floor(path: str) -> float:
    before = time.process_time()
    connection = sqlite3.connect(path)
    for text, digest in connection.execute("SELECT record, digest FROM decisions ORDER BY decided_at, id"):
        assert sha256(text.encode()).hexdigest() == digest
        json.loads(text)
    connection.close()
    return time.process_time() - before


def _replayed(transactions: Transactions, *, ahead: bool = False) -> tuple[float, float, Report]:
    """Simulate on an event loop of its own; return CPU time, time, and the report.

    `ahead` turns a page of rows into records before the first is decided, as `idp policy simulate` does; else each is
    read when its turn comes.
    """
    with asyncio.Runner() as runner:
        began, before = time.perf_counter(), time.process_time()
        if ahead:
            recorded = policy_history.recorded(transactions, START, Named())
            report = simulate(OLD, NEW, (each for _, each in _paged(runner, recorded)))
        else:
            rows = _paged(runner, policy_history.kept(transactions, START))
            report = simulate(OLD, NEW, (each for _, each in policy_history.each(rows, Named())))
        return time.process_time() - before, time.perf_counter() - began, report


def _paged(runner: asyncio.Runner, source: AsyncGenerator[T, None]) -> Iterator[T]:
    async def page() -> list[T]:
        found: list[T] = []
        async for each in source:
            found.append(each)
            if len(found) == PAGE:
                break
        return found

    while found := runner.run(page()):
        yield from found


if __name__ == "__main__":
    main()
