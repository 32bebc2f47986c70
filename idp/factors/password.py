"""Passwords: bcrypt over a keyed pre-hash, in a bounded pool of threads.

The pre-hash (HMAC-SHA-384 under the pepper, base64: 64 bytes) lets every character of a long password count, which
bcrypt's limit of 72 bytes would not. Work beyond the pool and its queue is refused at once, never queued without end.
A stored hash reads `v1$PEPPER$BCRYPT`; one that another system made, and nobody has signed in with yet, is kept as
foreign_hashes/stored.py says.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import re
import threading
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import TypeVar

import bcrypt

from idp.domain.probe import InjectedFault, Probe
from idp.factors.foreign_hashes import stored as foreign_hashes
from idp.factors.foreign_hashes.recipe import ForeignHash, Recipe
from idp.factors.foreign_hashes.stored import KeyedForeignHash
from idp.policy import passwords

T = TypeVar("T")

NICENESS = 10
_VERSION = "v1"
_LOWEST_COST = 4
_CLOCKS: tuple[Callable[[], float], ...] = (time.thread_time, time.perf_counter)
_BCRYPT = re.compile(r"\$2b\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_COMMON_AT_LEAST = 6


class HashPoolBusy(Exception):
    """More passwords wait to be hashed than the pool takes; a later try may work."""


class PasswordHasher:
    """Hashes and verifies passwords without ever blocking the event loop."""

    def __init__(
        self, pepper: bytes, *, pepper_id: str, rounds: int, threads: int, queue: int, probe: Probe | None = None
    ) -> None:
        """Start a pool of `threads`; at most `queue` further passwords wait."""
        self._probe = probe
        self._pepper = pepper
        self._pepper_id = pepper_id
        self._rounds = rounds
        self._room = threads + queue
        self._busy = 0
        # What a hash of ours takes, as it was lately, by each clock.
        self._own_seconds: dict[Callable[[], float], float] = {}
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="hash", initializer=step_back)
        # A hash that no password has: verifying against it costs what a real one costs.
        nobody = hashlib.sha384(pepper).hexdigest()
        self._nobody = f"$2b${rounds:02}${nobody[:21]}u{nobody[22:53]}".encode()

    async def hash(self, password: str) -> str:
        """Return what to store of a password; raise HashPoolBusy when too many are waiting."""
        salted = await self._run(lambda: bcrypt.hashpw(self._prehash(password), bcrypt.gensalt(self._rounds)))
        return f"{_VERSION}${self._pepper_id}{salted.decode()}"

    async def verify(self, stored: str | None, password: str) -> bool:
        """Say whether the password has this hash; None, a hash that nobody has, costs the same and fails.

        Raises HashPoolBusy when too many are waiting.
        """
        if self._probe is not None:
            await self._break("hash.verify", self._probe)
        foreign = foreign_hashes.read(stored, pepper_id=self._pepper_id) if stored is not None else None
        if foreign is not None:
            return await self._run(lambda: self._fits_foreign(foreign, password))
        target = self._bcrypt_part(stored)
        matches = await self._run(lambda: self._fits(target or self._nobody, password))
        return matches and target is not None

    def adopt(self, foreign: ForeignHash) -> str:
        """Return what to store of a hash that another system made; its owner's next sign-in replaces it."""
        return foreign_hashes.write(foreign, self._pepper, pepper_id=self._pepper_id)

    def needs_upgrade(self, stored: str) -> bool:
        """Say whether a hash was made at a lower cost than is asked for now, or by another system."""
        if stored.startswith(f"{foreign_hashes.VERSION}$"):
            return True
        found = _BCRYPT.search(stored)
        return found is None or int(found[1]) < self._rounds

    def close(self) -> None:
        """Let running hashes finish and stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _fits(self, target: bytes, password: str) -> bool:
        began = [(clock, clock()) for clock in _CLOCKS]
        matches = bcrypt.checkpw(self._prehash(password), target)
        if target[4:6] == self._nobody[4:6]:
            for clock, start in began:
                spent = clock() - start
                self._own_seconds[clock] = 0.9 * self._own_seconds.get(clock, spent) + 0.1 * spent
        return matches

    def _fits_foreign(self, foreign: KeyedForeignHash, password: str) -> bool:
        # Argon2 spreads its lanes over threads of its own, whose processor time is not ours to see.
        clock = time.perf_counter if foreign.recipe.scheme.startswith("argon2") else time.thread_time
        began = clock()
        if foreign.fits(password.encode("utf-8", "surrogatepass"), self._pepper):
            return True
        # A wrong password must take what it takes at an account that does not exist, or what the recipe takes if that
        # is more; so the work that is missing is done, not slept: a busy machine slows both alike.
        own = self._own_seconds.get(clock)
        share = (clock() - began) / own if own else 0.0
        for rounds in _missing_rounds(foreign.recipe, self._rounds, share=share):
            bcrypt.checkpw(self._prehash(password), b"$2b$%02d" % rounds + self._nobody[6:])
        return False

    def _bcrypt_part(self, stored: str | None) -> bytes | None:
        version, _, rest = (stored or "").partition("$")
        pepper_id, _, salted = rest.partition("$")
        found = _BCRYPT.fullmatch(f"${salted}")
        return found[0].encode() if version == _VERSION and pepper_id == self._pepper_id and found else None

    def _prehash(self, password: str) -> bytes:
        normal = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
        return base64.b64encode(hmac.digest(self._pepper, normal, hashlib.sha384))

    async def _break(self, label: str, probe: Probe) -> None:
        try:
            await asyncio.sleep(probe.before(label))
        except InjectedFault as error:
            raise HashPoolBusy from error

    async def _run(self, work: Callable[[], T]) -> T:
        if self._busy >= self._room:
            raise HashPoolBusy
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._busy -= 1


def _missing_rounds(recipe: Recipe, rounds: int, *, share: float) -> list[int]:
    """Return the costs of bcrypt that, after a recipe's own work, add up to a hash of ours; none if it was more.

    `share` is what the recipe took of such a hash. For bcrypt itself nothing is measured: 2^10 + 2^10 + 2^11 = 2^12.
    """
    whole = 2**rounds
    is_bcrypt = recipe.scheme in ("bcrypt", "bcrypt-sha256")
    missing = whole - (2 ** recipe.parameters[0] if is_bcrypt else round(whole * share))
    return [cost for cost in range(_LOWEST_COST, rounds + 1) if missing > 0 and missing & 2**cost]


def step_back() -> None:
    """Let a working thread yield to the event loop, so that a storm of sign-ins slows no token (on Linux)."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def is_plausible(password: str) -> bool:
    """Say whether a password could be anybody's; what is too long or has NUL is not worth a hash."""
    if len(password) > passwords.LONGEST_CODE_POINTS or "\0" in password:
        return False
    return len(password.encode("utf-8", "surrogatepass")) <= passwords.LONGEST_BYTES


@cache
def common_passwords() -> frozenset[str]:
    """Return passwords that everybody tries first, folded; loaded at the first new password, not at start."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= _COMMON_AT_LEAST)
