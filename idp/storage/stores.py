"""All stores over one transaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from idp.domain.event import Actor
from idp.domain.secret import Digester, Sealer
from idp.storage.access_tokens import AccessTokenStore
from idp.storage.attempts import AttemptStore
from idp.storage.client_tests import ClientTestStore
from idp.storage.clients import ClientStore
from idp.storage.codes import CodeStore
from idp.storage.consents import ConsentStore
from idp.storage.credentials import CredentialStore
from idp.storage.data_keys import DataKeyStore
from idp.storage.database import Database, Transaction
from idp.storage.epochs import EpochStore
from idp.storage.event_checkpoints import EventCheckpointStore
from idp.storage.event_links import EventLinkStore
from idp.storage.events import EventStore
from idp.storage.failure_hours import FailureHourStore
from idp.storage.figures import FigureStore
from idp.storage.grants import GrantStore
from idp.storage.groups import GroupStore
from idp.storage.idempotency import IdempotencyStore
from idp.storage.initial_access_tokens import InitialAccessTokenStore
from idp.storage.interactions import InteractionStore
from idp.storage.known_devices import KnownDeviceStore
from idp.storage.links import LinkStore
from idp.storage.one_time_codes import OneTimeCodeStore
from idp.storage.outbox import OutboxStore
from idp.storage.password_history import PasswordHistoryStore
from idp.storage.protocol_stores import ProtocolStores
from idp.storage.recovery_codes import RecoveryCodeStore
from idp.storage.registrations import RegistrationStore
from idp.storage.remembered_browsers import RememberedBrowserStore
from idp.storage.replays import ReplayStore
from idp.storage.risk_stores import RiskStores
from idp.storage.session_stores import SessionStores
from idp.storage.signing_keys import SigningKeyStore
from idp.storage.signups import SignupStore
from idp.storage.sweep import SweepStore
from idp.storage.upstream_stores import UpstreamStores
from idp.storage.user_imports import UserImportStore
from idp.storage.users import UserStore
from idp.storage.waiting_stores import WaitingStores
from idp.storage.webauthn_challenges import WebauthnChallengeStore
from idp.storage.webhook_stores import WebhookStores

T = TypeVar("T")


class Stores(ProtocolStores, WebhookStores, RiskStores, UpstreamStores, SessionStores, WaitingStores):
    """Every store, bound to one connection; they share its fate: all or nothing is written."""

    def __init__(
        self, connection: Transaction, *, sealer: Sealer, digester: Digester, request_id: str | None = None,
        actor: Actor | None = None,
    ) -> None:  # fmt: skip
        """Bind the stores; each is made when it is first asked for."""
        self.connection = connection
        self._sealer, self._digester = sealer, digester
        self._request_id, self._actor = request_id, actor

    @cached_property
    def users(self) -> UserStore:
        """People."""
        return UserStore(self.connection, self._sealer, self._digester)

    @cached_property
    def figures(self) -> FigureStore:
        """Figures over time."""
        return FigureStore(self.connection)

    @cached_property
    def groups(self) -> GroupStore:
        """Groups of people."""
        return GroupStore(self.connection)

    @cached_property
    def idempotency(self) -> IdempotencyStore:
        """Answers of the administrators' API that may be asked for again."""
        return IdempotencyStore(self.connection, self._sealer)

    @cached_property
    def client_tests(self) -> ClientTestStore:
        """Tests of clients that administrators have under way."""
        return ClientTestStore(self.connection, self._sealer)

    @cached_property
    def credentials(self) -> CredentialStore:
        """Passwords, authenticators, passkeys and phones."""
        return CredentialStore(self.connection, self._sealer)

    @cached_property
    def password_history(self) -> PasswordHistoryStore:
        """Earlier passwords."""
        return PasswordHistoryStore(self.connection)

    @cached_property
    def recovery_codes(self) -> RecoveryCodeStore:
        """Recovery codes."""
        return RecoveryCodeStore(self.connection)

    @cached_property
    def one_time_codes(self) -> OneTimeCodeStore:
        """Codes sent by mail or SMS."""
        return OneTimeCodeStore(self.connection, self._sealer)

    @cached_property
    def webauthn_challenges(self) -> WebauthnChallengeStore:
        """Challenges of passkey ceremonies."""
        return WebauthnChallengeStore(self.connection)

    @cached_property
    def remembered_browsers(self) -> RememberedBrowserStore:
        """Browsers that spare the second factor."""
        return RememberedBrowserStore(self.connection, self._sealer)

    @cached_property
    def known_devices(self) -> KnownDeviceStore:
        """Browsers that people have signed in from."""
        return KnownDeviceStore(self.connection)

    @cached_property
    def failure_hours(self) -> FailureHourStore:
        """How many sign-ins failed, by the hour."""
        return FailureHourStore(self.connection)

    @cached_property
    def signups(self) -> SignupStore:
        """Sign-ups that wait for their address to be proved."""
        return SignupStore(self.connection, self._sealer)

    @cached_property
    def clients(self) -> ClientStore:
        """Relying parties."""
        return ClientStore(self.connection, self._sealer)

    @cached_property
    def registrations(self) -> RegistrationStore:
        """How clients came to be that registered themselves."""
        return RegistrationStore(self.connection)

    @cached_property
    def initial_access_tokens(self) -> InitialAccessTokenStore:
        """What operators allow whoever registers clients."""
        return InitialAccessTokenStore(self.connection)

    @cached_property
    def interactions(self) -> InteractionStore:
        """Requests that wait for their person."""
        return InteractionStore(self.connection, self._sealer)

    @cached_property
    def consents(self) -> ConsentStore:
        """What people allowed."""
        return ConsentStore(self.connection)

    @cached_property
    def grants(self) -> GrantStore:
        """Grants and refresh families."""
        return GrantStore(self.connection, self.users)

    @cached_property
    def codes(self) -> CodeStore:
        """Authorization codes."""
        return CodeStore(self.connection, self.users)

    @cached_property
    def access_tokens(self) -> AccessTokenStore:
        """Opaque access tokens, and revoked ones."""
        return AccessTokenStore(self.connection)

    @cached_property
    def attempts(self) -> AttemptStore:
        """Counters of failures."""
        return AttemptStore(self.connection)

    @cached_property
    def replays(self) -> ReplayStore:
        """One-time values already seen."""
        return ReplayStore(self.connection)

    @cached_property
    def events(self) -> EventStore:
        """The audit trail."""
        return EventStore(self.connection, self._sealer, request_id=self._request_id, actor=self._actor)

    @cached_property
    def event_links(self) -> EventLinkStore:
        """The chain over the audit trail."""
        return EventLinkStore(self.connection, self._sealer, self._digester)

    @cached_property
    def event_checkpoints(self) -> EventCheckpointStore:
        """What was signed about that chain."""
        return EventCheckpointStore(self.connection)

    @cached_property
    def signing_keys(self) -> SigningKeyStore:
        """Signing keys."""
        return SigningKeyStore(self.connection)

    @cached_property
    def data_keys(self) -> DataKeyStore:
        """Data keys."""
        return DataKeyStore(self.connection)

    @cached_property
    def links(self) -> LinkStore:
        """Single-use links."""
        return LinkStore(self.connection, self._sealer)

    @cached_property
    def outbox(self) -> OutboxStore:
        """Messages that wait to leave."""
        return OutboxStore(self.connection, self._sealer)

    @cached_property
    def epochs(self) -> EpochStore:
        """Counters of change."""
        return EpochStore(self.connection)

    @cached_property
    def user_imports(self) -> UserImportStore:
        """How far imports of people have come."""
        return UserImportStore(self.connection)

    @cached_property
    def sweep(self) -> SweepStore:
        """Removal of what has expired."""
        return SweepStore(self.connection)

    async def burn_of_session(self, session_id: str, now: datetime) -> None:
        """Make worthless what a session allowed and no client has fetched: codes, and approved requests."""
        await self.codes.burn_of_session(session_id, now)
        await self.burn_waiting_of_session(session_id)

    async def burn_of_user(self, user_id: str, now: datetime, *, client_id: str | None = None) -> None:
        """Make worthless what a person allowed and no client has fetched; or that of one client."""
        await self.codes.burn_of_user(user_id, now, client_id=client_id)
        await self.burn_waiting_of_user(user_id, client_id=client_id)


