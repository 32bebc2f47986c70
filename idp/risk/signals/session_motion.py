"""Sessions and tokens that turn up elsewhere: the answer to a stolen cookie, which a login cannot see."""

from typing import Final

from idp.domain.risk import Band, Reading
from idp.risk.signal import NOTHING, Facts

_MOVED: Final = (Reading("SESSION_MOVED"),)
_REPLAY: Final = (Reading("TOKEN_REPLAY", floor=Band.HIGH),)
_DPOP: Final = (Reading("DPOP_KEY_CHANGED"),)


def read(facts: Facts) -> tuple[Reading, ...]:
    """Name what moved; a spent refresh token that comes again is high at least."""
    now = facts.now
    readings = _MOVED if now.session_moved else NOTHING
    if now.token_replay:
        readings += _REPLAY
    return readings + _DPOP if now.dpop_key_changed else readings
