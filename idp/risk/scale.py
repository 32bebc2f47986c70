"""From nats to a score of 0 to 100, and the floors that lift it to the start of a band."""

from collections.abc import Sequence

from idp.domain.risk import Band, Floor, Reading, band_of

#: Points of score in a nat: twelve above even odds, five below, where more precision would only look precise.
_ABOVE, _BELOW = 12, 5
_EVEN = Band.MEDIUM.start


def score_of(llr: float) -> int:
    """Return the score of a log-likelihood ratio: 40 at even odds, 70 at 2.5 nats, 90 at 4.2."""
    if llr >= 0:
        points = _ABOVE * llr
        return 100 if points >= 100 - _EVEN else _EVEN + round(points)
    points = _BELOW * llr
    return 0 if points <= -_EVEN else min(_EVEN - 1, _EVEN + round(points))


def lift(score: int, readings: Sequence[Reading]) -> tuple[int, tuple[Floor, ...]]:
    """Return the score after all floors, and those floors; one that lifts by a band acts on what the others leave."""
    if not readings:
        return score, ()
    floors = [Floor(each.code, each.floor) for each in readings if each.floor is not None]
    score = max([score, *(floor.band.start for floor in floors)])
    for each in readings:
        if each.one_band_up:
            band = _next(band_of(score))
            floors.append(Floor(each.code, band))
            score = max(score, band.start)
    return score, tuple(floors)


def _next(band: Band) -> Band:
    bands = list(Band)
    return bands[min(bands.index(band) + 1, len(bands) - 1)]
