"""Clients that describe themselves by a document: fetched when needed, and kept in step with what it says.

Such a client has a row among all others, so that whatever is granted to it, listed or taken away works as for them. A
document is fetched before a transaction begins, once for all requests that wait for it; what fails is never remembered.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import cast

import structlog

from idp.clock import Clock
from idp.domain.change import difference
from idp.domain.client import BadClient, Client
from idp.domain.document_url import vouching_host
from idp.domain.event import Actor, ActorKind, Event, EventKind
from idp.domain.json import Json
from idp.domain.secret import Digester
from idp.flows import throttle
from idp.oauth.extensions.client_id_document import LARGEST, MEDIA_TYPES, read_document
from idp.oauth.extensions.registration_documents import Documents, Logo
from idp.oauth.registration_members import write_members
from idp.policy import clients as policy
from idp.policy import lifetimes, lockout
from idp.policy.client_id_document import USABLE, DocumentHosts, fresh_for
from idp.policy.offers import Offers
from idp.providers.fetch.port import Fetch, FetchDelayed, Fetched, FetchRejected
from idp.storage.caches import ClientDirectory
from idp.storage.client_id_documents import KeptDocument
from idp.storage.stores import Transactions

AT_ONCE = 20  # documents that one process fetches side by side
MOST_REMEMBERED = 2000
BATCH = 100
_HIDDEN = frozenset({"contacts"})
log = structlog.get_logger("client_id_document")


class _Outcome(Enum):
    """What came of looking for a document: it counts, it does not, or nobody can tell now."""

    TAKEN = "taken"
    REFUSED = "refused"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who made us look: from which address, under which request id, and whether something new begins with it."""

    address: str
    request_id: str
    begins: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """Whose documents count, what they may ask for, and whether floods are limited."""

    hosts: DocumentHosts
    offers: Offers
    limits_floods: bool


