"""What a person's logins taught: the values seen on each level, how deep logins usually match, and at which hours.

All of it is digests and counts. An address is forgotten 180 days after it was last seen, any other value after 365.
"""

from base64 import b85decode, b85encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Final

from idp.domain.json import Json, JsonObject
from idp.domain.risk import Depths
from idp.risk.hierarchy import AgentLevels, NetLevels
from idp.risk.packing import pack, unpack
from idp.risk.value_set import WIDTH, Change, find, first_seen, forget_before, last_seen, see, take_back

ADDRESS_DAYS: Final = 180
VALUE_DAYS: Final = 365
BUCKETS: Final = 6
_DAY_SECONDS: Final = 86400


class Level(IntEnum):
    """Which set of a profile a value belongs to."""

    ADDRESS = 0
    ASN = 1
    COUNTRY = 2
    AGENT = 3
    BROWSER = 4
    SYSTEM = 5
    TYPE = 6
    DEVICE = 7


_ADDRESS, _ASN, _COUNTRY, _AGENT, _BROWSER, _SYSTEM, _TYPE, _DEVICE = range(len(Level))  # plain numbers index faster

#: Where the depths of each kind start in `Profile.depths`: 4 of the network, 5 of the agent, 2 of the device.
NET, AGENT, DEV = slice(0, 4), slice(4, 9), slice(9, 11)


@dataclass(frozen=True, slots=True)
class Place:
    """When and where a person last signed in: Unix seconds, degrees, and the accuracy in kilometres."""

    at: int
    latitude: float | None = None
    longitude: float | None = None
    radius_km: float | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One login as the engine sees it: digests, the local hour, and where it was; None is unknown."""

    day: int  # since 1970
    net: NetLevels
    agent: AgentLevels | None = None
    device: bytes | None = None
    hour: int | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What was learnt of one person; a value, changed by `learn` and `unlearn` only."""

    logins: int = 0
    values: tuple[bytes, ...] = (b"",) * len(Level)  # a value set for each Level
    depths: tuple[int, ...] = (0,) * 11  # how often the person's own logins matched so deep, from the second on
    hours: tuple[int, ...] = (0,) * 24
    last: Place | None = None


EMPTY: Final = Profile()


@dataclass(frozen=True, slots=True)
class Match:
    """Which depths an attempt may have, given what is not known of it; one each if all is known."""

    net: tuple[int, ...] = (3,)
    agent: tuple[int, ...] = (4,)
    dev: int = 1

    def depths(self, *, devices: bool = True) -> Depths:
        """Return the depths as far as they are certain; without devices that of the device is unknown."""
        return Depths(
            net=self.net[0] if len(self.net) == 1 else None,
            agent=self.agent[0] if len(self.agent) == 1 else None,
            dev=self.dev if devices else None,
        )


@dataclass(frozen=True, slots=True)
class Taught:
    """Exactly what one login taught a profile and its tenant's tables, so that a verdict can take it out again."""

    bucket: int
    cell: tuple[int, int, int] | None  # depths counted by the tenant; None if a level was unknown
    own: tuple[int, ...]  # indices into Profile.depths
    hour: int | None
    with_device: bool
    changes: tuple[tuple[Level, Change], ...]
    last: Place | None  # of this login
    before: Place | None  # of the login before it


def day_of(at: datetime) -> int:
    """Return the day since 1970 in UTC."""
    return int(at.timestamp()) // _DAY_SECONDS


def bucket_of(logins: int) -> int:
    """Return which table judges a person with so many learnt logins: 0, 1, 2–3, 4–7, 8–15, 16–31, 32+."""
    length = logins.bit_length()
    return length if length < BUCKETS else BUCKETS


_NETS: Final = tuple((depth,) for depth in range(4))
_AGENTS: Final = tuple((depth,) for depth in range(5))
_ANY_AGENT: Final = (0, 1, 2, 3, 4)


_MATCHES: Final[Mapping[tuple[tuple[int, ...], tuple[int, ...], bool], Match]] = {
    (net, agent, known): Match(net, agent, 0 if known else 1)
    for net in _NETS for agent in _AGENTS for known in (False, True)
}  # fmt: skip


def match(profile: Profile, seen: Observation) -> Match:
    """Say how deep an attempt matches what was learnt."""
    values, today = profile.values, seen.day
    known = seen.device is not None and _knows(values[_DEVICE], seen.device, today - VALUE_DAYS)
    net, agent = _match_net(values, seen.net, today), _match_agent(values, seen.agent, today)
    return _MATCHES.get((net, agent, known)) or Match(net, agent, 0 if known else 1)


def _knows(values: bytes, digest: bytes, oldest: int) -> bool:
    at = values.find(digest)
    if at < 0:
        return False
    if at % WIDTH:  # by chance across two records
        at = find(values, digest)
    return at >= 0 and (values[at + 8] << 8 | values[at + 9]) >= oldest


def _match_net(values: tuple[bytes, ...], net: NetLevels, today: int) -> tuple[int, ...]:
    oldest = today - VALUE_DAYS
    if net.address is not None and _knows(values[_ADDRESS], net.address, today - ADDRESS_DAYS):
        return _NETS[0]
    if net.asn is not None and _knows(values[_ASN], net.asn, oldest):
        return _NETS[1] if net.address is not None else (0, 1)
    maybe: tuple[int, ...] = () if net.address is not None else (0,)
    maybe += () if net.asn is not None else (1,)
    if net.country is None:
        return (*maybe, 2, 3)
    end = 2 if _knows(values[_COUNTRY], net.country, oldest) else 3
    return (*maybe, end) if maybe else _NETS[end]


