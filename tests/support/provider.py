"""The identity provider inside the test's own process: its application over ASGI, its clock in the test's hand.

Everything is real but time: database, keys, hashing, pages. Tests make people and clients of their own, so one provider
serves a whole run.
"""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
from joserfc.jwk import Key, KeySet
from sqlalchemy import select

from idp.app import create_app
from idp.domain.client import AuthMethod, Client, Profile
from idp.domain.message import Channel
from idp.domain.user import User
from idp.flows.user_administration import NewUser
from idp.messages.outbox import LEASE, OutboxWorker
from idp.providers.mail.console import MailboxSender
from idp.settings import load
from idp.storage.outbox import outbox
from idp.wiring import Site
from tests.support.client_auth import Assertion, Basic, ClientAuthentication, Post, Public
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.policies import OPEN_POLICY
from tests.support.relying_party import AuthorizationAnswer, RelyingParty

ISSUER = "https://id.example"
CALLBACK = "https://rp.example/callback"
SIGNED_OUT = "https://rp.example/signed-out"
PASSWORD = "an engine of numbers"
START = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_numbers = count(1)


class HandClock:
    """A clock that stands still until a test moves it, and only ever forward."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the time as an aware UTC value."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Let time pass."""
        assert by >= timedelta()
        self._now += by
        return self._now

    def timestamp(self) -> float:
        """Return the time as seconds since 1970."""
        return self._now.timestamp()


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    user: User
    username: str
    password: str = PASSWORD

    @property
    def id(self) -> str:
        """The account's id, which is also `sub`."""
        return self.user.id


