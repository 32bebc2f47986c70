"""Writes down what each subscription is owed, from the numbered trail, each number once.

A subscription's cursor moves in the transaction that writes its deliveries: a process may die at any moment, and no
event is forgotten or owed twice. What is owed holds the whole body, so retention of the trail takes nothing from it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from idp.clock import Clock
from idp.domain.event import ActorKind
from idp.domain.permission import Permission, scope_of
from idp.domain.secret import SealBroken, make_id
from idp.flows.webhook_body import body_of
from idp.policy.administration import PERMISSIONS
from idp.storage.event_links import BadHead
from idp.storage.events import NumberedEvent
from idp.storage.stores import Stores, Transactions
from idp.storage.webhook_deliveries import Delivery
from idp.storage.webhooks import Form, HookState, Webhook

BATCH = 200
MOST_WAITING = 1000  # more is owed than this: the rest waits in the trail
EVERYTHING = "*"
Owed = Sequence[tuple[str, bytes]]  # kind and body
Plan = Callable[[Stores, Webhook, NumberedEvent], Awaitable[Owed]]
log = structlog.get_logger("webhooks")


class WebhookPlanner:
    """Looks for what is new."""

    def __init__(self, transactions: Transactions, clock: Clock, *, streams: Plan | None = None) -> None:
        """Keep what the chore needs; `streams` says what a stream of security events is owed for an event."""
        self._transactions = transactions
        self._clock = clock
        self._streams = streams

    async def plan(self) -> int:
        """Bring every active subscription up to the newest number; return how many deliveries were written."""
        async with self._transactions.open(write=False) as stores:
            try:
                head = await stores.event_links.head()
            except BadHead:  # told by the chore that links
                return 0
            behind = () if head is None else await stores.webhooks.behind(head.seq)
        total = 0
        for hook_id in behind:
            async for written in self._batches(hook_id):
                total += written
                await asyncio.sleep(0)
        return total

    async def _batches(self, hook_id: str) -> AsyncIterator[int]:
        while True:
            looked_at, written = await self._transactions.run(lambda stores: self._batch(stores, hook_id), write=True)
            yield written
            if looked_at < BATCH:
                return

    async def _batch(self, stores: Stores, hook_id: str) -> tuple[int, int]:
        """Write what a subscription is owed for the next numbers; return how many these were, and how many it was."""
        hook = await stores.webhooks.lock(hook_id)
        if hook is None or hook.state is not HookState.ACTIVE:
            return 0, 0
        if await stores.webhook_deliveries.waiting(hook_id) >= MOST_WAITING:
            return 0, 0
        with_address = hook.wants_address and await may_read_events(stores, hook)
        events = await _events(stores, hook, with_address=with_address)
        if not events:
            return 0, 0
        written = 0
        for event in events:
            for kind, body in await self._owed(stores, hook, event, with_address=with_address):
                await self._write(stores, hook, event, kind, body)
                written += 1
        gone = events[-1].seq - hook.cursor - len(events)
        if gone:
            log.error("events were removed before they were delivered", webhook_id=hook.id, events=gone)
        await stores.webhooks.save(replace(hook, cursor=events[-1].seq, missed=hook.missed + gone))
        if written:
            await stores.webhooks.wake(hook_id, self._clock.now())
        return len(events), written

    async def _owed(self, stores: Stores, hook: Webhook, event: NumberedEvent, *, with_address: bool) -> Owed:
        if hook.form is not Form.WEBHOOK:
            return () if self._streams is None else await self._streams(stores, hook, event)
        if EVERYTHING not in hook.kinds and event.kind not in hook.kinds:
            return ()
        return ((event.kind, body_of(event, with_address=with_address)),)

    async def _write(self, stores: Stores, hook: Webhook, event: NumberedEvent, kind: str, body: bytes) -> None:
        now = self._clock.now()
        await stores.webhook_deliveries.add(
            Delivery(make_id(), hook.id, event.seq, kind, body, created_at=now, due_at=now)
        )


async def _events(stores: Stores, hook: Webhook, *, with_address: bool) -> Sequence[NumberedEvent]:
    try:
        return await stores.events.linked_after(hook.cursor, limit=BATCH, with_address=with_address)
    except SealBroken:  # a damaged address is found by `idp audit verify`, and keeps no event back
        return await stores.events.linked_after(hook.cursor, limit=BATCH, with_address=False)


async def may_read_events(stores: Stores, hook: Webhook) -> bool:
    """Say whether whoever made a subscription may read events still: only then does it carry addresses."""
    kind, maker = hook.maker
    if kind == ActorKind.USER and maker is not None:
        user = await stores.users.find(maker)
        return user is not None and user.is_active and Permission.EVENTS_READ in PERMISSIONS[user.role]
    if kind == ActorKind.CLIENT and maker is not None:
        client = await stores.clients.find(maker)
        is_known = client is not None and client.is_active and not client.is_self_registered
        return client is not None and is_known and scope_of(Permission.EVENTS_READ) in client.scopes
    return kind == ActorKind.COMMAND_LINE
