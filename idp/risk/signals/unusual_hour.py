"""Whether this person signs in at such an hour. Weak, and bounded so."""

from math import log
from typing import Final

from idp.domain.risk import Reading
from idp.risk.signal import NOTHING, Facts

_LOWEST, _HIGHEST = -1.0, 1.2
_PRIOR: Final = 4


def read(facts: Facts) -> tuple[Reading, ...]:
    """Compare an attacker, who comes at any hour, with this person's hours and those of all."""
    hour, common = facts.now.hour, facts.hour_share
    if hour is None or common is None:
        return NOTHING
    hours = facts.profile.hours
    near = (hours[hour - 1] + 2 * hours[hour] + hours[(hour + 1) % 24]) / 4
    share = (near + _PRIOR * common) / (sum(hours) + _PRIOR)
    nats = log((1 / 24) / share) if share > 0 else _HIGHEST
    return (Reading("TIME_HOUR", max(_LOWEST, min(_HIGHEST, nats))),)
