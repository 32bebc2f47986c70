"""Following the chain over the audit trail from number to number, wherever its events come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from idp.domain.chain import GENESIS, link
from idp.oauth.statements import Statement, digest_of

ORDERED = 17  # characters of an event's id that say when, and in which order, it was written


class Broken(Exception):
    """The trail was changed; `seq` is the first number that is wrong, None for an event that never had one."""

    def __init__(self, seq: int | None, what: str) -> None:
        """Keep both."""
        super().__init__(what if seq is None else f"number {seq}: {what}")
        self.seq = seq
        self.what = what


@dataclass(slots=True)
class Walk:
    """Where somebody has come who follows the chain; `pin` is a checkpoint that is known from elsewhere."""

    seq: int = 0
    hash: bytes = GENESIS
    previous: str = ""  # the digest of the newest checkpoint so far
    pin: Statement | None = None
    pin_jws: str = ""
    signed: bool = True  # whether a checkpoint, or the beginning, stands at the last number
    events: int = 0
    checkpoints: int = 0
    pinned: bool = False
    late: int = 0
    first_late: int | None = None
    thumbprints: dict[str, int] = field(default_factory=dict)  # of signing keys, with the first number each signed
    newest: str = ""
    first_at: str = ""

    def event(self, seq: int, hash_: bytes, event_id: str, members: Mapping[str, str | int | None] | None) -> None:
        """Take the next number; raise Broken unless its hash follows from its row and the hash before."""
        if seq != self.seq + 1:
            raise Broken(self.seq + 1, "is missing: it was removed, or numbers were inserted or reordered")
        if members is None:
            raise Broken(seq, f"its event {event_id} was removed")
        found = link(self.hash, seq, members)
        if found != hash_:
            raise Broken(seq, f"event {event_id} was changed, or does not belong here: its hash does not follow")
        if self.pin is not None and seq == self.pin.seq:
            if found != self.pin.hash:
                raise Broken(seq, "the checkpoint that was given knows another hash: the trail was rewritten")
            self.pinned = True
        self.seq, self.hash, self.signed = seq, found, False
        self.events += 1
        self._note_order(seq, event_id[:ORDERED])

    def _note_order(self, seq: int, order: str) -> None:
        self.first_at = self.first_at or order
        if order >= self.newest:
            self.newest = order
            return
        self.late += 1
        self.first_late = self.first_late or seq

    def checkpoint(self, said: Statement, jws: str) -> None:
        """Take a checkpoint; raise Broken unless it says what is here and follows the one before."""
        if said.seq != self.seq:
            raise Broken(said.seq, "a checkpoint stands where it does not belong")
        if said.hash != self.hash:
            raise Broken(said.seq, "its checkpoint knows another hash: the trail was rewritten")
        if said.previous != self.previous:
            raise Broken(said.seq, "its checkpoint does not follow the one before: one was removed or replaced")
        if self.pin is not None and said.seq == self.pin.seq and jws != self.pin_jws:
            raise Broken(said.seq, "another checkpoint stands in the place of the one that was given")
        self.previous, self.signed = digest_of(jws), True
        self.checkpoints += 1
        self.thumbprints.setdefault(said.thumbprint, said.seq)
