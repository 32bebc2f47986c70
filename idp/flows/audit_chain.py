"""Numbers and hashes for events, a few seconds after they were committed; and a signed checkpoint every minute.

Whoever writes an event waits for nobody. What is linked has settled: it is older than any transaction lasts. A row
that was committed later still is found by looking back, and linked when it is found: its number tells that it was late.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from idp.clock import Clock
from idp.domain.chain import link
from idp.flows.audit_signer import AuditSigner
from idp.oauth.keyring import NoSigningKey
from idp.oauth.statements import CHECKPOINT
from idp.storage.columns import EPOCH, MICROSECOND
from idp.storage.event_checkpoints import Signed
from idp.storage.event_links import BATCH, BadHead, ChainMembers, Head
from idp.storage.events import id_at
from idp.storage.faults import DuplicateKey
from idp.storage.stores import Stores, Transactions

SETTLES = timedelta(seconds=15)  # pool, lock and statement waits of a request together are shorter
LOOKS_BACK = timedelta(minutes=1)
MAX_BATCHES = 500
COMPLAINS_EVERY = 60  # runs of the chore
CHECKPOINT_EVERY = timedelta(minutes=1)
CHECKPOINT_LINKS = 1000
log = structlog.get_logger("audit")


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
        total = await self._look_back()
        for _ in range(MAX_BATCHES):
            linked = await self._batch()
            total += linked
            if not linked:
                break
            await asyncio.sleep(0)
        return total

    async def _batch(self) -> int:
        """Link the next events in their turn; return how many were looked at."""
        async with self._transactions.open(write=False) as stores:
            head = await stores.event_links.head() or Head()
            if not await stores.event_links.unlinked(head.passed, await self._next(stores, head)):
                return 0
        async with self._transactions.open(write=True) as stores:
            locked = await stores.event_links.lock()
            if locked is None:
                return 0
            until = await self._next(stores, locked)
            events = await stores.event_links.unlinked(locked.passed, until)
            await _append(stores, locked, events, passed=events[-1].id if events else locked.passed)
            return len(events)

    async def _next(self, stores: Stores, head: Head) -> str:
        """Return the end of the next batch: of BATCH events, or what has settled."""
        settled = id_at(self._clock.now() - SETTLES)
        end = await stores.event_links.page_end(head.passed, BATCH)
        return settled if end is None or end[: len(settled)] >= settled else end

    async def _look_back(self) -> int:
        """Link latecomers: of the last minute, and on a page of older events, another in each run, round and round."""
        async with self._transactions.open(write=False) as stores:
            head = await stores.event_links.head()
            if head is None or not head.passed:
                return 0
            pages = [each async for each in _pages(stores, id_at(time_of(head.passed) - LOOKS_BACK), head.passed)]
            older = await anext(_pages(stores, self._walked, head.passed))
            late = [page for page in (*pages, older) if await stores.event_links.unlinked(*page)]
        self._walked = "" if older[1] == head.passed else older[1]
        return sum([await self._link_late(*page) for page in late])

    async def _link_late(self, after: str, until: str) -> int:
        async with self._transactions.open(write=True) as stores:
            head = await stores.event_links.lock()
            if head is None:
                return 0
            late = await stores.event_links.unlinked(after, until)
            await _append(stores, head, late, passed=head.passed)
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


async def _append(stores: Stores, head: Head, events: Sequence[ChainMembers], *, passed: str) -> None:
    """Continue the chain by these events."""
    links, hash_ = [], head.hash
    for seq, event in enumerate(events, head.seq + 1):
        hash_ = link(hash_, seq, event.members)
        links.append((seq, event, hash_))
    if links:
        await stores.event_links.append(links)
        await stores.event_links.save(replace(head, seq=links[-1][0], hash=hash_, passed=passed))


async def _pages(stores: Stores, after: str, until: str) -> AsyncIterator[tuple[str, str]]:
    """Yield the pages between two ids as pairs of ids; the last one ends at `until`."""
    while True:
        end = await stores.event_links.page_end(after)
        if end is None or time_of(end) >= time_of(until):
            yield after, until
            return
        yield after, end
        after = end


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
