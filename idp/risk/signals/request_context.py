"""What is being asked for, and how the connection looks: facts for policy and for the record, of no nats so far."""

from typing import Final

from idp.domain.risk import Reading
from idp.risk.signal import NOTHING, Facts

_CLIENT: Final = (Reading("REQUEST_NEW_CLIENT"),)
_ADMIN: Final = (Reading("REQUEST_ADMIN_SCOPE"),)
_JA4: Final = (Reading("JA4"),)
_JA4H: Final = (Reading("JA4H"),)
_RTT: Final = (Reading("RTT"),)


def read(facts: Facts) -> tuple[Reading, ...]:
    """Name what was seen of the request."""
    now = facts.now
    readings = _CLIENT if now.new_client else NOTHING
    if now.admin_scope:
        readings += _ADMIN
    if now.ja4 is not None:
        readings += _JA4
    if now.ja4h is not None:
        readings += _JA4H
    return readings + _RTT if now.rtt_ms is not None else readings
