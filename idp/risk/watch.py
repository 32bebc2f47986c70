"""Watches what people do after sign-in: what the trail says of them is a risk of theirs and of their sessions."""

from datetime import datetime

from idp.domain.event import EventKind
from idp.risk.behaviour import KINDS, LOOK_BACK, Happened, UserRisk, read_event, user_risk
from idp.storage.stores import Stores

MOST_EVENTS = 120
#: What is read of the trail. Nobody marks these two kinds yet; unmarked they say nothing, and somebody busy has so many
#: of them that they would crowd out what matters.
LOOKED_AT = KINDS - {EventKind.FACTOR_PROVED, EventKind.TOKENS_ISSUED}
#: What can complete a sequence; a sign-in only begins one, and is judged by itself.
ACTS = LOOKED_AT - {EventKind.SIGNED_IN}


async def risk_of(stores: Stores, user_id: str, now: datetime) -> UserRisk:
    """Return how risky somebody's recent acts are together."""
    rows = await stores.events.of_kinds(user_id, [kind.value for kind in LOOKED_AT], now - LOOK_BACK, limit=MOST_EVENTS)
    happened = [read_event(*row) for row in rows]
    return user_risk([each for each in happened if isinstance(each, Happened)], now)


async def after_act(stores: Stores, user_id: str, now: datetime) -> None:
    """Raise the risk of all sessions of somebody whose acts make a dangerous sequence."""
    found = await risk_of(stores, user_id, now)
    floor = max((each.band.start for each in found.floors), default=0)
    if floor:
        await stores.sessions.raise_risk_of_user(user_id, floor)
