"""What happened lately, in figures: sign-ins, refusals, step-ups, risk bands."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from idp import metrics
from idp.domain.permission import Permission as P
from idp.domain.risk import Band
from idp.flows import figures
from idp.flows.admin.operation import Input, Operation, Output, Work
from idp.storage.columns import EPOCH

#: Each span with the slices it is shown in.
SPANS: Mapping[str, tuple[timedelta, timedelta]] = {
    "day": (timedelta(days=1), timedelta(hours=1)),
    "week": (timedelta(days=7), timedelta(hours=6)),
    "month": (timedelta(days=30), timedelta(days=1)),
}


ANSWERS = (*(name for name, _ in metrics.PACES), metrics.FAILED)


class DashboardWanted(Input):
    """Which span."""

    span: Literal["day", "week", "month"] = "day"


class Slice(Output):
    """One slice of the span: what was counted in it."""

    begin: datetime
    counts: Mapping[str, int]


class Dashboard(Output):
    """The slices of a span, oldest first, and their sums."""

    begin: datetime
    end: datetime
    slice_seconds: int
    names: list[str]
    slices: list[Slice]
    totals: Mapping[str, int]


async def _show(work: Work, wanted: DashboardWanted) -> Dashboard:
    span, slice_ = SPANS[wanted.span]
    end = EPOCH + ((work.now - EPOCH) // slice_ + 1) * slice_
    begin = end - span
    found: Counter[tuple[datetime, str]] = Counter()
    for (hour, name), count in (await figures.between(work.stores, begin, end)).items():
        found[begin + ((hour - begin) // slice_) * slice_, name] += count
    names = [*figures.COUNTED.values(), *(f"risk_{band}" for band in Band), *ANSWERS]
    slices = [
        Slice(begin=begin + n * slice_, counts={name: found[begin + n * slice_, name] for name in names})
        for n in range(span // slice_)
    ]
    return Dashboard(
        begin=begin, end=end, slice_seconds=int(slice_.total_seconds()), names=names, slices=slices,
        totals={name: sum(each.counts[name] for each in slices) for name in names},
    )  # fmt: skip


SHOW = Operation(
    "dashboard.show", "Show what happened lately", P.DASHBOARD_READ, DashboardWanted, Dashboard, _show, "GET",
    "/dashboard",
)  # fmt: skip
OPERATIONS = (SHOW,)
