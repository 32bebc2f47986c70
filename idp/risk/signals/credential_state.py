"""What is wrong with the credential itself: a password that others know, a security key that was cloned or revoked."""

from typing import Final

from idp.domain.risk import Band, Reading
from idp.risk.signal import NOTHING, Facts

_BREACHED: Final = (Reading("CRED_BREACHED"),)  # no nats: policy demands another password
_COUNTER: Final = (Reading("WEBAUTHN_COUNTER", floor=Band.MEDIUM),)
_REVOKED: Final = (Reading("WEBAUTHN_REVOKED", floor=Band.HIGH),)


def read(facts: Facts) -> tuple[Reading, ...]:
    """Read what the offline filter, the ceremony and the metadata said."""
    now = facts.now
    readings = _BREACHED if now.breached else NOTHING
    if now.webauthn_counter:
        readings += _COUNTER
    return readings + _REVOKED if now.webauthn_revoked else readings
