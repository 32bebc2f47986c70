"""Failures shortly before: from this network, against this account, and everywhere at once.

Failures against an account count only by the share that came from this very network: a stranger who keeps guessing
never makes the owner look strange.
"""

from typing import Final

from idp.domain.risk import Reading
from idp.risk.signal import NOTHING, Facts

SURGE: Final = 3.0  # standard deviations above the past week
_NET_STEPS: Final = ((21, 1.5), (6, 1.0), (3, 0.5))
_ACCOUNT_STEPS: Final = ((6, 0.6), (3, 0.3))
_SPRAY: Final = (Reading("SPRAY_ACTIVE", one_band_up=True),)


def read(facts: Facts) -> tuple[Reading, ...]:
    """Read the counters; while passwords are being sprayed, every login without a known device goes up one band."""
    failures = facts.now.failures
    readings = NOTHING
    if failures.prefix_1h is not None and (nats := _step(failures.prefix_1h, _NET_STEPS)):
        readings += (Reading("VELOCITY_NET", nats),)
    if failures.account_1h is not None and failures.prefix_share is not None:
        share = max(0.0, min(1.0, failures.prefix_share))
        if nats := _step(failures.account_1h, _ACCOUNT_STEPS) * share:
            readings += (Reading("VELOCITY_ACCOUNT", nats),)
    surges = failures.global_z is not None and failures.global_z >= SURGE
    return readings + _SPRAY if (surges or failures.spraying) and facts.has_no_cookie else readings


def _step(count: int, steps: tuple[tuple[int, float], ...]) -> float:
    return next((nats for least, nats in steps if count >= least), 0.0)
