"""How a client registers itself, and looks after its registration: who may, how often, and what is stored.

Nothing is fetched inside a transaction, and nothing is stored before everything that can refuse has spoken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from idp.clock import Clock
from idp.domain.change import SECRETS, difference
from idp.domain.client import BadClient, Client
from idp.domain.event import Actor, ActorKind, Event, EventKind
from idp.domain.json import Json, JsonObject
from idp.domain.secret import Digester, equal, make_id, make_secret
from idp.flows import throttle
from idp.flows.client_document import with_secret
from idp.oauth.charter import OPEN, Charter, read_registration
from idp.oauth.client_auth.secret import PURPOSE as SECRET_PURPOSE
from idp.oauth.extensions.registration import BadToken, check_update
from idp.oauth.extensions.registration_documents import Documents
from idp.oauth.extensions.registration_software import Issuers, read_statement
from idp.oauth.registration_members import write_members
from idp.policy import clients as policy
from idp.policy import lifetimes, lockout
from idp.policy.offers import Offers
from idp.storage.initial_access_tokens import InitialAccessToken
from idp.storage.registrations import Registration, Way
from idp.storage.stores import Stores, Transactions

INITIAL = "initial_access_token"
ACCESS = "registration_access_token"
_HIDDEN = SECRETS | {"contacts", "software_statement"}


class TooMany(Exception):
    """Too many registrations from this network, by this token, or changes of this client."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the bearer token that came, and from which address, under which request id."""

    bearer: str | None
    address: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Registered:
    """A client as it is stored, the token that opens its registration, and its secret if one was just made."""

    client: Client
    token: str
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator decided: strangers too or tokens only, whose software statements count, floods limited.

    `offers` are the switches that decide what may be registered.
    """

    issuer: str
    is_open: bool
    limits_floods: bool
    statement_issuers: Issuers
    offers: Offers


class ClientRegistration:
    """Registers clients that nobody here typed in."""

    def __init__(
        self, transactions: Transactions, digester: Digester, clock: Clock, documents: Documents, rules: Rules
    ) -> None:
        """Keep what the steps need."""
        self._transactions = transactions
        self._digester = digester
        self._clock = clock
        self._documents = documents
        self._rules = rules

    async def register(self, sent: JsonObject, caller: Caller) -> Registered:
        """Store a new client; raise BadToken, TooMany, or BadClient with the error code of RFC 7591 §3.2.2."""
        initial = await self._admit(caller)
        charter = OPEN if initial is None else Charter(initial.profile, initial.scopes, initial.grant_types)
        now = self._clock.now()
        base = Client(id=f"c-{make_id()}", name="", created_at=now, is_self_registered=initial is None)
        client = read_registration(sent, self._vouched(sent, None), base, charter)
        client, secret = with_secret(self._digester, client)
        policy.check(client, self._rules.offers)
        client, logo = await self._documents.gather(client)
        token = make_secret()
        way = Way.OPEN if initial is None else Way.TOKEN
        registration = Registration(
            client.id, self._digester.digest(ACCESS, token), way, charter.scopes, charter.grant_types, now,
            now + lifetimes.UNUSED_REGISTRATION,
        )  # fmt: skip
        async with self._transactions.open(write=True, request_id=caller.request_id) as stores:
            if initial is not None and not await stores.initial_access_tokens.spend(initial.id, now):
                raise BadToken(is_missing=False)
            await stores.clients.add(client, now)
            await stores.registrations.add(registration)
            if logo is not None:
                await stores.clients.set_logo(client.id, *logo)
            detail = {"change": "registered", "way": way.value, "token": initial.id if initial else None}
            await stores.events.add(_event(client, caller, detail, actor=ActorKind.STRANGER, after=client), now)
        return Registered(client, token, secret)

    async def _admit(self, caller: Caller) -> InitialAccessToken | None:
        """Return the initial access token that came, None for whoever needs none; count the registration."""
        now, initial = self._clock.now(), None
        async with self._transactions.open(write=False) as stores:
            if caller.bearer is not None:
                digest = self._digester.digest(INITIAL, caller.bearer)
                initial = await stores.initial_access_tokens.find(digest, now)
        network = f"network|{throttle.network_of(caller.address)}"
        await self._count(network if initial is None else f"token|{initial.id}", caller)
        if initial is None and (caller.bearer is not None or not self._rules.is_open):
            raise BadToken(is_missing=caller.bearer is None)
        return initial

    async def _count(self, subject: str, caller: Caller) -> None:
        if not self._rules.limits_floods:
            return
        now, counter = self._clock.now(), self._digester.digest("registrations", subject)
        async with self._transactions.open(write=True, request_id=caller.request_id) as stores:
            count = await stores.attempts.add_in_window(counter, now, window=lockout.REGISTRATIONS_WINDOW)
            if count == lockout.REGISTRATIONS + 1:  # once: a flood must not fill the trail as well
                await stores.events.add(Event(EventKind.THROTTLED, address=caller.address), now)
        if count > lockout.REGISTRATIONS:
            raise TooMany

    def _vouched(self, sent: JsonObject, known: str | None) -> Mapping[str, Json]:
        statement = sent.get("software_statement")
        if statement is None:
            return {}
        return read_statement(
            statement, self._rules.statement_issuers, audience=self._rules.issuer, now=self._clock.now(),
            is_known=statement == known,
        )  # fmt: skip

    async def read(self, client_id: str, caller: Caller) -> Registered:
        """Return a registration to whoever holds its token; raise BadToken."""
        async with self._transactions.open(write=False) as stores:
            client, _registration = await self._opened(stores, client_id, caller)
        return Registered(client, caller.bearer or "")

    async def _opened(self, stores: Stores, client_id: str, caller: Caller) -> tuple[Client, Registration]:
        """Return the client that the token opens; unknown, foreign, disabled and deleted ones look alike."""
        digest = self._digester.digest(ACCESS, caller.bearer or "")
        client = await stores.clients.find(client_id)
        registration = await stores.registrations.find(client.id) if client is not None else None
        is_right = registration is not None and equal(registration.digest, digest)
        if client is None or registration is None or not is_right or not client.is_active:
            raise BadToken(is_missing=caller.bearer is None)
        return client, registration

    async def replace(self, client_id: str, sent: JsonObject, caller: Caller) -> Registered:
        """Replace all members of a registration; raise BadToken, TooMany or BadClient."""
        async with self._transactions.open(write=False) as stores:
            before, registration = await self._opened(stores, client_id, caller)
        await self._count(f"client|{client_id}", caller)
        check_update(sent, before, has_right_secret=self._has_right_secret(sent, before))
        vouched = self._vouched(sent, before.software_statement)
        client = read_registration(sent, vouched, before, _charter(before, registration))
        secret = None
        if client.auth_method is not before.auth_method:
            client, secret = with_secret(self._digester, replace(client, secret_digests=(), hmac_secret=None))
        policy.check(client, self._rules.offers)
        client, logo = await self._documents.gather(client, before)
        now = self._clock.now()
        async with self._transactions.open(write=True, request_id=caller.request_id) as stores:
            found, _registration = await self._opened(stores, client_id, caller)
            if found != before:  # an operator's word must not be undone by what was read before it
                raise BadClient("the registration was changed by somebody else meanwhile; try again")
            await stores.clients.save(client, now)
            if logo is not None or client.logo_uri is None:
                await stores.clients.set_logo(client.id, *(logo or (None, None)))
            detail = {"change": "updated", "way": "management"}
            event = _event(client, caller, detail, actor=ActorKind.CLIENT, before=before, after=client)
            await stores.events.add(event, now)
        return Registered(client, caller.bearer or "", secret)

    def _has_right_secret(self, sent: JsonObject, client: Client) -> bool:
        secret, live = sent.get("client_secret"), client.live_secrets(self._clock.now())
        if not live:
            return secret is None
        digest = self._digester.digest(SECRET_PURPOSE, secret if isinstance(secret, str) else "")
        return any([equal(digest, each) for each in live])

    async def remove(self, client_id: str, caller: Caller) -> None:
        """Delete a client with all its grants and tokens; raise BadToken."""
        now = self._clock.now()
        async with self._transactions.open(write=True, request_id=caller.request_id) as stores:
            client, _registration = await self._opened(stores, client_id, caller)
            await stores.clients.delete(client.id)
            detail = {"change": "deleted", "way": "management"}
            await stores.events.add(_event(client, caller, detail, actor=ActorKind.CLIENT, before=client), now)


def _charter(client: Client, registration: Registration) -> Charter:
    """Return what a change may ask for: what the registration allowed, and what an operator has given since."""
    is_free = registration.way is Way.OPEN and client.profile in policy.OPEN_PROFILES
    return Charter(
        None if is_free else client.profile,
        tuple(dict.fromkeys((*registration.scopes, *client.scopes))),
        tuple(dict.fromkeys((*registration.grant_types, *client.grant_types))),
    )


def _event(
    client: Client, caller: Caller, detail: Mapping[str, str | None], *, actor: ActorKind,
    before: Client | None = None, after: Client | None = None,
) -> Event:  # fmt: skip
    was, is_ = difference(*({} if each is None else write_members(each) for each in (before, after)), hidden=_HIDDEN)
    return Event(
        EventKind.CLIENT_CHANGED, client_id=client.id, address=caller.address, detail=detail,
        actor=Actor(actor, client.id if actor is ActorKind.CLIENT else None), before=was or None, after=is_ or None,
    )  # fmt: skip
