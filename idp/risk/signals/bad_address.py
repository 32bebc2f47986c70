"""Where attackers hide: hosting, VPN and Tor, unless this person comes from there, too; and the operator's lists."""

from typing import Final

from idp.domain.risk import Band, Reading
from idp.risk.signal import NOTHING, Facts, Listed, NetKind

HIDING: Final = frozenset({NetKind.HOSTING, NetKind.VPN, NetKind.TOR})
_KIND: Final = (Reading("NET_KIND", 1.2),)
_TOR: Final = (Reading("LIST_TOR", floor=Band.MEDIUM),)
_DENY: Final = (Reading("LIST_DENY", floor=Band.CRITICAL),)
_WATCH: Final = (Reading("LIST_WATCH"),)


def read(facts: Facts) -> tuple[Reading, ...]:
    """Read the kind of network and the lists; Tor is medium at least, whoever comes from there."""
    kind, listed = facts.now.net_kind, facts.now.listed
    if kind not in HIDING and not listed:
        return NOTHING
    is_strange = facts.found.net[0] >= 2  # neither address nor autonomous system is, or could be, this person's
    readings = _KIND if kind in HIDING and is_strange else NOTHING
    if kind is NetKind.TOR or (listed and Listed.TOR in listed):
        readings += _TOR
    if listed and Listed.DENY in listed:
        readings += _DENY
    if listed and Listed.WATCH in listed:
        readings += _WATCH
    return readings
