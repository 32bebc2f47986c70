"""Passwords: every character counts, nobody's hash costs like somebody's, and the pool never queues without end."""

import asyncio
import os
import threading
from collections.abc import Iterator

import pytest

from idp.factors.password import NICENESS, HashPoolBusy, PasswordHasher, is_plausible

PEPPER = bytes(range(32))


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    made = PasswordHasher(PEPPER, pepper_id="p1", rounds=4, threads=1, queue=1)
    yield made
    made.close()


async def test_every_character_of_a_long_password_counts(hasher: PasswordHasher) -> None:
    """bcrypt alone would stop reading after 72 bytes (LG78)."""
    long = "x" * 200
    stored = await hasher.hash(long + "a")

    assert not await hasher.verify(stored, long + "b")
    assert await hasher.verify(stored, long + "a")


async def test_composed_and_decomposed_letters_are_one_password(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("caf\u00e9 on the corner")

    assert await hasher.verify(stored, "cafe\u0301 on the corner")
    assert not await hasher.verify(stored, "cafe on the corner")


async def test_nobodys_hash_costs_what_a_real_one_costs_and_fits_no_password(hasher: PasswordHasher) -> None:
    assert not await hasher.verify(None, "anything")
    assert not await hasher.verify("no hash at all", "anything")
    assert not await hasher.verify("v1$other$2b$04$" + "a" * 53, "anything")


async def test_a_hash_of_lower_cost_wants_an_upgrade(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("a phrase of some length")
    stronger = PasswordHasher(PEPPER, pepper_id="p1", rounds=5, threads=1, queue=1)

    assert stronger.needs_upgrade(stored)
    assert not hasher.needs_upgrade(stored)
    assert await stronger.verify(stored, "a phrase of some length")
    stronger.close()


async def test_work_beyond_pool_and_queue_is_refused_at_once() -> None:
    """One runs, one waits, the third is told to come back (FT22)."""
    slow = PasswordHasher(PEPPER, pepper_id="p1", rounds=10, threads=1, queue=1)

    outcomes = await asyncio.gather(*(slow.verify(None, "x") for _ in range(3)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [bool, bool, HashPoolBusy]
    assert await slow.verify(None, "x") is False
    slow.close()


async def test_hashing_threads_yield_to_the_event_loop(hasher: PasswordHasher) -> None:
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    theirs = await hasher._run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    assert theirs == min(max(own, NICENESS), 19)


LONGEST = 256


@pytest.mark.parametrize(
    ("password", "plausible"),
    [("x" * LONGEST, True), ("x" * (LONGEST + 1), False), ("a\0b", False), ("🔑" * LONGEST, True)],
    ids=["longest", "longer", "with NUL", "longest of four bytes each"],
)
def test_what_could_be_nobodys_password_is_not_hashed(password: str, plausible: bool) -> None:
    assert is_plausible(password) is plausible
