"""What the whole fleet speaks for: counts of cells become recommendations, and no count below fifty people is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.providers.adviser.port import Writer
from idp.risk import drafting
from idp.risk.drafting import FEWEST, Fleet, Recommendation
from idp.risk.drafting_text import Cell
from idp.storage.fleet import PEOPLE, FleetStore
from idp.storage.stores import Transactions


@dataclass(frozen=True, slots=True)
class Advised:
    """Recommendations, the shares they rest on in per cent and steps of five, and the cells too small to be told."""

    people: int | None  # None below fifty
    shares: dict[Cell, int]
    too_small: tuple[Cell, ...]
    not_counted: tuple[Cell, ...]  # nothing is stored that would tell
    recommendations: Sequence[Recommendation]


async def recommend(transactions: Transactions, now: datetime, *, writer: Writer | None = None) -> Advised:
    """Return what an operator might do; a model may only add measures from a closed list, and sees shares alone."""
    async with transactions.open(write=False) as stores:
        counts = await FleetStore(stores.connection).counts(now)
    cells = {cell: counts[cell.value] for cell in Cell if cell.value in counts}
    fleet = Fleet(counts[PEOPLE], cells)
    found = await drafting.recommend(fleet, writer.write if writer is not None else None)
    shares = fleet.shares()
    return Advised(
        people=counts[PEOPLE] if counts[PEOPLE] >= FEWEST else None,
        shares=shares,
        too_small=tuple(cell for cell in cells if cell not in shares),
        not_counted=tuple(cell for cell in Cell if cell not in cells),
        recommendations=found,
    )
