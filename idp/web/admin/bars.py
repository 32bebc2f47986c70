"""Bars for addends and their sum, drawn so that each begins where the one before it ended."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

WIDTH, HEIGHT, AXIS = 240, 12, 1.0


def bars(addends: Sequence[float]) -> list[str]:
    """Return a drawing for each addend and one for their sum; what is above zero lies to the right of the axis."""
    ends = [0.0, *accumulate(addends)]
    low, high = min(ends), max(ends)
    scale = (WIDTH - 2 * AXIS) / ((high - low) or 1.0)
    spans = [*pairwise(ends), (0.0, ends[-1])]
    zero = AXIS - low * scale
    return [_drawing(zero, zero + start * scale, zero + end * scale) for start, end in spans]


def _drawing(zero: float, start: float, end: float) -> str:
    return (
        f'<svg class="bar" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">'
        f"{''.join(_paths(zero, start, end))}</svg>"
    )


def _paths(zero: float, start: float, end: float) -> Iterator[str]:
    yield f'<path class="axis" d="{_box(zero - AXIS / 2, AXIS, 0, HEIGHT)}"/>'
    kind = "against" if end > start else "owner"
    yield f'<path class="{kind}" d="{_box(min(start, end), max(abs(end - start), AXIS), 2, HEIGHT - 4)}"/>'


def _box(x: float, width: float, y: float, height: float) -> str:
    return f"M{x:.2f} {y:.0f}h{width:.2f}v{height:.0f}h-{width:.2f}z"