class Transactions:
    """Opens transactions with all stores on them."""

    def __init__(
        self, database: Database, *, sealer: Sealer, digester: Digester, actor: Actor | None = None,
        news: asyncio.Event | None = None,
    ) -> None:  # fmt: skip
        """Keep what every store needs; `actor` does everything that no event says another did."""
        self.database = database
        self._sealer = sealer
        self._digester = digester
        self.actor = actor
        self.news = news or asyncio.Event()  #: set when clients are to be told of what was just committed

    def acting(self, actor: Actor) -> "Transactions":
        """Return transactions on the same database in which this actor does everything: an administrator's."""
        return Transactions(self.database, sealer=self._sealer, digester=self._digester, actor=actor, news=self.news)

    @asynccontextmanager
    async def open(self, *, write: bool, request_id: str | None = None) -> AsyncIterator[Stores]:
        """Commit what the block did, unless an exception leaves it; raise DatabaseAway if it cannot be done in time."""
        async with self.database.transaction(write=write) as connection:
            stores = self._stores(connection, request_id)
            yield stores
        self._spread(stores)

    async def run(self, work: Callable[[Stores], Awaitable[T]], *, write: bool, request_id: str | None = None) -> T:
        """Run the work in a transaction, again from its start after a deadlock or serialization failure."""

        async def on(connection: Transaction) -> tuple[T, Stores]:
            stores = self._stores(connection, request_id)
            return await work(stores), stores

        done, stores = await self.database.run(on, write=write)
        self._spread(stores)
        return done

    def _spread(self, stores: Stores) -> None:
        if stores.has_news:
            self.news.set()

    def _stores(self, connection: Transaction, request_id: str | None) -> Stores:
        return Stores(connection, sealer=self._sealer, digester=self._digester, request_id=request_id, actor=self.actor)
