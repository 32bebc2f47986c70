"""NDL, the novelty-depth log-likelihood ratio: how deep does this attempt match, and for whom is that depth likelier?

Novelty compares an attacker with owners in general, habits compare owners in general with this person. An unknown level
is not a new one: what is still possible is summed. Nothing here reads a clock or draws a number.
"""

from math import log
from typing import Final

from idp.domain.risk import Part
from idp.risk.population import Population
from idp.risk.profile import AGENT, DEV, NET, Match, Profile, bucket_of
from idp.risk.shipped import Attack

ENGINE: Final = "ndl-1"
_HABIT: Final = 1.6
_PRIOR: Final = 4
_NET_CODES: Final = ("NET_IP_KNOWN", "NET_ASN_KNOWN", "NET_COUNTRY_KNOWN", "NET_NEW")
_AGENT_CODES: Final = ("AGENT_UA_KNOWN", "AGENT_BROWSER_KNOWN", "AGENT_SYSTEM_KNOWN", "AGENT_DEVICE_KNOWN", "AGENT_NEW")
_DEV_CODES: Final = ("DEV_KNOWN", "DEV_NO_COOKIE")
_BOTH: Final = (0, 1)


def history_parts(profile: Profile, population: Population, found: Match) -> list[Part]:
    """Return novelty and habits, in this order."""
    if profile.logins == 0:
        return [Part("NO_HISTORY", _no_history(population.tables.attack))]
    bucket = bucket_of(profile.logins)
    devices = population.has_devices
    parts = [Part(code_of(found, devices=devices), _novelty(population, bucket, found, devices=devices))]
    if profile.logins >= 2:
        parts += _habits(profile, population, bucket, found)
    return parts


def _no_history(attack: Attack) -> float:
    return log(attack.net[3] * attack.agent[4] * attack.dev[1])


def _novelty(population: Population, bucket: int, found: Match, *, devices: bool) -> float:
    attack = population.tables.attack
    attacker = sum([attack.net[depth] for depth in found.net]) * sum([attack.agent[depth] for depth in found.agent])
    if devices:
        attacker *= attack.dev[found.dev]
    devs = (found.dev,) if devices else _BOTH
    return log(attacker) - log(population.share_of(bucket, found.net, found.agent, devs))


def _habits(profile: Profile, population: Population, bucket: int, found: Match) -> list[Part]:
    depths = found.depths(devices=population.has_devices)
    margins = population.margins_of(bucket, depths.net, depths.agent, depths.dev)
    parts = []
    for code, depth, kind, margin in (
        ("NET_HABIT", depths.net, NET, margins[0]),
        ("AGENT_HABIT", depths.agent, AGENT, margins[1]),
        ("DEV_HABIT", depths.dev, DEV, margins[2]),
    ):
        if depth is not None:
            own = profile.depths[kind]
            usual = (own[depth] + _PRIOR * margin) / (sum(own) + _PRIOR)
            parts.append(Part(code, clip(log(margin / usual), -_HABIT, _HABIT)))
    return parts


def clip(number: float, lowest: float, highest: float) -> float:
    """Return the number, or the bound it exceeds."""
    return max(lowest, min(highest, number))


def code_of(found: Match, *, devices: bool) -> str:
    """Return the code of a combination of depths, as in `DEV_KNOWN+NET_ASN_KNOWN+AGENT_UA_KNOWN`."""
    net = _NET_CODES[found.net[0]] if len(found.net) == 1 else "NET_UNKNOWN"
    agent = _AGENT_CODES[found.agent[0]] if len(found.agent) == 1 else "AGENT_UNKNOWN"
    return f"{_DEV_CODES[found.dev]}+{net}+{agent}" if devices else f"{net}+{agent}"
