"""Whether this person signs in at such an hour. Weak, and bounded so."""

from functools import lru_cache
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
    return _reading(hours[hour - 1] + 2 * hours[hour] + hours[(hour + 1) % 24], sum(hours), common)


@lru_cache(4096)
def _reading(near: int, logins: int, common: float) -> tuple[Reading, ...]:
    """Read how many logins were near this hour, in quarters, of how many."""
    share = (near / 4 + _PRIOR * common) / (logins + _PRIOR)
    nats = log((1 / 24) / share) if share > 0 else _HIGHEST
    return (Reading("TIME_HOUR", max(_LOWEST, min(_HIGHEST, nats))),)
