"""The stored decisions with what each of them taught, for whoever scores them again."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from idp.flows import policy_history
from idp.flows.policy_history import Named
from idp.flows.second_view import past_of
from idp.policy.record import RecordedSignIn
from idp.risk import taught as lessons
from idp.risk.profile import Taught
from idp.risk.second_opinion import Past
from idp.storage.decisions import PastDecision
from idp.storage.stores import Transactions

PAGE = 500
Pair = tuple[str, RecordedSignIn]


async def with_lessons(
    transactions: Transactions, since: datetime, damaged: Named
) -> AsyncGenerator[tuple[RecordedSignIn, Taught | None], None]:
    """Yield the decisions since a moment, oldest first, each with what it taught; the damaged ones are only named."""
    page: list[Pair] = []
    async for pair in policy_history.recorded(transactions, since, damaged):
        page.append(pair)
        if len(page) == PAGE:
            for found in await _taught(transactions, page):
                yield found
            page = []
    for found in await _taught(transactions, page):
        yield found


async def _taught(transactions: Transactions, page: Sequence[Pair]) -> list[tuple[RecordedSignIn, Taught | None]]:
    if not page:
        return []
    ids = [decision_id for decision_id, _ in page]
    async with transactions.open(write=False) as stores:
        kept = await stores.decisions.lessons(min(ids), max(ids))
    return [
        (record, lessons.from_json(dict(kept[decision_id])) if decision_id in kept else None)
        for decision_id, record in page
    ]


async def past_since(
    transactions: Transactions, since: datetime
) -> AsyncGenerator[tuple[Past | None, PastDecision], None]:
    """Yield the decisions since a moment as the published baseline sees them, oldest first; None for a damaged one."""
    after = ""
    while True:
        async with transactions.open(write=False) as stores:
            page = await stores.decisions.past(since, after=after, limit=PAGE)
        for decision_id, decision in page:
            yield past_of(decision), decision
            after = decision_id
        if len(page) < PAGE:
            return
