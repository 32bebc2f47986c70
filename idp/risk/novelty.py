"""NDL, the novelty-depth log-likelihood ratio: how deep does this attempt match, and for whom is that depth likelier?

Novelty compares an attacker with owners in general, habits compare owners in general with this person. An unknown level
is not a new one: what is still possible is summed. Nothing here reads a clock or draws a number.
"""

from collections.abc import Callable, Mapping
from math import log
from typing import Final

from idp.domain.risk import Part
from idp.risk.population import Population
from idp.risk.profile import AGENT, DEV, NET, Match, Profile, bucket_of

ENGINE: Final = "ndl-1"
_HABIT: Final = 1.6
_PRIOR: Final = 4
_MOST_KEPT: Final = 4096
_NET_CODES: Final = ("NET_IP_KNOWN", "NET_ASN_KNOWN", "NET_COUNTRY_KNOWN", "NET_NEW", "NET_UNKNOWN")
_AGENT_CODES: Final = (
    "AGENT_UA_KNOWN", "AGENT_BROWSER_KNOWN", "AGENT_SYSTEM_KNOWN", "AGENT_DEVICE_KNOWN", "AGENT_NEW", "AGENT_UNKNOWN",
)  # fmt: skip
_DEV_CODES: Final = ("DEV_KNOWN+", "DEV_NO_COOKIE+", "")
_BOTH: Final = (0, 1)


def history_parts(profile: Profile, population: Population, found: Match) -> list[Part]:
    """Return novelty and habits, in this order."""
    if profile.logins == 0:
        attack = population.tables.attack
        return [Part("NO_HISTORY", log(attack.net[3] * attack.agent[4] * attack.dev[1]))]
    bucket = bucket_of(profile.logins)
    devices = population.has_devices
    parts = [_novelty(population, bucket, found, devices=devices)]
    if profile.logins < 2:
        return parts
    own = profile.depths
    net, agent = found.net, found.agent
    if len(net) == 1:
        parts.append(_habit("NET_HABIT", own[NET], net[0], bucket, population))
    if len(agent) == 1:
        parts.append(_habit("AGENT_HABIT", own[AGENT], agent[0], bucket, population))
    if devices:
        parts.append(_habit("DEV_HABIT", own[DEV], found.dev, bucket, population))
    return parts


def _novelty(population: Population, bucket: int, found: Match, *, devices: bool) -> Part:
    kept = population.kept[bucket - 1]
    key = (found.net, found.agent, found.dev if devices else -1)
    part = kept.get(key)
    if part is None:
        attack = population.tables.attack
        attacker = sum([attack.net[depth] for depth in found.net]) * sum([attack.agent[depth] for depth in found.agent])
        if devices:
            attacker *= attack.dev[found.dev]
        devs = (found.dev,) if devices else _BOTH
        owner = population.share_of(bucket, found.net, found.agent, devs)
        part = kept[key] = Part(code_of(found, devices=devices), log(attacker) - log(owner))
    return part


def _habit(code: str, own: tuple[int, ...], depth: int, bucket: int, population: Population) -> Part:
    """Return how much rarer this depth is for owners in general than for this person, within bounds."""
    kept, logins = population.kept_habits[bucket - 1], sum(own)
    key = (code, depth, own[depth], logins)
    part = kept.get(key)
    if part is None:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        common = _SHARES[code](population, bucket, depth)
        usual = (own[depth] + _PRIOR * common) / (logins + _PRIOR)
        part = kept[key] = Part(code, clip(log(common / usual), -_HABIT, _HABIT))
    return part


_SHARES: Final[Mapping[str, Callable[[Population, int, int], float]]] = {
    "NET_HABIT": Population.net_share, "AGENT_HABIT": Population.agent_share, "DEV_HABIT": Population.dev_share,
}  # fmt: skip


def clip(number: float, lowest: float, highest: float) -> float:
    """Return the number, or the bound it exceeds."""
    return lowest if number < lowest else highest if number > highest else number


def code_of(found: Match, *, devices: bool) -> str:
    """Return the code of a combination of depths, as in `DEV_KNOWN+NET_ASN_KNOWN+AGENT_UA_KNOWN`."""
    net = found.net[0] if len(found.net) == 1 else -1
    agent = found.agent[0] if len(found.agent) == 1 else -1
    return _CODES[found.dev if devices else 2][net][agent]


_CODES: Final = tuple(
    tuple(tuple(f"{dev}{net}+{agent}" for agent in _AGENT_CODES) for net in _NET_CODES) for dev in _DEV_CODES
)