class ClientIdDocuments:
    """Looks after clients that describe themselves."""

    def __init__(
        self, transactions: Transactions, digester: Digester, clock: Clock, fetch: Fetch, documents: Documents,
        directory: ClientDirectory, rules: Rules,
    ) -> None:  # fmt: skip
        """Fetch documents by `fetch`, and what they point to by `documents`; `directory` tells what has changed."""
        self._transactions = transactions
        self._digester = digester
        self._clock = clock
        self._fetch = fetch
        self._documents = documents
        self._directory = directory
        self._rules = rules
        self._fresh: OrderedDict[str, datetime] = OrderedDict()
        self._looking: dict[str, asyncio.Task[_Outcome]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    async def learn(self, url: str, asker: Asker) -> bool:
        """Make sure that the document at a client id counts now; False if that client does not exist for this request.

        What has begun goes on for an hour while the host does not answer; nothing begins without a fresh document.
        """
        if not self._rules.hosts.vouch_for(url):
            return False
        if self._is_remembered(url):
            return True
        async with self._transactions.open(write=False) as stores:
            kept = await stores.client_id_documents.find(url)
        now = self._clock.now()
        if kept is not None and now < kept.fresh_until:
            self._remember(url, kept.fresh_until)
            return True
        match await self._looked(url, asker):
            case _Outcome.TAKEN:
                return True
            case _Outcome.REFUSED:
                return False
            case _Outcome.AWAY:
                return not asker.begins and kept is not None and now < kept.fresh_until + USABLE

    def _is_remembered(self, url: str) -> bool:
        """Say whether the document is fresh; whoever removes or changes the client makes us look again."""
        until = self._fresh.get(url)
        return until is not None and self._clock.now() < until and self._directory.known(url) is not None

    def _remember(self, url: str, until: datetime) -> None:
        self._fresh[url] = until
        self._fresh.move_to_end(url)
        if len(self._fresh) > MOST_REMEMBERED:
            self._fresh.popitem(last=False)

    async def _looked(self, url: str, asker: Asker) -> _Outcome:
        """Return what came of fetching; all who ask meanwhile get the same answer."""
        task = self._looking.get(url)
        if task is None:
            if not await self._may_fetch(asker):
                return _Outcome.AWAY
            task = self._looking.get(url)
        if task is None:
            task = self._looking[url] = asyncio.create_task(self._look(url, asker))
            task.add_done_callback(lambda _done: self._looking.pop(url, None))
        return await asyncio.shield(task)  # the others still want it if one goes away

    async def _may_fetch(self, asker: Asker) -> bool:
        """Count a fetch for the network that caused it; False once it caused too many."""
        if not self._rules.limits_floods:
            return True
        now = self._clock.now()
        counter = self._digester.digest("client_id_documents", f"network|{throttle.network_of(asker.address)}")
        async with self._transactions.open(write=True, request_id=asker.request_id) as stores:
            count = await stores.attempts.add_in_window(counter, now, window=lockout.DOCUMENTS_WINDOW)
            if count == lockout.DOCUMENTS + 1:  # once: a flood must not fill the trail as well
                await stores.events.add(Event(EventKind.THROTTLED, address=asker.address), now)
        return count <= lockout.DOCUMENTS

    async def _look(self, url: str, asker: Asker) -> _Outcome:
        host = vouching_host(url)
        async with self._places:
            try:
                fetched = await self._fetch.get(url, media_types=MEDIA_TYPES, largest=LARGEST)
                await self._take(url, fetched, asker)
            except FetchDelayed as error:
                log.info("client document not to be had", host=host, why=str(error))
                return _Outcome.AWAY
            except (FetchRejected, BadClient) as error:
                log.info("client document refused", host=host, why=str(error))
                return _Outcome.REFUSED
        return _Outcome.TAKEN

    async def _take(self, url: str, fetched: Fetched, asker: Asker) -> None:
        """Keep the client in step with a document; raise BadClient if that does not hold."""
        now = self._clock.now()
        async with self._transactions.open(write=False) as stores:
            known = await stores.clients.find(url)
        client = read_document(fetched.body, known or Client(id=url, name="", created_at=now))
        policy.check(client, self._rules.offers)
        client, logo = await self._documents.gather(client, known)
        until = now + fresh_for(fetched.headers, now)
        async with self._transactions.open(write=True, request_id=asker.request_id) as stores:
            before = await stores.clients.lock(url)
            client = replace(client, is_active=before.is_active if before is not None else True)
            if before is None:
                await stores.clients.add(client, now)
            elif before != client:
                await stores.clients.save(client, now)
            if logo is not None or (client.logo_uri is None and client.has_logo):
                await stores.clients.set_logo(url, *_either(logo))
            await stores.client_id_documents.save(KeptDocument(url, now, until))
            if before != client:
                await stores.events.add(_event(before, client, asker.address), now)
        self._directory.forget(url)
        self._remember(url, until)

    async def drop_unlisted(self) -> int:
        """Remove clients whose host's word counts no more, with all that was granted to them; return how many went."""
        total, after = 0, ""
        while True:
            async with self._transactions.open(write=False) as stores:
                listed = await stores.client_id_documents.page(after=after, limit=BATCH)
            if not listed:
                return total
            after = listed[-1]
            total += await self._drop([each for each in listed if not self._rules.hosts.vouch_for(each)], "unlisted")

    async def drop_unused(self) -> int:
        """Remove clients that nobody has used for a day; return how many went. To be done before old grants go."""
        total = 0
        while True:
            async with self._transactions.open(write=False) as stores:
                before = self._clock.now() - lifetimes.UNUSED_DOCUMENT
                unused = await stores.client_id_documents.unused(before, limit=BATCH)
            if not unused:
                return total
            total += await self._drop(unused, "unused")

    async def _drop(self, client_ids: Sequence[str], way: str) -> int:
        if not client_ids:
            return 0
        now, gone = self._clock.now(), 0
        async with self._transactions.open(write=True) as stores:
            for client_id in client_ids:
                if await stores.clients.delete(client_id):
                    detail = {"change": "deleted", "way": way}
                    actor = Actor(ActorKind.SYSTEM)
                    event = Event(EventKind.CLIENT_CHANGED, client_id=client_id, detail=detail, actor=actor)
                    await stores.events.add(event, now)
                    gone += 1
        return gone


def _either(logo: Logo | None) -> tuple[bytes, str] | tuple[None, None]:
    return logo if logo is not None else (None, None)


def _event(before: Client | None, after: Client, address: str) -> Event:
    shown = [cast(Mapping[str, Json], {} if each is None else write_members(each)) for each in (before, after)]
    was, is_now = difference(*shown, hidden=_HIDDEN)
    return Event(
        EventKind.CLIENT_CHANGED, client_id=after.id, address=address,
        detail={"change": "registered" if before is None else "updated", "way": "document"},
        actor=Actor(ActorKind.STRANGER), before=was or None, after=is_now or None,
    )  # fmt: skip
