"""Whether the network is one this person came from before; the nats are part of the novelty, here stand the codes."""

from typing import Final

from idp.domain.risk import Reading
from idp.risk.signal import NOTHING, Facts

_NET: Final = tuple(
    (Reading(code),) for code in ("NET_IP_KNOWN", "NET_ASN_KNOWN", "NET_COUNTRY_KNOWN", "NET_NEW")
)  # fmt: skip


def read(facts: Facts) -> tuple[Reading, ...]:
    """Name the finest level of the network that is known; without history nothing is new."""
    net = facts.found.net
    return _NET[net[0]] if facts.profile.logins and len(net) == 1 else NOTHING
