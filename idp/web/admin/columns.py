"""Columns over time, one for each slice of a span, drawn as paths: each kind stands on the one before it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from idp.flows.admin.dashboard import Dashboard

HEIGHT, STEP, GAP = 100, 10, 2
#: Which figures stand in one picture, from the bottom up.
CHARTS = (
    ("sign-ins", ("signed_in", "refused", "throttled")),
    ("step-ups", ("stepped_up", "denied")),
    ("risk", ("risk_low", "risk_medium", "risk_high", "risk_critical")),
    ("tokens", ("tokens", "token_refusals")),
    ("sign-ups", ("signed_up",)),
    ("answers", ("answers_fast", "answers_middle", "answers_slow", "answers_late")),
    ("faults", ("answers_failed",)),
)

#: Colours by what they mean: 0 usual, 1 bad, 2 doubtful, 3 between.
COLOURS = {
    "refused": 1, "denied": 1, "token_refusals": 1, "risk_critical": 1, "answers_late": 1, "answers_failed": 1,
    "throttled": 2, "risk_high": 2, "answers_slow": 2, "risk_medium": 3, "answers_middle": 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """The colour of one kind."""

    drawing: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture, what it shows, and the same as rows of figures; `colours` are those of its names."""

    name: str
    names: Sequence[str]
    drawing: str
    colours: Sequence[Key]
    most: int


def charts(found: Dashboard) -> list[Chart]:
    """Return the pictures of a span."""
    return [_chart(name, names, found) for name, names in CHARTS]


def _chart(name: str, names: Sequence[str], found: Dashboard) -> Chart:
    rows = [[each.counts[kind] for kind in names] for each in found.slices]
    most = max(map(sum, rows), default=0)
    tones = [COLOURS.get(kind, 0) for kind in names]
    keys = [Key(f'<svg class="key" viewBox="0 0 1 1"><path class="c{n}" d="M0 0h1v1h-1z"/></svg>') for n in tones]
    return Chart(name, names, draw(rows, tones), keys, most)


def draw(rows: Sequence[Sequence[int]], colours: Sequence[int]) -> str:
    """Return the drawing of rows of counts, the oldest first, each kind in its colour."""
    most = max(map(sum, rows), default=0) or 1
    paths = "".join(path for n, row in enumerate(rows) for path in _column(n * STEP, row, colours, most))
    width = max(len(rows), 1) * STEP
    return f'<svg class="columns" viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio="none">{paths}</svg>'


def _column(x: int, row: Sequence[int], colours: Sequence[int], most: int) -> Iterator[str]:
    below = 0
    for colour, count in zip(colours, row, strict=True):
        if count:
            top, height = HEIGHT * (1 - (below + count) / most), HEIGHT * count / most
            yield f'<path class="c{colour}" d="M{x + GAP / 2:.0f} {top:.2f}h{STEP - GAP}v{height:.2f}h-{STEP - GAP}z"/>'
        below += count
