"""What happens by itself while serving: expired rows go, keys rotate, messages leave, events are linked."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from idp import metrics
from idp.clock import Clock
from idp.domain.event import Actor, ActorKind, Event, EventKind
from idp.flows.access import remove_person
from idp.flows.alert_watch import AlertWatch
from idp.flows.audit_chain import AuditChain
from idp.flows.audit_retention import AuditRetention
from idp.flows.ciba_pings import CibaPings
from idp.flows.client_id_document import ClientIdDocuments
from idp.flows.figures import add_answers, keep_hours
from idp.flows.logout_worker import LogoutWorker
from idp.flows.policy_watch import PolicyWatch
from idp.flows.signing_keys import SigningKeys
from idp.flows.webhook_planner import WebhookPlanner
from idp.flows.webhook_worker import WebhookWorker
from idp.messages.outbox import OutboxWorker
from idp.providers.keystore.port import KeyStoreFault
from idp.storage.database import DatabaseAway
from idp.storage.stores import Transactions

SWEEP_EVERY_SECONDS = 300.0
KEYS_EVERY_SECONDS = 600.0
OUTBOX_EVERY_SECONDS = 1.0
POLICY_EVERY_SECONDS = 60.0
ALERTS_EVERY_SECONDS = 30.0
AUDIT_EVERY_SECONDS = 5.0
PLANS_EVERY_SECONDS = 5.0  # as numbers are given
WEBHOOKS_EVERY_SECONDS = 2.0
PINGS_EVERY_SECONDS = 1.0  # somebody waits at the other end
LOGOUTS_EVERY_SECONDS = 2.0  # of what other processes wrote; what this one did is told at once
FIGURES_EVERY_SECONDS = 60.0
LAST_FIGURES_SECONDS = 2.0
MAX_BATCHES = 1000
log = structlog.get_logger("housekeeping")


async def sweep(transactions: Transactions, clock: Clock) -> Counter[str]:
    """Remove everything that has expired, batch by batch; return how many rows went, by table."""
    total: Counter[str] = Counter()
    for _ in range(MAX_BATCHES):
        async with transactions.open(write=True) as stores:
            removed = await stores.sweep.batch(clock.now())
        total.update(removed)
        if not any(removed.values()):
            break
        await asyncio.sleep(0)
    return total


async def delete_due(transactions: Transactions, clock: Clock) -> int:
    """Delete the accounts whose owners' wish has waited long enough; return how many went.

    Each in a transaction of its own, with its audit row; two workers at once delete each account once.
    """
    async with transactions.open(write=False) as stores:
        due = await stores.users.due_for_deletion(clock.now(), limit=100)
    deleted = 0
    for user in due:
        async with transactions.open(write=True) as stores:
            if await remove_person(stores, user.id, clock.now()):
                await stores.events.add(Event(EventKind.ACCOUNT_DELETED, user_id=user.id), clock.now())
                deleted += 1
    return deleted


async def sweep_registrations(transactions: Transactions, clock: Clock) -> int:
    """Remove clients that were registered by themselves and never used in time; return how many went.

    To be done before `sweep`, which takes away old grants: they tell that a client was used.
    """
    total = 0
    for _ in range(MAX_BATCHES):
        now = clock.now()
        async with transactions.open(write=True) as stores:
            await stores.registrations.note_used()
            unused = await stores.registrations.unused(now, limit=100)
            for client_id in unused:
                await stores.clients.delete(client_id)
                detail = {"change": "deleted", "way": "unused"}
                actor = Actor(ActorKind.SYSTEM)
                event = Event(EventKind.CLIENT_CHANGED, client_id=client_id, detail=detail, actor=actor)
                await stores.events.add(event, now)
        total += len(unused)
        if not unused:
            break
    return total


class Housekeeping:
    """Runs the chores of one process until it is stopped; every chore may run in several processes at once."""

    def __init__(
        self, transactions: Transactions, keys: SigningKeys, outbox: OutboxWorker, clock: Clock,
        *, policies: PolicyWatch | None = None, alerts: AlertWatch | None = None,
        audit: tuple[AuditChain, AuditRetention] | None = None,
        webhooks: tuple[WebhookPlanner, WebhookWorker] | None = None, logouts: LogoutWorker | None = None,
        pings: CibaPings | None = None, documents: ClientIdDocuments | None = None,
    ) -> None:  # fmt: skip
        """Keep what the chores need."""
        self._audit = audit
        self._webhooks = webhooks
        self._logouts = logouts
        self._pings = pings
        self._documents = documents
        self._policies = policies
        self._alerts = alerts
        self._transactions = transactions
        self._keys = keys
        self._outbox = outbox
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        for chore, pause in (
            (self._sweep, SWEEP_EVERY_SECONDS),
            (self._delete_due, SWEEP_EVERY_SECONDS),
            (self._keys.keep_fresh, KEYS_EVERY_SECONDS),
            (self._deliver, OUTBOX_EVERY_SECONDS),
            (self._watch_policies, POLICY_EVERY_SECONDS),
            (self._watch_alerts, ALERTS_EVERY_SECONDS),
            (self._link_events, AUDIT_EVERY_SECONDS),
            (self._plan_webhooks, PLANS_EVERY_SECONDS),
            (self._deliver_webhooks, WEBHOOKS_EVERY_SECONDS),
            (self._deliver_pings, PINGS_EVERY_SECONDS),
            (self._count_hours, SWEEP_EVERY_SECONDS),
            (self._add_answers, FIGURES_EVERY_SECONDS),
        ):
            self._tasks.append(asyncio.create_task(_repeat(chore, pause)))
        if self._logouts is not None:
            news = self._logouts.news
            self._tasks.append(asyncio.create_task(_repeat(self._tell_of_logouts, LOGOUTS_EVERY_SECONDS, news)))

    async def stop(self, *, patience: float = LAST_FIGURES_SECONDS) -> None:
        """End all chores; what this process has counted and not added up yet is added up, if that can be done soon."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self._tasks:
            return
        try:
            async with asyncio.timeout(patience):
                await self._add_answers()
        except (DatabaseAway, TimeoutError) as error:
            log.warning("figures lost", error=str(error))

    async def _count_hours(self) -> None:
        await keep_hours(self._transactions, self._clock)

    async def _add_answers(self) -> None:
        taken = metrics.take_answers()
        try:
            await add_answers(self._transactions, self._clock, taken)
        except BaseException:  # also when the process is told to stop in the middle
            metrics.give_back_answers(taken)
            raise

    async def _sweep(self) -> None:
        unused = await sweep_registrations(self._transactions, self._clock)
        if self._documents is not None:
            unused += await self._documents.drop_unlisted() + await self._documents.drop_unused()
        if unused:
            log.info("unused clients removed", clients=unused)
        removed = await sweep(self._transactions, self._clock)
        if self._audit is not None:
            removed["events"] = await self._audit[1].keep()
        if removed.total():
            log.info("swept", rows=removed.total())

    async def _delete_due(self) -> None:
        deleted = await delete_due(self._transactions, self._clock)
        if deleted:
            log.info("accounts deleted", accounts=deleted)

    async def _watch_policies(self) -> None:
        if self._policies is not None:
            await self._policies.look()

    async def _watch_alerts(self) -> None:
        if self._alerts is not None:
            await self._alerts.look()

    async def _link_events(self) -> None:
        if self._audit is not None:
            await self._audit[0].keep()

    async def _plan_webhooks(self) -> None:
        if self._webhooks is not None:
            await self._webhooks[0].plan()

    async def _deliver_webhooks(self) -> None:
        if self._webhooks is not None:
            await self._webhooks[1].deliver()

    async def _tell_of_logouts(self) -> None:
        if self._logouts is not None:
            await self._logouts.deliver()

    async def _deliver_pings(self) -> None:
        if self._pings is not None:
            await self._pings.deliver()

    async def _deliver(self) -> None:
        while await self._outbox.deliver():
            pass


async def _repeat(chore: Callable[[], Awaitable[None]], pause: float, news: asyncio.Event | None = None) -> None:
    """Do a chore again and again, after a pause or as soon as there is news."""
    while True:
        await _pause(pause, news)
        try:
            await chore()
        except (DatabaseAway, KeyStoreFault) as error:
            log.warning("chore postponed", chore=getattr(chore, "__name__", "?"), error=str(error))


async def _pause(seconds: float, news: asyncio.Event | None) -> None:
    if news is None:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
