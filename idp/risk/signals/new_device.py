"""Whether device and agent are this person's; the nats are part of the novelty, here stand codes and the floor.

A device cookie that comes back in an old generation a second time was copied: infostealers do that.
"""

from typing import Final

from idp.domain.risk import Band, Reading
from idp.risk.signal import NOTHING, Cookie, Facts

_REPLAY: Final = (Reading("DEV_COOKIE_REPLAY", floor=Band.HIGH),)
_DEV: Final = ((Reading("DEV_KNOWN"),), (Reading("DEV_NO_COOKIE"),))
_AGENT: Final = tuple(
    (Reading(code),)
    for code in ("AGENT_UA_KNOWN", "AGENT_BROWSER_KNOWN", "AGENT_SYSTEM_KNOWN", "AGENT_DEVICE_KNOWN", "AGENT_NEW")
)


def read(facts: Facts) -> tuple[Reading, ...]:
    """Name what is known of device and agent; without history nothing is new."""
    replay = _REPLAY if facts.now.cookie is Cookie.REPLAYED else NOTHING
    if facts.profile.logins == 0:
        return replay
    agent = facts.found.agent
    dev = _DEV[facts.found.dev] if facts.devices else NOTHING
    return replay + dev + (_AGENT[agent[0]] if len(agent) == 1 else NOTHING)
