"""What people say an attempt was: said once, by its owner or an administrator, and never taken back.

An attack takes exactly what it taught out of the profile and out of the tenant's counts.
"""

from enum import StrEnum

import structlog

from idp.domain.event import EventKind
from idp.oauth.context import Context
from idp.storage.decisions import StoredDecision

log = structlog.get_logger("risk")


class Label(StrEnum):
    """Who made an attempt."""

    OWNER = "owner"
    ATTACK = "attack"


async def find(context: Context, user_id: str, decision_id: str) -> StoredDecision | None:
    """Return a decision about this person; somebody else's is unknown."""
    found = await context.stores.decisions.find(decision_id)
    return found if found is not None and found.user_id == user_id else None


async def put(context: Context, decision: StoredDecision, label: Label, *, by: str) -> bool:
    """Note what an attempt was, and unlearn an attack; False if it was said before, and nothing changes."""
    if not await context.stores.decisions.label(decision.id, label.value, by=by, now=context.now):
        return False
    await context.record(
        EventKind.ATTEMPT_LABELLED, user_id=decision.user_id, decision=decision.id, label=label.value
    )  # fmt: skip
    if label is Label.ATTACK:
        await take_back(context, decision)
    return True


async def take_back(context: Context, decision: StoredDecision) -> None:
    """Unlearn what an attempt taught; of two at once only one does."""
    desk = context.engine.risk
    if desk is None or decision.taught is None or not await context.stores.decisions.unteach(decision.id):
        return
    if not await desk.scorer.unlearn(context.stores, decision.user_id, decision.taught, context.now):
        log.error("not_unlearnt", decision=decision.id, why="others kept writing the profile")
