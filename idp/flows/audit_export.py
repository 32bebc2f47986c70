"""The audit trail as JSON lines that can be verified by themselves: no database, no key and no setting is needed.

The first line says where the export begins and brings the checkpoint at that place, then follow events and checkpoints
in order, and the last line says where it ends. Events after the newest checkpoint are not signed yet and stay out.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any

from idp.clock import Clock
from idp.domain.chain import GENESIS
from idp.domain.secret import base64url, from_base64url
from idp.flows.audit_signer import AuditSigner
from idp.flows.audit_walk import Broken, Walk
from idp.oauth import statements
from idp.oauth.statements import CHECKPOINT, Statement, digest_of
from idp.storage.columns import JsonText, UtcTime, to_micros
from idp.storage.event_checkpoints import Signed
from idp.storage.event_links import BadHead, Head, Link
from idp.storage.stores import Stores, Transactions

FORMAT = "idp-audit-1"
DOCUMENTS = ("detail", "before", "after")
MAX_LINE = 4 * 1024 * 1024


class AuditExport:
    """Writes the trail out, a page at a time."""

    def __init__(self, transactions: Transactions, signer: AuditSigner, clock: Clock) -> None:
        """Keep what is needed."""
        self._transactions = transactions
        self._signer = signer
        self._clock = clock

    async def lines(self, *, start: int = 1, with_addresses: bool = False) -> AsyncIterator[str]:
        """Yield line by line, from the last checkpoint before `start` to the newest; raise BadHead.

        Addresses in clear are personal data, and no reader of the file can tell whether somebody changed them there.
        """
        async with self._transactions.open(write=False) as stores:
            head = await stores.event_links.head() or Head()
            begins = await _begin(stores, head, start)
            seq, hash_ = (0, GENESIS) if begins is None else (begins.seq, begins.hash)
            statement = None if begins is None else begins.jws
            yield _line({
                "format": FORMAT, "issuer": self._signer.issuer, "exported_at": self._clock.now().isoformat(),
                "begins": {"seq": seq, "hash": base64url(hash_), "checkpoint": statement},
            })  # fmt: skip
            events = 0
            while seq < head.checkpoint:
                links = await stores.event_links.linked(seq, head.checkpoint)
                if not links:
                    break
                if await _was_removed(stores, links[0].seq - 1, seq):
                    raise BadHead("retention removed events while they were written out: begin again")
                signed = await stores.event_checkpoints.after(seq, until=links[-1].seq)
                for line in _page(links, {each.seq: each for each in signed}, with_addresses=with_addresses):
                    yield line
                seq, events = links[-1].seq, events + len(links)
            yield _line({"ends": {"seq": seq, "events": events}})


def _page(links: Iterable[Link], checkpoints: Mapping[int, Signed], *, with_addresses: bool) -> Iterable[str]:
    for link in links:
        event = None if link.members is None else event_json(link.members)
        if event is not None and with_addresses:
            event |= {"address": link.address}
        yield _line({"seq": link.seq, "hash": base64url(link.hash), "event": event or {"id": link.event_id}})
        if link.seq in checkpoints:
            yield _line({"checkpoint": checkpoints[link.seq].jws})


async def _begin(stores: Stores, head: Head, start: int) -> Signed | None:
    """Return the checkpoint to begin behind; None to begin with the very first event."""
    found = await stores.event_checkpoints.newest(until=start - 1) if start > 1 else None
    if found is not None and found.seq > head.removed:
        return found
    return await stores.event_checkpoints.newest(until=head.removed) if head.removed else None


async def _was_removed(stores: Stores, until: int, seq: int) -> bool:
    """Say whether retention removed the numbers between; whatever else is missing, `verify_export` finds."""
    removal = await stores.event_checkpoints.newest_removal() if until > seq else None
    return removal is not None and removal.seq >= until


def _line(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def event_json(members: Mapping[str, str | int | None]) -> dict[str, Any]:
    """Return an event for people and programs, from what the chain hashes; `members_of` goes back."""
    document: dict[str, Any] = {name: value for name, value in members.items() if value is not None}
    at = UtcTime.read(document["at"])
    assert at is not None
    document["at"] = at.isoformat()
    for name in DOCUMENTS:
        if name in document:
            document[name] = JsonText.read(document[name])
    if "address" in document:
        document["address_mark"] = document.pop("address")
    return document


def members_of(document: Mapping[str, Any]) -> dict[str, str | int | None]:
    """Return what the chain hashes of an exported event; raise ValueError, LookupError or TypeError if it is none."""
    members = {name: value for name, value in document.items() if name not in ("address", "address_mark", *DOCUMENTS)}
    members["at"] = to_micros(datetime.fromisoformat(document["at"]))
    for name in DOCUMENTS:
        if name in document:
            members[name] = JsonText.write(document[name])
    return members | {"address": document.get("address_mark")}


def verify_export(source: Iterable[str], *, pin: tuple[Statement, str] | None = None) -> Walk:
    """Follow the chain through an exported file; raise Broken at the first fault.

    What the file says is sound in itself then. That it is ours, only a known checkpoint or thumbprint proves.
    """
    lines = iter(source)
    walk = _first(_read(next(lines, ""), 0))
    if pin is not None:
        walk.pin, walk.pin_jws = pin
    ended = False
    for line in lines:
        document = _read(line, walk.seq + 1)
        if ended:
            raise Broken(walk.seq + 1, "something stands behind the end of the export")
        ended = "ends" in document
        _take(walk, document)
    if not ended:
        raise Broken(walk.seq + 1, "the export was cut off: its last line is missing")
    if pin is not None and pin[0].seq > walk.seq:
        raise Broken(walk.seq + 1, f"the export ends before the checkpoint that was given, which knows {pin[0].seq}")
    return walk


def _first(document: Mapping[str, Any]) -> Walk:
    begins = document.get("begins")
    if document.get("format") != FORMAT or not isinstance(begins, Mapping):
        raise Broken(None, "this is no export of an audit trail")
    jws = begins.get("checkpoint")
    if jws is None:
        return Walk()
    said = _statement(jws, int(begins.get("seq", 0)))
    return Walk(seq=said.seq, hash=said.hash, previous=digest_of(jws), thumbprints={said.thumbprint: said.seq})


def _take(walk: Walk, document: Mapping[str, Any]) -> None:
    if "checkpoint" in document:
        walk.checkpoint(_statement(document["checkpoint"], walk.seq), document["checkpoint"])
    elif "ends" in document:
        if document["ends"] != {"seq": walk.seq, "events": walk.events}:
            raise Broken(walk.seq + 1, "the export ends elsewhere than it says")
        if not walk.signed:
            raise Broken(walk.seq, "no checkpoint stands at the end of the export")
    else:
        try:
            event = document["event"]
            members = members_of(event) if "kind" in event else None
            walk.event(document["seq"], from_base64url(document["hash"]), str(event["id"]), members)
        except (ValueError, LookupError, TypeError) as error:
            raise Broken(walk.seq + 1, "its line is not one of an export") from error


def _statement(jws: object, seq: int) -> Statement:
    said = statements.read(jws, typ=CHECKPOINT) if isinstance(jws, str) else None
    if said is None:
        raise Broken(seq, "its checkpoint has a signature that is wrong")
    return said


def _read(line: str, seq: int) -> Mapping[str, Any]:
    try:
        document = json.loads(line) if len(line) <= MAX_LINE else None
    except ValueError:
        document = None
    if not isinstance(document, Mapping):
        raise Broken(seq or None, "its line cannot be read")
    return document
