"""The risk of one session, what moves it, and the level that others are told of; pure.

None of this refuses by itself: a rule of the policy says what a session that moved must prove.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from idp.domain.risk import Band, Floor

CADENCE_TIMES, CADENCE_RECENT, CADENCE_EARLIER = 4, 4, 4  # first judgements
AT_ONCE = timedelta(minutes=10)
HYSTERESIS = timedelta(minutes=10)
REFRESH_CADENCE = "REFRESH_CADENCE"
GEO_TWO_AT_ONCE = "GEO_TWO_AT_ONCE"


@dataclass(frozen=True, slots=True)
class SessionRisk:
    """The risk of one session: it starts as the score of its sign-in."""

    score: int

    def raised(self, to: int, floors: Iterable[Floor] = ()) -> "SessionRisk":
        """Return the risk after late advice, a sequence or something that moved; never less."""
        return SessionRisk(max([self.score, to, *(floor.band.start for floor in floors)]))

    def after_step_up(self, local: int, floors: Iterable[Floor] = ()) -> "SessionRisk":
        """Return the risk after a passed step-up: its local score if that is less; floors that hold stay."""
        return SessionRisk(min(self.score, local)).raised(0, floors)


def moved(
    asn: int | None,
    family_asns: Iterable[int],
    *,
    profile_knows_asn: bool,
    agent_unchanged: bool,
    confidential: bool,
) -> bool:
    """Say whether a refresh comes from where its token family has never been (SESSION_MOVED).

    For a confidential client `family_asns` are the client's own networks, and the person's profile says nothing. An
    unknown network, or a family of which none is known, has not moved.
    """
    known = frozenset(family_asns)
    if asn is None or not known or asn in known:
        return False
    return confidential or not (profile_knows_asn and agent_unchanged)


def cadence_code(refreshed_at: Iterable[datetime]) -> str | None:
    """Return REFRESH_CADENCE if a family is refreshed four times as fast as before; a reason, no more."""
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(sorted(refreshed_at))]
    recent, earlier = gaps[-CADENCE_RECENT:], gaps[:-CADENCE_RECENT]
    if len(earlier) < CADENCE_EARLIER:
        return None
    own = median(earlier)
    return REFRESH_CADENCE if own > 0 and sum(recent) / len(recent) * CADENCE_TIMES <= own else None


def places_code(sightings: Iterable[tuple[datetime, str | None]]) -> str | None:
    """Return GEO_TWO_AT_ONCE if a person was seen in two countries within ten minutes; a reason, no more."""
    known = sorted((at, country) for at, country in sightings if country is not None)
    met = any(one[1] != two[1] and two[0] - one[0] <= AT_ONCE for one, two in pairwise(known))
    return GEO_TWO_AT_ONCE if met else None


class Level(StrEnum):
    """What receivers of shared signals are told, in the order of severity (CAEP, `risk-level-change`)."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


_LEVELS = {Band.LOW: Level.LOW, Band.MEDIUM: Level.MEDIUM, Band.HIGH: Level.HIGH, Band.CRITICAL: Level.HIGH}
_ORDER = tuple(Level)


@dataclass(frozen=True, slots=True)
class Shown:
    """The level that was told last, and since when the risk has been below it; a change of level is to be told."""

    level: Level = Level.LOW
    below_since: datetime | None = None

    def after(self, band: Band, now: datetime) -> "Shown":
        """Return what is shown after a look: more at once, less only after ten minutes below without a break."""
        level = _LEVELS[band]
        if _ORDER.index(level) >= _ORDER.index(self.level):
            return Shown(level)
        since = self.below_since or now
        return Shown(level) if now - since >= HYSTERESIS else Shown(self.level, since)
