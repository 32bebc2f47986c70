"""What an endpoint works with: facts of the process, and the stores of the request's one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from idp.domain.client import CLIENT_ID, Client
from idp.domain.definitions import Definitions
from idp.domain.event import Event, EventKind
from idp.domain.json import JsonObject
from idp.domain.secret import Digester, Sealer
from idp.oauth.keyring import Keyring
from idp.oauth.openid.subject import Subjects
from idp.oauth.remote_keys import RemoteKeys
from idp.oauth.remote_objects import RemoteObjects
from idp.oauth.request import HttpRequest
from idp.policy.client_id_document import DocumentHosts
from idp.policy.offers import Offers
from idp.policy.step_up import Rules
from idp.risk import watch
from idp.risk.desk import RiskDesk
from idp.storage.caches import ClientDirectory, DefinitionDirectory
from idp.storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Engine:
    """What is the same for every request of a process."""

    issuer: str
    keyring: Keyring
    clients: ClientDirectory
    definitions: DefinitionDirectory
    digester: Digester
    sealer: Sealer
    subjects: Subjects
    limits_floods: bool = True
    docs_url: str | None = None
    rules: Rules = field(default_factory=Rules)
    offers: Offers = field(default_factory=Offers)
    bases: tuple[str, ...] = ()  # other base URLs at which programs reach us, as that for client certificates
    document_hosts: DocumentHosts = field(default_factory=DocumentHosts)
    remote_objects: RemoteObjects | None = None
    remote_keys: RemoteKeys | None = None  # None: keys that clients keep elsewhere are not fetched
    risk: RiskDesk | None = None  # None: nothing is weighed, and account and request alone decide

    def admits(self, client_id: str) -> bool:
        """Say whether this can be a client: by an id given out here, or a URL whose host may describe clients."""
        return bool(CLIENT_ID.fullmatch(client_id)) or self.document_hosts.vouch_for(client_id)

    def url(self, path: str) -> str:
        """Return one of our URLs; always from the issuer, never from a Host header."""
        return self.issuer + path

    def keys_of(self, client: Client) -> JsonObject | None:
        """Return a client's own public keys, as this process knows them; none are fetched."""
        return client.jwks if self.remote_keys is None else self.remote_keys.of(client)


@dataclass(frozen=True, slots=True)
class Context:
    """One request to the protocol engine; clients that are `absent`, for want of a document, do not exist for it."""

    engine: Engine
    stores: Stores
    http: HttpRequest
    now: datetime
    fetched: Mapping[str, str] = field(default_factory=dict)  # what clients keep elsewhere, by URL, for this request
    absent: frozenset[str] = frozenset()

    async def client(self, client_id: str) -> Client | None:
        """Return an active client; a disabled one counts as unknown at every door."""
        if client_id in self.absent or not self.engine.admits(client_id):
            return None
        found = await self.engine.clients.find(self.stores.clients, client_id)
        return found if found is not None and found.is_active else None

    async def definitions(self) -> Definitions:
        """Return what operators have defined, as it is now."""
        return await self.engine.definitions.current(self.stores.definitions)

    async def record(
        self,
        kind: EventKind,
        *,
        user_id: str | None = None,
        client_id: str | None = None,
        session_id: str | None = None,
        **detail: str | int | bool | None,
    ) -> None:
        """Append to the audit trail, in the transaction of the effect."""
        facts: Mapping[str, str | int | bool | None] = detail
        await self.record_event(Event(kind, user_id, client_id, session_id, self.http.address, facts))

    async def record_event(self, event: Event) -> None:
        """Append an event that says more: its actor, its target, what was before and after; the address is ours."""
        await self.stores.events.add(replace(event, address=self.http.address), self.now)
        if self.engine.risk is not None and event.user_id is not None and event.kind in watch.ACTS:
            await watch.after_act(self.stores, event.user_id, self.now)
