"""Verifies the audit trail in the database: each number, each event, each checkpoint, and that nothing was cut off."""

from dataclasses import dataclass
from datetime import timedelta

from idp.clock import Clock
from idp.flows.audit_signer import AuditSigner, is_restart
from idp.flows.audit_walk import ORDERED, Broken, Walk
from idp.oauth.statements import CHECKPOINT, Statement, digest_of
from idp.storage.event_checkpoints import Signed
from idp.storage.event_links import BadHead, Head
from idp.storage.stores import Stores, Transactions

ON_ITS_WAY = timedelta(minutes=5)
_LAST = "z"  # ids begin with a time in hexadecimal


@dataclass(frozen=True, slots=True)
class Verified:
    """A trail that nobody changed."""

    walk: Walk
    first: int
    removed: int
    waiting: int
    note: str = ""


class AuditVerification:
    """Reads the whole trail, a page at a time, while the provider may go on writing."""

    def __init__(self, transactions: Transactions, signer: AuditSigner, clock: Clock) -> None:
        """Keep what is needed."""
        self._transactions = transactions
        self._signer = signer
        self._clock = clock

    async def verify(
        self, *, start: int = 1, pin: tuple[Statement, str] | None = None, addresses: bool = True
    ) -> Verified:
        """Follow the chain from the last checkpoint before `start` to its end; raise Broken at the first fault.

        Without `addresses` it is not asked whether addresses still open: their old master key may be gone.
        """
        async with self._transactions.open(write=False) as stores:
            head = await _head(stores)
            removed = await self._removals(stores, head)
            walk = await self._begin(stores, removed, start)
            first, note = walk.seq + 1, _restarted(removed)
            if pin is not None:
                walk.pin, walk.pin_jws = pin
                note = "; ".join(filter(None, (note, _beyond(pin[0], head, walk))))
            while walk.seq < head.seq:
                walk = await self._page(stores, walk, head, addresses=addresses)
            await self._end(stores, walk, head)
            waiting = await self._unnumbered(stores, walk, after=walk.first_at if start > 1 else "")
        return Verified(walk, first, removed.seq if removed is not None else 0, waiting, note)

    async def _removals(self, stores: Stores, head: Head) -> Signed | None:
        last: Signed | None = None
        for removal in await stores.event_checkpoints.removals():
            said = self._signer.read_gap(removal)
            if isinstance(said, str):
                raise Broken(removal.seq, f"the statement of what retention removed {said}")
            if said.previous != digest_of(None if last is None else last.jws):
                raise Broken(removal.seq, "a statement of what retention removed is missing before this one")
            last = removal
        known = 0 if last is None else last.seq
        if known < head.removed:
            raise Broken(head.removed, "the statement of what retention removed is missing")
        return last

    async def _begin(self, stores: Stores, removed: Signed | None, start: int) -> Walk:
        """Return a walk that begins at a hash that was signed: of a checkpoint, of a removal, or at the very first."""
        found = await stores.event_checkpoints.newest(until=start - 1) if start > 1 else None
        if found is None or (removed is not None and found.seq <= removed.seq):
            if removed is None:
                return Walk()
            found = await stores.event_checkpoints.newest(until=removed.seq)
            if found is None or (found.seq, found.hash) != (removed.seq, removed.hash):
                raise Broken(removed.seq, "the checkpoint up to which retention removed is missing")
        said = self._read(CHECKPOINT, found, "the checkpoint")
        return Walk(
            seq=found.seq, hash=found.hash, previous=digest_of(found.jws), thumbprints={said.thumbprint: said.seq}
        )

    async def _page(self, stores: Stores, walk: Walk, head: Head, *, addresses: bool) -> Walk:
        links = await stores.event_links.linked(walk.seq, head.seq)
        if not links or links[0].seq != walk.seq + 1:
            return await self._after_removal(stores, walk)
        signed = await stores.event_checkpoints.after(walk.seq, until=links[-1].seq)
        checkpoints = {each.seq: each for each in signed}
        for link in links:
            if addresses and not link.is_address_right:
                raise Broken(link.seq, f"the address of event {link.event_id} was changed, or its master key is gone")
            walk.event(link.seq, link.hash, link.event_id, link.members)
            stored = checkpoints.get(link.seq)
            if stored is not None:
                walk.checkpoint(self._read(CHECKPOINT, stored, "the checkpoint"), stored.jws)
        return walk

    async def _after_removal(self, stores: Stores, walk: Walk) -> Walk:
        """Go on behind what retention removed while we were reading; raise Broken if it was not retention."""
        removal = await stores.event_checkpoints.newest_removal()
        if removal is None or removal.seq <= walk.seq:
            raise Broken(walk.seq + 1, "is missing: it was removed, or numbers were inserted or reordered")
        begun = await self._begin(stores, await self._removals(stores, Head()), 1)
        begun.pin, begun.pin_jws, begun.events, begun.checkpoints = (
            walk.pin,
            walk.pin_jws,
            walk.events,
            walk.checkpoints,
        )
        return begun

    async def _end(self, stores: Stores, walk: Walk, head: Head) -> None:
        if walk.hash != head.hash:
            raise Broken(head.seq, "the chain ends with another hash than it should")
        newest = await stores.event_checkpoints.newest()
        signed, linked = 0 if newest is None else newest.seq, await stores.event_links.newest() or 0
        if signed < head.checkpoint:
            raise Broken(head.checkpoint, "its checkpoint is missing")
        now = await _head(stores)  # read last: whoever links stores all of it at once
        if linked > now.seq:
            raise Broken(now.seq + 1, "numbers stand behind the end of the chain")
        if signed > now.checkpoint:
            raise Broken(signed, "a checkpoint stands behind the newest one that was signed")

    async def _unnumbered(self, stores: Stores, walk: Walk, *, after: str) -> int:
        """Return how many events wait for a number; raise Broken for one that stands among numbered ones without."""
        waiting = 0
        while True:
            end = await stores.event_links.page_end(after)
            for event in await stores.event_links.unlinked(after, end or _LAST):
                if event.id[:ORDERED] < walk.newest and event.at < self._clock.now() - ON_ITS_WAY:
                    raise Broken(None, f"event {event.id} of {event.at.isoformat()} was inserted: it has no number")
                waiting += 1
            if end is None:
                return waiting
            after = end

    def _read(self, typ: str, stored: Signed, what: str) -> Statement:
        said = self._signer.read(typ, stored)
        if isinstance(said, str):
            raise Broken(stored.seq, f"{what} {said}")
        return said


async def _head(stores: Stores) -> Head:
    try:
        return await stores.event_links.head() or Head()
    except BadHead as error:
        raise Broken(None, str(error)) from error


def _beyond(pin: Statement, head: Head, walk: Walk) -> str:
    """Return why a known checkpoint says nothing here; raise Broken if the chain ends before it."""
    if pin.seq > head.seq:
        raise Broken(head.seq + 1, f"the newest numbers were removed: the checkpoint that was given knows {pin.seq}")
    if pin.seq <= walk.seq:
        return f"the checkpoint that was given stands for number {pin.seq}, before the first that was looked at"
    return ""


def _restarted(removed: Signed | None) -> str:
    if removed is None or not is_restart(removed):
        return ""
    when = removed.signed_at.isoformat()
    return f"the trail was found broken and restarted at number {removed.seq} on {when}: what is older proves nothing"