@dataclass
class Provider:
    """A running provider, and how tests speak to it."""

    issuer: str
    site: Site
    clock: HandClock
    transport: httpx2.ASGITransport
    http: httpx2.AsyncClient
    _metadata: dict[str, Any] = field(default_factory=dict)

    async def person(self, *, email_verified: bool = True, **claims: Any) -> Person:
        """Make an account; `claims` are those of OIDC Core §5.1."""
        username = f"person{next(_numbers)}"
        new = NewUser(f"{username}@example.org", username, PASSWORD, claims, email_verified=email_verified)
        user = await self.site.users.create(new)
        assert isinstance(user, User), user
        return Person(user, username)

    async def client(
        self,
        *,
        profile: Profile = Profile.OAUTH21,
        method: str | None = None,
        key: Key | None = None,
        is_first_party: bool = False,
        scope: str | None = None,
        **members: Any,
    ) -> RelyingParty:
        """Register a client with these RFC 7591 members and return it; `key` signs its assertions.

        It has a secret unless it is a native application. Without `scope` it may ask for every scope of OpenID
        Connect, and asks for the usual ones.
        """
        method = method or ("none" if profile is Profile.NATIVE else "client_secret_basic")
        defaults: dict[str, Any] = {
            "client_name": "Harbour Books",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": method,
        }
        if scope is not None:
            defaults["scope"] = scope
        if key is not None:
            defaults["jwks"] = KeySet([key]).as_dict(private=False)
        given = {name: value for name, value in (defaults | members).items() if value is not None}
        client, secret = await self.site.clients.create(given, profile=profile, is_first_party=is_first_party)
        redirect_uri = client.redirect_uris[0] if client.redirect_uris else CALLBACK
        auth = self._auth(method, secret or "", key)
        rp = RelyingParty(self.http, self.issuer, client.id, auth, redirect_uri, now=self.clock.timestamp)
        rp.scope = scope or rp.scope
        rp._metadata = await self.metadata()
        return rp

    def _auth(self, method: str, secret: str, key: Key | None) -> ClientAuthentication:
        match AuthMethod(method):
            case AuthMethod.BASIC:
                return Basic(secret)
            case AuthMethod.POST:
                return Post(secret)
            case AuthMethod.SECRET_JWT:
                return Assertion.with_secret(secret, now=self.clock.timestamp)  # type: ignore[arg-type]
            case AuthMethod.PRIVATE_KEY_JWT:
                assert key is not None
                return Assertion(key, str(key.get("alg") or "ES256"), now=self.clock.timestamp)
            case AuthMethod.NONE | AuthMethod.TLS | AuthMethod.SELF_SIGNED_TLS:
                return Public()

    async def registration(self, rp: RelyingParty) -> Client:
        """Return a client as it is stored."""
        client = await self.site.clients.find(rp.client_id)
        assert client is not None
        return client

    async def settle(self) -> None:
        """Wait until a change has reached every cache; that takes half a second, more on a busy machine."""
        async with self.site.transactions.open(write=False) as stores:
            wanted = await stores.epochs.all()
        async with asyncio.timeout(10):
            while any(self.site.watch.get(name) != epoch for name, epoch in wanted.items()):
                await asyncio.sleep(0.02)
                await self.site.watch.refresh()

    async def mail_to(self, person: Person) -> list[dict[str, Any]]:
        """Send what waits, and return what a person received, newest first."""
        await self.deliver()
        response = await self.http.get(f"{self.issuer}/dev/mailbox.json", params={"to": person.user.email or ""})
        received: list[dict[str, Any]] = response.json()
        return received

    async def deliver(self) -> None:
        """Send what waits, mail and SMS."""
        senders = {channel: MailboxSender() for channel in Channel}
        worker = OutboxWorker(self.site.transactions, senders, self.clock)
        while await worker.deliver():
            pass
        async with asyncio.timeout(10):
            while await self._on_their_way():  # what the provider's own chore took is not there yet
                await asyncio.sleep(0.01)

    async def _on_their_way(self) -> bool:
        now = self.clock.now()
        query = select(outbox.c.id).where(
            outbox.c.sent_at.is_(None), outbox.c.failed_at.is_(None), outbox.c.tries == 1, outbox.c.due_at > now,
            outbox.c.due_at == now + LEASE,
        )  # fmt: skip
        async with self.site.transactions.open(write=False) as stores:
            return (await stores.connection.execute(query)).first() is not None

    def browser(self, person: Person | None = None, **headers: str) -> HtmlBrowser:
        """Return a fresh browser of a person, or of nobody yet."""
        username, password = (person.username, person.password) if person else ("", "")
        return HtmlBrowser(self.issuer, username=username, password=password, transport=self.transport, headers=headers)

    async def metadata(self) -> dict[str, Any]:
        """Return the discovery document, fetched once."""
        if not self._metadata:
            response = await self.http.get(f"{self.issuer}/.well-known/openid-configuration")
            self._metadata = response.json()
        return self._metadata

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        folder: Path,
        database_url: str,
        *,
        issuer: str = ISSUER,
        settings: Mapping[str, str] | None = None,
        began: datetime = START,
    ) -> AsyncIterator["Provider"]:
        """Start a provider on a migrated database at a moment, and stop it afterwards."""
        environment = {
            "IDP_MODE": "test",
            "IDP_ISSUER": issuer,
            "IDP_DATABASE_URL": database_url,
            "IDP_KEYS_DIR": str(folder / "keys"),
            "IDP_MASTER_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("="),
            "IDP_BCRYPT_ROUNDS": "4",
            "IDP_POLICY_FILE": OPEN_POLICY,
            "IDP_RATE_LIMITS": "off",
            **(settings or {}),
        }
        clock = HandClock(began)
        app = create_app(load(environment=environment), clock=clock)
        transport = httpx2.ASGITransport(app)
        async with (
            _lifespan(app) as scope,
            httpx2.AsyncClient(transport=transport, trust_env=False, timeout=30) as http,
        ):
            yield cls(issuer, scope["app"].state.site, clock, transport, http)


@asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Start an ASGI application and stop it afterwards; yield its lifespan scope."""
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    running = asyncio.create_task(app(scope, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    started = await outbox.get()
    assert started["type"] == "lifespan.startup.complete", started
    try:
        yield scope
    finally:
        await inbox.put({"type": "lifespan.shutdown"})
        await running


async def ask(browser: HtmlBrowser, rp: RelyingParty, **changes: str | None) -> Page:
    """Begin an authorization, and return what the browser then shows or where it was sent."""
    return await browser.open((await rp.authorization_request(**changes)).url, came_from_elsewhere=True)


async def at_once(browser: HtmlBrowser, rp: RelyingParty, **changes: str | None) -> AuthorizationAnswer:
    """Begin an authorization that must be answered without any page."""
    page = await ask(browser, rp, **changes)
    assert page.location is not None, f"a page was shown: {page.describe()}"
    return rp.receive(await rp.open(AuthorizationAnswer.from_url(page.location)))
