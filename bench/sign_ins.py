"""Sign-ins: how many a second against what bcrypt alone allows, how long others wait beside them, what memory stays."""

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import bcrypt

from bench import people
from bench.load import Connection, Unexpected, percentile
from bench.operations import Client
from bench.processes import Subject

CORES = os.cpu_count() or 1
WANTED_SHARE = 0.95
WANTED_SLOWDOWN = 3.0
WANTED_MEGABYTES = 90.0
PROBES_PER_SECOND = 40
PROBING_CONNECTIONS = 8
BATCH = 500
TURNS = 3
PROBES = ("client_credentials", "jwks")


@dataclass(frozen=True)
class Throughput:
    """Sign-ins against bare bcrypt, both in as many threads as there are cores."""

    database: str
    rounds: int
    per_second: float  #: sign-ins
    hashes_per_second: float  #: bare bcrypt, measured in turns with them: cores divided by the time of one
    hash_cpu: float  #: CPU seconds of one bare hash
    sign_in_cpu: float  #: CPU seconds of one sign-in

    @property
    def share(self) -> float:
        """Return what part of bcrypt's own rate we reach."""
        return self.per_second / self.hashes_per_second

    @property
    def cpu_share(self) -> float:
        """Return the share of bcrypt in a sign-in's CPU time: the rate that a machine of our own could reach."""
        return self.hash_cpu / self.sign_in_cpu

    @property
    def machine_share(self) -> float:
        """Return how much of the cores bare bcrypt got; much less than 1 means that others were busy here."""
        return self.hashes_per_second * self.hash_cpu / CORES

    @property
    def is_met(self) -> bool:
        """Say whether that is enough."""
        return self.share >= WANTED_SHARE


@dataclass(frozen=True)
class Slowdown:
    """How long one kind of request takes, 99 of 100 times, idle and while sign-ins saturate the hash pool."""

    database: str
    operation: str
    idle: float  #: seconds
    storm: float

    @property
    def ratio(self) -> float:
        """Return how many times longer it takes in the storm."""
        return self.storm / self.idle

    @property
    def is_met(self) -> bool:
        """Say whether that is bearable."""
        return self.ratio <= WANTED_SLOWDOWN


@dataclass(frozen=True)
class Memory:
    """What the process holds, in megabytes."""

    database: str
    sign_ins: int
    at_start: float
    afterwards: float

    @property
    def is_met(self) -> bool:
        """Say whether that is little enough."""
        return self.afterwards <= WANTED_MEGABYTES


async def throughput(database: str, subject: Subject, *, rounds: int, seconds: float) -> Throughput:
    """Sign in as fast as the server lets us, in turns with bare bcrypt; the best turn of each counts."""
    bare, rates, cpu = [await asyncio.to_thread(_bare_bcrypt, rounds, seconds)], [], []
    for _ in range(TURNS):
        posts = await people.prepare_sign_ins(subject, max(4 * CORES, int(bare[-1][0] * seconds)))
        used = subject.cpu_seconds()
        run = await people.sign_in(subject, posts, connections=3 * CORES)
        cpu.append((subject.cpu_seconds() - used) / len(posts))
        rates.append(run.rate)
        bare.append(await asyncio.to_thread(_bare_bcrypt, rounds, seconds))
    return Throughput(
        database, rounds, max(rates), max(rate for rate, _ in bare), min(each for _, each in bare), min(cpu)
    )


def _bare_bcrypt(rounds: int, seconds: float) -> tuple[float, float]:
    """Return hashes per second of all cores together, and the CPU seconds of one hash."""
    stored = bcrypt.hashpw(b"x" * 64, bcrypt.gensalt(rounds))
    give_up = time.monotonic() + seconds

    def work(_number: int) -> tuple[int, float]:
        done, began = 0, time.thread_time()
        while time.monotonic() < give_up:
            bcrypt.checkpw(b"x" * 64, stored)
            done += 1
        return done, time.thread_time() - began

    began = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        results = list(pool.map(work, range(CORES)))
    count = sum(done for done, _ in results)
    return count / (time.perf_counter() - began), sum(cpu for _, cpu in results) / count


async def slowdowns(database: str, subject: Subject, *, rounds: int, seconds: float) -> Sequence[Slowdown]:
    """Ask at a steady pace, in turns alone and beside more sign-ins than the hash pool takes; best turns count."""
    hashes_per_second, _ = await asyncio.to_thread(_bare_bcrypt, rounds, 1.0)
    idle, storm = [], []
    for _ in range(TURNS):
        idle.append(await _probe(subject, seconds))
        storm.append(await _probe_in_storm(subject, int(hashes_per_second * seconds * 2) + 8 * CORES, seconds))
    return [Slowdown(database, name, _best_p99(idle, name), _best_p99(storm, name)) for name in PROBES]


def _best_p99(turns: Sequence[dict[str, list[float]]], name: str) -> float:
    return min(percentile(turn[name], 0.99) for turn in turns)


async def _probe_in_storm(subject: Subject, posts: int, seconds: float) -> dict[str, list[float]]:
    prepared = await people.prepare_sign_ins(subject, posts)
    storm = asyncio.create_task(people.sign_in(subject, prepared, connections=4 * CORES))
    try:
        await asyncio.sleep(0.5)
        taken = await _probe(subject, seconds)
        if storm.done():
            await storm
            raise Unexpected("the storm was over before the probes were")
    finally:
        storm.cancel()
        await asyncio.gather(storm, return_exceptions=True)
    return taken


async def _probe(subject: Subject, seconds: float) -> dict[str, list[float]]:
    """Send requests at fixed times, whether or not earlier ones were answered; return how long each took."""
    client = Client(subject)
    requests = {name: client.requests(name, 1)[0] for name in PROBES}
    free = [Connection(subject.port) for _ in range(PROBING_CONNECTIONS)]
    taken: dict[str, list[float]] = {name: [] for name in PROBES}

    async def ask(name: str) -> None:
        connection = free.pop() if free else Connection(subject.port)
        reply = await connection.exchange(requests[name])
        if reply.status != 200:
            raise Unexpected(f"{name}: {reply.head!r}")
        taken[name].append(reply.seconds)
        free.append(connection)

    for connection in free:  # not to measure connecting
        await connection.exchange(requests["jwks"])
    asked, began = [], time.monotonic()
    for number in range(int(seconds * PROBES_PER_SECOND)):
        await asyncio.sleep(began + number / PROBES_PER_SECOND - time.monotonic())
        asked += [asyncio.create_task(ask(name)) for name in PROBES]
    await asyncio.gather(*asked)
    for connection in free:
        connection.close()
    return taken


async def memory(database: str, subject: Subject, *, count: int) -> Memory:
    """Sign in many times, and see what stays."""
    for done in range(0, count, BATCH):
        posts = await people.prepare_sign_ins(subject, min(BATCH, count - done))
        await people.sign_in(subject, posts, connections=8)
    return Memory(database, count, subject.megabytes_at_start, subject.resident_megabytes())
