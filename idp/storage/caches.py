"""What a process may remember of the database: under an epoch that every change bumps and all processes watch."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping

from idp.domain.client import Client
from idp.domain.definitions import Definitions
from idp.storage import definitions
from idp.storage.clients import EPOCH_NAME, ClientStore
from idp.storage.database import Database
from idp.storage.definitions import DefinitionStore
from idp.storage.epochs import EpochStore

WATCH_SECONDS = 0.5
MAX_CLIENTS = 5000


class EpochWatch:
    """The epochs as they were at most half a second ago; one query serves all requests of that time."""

    def __init__(self, database: Database) -> None:
        """Watch this database; nothing is read before the first question."""
        self._database = database
        self._epochs: Mapping[str, int] = {}
        self._checked_at = -WATCH_SECONDS
        self._checking = asyncio.Lock()

    def get(self, name: str) -> int:
        """Return an epoch as last read."""
        return self._epochs.get(name, 0)

    async def refresh(self) -> None:
        """Make sure that the epochs are at most half a second old; raise DatabaseAway if that cannot be known."""
        if time.monotonic() - self._checked_at < WATCH_SECONDS:
            return
        async with self._checking:
            if time.monotonic() - self._checked_at < WATCH_SECONDS:
                return
            asked_at = time.monotonic()
            async with self._database.transaction(write=False) as connection:
                self._epochs = await EpochStore(connection).all()
            self._checked_at = asked_at


class ClientDirectory:
    """Clients in memory; a change anywhere empties it within half a second."""

    def __init__(self, watch: EpochWatch) -> None:
        """Start empty."""
        self._watch = watch
        self._epoch = -1
        self._clients: OrderedDict[str, Client] = OrderedDict()

    def known(self, client_id: str) -> Client | None:
        """Return a client if it is in memory and nothing has changed since; no question to the database."""
        return self._clients.get(client_id) if self._watch.get(EPOCH_NAME) == self._epoch else None

    def forget(self, client_id: str) -> None:
        """Have a client read again that this process has just changed; the others learn of it by the epoch."""
        self._clients.pop(client_id, None)

    async def find(self, store: ClientStore, client_id: str) -> Client | None:
        """Return a client, active or not; unknown ids are looked up each time, so that they fill no memory."""
        epoch = self._watch.get(EPOCH_NAME)
        if epoch != self._epoch:
            self._clients.clear()
            self._epoch = epoch
        client = self._clients.get(client_id)
        if client is None:
            seen = await store.epoch()  # an older transaction may look at clients from before the change
            client = await store.find(client_id)
            if client is not None and self._epoch == epoch == seen:
                self._clients[client_id] = client
                if len(self._clients) > MAX_CLIENTS:
                    self._clients.popitem(last=False)
        return client


class DefinitionDirectory:
    """What operators have defined, in memory; a change anywhere has it read anew within half a second."""

    def __init__(self, watch: EpochWatch) -> None:
        """Start without any."""
        self._watch = watch
        self._epoch = -1
        self.known = Definitions()  # as last read

    async def current(self, store: DefinitionStore) -> Definitions:
        """Return all definitions as they are now."""
        epoch = self._watch.get(definitions.EPOCH_NAME)
        if epoch == self._epoch:
            return self.known
        found, seen = await store.all()
        if seen >= self._epoch:  # what is known is never older than what was found last
            self.known = found
        if seen == epoch:
            self._epoch = epoch
        return found
