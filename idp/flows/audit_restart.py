"""After the trail was found broken: a new beginning behind it, signed and for all to see.

Nothing is mended. What stands before the restart stays where it is, as evidence, and proves nothing any more.
"""

from idp.clock import Clock
from idp.domain.chain import GENESIS
from idp.domain.event import Event, EventKind
from idp.flows.audit_signer import AuditSigner
from idp.oauth.statements import CHECKPOINT, RESTART
from idp.storage.event_links import Head
from idp.storage.stores import Stores, Transactions


class AuditRestart:
    """Lets the chain go on after somebody broke it."""

    def __init__(self, transactions: Transactions, signer: AuditSigner, clock: Clock) -> None:
        """Keep what is needed."""
        self._transactions = transactions
        self._signer = signer
        self._clock = clock

    async def restart(self, reason: str) -> int:
        """Begin a chain behind all numbers that there are; return the number it begins behind. Raises NoSigningKey."""
        await self._signer.prepare()
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            seq = await _highest(stores) + 1
            before = await stores.event_checkpoints.newest_removal()
            newest = await stores.event_checkpoints.newest()
            restart = self._signer.sign(RESTART, seq, GENESIS, previous=before, now=now)
            checkpoint = self._signer.sign(CHECKPOINT, seq, GENESIS, previous=newest, now=now)
            await stores.event_checkpoints.add_removal(restart)
            await stores.event_checkpoints.add(checkpoint)
            await stores.event_links.begin_anew(Head(seq, checkpoint=seq, checkpointed_at=now, removed=seq))
            await stores.events.add(Event(EventKind.TRAIL_RESTARTED, detail={"after": seq, "reason": reason}), now)
        return seq


async def _highest(stores: Stores) -> int:
    """Return the highest number that anything stands under."""
    newest, removal = await stores.event_checkpoints.newest(), await stores.event_checkpoints.newest_removal()
    signed = [each.seq for each in (newest, removal) if each is not None]
    return max(await stores.event_links.newest() or 0, *signed, 0)
