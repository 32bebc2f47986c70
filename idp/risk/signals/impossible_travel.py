"""A journey nobody can make: this login and the last are too far apart for the time between them."""

from math import asin, cos, inf, radians, sin, sqrt
from typing import Final

from idp.domain.risk import Band, Reading
from idp.risk.profile import Place
from idp.risk.signal import NOTHING, Facts

FASTEST_KMH: Final = 900
NEAREST_KM: Final = 300
_EARTH_KM: Final = 6371.0
_MEDIUM: Final = (Reading("TRAVEL_IMPOSSIBLE", floor=Band.MEDIUM),)
_HIGH: Final = (Reading("TRAVEL_IMPOSSIBLE", floor=Band.HIGH),)


def read(facts: Facts) -> tuple[Reading, ...]:
    """Compare this place with the last; high only on a strange device with another agent, as VPNs travel fast, too."""
    here, last = facts.place, facts.profile.last
    if here is None or last is None or facts.now.place_is_common is not False:
        return NOTHING
    distance = distance_km(here, last)
    if distance is None or distance <= NEAREST_KM:
        return NOTHING
    hours = (here.at - last.at) / 3600
    if (distance / hours if hours > 0 else inf) <= FASTEST_KMH:
        return NOTHING
    return _HIGH if facts.has_no_cookie and facts.found.agent[0] > 0 else _MEDIUM


def distance_km(one: Place, other: Place) -> float | None:
    """Return how far two places are apart at the least, given their accuracies; None if it cannot be known."""
    if one.latitude is None or one.longitude is None or one.radius_km is None:
        return None
    if other.latitude is None or other.longitude is None or other.radius_km is None:
        return None
    north, south = radians(one.latitude), radians(other.latitude)
    east = radians(one.longitude - other.longitude)
    chord = sin((north - south) / 2) ** 2 + cos(north) * cos(south) * sin(east / 2) ** 2
    return max(0.0, 2 * _EARTH_KM * asin(min(1.0, sqrt(chord))) - one.radius_km - other.radius_km)
