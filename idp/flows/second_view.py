"""The published baseline beside one decision, computed when somebody looks, from the decisions kept before it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from idp.domain.json import Json
from idp.risk import second_opinion
from idp.risk.second_opinion import Baseline, Past
from idp.storage.decisions import PastDecision, StoredDecision
from idp.storage.stores import Transactions

MOST = 5000  # decisions before it: some 200 ms of one core


@dataclass(frozen=True, slots=True)
class Second:
    """What a page says of it: two ranks, or why there are none."""

    why: str = ""
    others: int = 0
    own_rank: str = ""
    rank: str = ""
    parts: tuple[tuple[str, str], ...] = ()


async def second(transactions: Transactions, stored: StoredDecision) -> Second:
    """Return where a decision stands among the newest five thousand before it."""
    async with transactions.open(write=False) as stores:
        before = await stores.decisions.before(stored.id, limit=MOST)
    return await asyncio.to_thread(
        _of, before, PastDecision(stored.user_id, stored.record, stored.digest, has_taught=False)
    )


def _of(before: Sequence[PastDecision], subject: PastDecision) -> Second:
    baseline = Baseline()
    baseline.go_over(filter(None, map(past_of, before)))
    found = past_of(subject)
    ranked = baseline.rank(found) if found is not None else "its record is damaged, or holds no sum"
    if isinstance(ranked, str):
        return Second(ranked)
    parts = tuple((part.code, f"{part.nats:+.2f}") for part in ranked.parts)
    return Second("", ranked.others, f"{ranked.own:.0%}", f"{ranked.baseline:.0%}", parts)


def past_of(decision: PastDecision) -> Past | None:
    """Return a kept decision as the baseline sees it, None if its record is damaged."""
    if sha256(decision.record.encode()).hexdigest() != decision.digest:
        return None
    document: Json = json.loads(decision.record)  # whole, so that it is what we wrote
    match document:
        case {"llr": int() | float() as llr, "history": int(logins), **rest}:
            seen = second_opinion.from_json(rest.get("seen"))
            return Past(decision.user_id, seen, float(llr), logins, decision.has_taught)
    return None
