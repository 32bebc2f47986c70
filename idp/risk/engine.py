"""The local engine: runs the signals over an attempt, adds them up, and says what the sum means.

Pure: the same attempt, profile and population give the same Assessment to the last bit.
"""

from typing import Final

from idp.domain.risk import Assessment, Floor, Part, Reading
from idp.risk.hierarchy import Digest, agent_levels, device_level, net_levels, read_agent
from idp.risk.novelty import ENGINE, clip, history_parts
from idp.risk.population import Population
from idp.risk.profile import Observation, Place, Profile, day_of, match
from idp.risk.scale import lift, score_of
from idp.risk.signal import Circumstances, Cookie, Facts, NetKind, Signal
from idp.risk.signals import (
    account_state,
    automation,
    bad_address,
    credential_state,
    failed_attempts,
    impossible_travel,
    new_device,
    new_place,
    request_context,
    session_motion,
    unusual_hour,
)

#: In the order in which their nats are added.
SIGNALS: Final[tuple[Signal, ...]] = (
    new_device.read, new_place.read, unusual_hour.read, bad_address.read, impossible_travel.read, failed_attempts.read,
    automation.read, account_state.read, credential_state.read, request_context.read, session_motion.read,
)  # fmt: skip
CONTEXT_LOWEST: Final = -1.0
CONTEXT_HIGHEST: Final = 4.0
_NO_FLOORS: Final[tuple[Floor, ...]] = ()
_GATEWAYS: Final = frozenset({NetKind.VPN, NetKind.TOR, NetKind.HOSTING, NetKind.MOBILE, None})


def observe(now: Circumstances, digest: Digest) -> Observation:
    """Return what a profile compares and learns; a replayed device cookie is none."""
    device = None if now.device is None or now.cookie is Cookie.REPLAYED else device_level(now.device, digest)
    return Observation(
        day=day_of(now.at),
        net=net_levels(now.address, now.asn, now.country, digest),
        agent=None if now.agent is None else agent_levels(read_agent(now.agent), digest),
        device=device,
        hour=now.hour,
        place=_place(now),
    )


def _place(now: Circumstances) -> Place:
    """Return where the attempt is; a gateway stands elsewhere than its people, so only the time counts there."""
    at, where = int(now.at.timestamp()), now.coordinates
    hides = now.mobile_gateway or (now.net_kind in _GATEWAYS and now.mobile_gateway is not False)
    if where is None or hides or now.net_kind in (NetKind.VPN, NetKind.TOR):
        return Place(at)
    return Place(at, where.latitude, where.longitude, where.radius_km)


def assess(now: Circumstances, seen: Observation, profile: Profile, population: Population) -> Assessment:
    """Say how unusual this attempt is for this person, beside what is known of owners and attackers."""
    found = match(profile, seen)
    hour_share = None if now.hour is None else population.hour_share(now.hour)
    facts = Facts(now, found, population.has_devices, profile, hour_share, seen.place)
    parts = history_parts(profile, population, found)
    codes = [] if profile.logins else ["NO_HISTORY"]
    lifting: list[Reading] = []
    context = 0.0
    for signal in SIGNALS:
        for reading in signal(facts):
            code, nats = reading.code, reading.nats
            codes.append(code)
            if nats:
                parts.append(Part(code, nats))
                context += nats
            if reading.one_band_up or reading.floor is not None:
                lifting.append(reading)
    if not CONTEXT_LOWEST <= context <= CONTEXT_HIGHEST:
        parts.append(Part("CONTEXT_CAP", clip(context, CONTEXT_LOWEST, CONTEXT_HIGHEST) - context))
    llr = sum([part.nats for part in parts])
    score, floors = score_of(llr), _NO_FLOORS
    if lifting:
        score, floors = lift(score, lifting)
    return Assessment(
        llr, tuple(parts), floors, score, profile.logins, ENGINE, population.tables.version, tuple(codes)
    )  # fmt: skip
