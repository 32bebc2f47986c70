"""An account that slept, or whose password, e-mail or phone has just changed; only on a device that is not known."""

from typing import Final

from idp.domain.risk import Reading
from idp.risk.signal import NOTHING, Facts

DORMANT_SECONDS: Final = 90 * 86400
FRESH_SECONDS: Final = 7 * 86400
_DORMANT: Final = (Reading("ACCOUNT_DORMANT", 0.5),)
_CHANGED: Final = (Reading("CRED_CHANGED", 0.5),)


def read(facts: Facts) -> tuple[Reading, ...]:
    """Read how long ago the last login and the last change of credentials were."""
    if not facts.has_no_cookie:
        return NOTHING
    last, age = facts.profile.last, facts.now.credential_age
    readings = NOTHING
    if last is not None and facts.now.at.timestamp() - last.at > DORMANT_SECONDS:
        readings += _DORMANT
    if age is not None and age.total_seconds() < FRESH_SECONDS:
        readings += _CHANGED
    return readings
