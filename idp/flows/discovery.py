"""The metadata document at hand: prepared anew when clients or definitions change anywhere, and once a minute."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from idp.clock import Clock
from idp.domain.client import Profile
from idp.oauth.openid.discovery import Facts, Prepared, metadata, prepare
from idp.storage import clients, definitions
from idp.storage.caches import EpochWatch
from idp.storage.stores import Transactions

#: Initial access tokens run out without anybody changing anything.
LONGEST = timedelta(minutes=1)
_Stamp = tuple[int, int]


@dataclass(slots=True)
class DiscoveryDocument:
    """The document as one process last prepared it."""

    transactions: Transactions
    watch: EpochWatch
    clock: Clock
    facts: Facts
    _prepared: Prepared | None = None
    _stamp: _Stamp = (-1, -1)
    _until: datetime | None = None
    _preparing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def current(self) -> Prepared:
        """Return the document; while the database is away, the one last prepared."""
        stamp = (self.watch.get(clients.EPOCH_NAME), self.watch.get(definitions.EPOCH_NAME))
        if self._is_current(stamp) and self._prepared is not None:
            return self._prepared
        async with self._preparing:
            if not self._is_current(stamp):
                await self._prepare(stamp)
        assert self._prepared is not None
        return self._prepared

    def last(self) -> Prepared | None:
        """Return the document as last prepared."""
        return self._prepared

    def _is_current(self, stamp: _Stamp) -> bool:
        return stamp == self._stamp and self._until is not None and self.clock.now() < self._until

    async def _prepare(self, stamp: _Stamp) -> None:
        now = self.clock.now()
        async with self.transactions.open(write=False) as stores:
            takes = await stores.clients.has_any_of(Profile.OIDC)
            takes = takes or await stores.initial_access_tokens.has_any_of(Profile.OIDC, now)
            defined, _epoch = await stores.definitions.all()
        facts = replace(self.facts, takes_references=takes, definitions=defined)
        self._prepared, self._stamp, self._until = prepare(metadata(facts)), stamp, now + LONGEST