def _match_agent(values: tuple[bytes, ...], agent: AgentLevels | None, today: int) -> tuple[int, ...]:
    if agent is None:
        return _ANY_AGENT
    oldest = today - VALUE_DAYS
    if _knows(values[_AGENT], agent.text, oldest):
        return _AGENTS[0]
    if _knows(values[_BROWSER], agent.browser, oldest):
        return _AGENTS[1]
    if _knows(values[_SYSTEM], agent.system, oldest):
        return _AGENTS[2]
    return _AGENTS[3 if _knows(values[_TYPE], agent.device, oldest) else 4]


def depths(profile: Profile, seen: Observation) -> Depths:
    """Return the finest level on which each kind of value matches; None where that cannot be known."""
    return match(profile, seen).depths()


def device_age_days(profile: Profile, device: bytes, today: int) -> int | None:
    """Return for how many days this device has been known; None if it is not."""
    values = profile.values[Level.DEVICE]
    at = find(values, device)
    if at < 0 or last_seen(values, at) < today - VALUE_DAYS:
        return None
    return max(0, today - first_seen(values, at))


def forget(profile: Profile, today: int) -> Profile:
    """Return the profile without the values that have not been seen for too long."""
    values = tuple(
        forget_before(each, today - (ADDRESS_DAYS if level == Level.ADDRESS else VALUE_DAYS))
        for level, each in enumerate(profile.values)
    )
    return profile if values == profile.values else replace(profile, values=values)


def learn(profile: Profile, seen: Observation) -> tuple[Profile, Taught]:
    """Return what the profile is after this login, and what the login taught; what is unknown teaches nothing."""
    profile = forget(profile, seen.day)
    found = match(profile, seen)
    own: tuple[int, ...] = ()
    cell = None
    if profile.logins:
        if seen.net.is_whole:
            own += (found.net[0],)
        if seen.agent is not None:
            own += (NET.stop + found.agent[0],)
        own += (AGENT.stop + found.dev,)
        if seen.net.is_whole and seen.agent is not None:
            cell = (found.net[0], found.agent[0], found.dev)
    values, changes = list(profile.values), []
    for level, value in _values_of(seen):
        values[level], change = see(values[level], value, seen.day)
        changes.append((level, change))
    taught = Taught(
        bucket=bucket_of(profile.logins), cell=cell, own=own, hour=seen.hour, with_device=seen.device is not None,
        changes=tuple(changes), last=seen.place, before=profile.last,
    )  # fmt: skip
    after = Profile(
        logins=profile.logins + 1, values=tuple(values), depths=_added(profile.depths, own, 1),
        hours=_added(profile.hours, () if seen.hour is None else (seen.hour,), 1), last=seen.place or profile.last,
    )  # fmt: skip
    return after, taught


def unlearn(profile: Profile, taught: Taught) -> Profile:
    """Return the profile without what this login taught; what later logins taught stays."""
    values = list(profile.values)
    for level, change in reversed(taught.changes):
        values[level] = take_back(values[level], change)
    return Profile(
        logins=max(0, profile.logins - 1), values=tuple(values), depths=_added(profile.depths, taught.own, -1),
        hours=_added(profile.hours, () if taught.hour is None else (taught.hour,), -1),
        last=taught.before if taught.last is not None and profile.last == taught.last else profile.last,
    )  # fmt: skip


def _values_of(seen: Observation) -> list[tuple[Level, bytes]]:
    net, agent = seen.net, seen.agent
    every = [(Level.ADDRESS, net.address), (Level.ASN, net.asn), (Level.COUNTRY, net.country)]
    if agent is not None:
        every += [(Level.AGENT, agent.text), (Level.BROWSER, agent.browser)]
        every += [(Level.SYSTEM, agent.system), (Level.TYPE, agent.device)]
    every.append((Level.DEVICE, seen.device))
    return [(level, value) for level, value in every if value is not None]


def _added(counts: tuple[int, ...], indices: tuple[int, ...], one: int) -> tuple[int, ...]:
    if not indices:
        return counts
    changed = list(counts)
    for index in indices:
        changed[index] = max(0, changed[index] + one)
    return tuple(changed)


def to_json(profile: Profile) -> dict[str, Json]:
    """Return the profile as a small JSON object."""
    last = profile.last
    return {
        "v": 1, "n": profile.logins, "s": b85encode(pack(profile.values, profile.depths + profile.hours)).decode(),
        "l": None if last is None else [last.at, last.latitude, last.longitude, last.radius_km],
    }  # fmt: skip


def from_json(row: JsonObject) -> Profile:
    """Return the profile that such an object holds; ValueError if it holds none."""
    match row:
        case {"v": 1, "n": int(logins), "s": str(packed), "l": last}:
            values, counts = unpack(b85decode(packed), sets=len(Level), counts=DEV.stop + 24)
            return Profile(logins, values, depths=counts[: DEV.stop], hours=counts[DEV.stop :], last=_place(last))
    raise ValueError("not a profile")


def _place(last: Json) -> Place | None:
    match last:
        case None:
            return None
        case [int(at), *rest] if len(rest) == 3:
            latitude, longitude, radius_km = (float(each) if isinstance(each, int | float) else None for each in rest)
            return Place(at, latitude, longitude, radius_km)
    raise ValueError("not a profile: no place")
