"""Old events go, up to a checkpoint, and a signed statement of what went stays for good.

A chain that begins after a removal is verified from there on: the statement holds the last hash of what was removed.
"""

from dataclasses import replace
from datetime import timedelta

import structlog

from idp.clock import Clock
from idp.domain.event import Event, EventKind
from idp.flows.audit_signer import AuditSigner, is_restart
from idp.oauth.keyring import NoSigningKey
from idp.oauth.statements import CHECKPOINT, REMOVAL
from idp.storage.event_checkpoints import Signed
from idp.storage.event_links import BadHead, Head
from idp.storage.stores import Stores, Transactions

BATCH = 1000
MAX_BATCHES = 1000
log = structlog.get_logger("audit")
REMOVES_EVERY = timedelta(days=1)  # a statement for each, kept for good


class AuditRetention:
    """Removes events that were kept long enough."""

    def __init__(self, transactions: Transactions, signer: AuditSigner, clock: Clock, *, kept: timedelta) -> None:
        """Keep what the chore needs."""
        self._transactions = transactions
        self._signer = signer
        self._clock = clock
        self._kept = kept

    async def keep(self) -> int:
        """Remove what is due; where it cannot be signed or the chain is damaged, nothing goes and the log says so."""
        try:
            return await self.remove_due()
        except BadHead as error:
            log.error("audit chain broken", error=str(error), fix="idp audit verify")
        except NoSigningKey as error:
            log.warning("old events stay", error=str(error))
        return 0

    async def remove_due(self) -> int:
        """Give up what is old, at most once a day, then remove its rows; return how many went.

        Raises NoSigningKey if that cannot be signed and BadHead if the chain was damaged: then nothing goes.
        """
        async with self._transactions.open(write=False) as stores:
            head = await stores.event_links.head()
            if head is None:
                return 0
            wanted = await self._candidate(stores, head)
        if wanted is not None:
            await self._signer.prepare()
            async with self._transactions.open(write=True) as stores:
                await self._give_up(stores)
        return await self._remove_rows()

    async def _candidate(self, stores: Stores, head: Head) -> Signed | None:
        """Return the newest checkpoint all of whose events are old enough; never the newest one there is."""
        now, last = self._clock.now(), await stores.event_checkpoints.newest_removal()
        if last is not None and now - REMOVES_EVERY < last.signed_at <= now:
            return None
        found = await stores.event_checkpoints.newest(until=head.checkpoint - 1, before=now - self._kept)
        return found if found is not None and found.seq > head.removed else None

    async def _give_up(self, stores: Stores) -> None:
        head = await stores.event_links.lock()
        checkpoint = None if head is None else await self._candidate(stores, head)
        if head is None or checkpoint is None:
            return
        wrong = self._signer.read(CHECKPOINT, checkpoint)
        if isinstance(wrong, str):
            raise BadHead(f"the checkpoint at {checkpoint.seq} {wrong}")
        if await stores.event_links.find(checkpoint.seq) != checkpoint.hash:
            raise BadHead(f"number {checkpoint.seq} has not the hash that its checkpoint says")
        now, last, gone = self._clock.now(), await stores.event_checkpoints.newest_removal(), await _given_up(stores)
        first = 1 if gone is None else gone.seq + 1
        removal = self._signer.sign(REMOVAL, checkpoint.seq, checkpoint.hash, previous=last, now=now)
        await stores.event_checkpoints.add_removal(removal)
        await stores.event_links.save(replace(head, removed=checkpoint.seq))
        detail = {"first": first, "last": checkpoint.seq}
        await stores.events.add(Event(EventKind.EVENTS_REMOVED, detail=detail), now)

    async def _remove_rows(self) -> int:
        """Remove what was given up, in small transactions; one that was interrupted is gone on with."""
        total = 0
        for _ in range(MAX_BATCHES):
            async with self._transactions.open(write=True) as stores:
                head = await stores.event_links.head()
                last = await _given_up(stores)
                if head is None or last is None:
                    return total
                gone = await stores.event_links.remove(last.seq, limit=BATCH)
                checkpoints = await stores.event_checkpoints.remove(last.seq, limit=BATCH)
            total += gone
            if not gone and not checkpoints:
                break
        return total


async def _given_up(stores: Stores) -> Signed | None:
    """Return what retention gave up last; what stands before a restart is kept as long as all else."""
    removals = reversed(await stores.event_checkpoints.removals())
    return next((each for each in removals if not is_restart(each)), None)
