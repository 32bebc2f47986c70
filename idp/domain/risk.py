"""How unusual an attempt is: what single signals saw, how deep it matches a person's history, and their sum.

Positive nats speak for an attacker, negative ones for the owner. Scores run from 0 to 100. None of this ever reaches
clients or tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Band(StrEnum):
    """How much is asked because of a score; in order of severity."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def start(self) -> int:
        """Return the lowest score of this band."""
        return BAND_STARTS[self]

    def at_least(self, other: "Band") -> bool:
        """Say whether this band is as severe as the other, or more."""
        return self.start >= other.start


#: The lowest score of each band: medium is as likely an attacker as the owner.
BAND_STARTS: Mapping[Band, int] = {Band.LOW: 0, Band.MEDIUM: 40, Band.HIGH: 70, Band.CRITICAL: 90}


def band_of(score: int) -> Band:
    """Return the band that a score of 0 to 100 lies in."""
    return next(band for band in reversed(Band) if score >= band.start)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one signal saw; `floor` lifts the score to the start of that band, whatever the sum says."""

    code: str
    nats: float = 0.0
    floor: Band | None = None
    one_band_up: bool = False  # lifts the score to the start of the band after the one it would have


@dataclass(frozen=True, slots=True)
class Part:
    """One named addend of a log-likelihood ratio, in nats."""

    code: str
    nats: float


@dataclass(frozen=True, slots=True)
class Floor:
    """Why a score starts at a band."""

    code: str
    band: Band


@dataclass(frozen=True, slots=True)
class Depths:
    """The finest level at which an attempt matches a person's history; None where that cannot be known."""

    net: int | None  # 0 address, 1 autonomous system, 2 country, 3 nothing
    agent: int | None  # 0 the whole string, 1 browser and version, 2 system and version, 3 device type, 4 nothing
    dev: int | None  # 0 the device cookie of this person, 1 none; None while devices are not in use


@dataclass(frozen=True, slots=True)
class Assessment:
    """The sum of all parts, in nats, and what it means; the parts add up to `llr` within 1e-9."""

    llr: float
    parts: tuple[Part, ...]
    floors: tuple[Floor, ...]
    score: int
    logins: int  # learnt for this person before this attempt
    engine: str
    tables: str
    codes: tuple[str, ...] = ()  # every signal that fired, those of 0 nats included

    @property
    def band(self) -> Band:
        """Return the band of the score."""
        return band_of(self.score)
