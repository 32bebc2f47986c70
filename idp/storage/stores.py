"""All stores over one transaction."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from idp.domain.secret import Digester, Sealer
from idp.storage.access_tokens import AccessTokenStore
from idp.storage.attempts import AttemptStore
from idp.storage.clients import ClientStore
from idp.storage.codes import CodeStore
from idp.storage.consents import ConsentStore
from idp.storage.credentials import CredentialStore
from idp.storage.data_keys import DataKeyStore
from idp.storage.database import Database, Transaction
from idp.storage.epochs import EpochStore
from idp.storage.events import EventStore
from idp.storage.grants import GrantStore
from idp.storage.interactions import InteractionStore
from idp.storage.links import LinkStore
from idp.storage.outbox import OutboxStore
from idp.storage.replays import ReplayStore
from idp.storage.sessions import SessionStore
from idp.storage.signing_keys import SigningKeyStore
from idp.storage.sweep import SweepStore
from idp.storage.users import UserStore

T = TypeVar("T")


class Stores:
    """Every store, bound to one connection; they share its fate: all or nothing is written."""

    def __init__(
        self, connection: Transaction, *, sealer: Sealer, digester: Digester, request_id: str | None = None
    ) -> None:
        """Bind the stores; they are cheap, and hold nothing but the connection."""
        self.connection = connection
        self.users = UserStore(connection, sealer, digester)
        self.credentials = CredentialStore(connection)
        self.clients = ClientStore(connection, sealer)
        self.sessions = SessionStore(connection, sealer)
        self.interactions = InteractionStore(connection, sealer)
        self.consents = ConsentStore(connection)
        self.grants = GrantStore(connection, self.users)
        self.codes = CodeStore(connection, self.users)
        self.access_tokens = AccessTokenStore(connection)
        self.attempts = AttemptStore(connection)
        self.replays = ReplayStore(connection)
        self.events = EventStore(connection, sealer, request_id=request_id)
        self.signing_keys = SigningKeyStore(connection)
        self.data_keys = DataKeyStore(connection)
        self.links = LinkStore(connection)
        self.outbox = OutboxStore(connection, sealer)
        self.epochs = EpochStore(connection)
        self.sweep = SweepStore(connection)


class Transactions:
    """Opens transactions with all stores on them."""

    def __init__(self, database: Database, *, sealer: Sealer, digester: Digester) -> None:
        """Keep what every store needs."""
        self.database = database
        self._sealer = sealer
        self._digester = digester

    @asynccontextmanager
    async def open(self, *, write: bool, request_id: str | None = None) -> AsyncIterator[Stores]:
        """Commit what the block did, unless an exception leaves it; raise DatabaseAway if it cannot be done in time."""
        async with self.database.transaction(write=write) as connection:
            yield self._stores(connection, request_id)

    async def run(self, work: Callable[[Stores], Awaitable[T]], *, write: bool, request_id: str | None = None) -> T:
        """Run the work in a transaction, again from its start after a deadlock or serialization failure."""
        return await self.database.run(lambda connection: work(self._stores(connection, request_id)), write=write)

    def _stores(self, connection: Transaction, request_id: str | None) -> Stores:
        return Stores(connection, sealer=self._sealer, digester=self._digester, request_id=request_id)
