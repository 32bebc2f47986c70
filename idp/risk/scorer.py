"""Scores attempts, and learns from those that passed every demanded proof.

A profile is one row, the population a few hundred counts that each process reads again after a minute. What cannot be
read counts as no history: it never stands in anybody's way.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from idp.domain.json import Json
from idp.domain.risk import Assessment
from idp.domain.secret import Digester
from idp.providers.geo.networks import Networks
from idp.risk import profile as profiles
from idp.risk import taught as lessons
from idp.risk.engine import assess, observe
from idp.risk.population import Population, Row
from idp.risk.profile import EMPTY, Match, Observation, Profile, Taught, match
from idp.risk.shipped import Tables
from idp.risk.signal import Circumstances, Coordinates, Listed, NetKind
from idp.storage.stores import Stores

POPULATION_SECONDS = 60
TRIES = 3
log = structlog.get_logger("risk")


@dataclass(frozen=True, slots=True)
class Scored:
    """One attempt and what the local engine makes of it."""

    assessment: Assessment
    circumstances: Circumstances
    seen: Observation
    profile: Profile
    found: Match


class Scorer:
    """The local engine of one deployment."""

    def __init__(
        self, tables: Tables, networks: Networks, digester: Digester, *, programs_are_usual: bool = False
    ) -> None:
        """Judge by these tables and files; values are stored under digests of this deployment."""
        self._programs_are_usual = programs_are_usual
        self._tables = tables
        self._networks = networks
        self._digester = digester
        self._population: Population | None = None
        self._read_at = float("-inf")

    async def score(self, stores: Stores, user_id: str, now: Circumstances) -> Scored:
        """Say how unusual an attempt is for this person."""
        located = self.locate(now)
        _version, profile = await self.profile_of(stores, user_id)
        population = await self.population(stores)
        seen = self.observe(located)
        return Scored(assess(located, seen, profile, population), located, seen, profile, match(profile, seen))

    def locate(self, now: Circumstances) -> Circumstances:
        """Return the circumstances with what the operator's files say of the address."""
        if now.address is None:
            return now
        found = self._networks.look_up(now.address)
        where = None
        if found.latitude is not None and found.longitude is not None and found.radius_km is not None:
            where = Coordinates(found.latitude, found.longitude, found.radius_km)
        return replace(
            now,
            programs_are_usual=self._programs_are_usual,
            asn=found.asn,
            country=found.country,
            coordinates=where,
            net_kind=NetKind(found.kind) if found.kind is not None else None,
            listed=None if found.listed is None else frozenset(Listed(name) for name in found.listed),
        )

    def observe(self, located: Circumstances) -> Observation:
        """Return what a profile compares and learns."""
        return observe(located, self.digest)

    def digest(self, kind: str, value: str) -> int:
        """Return 64 bits that stand for a value in this deployment alone."""
        return int.from_bytes(self._digester.digest("risk", f"{kind}|{value}")[:8], "big")

    async def profile_of(self, stores: Stores, user_id: str) -> tuple[int, Profile]:
        """Return a person's profile and its version; a damaged one counts as empty, and is written anew."""
        found = await stores.risk_profiles.find(user_id)
        if found is None:
            return 0, EMPTY
        version, content = found
        try:
            return version, profiles.from_json(dict(content))
        except (ValueError, TypeError, KeyError) as error:
            log.error("risk_profile_damaged", user_id=user_id, why=str(error))
            return version, EMPTY

    async def population(self, stores: Stores) -> Population:
        """Return the tenant's counts, at most a minute old."""
        if self._population is None or time.monotonic() - self._read_at > POPULATION_SECONDS:
            self._population = _population(self._tables, await stores.risk_population.all())
            self._read_at = time.monotonic()
        return self._population

    async def learn(self, stores: Stores, user_id: str, seen: Observation, now: datetime) -> Mapping[str, Json] | None:
        """Learn a sign-in once; return what it taught, None if others kept learning faster."""
        for _ in range(TRIES):
            version, profile = await self.profile_of(stores, user_id)
            after, taught = profiles.learn(profile, seen)
            if await stores.risk_profiles.save(user_id, profiles.to_json(after), after=version, now=now):
                await stores.risk_population.add(_names(taught))
                return lessons.to_json(taught)
        return None

    async def unlearn(self, stores: Stores, user_id: str, taught: Mapping[str, Json], now: datetime) -> bool:
        """Take exactly that out again, of the profile and of the tenant's counts."""
        lesson = lessons.from_json(dict(taught))
        for _ in range(TRIES):
            version, profile = await self.profile_of(stores, user_id)
            after = profiles.unlearn(profile, lesson)
            if await stores.risk_profiles.save(user_id, profiles.to_json(after), after=version, now=now):
                await stores.risk_population.add(_names(lesson), step=-1)
                return True
        return False


def _names(taught: Taught) -> tuple[str, ...]:
    names = []
    if taught.cell is not None:
        names.append("cell:" + ":".join(map(str, (taught.bucket, *taught.cell))))
    if taught.hour is not None:
        names.append(f"hour:{taught.hour}")
    if taught.with_device:
        names.append("devices")
    return tuple(names)


def _population(tables: Tables, counts: Mapping[str, int]) -> Population:
    rows: dict[Row, int] = {}
    hours: dict[int, int] = {}
    for name, count in counts.items():
        kind, _, rest = name.partition(":")
        parts = [int(part) for part in rest.split(":")] if rest else []
        if kind == "cell" and len(parts) == 4:
            rows[(parts[0], parts[1], parts[2], parts[3])] = max(0, count)
        elif kind == "hour" and len(parts) == 1:
            hours[parts[0]] = max(0, count)
    return Population(tables, rows, hours, with_device=max(0, counts.get("devices", 0)))
