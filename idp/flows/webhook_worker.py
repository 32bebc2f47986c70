"""Delivers what subscriptions are owed: at least once, one after another within a subscription, many of these at once.

A worker leases a subscription, not a delivery: so nobody else sends to the same receiver meanwhile, and the order of
the trail is kept. What was sent and not noted, since the worker died, is sent again by the next one under the same id.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from idp.clock import Clock
from idp.domain.event import Actor, ActorKind, Event, EventKind, Target
from idp.domain.secret import make_id
from idp.flows.alerts import Alert, Alerts, Code
from idp.flows.webhook_sender import End, Outcome, WebhookSender
from idp.metrics import WEBHOOKS
from idp.storage.stores import Stores, Transactions
from idp.storage.webhook_deliveries import Delivery
from idp.storage.webhooks import HookState, Webhook

LEASE = timedelta(seconds=30)  # a try lasts five at most
PLACES = 8
LOOK_SECONDS = 0.5
DRAIN_SECONDS = 5.0
IN_A_ROW = 100  # deliveries to one receiver before others get its place
HOLDS = 4  # tries of one delivery before later ones are let past it: some six minutes
PAUSES = tuple(
    timedelta(seconds=each) for each in (5, 30, 300, 1800, 7200, 21600, 43200, 43200, 43200)
)  # 45 hours together
MAX_TRIES = len(PAUSES) + 1
SWITCHED_OFF_AFTER = timedelta(days=3)
OUTAGE = timedelta(minutes=10)  # after a longer one everything is due as soon as a delivery is taken
log = structlog.get_logger("webhooks")


@dataclass(frozen=True, slots=True)
class _Tried:
    delivery: Delivery
    outcome: Outcome


class WebhookWorker:
    """Empties what subscriptions are owed."""

    def __init__(self, transactions: Transactions, sender: WebhookSender, alerts: Alerts, clock: Clock) -> None:
        """Keep what the chore needs."""
        self._transactions = transactions
        self._sender = sender
        self._alerts = alerts
        self._clock = clock

    async def deliver(self) -> int:
        """Deliver what is due until nothing is; return how many tries were made."""
        tries = 0
        at_work: set[asyncio.Task[int]] = set()
        try:
            while True:
                for hook_id, lease in await self._claim(PLACES - len(at_work)):
                    at_work.add(asyncio.create_task(self._serve(hook_id, lease)))
                if not at_work:
                    return tries
                done, at_work = await asyncio.wait(at_work, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                tries += sum(await asyncio.gather(*done))
        finally:
            await _finish(at_work)

    async def _claim(self, places: int) -> list[tuple[str, str]]:
        if not places:
            return []
        now, lease = self._clock.now(), make_id()
        async with self._transactions.open(write=False) as stores:
            if not await stores.webhooks.any_due(now):
                return []
        async with self._transactions.open(write=True) as stores:
            claimed = await stores.webhooks.claim(now, lease=lease, until=now + LEASE, limit=places)
        return [(hook_id, lease) for hook_id in claimed]

    async def _serve(self, hook_id: str, lease: str) -> int:
        """Deliver to one receiver until nothing is due, or others want the place; return how many tries were made."""
        tried: _Tried | None = None
        for tries in range(IN_A_ROW + 1):
            step = await self._step(hook_id, lease, tried, is_last=tries == IN_A_ROW)
            if step is None:
                return tries
            tried = _Tried(step[1], await self._sender.send(*step))
            WEBHOOKS.labels(step[0].form.value, tried.outcome.end.value).inc()
        raise AssertionError("the last step lets go")

    async def _step(
        self, hook_id: str, lease: str, tried: _Tried | None, *, is_last: bool
    ) -> tuple[Webhook, Delivery] | None:
        """Note what became of the delivery before, and return the next one, in one transaction."""

        async def work(stores: Stores) -> tuple[Webhook, Delivery] | None:
            now = self._clock.now()
            hook = await stores.webhooks.hold(hook_id, lease=lease, until=now + LEASE)
            if tried is not None:
                hook = await self._note(stores, hook, tried, now)
            if hook is None:
                return None
            following = None
            if hook.state is HookState.ACTIVE:
                following = await self._following(stores, hook, now)
            if following is None or is_last:
                due_at = await stores.webhook_deliveries.next_due(hook_id) if following is None else now
                await stores.webhooks.release(hook_id, due_at=await self._wakes(stores, hook, due_at, now))
                return None
            await stores.webhook_deliveries.begin(following.id)
            return hook, replace(following, tries=following.tries + 1)

        return await self._transactions.run(work, write=True)

    async def _following(self, stores: Stores, hook: Webhook, now: datetime) -> Delivery | None:
        """Return what is due next; what spent its tries in workers that died is given up."""
        while True:
            found = await stores.webhook_deliveries.next(hook.id, now, holds=HOLDS)
            if found is None or found.due_at > now:
                return None
            if found.tries < MAX_TRIES:
                return found
            await stores.webhook_deliveries.fail(found.id, now, status=None, reason="no try came to an end")

    async def _wakes(self, stores: Stores, hook: Webhook, due_at: datetime | None, now: datetime) -> datetime | None:
        """Return when a subscription wants a worker again: what waits behind another is not due before that one."""
        holding = await stores.webhook_deliveries.next(hook.id, now, holds=HOLDS)
        if due_at is None or holding is None or due_at > now:
            return due_at
        return max(due_at, holding.due_at)

    async def _note(self, stores: Stores, hook: Webhook | None, tried: _Tried, now: datetime) -> Webhook | None:
        """Write down what became of a try; return the subscription as it is then, None if another worker has it."""
        delivery, outcome = tried.delivery, tried.outcome
        write = log.info if outcome.end is End.TAKEN else log.warning
        write("delivery", outcome=outcome.end.value, reason=outcome.reason, webhook_id=delivery.webhook_id,
              delivery_id=delivery.id, tries=delivery.tries)  # fmt: skip
        deliveries = stores.webhook_deliveries
        if outcome.end is End.TAKEN:
            await deliveries.sent(delivery.id, now, status=outcome.status)  # true whoever holds the lease
            return None if hook is None else await self._recovered(stores, hook, now)
        if hook is None:
            return None
        if outcome.end is End.REFUSED or delivery.tries >= MAX_TRIES:
            await deliveries.fail(delivery.id, now, status=outcome.status, reason=outcome.reason)
        else:
            due_at = now + PAUSES[delivery.tries - 1]
            await deliveries.postpone(delivery.id, due_at, status=outcome.status, reason=outcome.reason)
        return hook if outcome.end is End.REFUSED else await self._failed(stores, hook, outcome, now)

    async def _recovered(self, stores: Stores, hook: Webhook, now: datetime) -> Webhook:
        if hook.failing_since is None:
            return hook
        if now - hook.failing_since >= OUTAGE:
            await stores.webhook_deliveries.make_due(hook.id, now)
        well = replace(hook, failing_since=None, failures=0)
        await stores.webhooks.save(well)
        return well

    async def _failed(self, stores: Stores, hook: Webhook, outcome: Outcome, now: datetime) -> Webhook:
        since = hook.failing_since or now
        ill = replace(hook, failing_since=since, failures=hook.failures + 1)
        if outcome.end is End.GONE or now - since >= SWITCHED_OFF_AFTER:
            ill = replace(ill, state=HookState.OFF, why=outcome.reason, changed_at=now)
            await self._tell(stores, ill, now)
        await stores.webhooks.save(ill)
        return ill

    async def _tell(self, stores: Stores, hook: Webhook, now: datetime) -> None:
        """Tell administrators that a subscription was switched off, and the trail."""
        log.error("webhook switched off", webhook_id=hook.id, reason=hook.why)
        detail = {"change": "switched off", "reason": hook.why}
        event = Event(
            EventKind.WEBHOOK_CHANGED, client_id=hook.client_id, detail=detail, actor=Actor(ActorKind.SYSTEM),
            target=Target("webhook", hook.id),
        )  # fmt: skip
        await stores.events.add(event, now)
        await self._alerts.once(stores, Alert(Code.WEBHOOK_OFF, reference=hook.id), now.isoformat(), now)


async def _finish(at_work: set[asyncio.Task[int]]) -> None:
    """Let go of what is under way: with some patience, since what was sent and not noted is sent twice."""
    if not at_work:
        return
    _, late = await asyncio.wait(at_work, timeout=DRAIN_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*at_work, return_exceptions=True)
