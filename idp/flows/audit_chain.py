"""Numbers and hashes for events, a few seconds after they were committed; and a signed checkpoint every minute.

Whoever writes an event waits for nobody. What is linked has settled: it is older than any transaction lasts. A row
that was committed later still is found by looking back, and linked when it is found: its number tells that it was late.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from idp.clock import Clock
from idp.domain.chain import link
from idp.flows.audit_signer import AuditSigner
from idp.oauth.keyring import NoSigningKey
from idp.oauth.statements import CHECKPOINT
from idp.storage.columns import EPOCH, MICROSECOND
from idp.storage.event_checkpoints import Signed
from idp.storage.event_links import BadHead, ChainMembers, Head
from idp.storage.events import id_at
from idp.storage.faults import DuplicateKey
from idp.storage.stores import Stores, Transactions

SETTLES = timedelta(seconds=15)  # pool, lock and statement waits of a request together are shorter
LOOKS_BACK = timedelta(minutes=2)
BATCH = 200  # a batch is hashed on the event loop: a few milliseconds
MAX_BATCHES = 500
PAGE = 1000
COMPLAINS_EVERY = 60  # runs of the chore
CHECKPOINT_EVERY = timedelta(minutes=1)
CHECKPOINT_LINKS = 1000
log = structlog.get_logger("audit")


@dataclass(frozen=True, slots=True)
class _Found:
    events: Sequence[ChainMembers]
    passed: str


class AuditChain:
    """Links what has settled; in any number of processes at once, of which one works and the others let it."""

    def __init__(self, transactions: Transactions, signer: AuditSigner, clock: Clock) -> None:
        """Keep what the chore needs."""
        self._transactions = transactions
        self._signer = signer
        self._clock = clock
        self._walked = ""
        self._complaints = 0

    async def keep(self) -> None:
        """Link and sign what is due; what is broken is logged every few minutes, and left as it is for `verify`."""
        try:
            await self.link()
            await self.checkpoint()
        except (BadHead, DuplicateKey) as error:
            self._complain("audit chain broken", str(error))
        except NoSigningKey as error:
            self._complain("audit checkpoint postponed", str(error))
        else:
            self._complaints = 0

    def _complain(self, what: str, error: str) -> None:
        if self._complaints % COMPLAINS_EVERY == 0:
            log.error(what, error=error, see="idp audit verify")
        self._complaints += 1

    async def link(self) -> int:
        """Give numbers to all events that have settled; return how many. Raises BadHead."""
        total = await self._look_at_the_past()
        for _ in range(MAX_BATCHES):
            linked = await self._batch()
            total += linked
            if linked < BATCH:
                break
            await asyncio.sleep(0)
        return total

    async def _batch(self) -> int:
        async with self._transactions.open(write=False) as stores:
            if not (await self._due(stores, await stores.event_links.head() or Head())).events:
                return 0
        async with self._transactions.open(write=True) as stores:
            head = await stores.event_links.lock()
            if head is None:
                return 0
            found = await self._due(stores, head)
            await _append(stores, head, found)
            return len(found.events)

    async def _due(self, stores: Stores, head: Head) -> _Found:
        """Return what is next: events in their turn, else latecomers of the last minutes."""
        bound = id_at(self._clock.now() - SETTLES)
        events = await stores.event_links.unlinked(head.passed, bound, limit=BATCH)
        if events or not head.passed:
            return _Found(events, events[-1].id if events else head.passed)
        recent = id_at(time_of(head.passed) - LOOKS_BACK)
        return _Found(await stores.event_links.unlinked(recent, head.passed, limit=BATCH), head.passed)

    async def _look_at_the_past(self) -> int:
        """Link latecomers among one page of older events; each run looks at the next page, round and round."""
        async with self._transactions.open(write=False) as stores:
            head = await stores.event_links.head()
            if head is None or not head.passed:
                return 0
            end = await stores.event_links.page_end(self._walked, PAGE)
            until = head.passed if end is None or time_of(end) >= time_of(head.passed) else end
            late = await stores.event_links.unlinked(self._walked, until, limit=BATCH)
        if late:
            return await self._link_late(self._walked, until)
        self._walked = "" if until == head.passed else until
        return 0

    async def _link_late(self, after: str, until: str) -> int:
        async with self._transactions.open(write=True) as stores:
            head = await stores.event_links.lock()
            if head is None:
                return 0
            late = await stores.event_links.unlinked(after, until, limit=BATCH)
            await _append(stores, head, _Found(late, head.passed))
            return len(late)

    async def checkpoint(self) -> Signed | None:
        """Sign where the chain stands, if that is due; raise NoSigningKey or BadHead."""
        async with self._transactions.open(write=False) as stores:
            head = await stores.event_links.head()
        if head is None or not is_due(head, self._clock.now()):
            return None
        await self._signer.prepare()
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            head = await stores.event_links.lock()
            if head is None or not is_due(head, now):
                return None
            previous = await stores.event_checkpoints.newest()
            if (previous.seq if previous is not None else 0) != head.checkpoint:
                raise BadHead("the newest checkpoint is not the one that was signed last")
            signed = self._signer.sign(CHECKPOINT, head.seq, head.hash, previous=previous, now=now)
            await stores.event_checkpoints.add(signed)
            await stores.event_links.save(replace(head, checkpoint=head.seq, checkpointed_at=now))
            return signed


async def _append(stores: Stores, head: Head, found: _Found) -> None:
    """Continue the chain by these events."""
    links, hash_ = [], head.hash
    for seq, event in enumerate(found.events, head.seq + 1):
        hash_ = link(hash_, seq, event.members)
        links.append((seq, event, hash_))
    if links:
        await stores.event_links.append(links)
        await stores.event_links.save(replace(head, seq=links[-1][0], hash=hash_, passed=found.passed))


def is_due(head: Head, now: datetime) -> bool:
    """Say whether new links want a checkpoint; a time of signing that lies in the future counts as now."""
    if head.seq == head.checkpoint:
        return False
    signed_at = head.checkpointed_at
    many = head.seq - head.checkpoint >= CHECKPOINT_LINKS
    return many or signed_at is None or not (now - CHECKPOINT_EVERY < signed_at <= now)


def time_of(event_id: str) -> datetime:
    """Return when an event happened, by its id."""
    return EPOCH + int(event_id[:14], 16) * MICROSECOND
