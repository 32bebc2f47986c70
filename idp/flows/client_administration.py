"""Clients as an operator registers them, in and out by the member names of RFC 7591."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from idp.clock import Clock
from idp.domain.change import SECRETS, difference
from idp.domain.client import SECRET_METHODS, AuthMethod, BadClient, Client, Profile
from idp.domain.event import Event, EventKind
from idp.domain.json import JsonObject
from idp.domain.secret import Digester, make_id, make_secret
from idp.oauth.client_auth.secret import PURPOSE
from idp.oauth.extensions.registration_documents import DEPENDING, Documents
from idp.oauth.registration_members import read_members, with_defaults, write_members
from idp.policy import clients as policy
from idp.policy import lifetimes
from idp.storage.stores import Transactions

_MAX_SECRETS = 2
_HIDDEN = SECRETS | {"contacts"}  # people's addresses


def to_members(client: Client) -> dict[str, Any]:
    """Return a registration as an operator sees it, by the member names of RFC 7591, without secrets."""
    return write_members(client) | {
        "profile": client.profile.value,
        "first_party": client.is_first_party,
        "self_registered": client.is_self_registered,
        "active": client.is_active,
    }


def with_secret(digester: Digester, client: Client, secret: str | None = None) -> tuple[Client, str | None]:
    """Return the client with a new secret and the secret itself, if its way to authenticate needs one."""
    if client.auth_method not in SECRET_METHODS:
        return replace(client, secret_digests=(), hmac_secret=None), None
    plain = secret or make_secret()
    digests = (digester.digest(PURPOSE, plain), *client.secret_digests)[:_MAX_SECRETS]
    hmac_secret = plain if client.auth_method is AuthMethod.SECRET_JWT else None
    return replace(client, secret_digests=digests, hmac_secret=hmac_secret), plain


class ClientAdministration:
    """Registers and changes clients."""

    def __init__(self, transactions: Transactions, digester: Digester, clock: Clock, documents: Documents) -> None:
        """Keep what the steps need; `documents` fetches what registrations point to."""
        self._transactions = transactions
        self._digester = digester
        self._clock = clock
        self._documents = documents

    async def create(
        self,
        members: JsonObject,
        *,
        profile: Profile = Profile.OAUTH21,
        is_first_party: bool = False,
        client_id: str | None = None,
        secret: str | None = None,
    ) -> tuple[Client, str | None]:
        """Store a new client and return it with its secret, shown this once; raise BadClient if it may not be."""
        now = self._clock.now()
        base = Client(id=client_id or f"c-{make_id()}", name="", profile=profile, is_first_party=is_first_party)
        client = replace(read_members(with_defaults(members), base), created_at=now)
        client, plain = with_secret(self._digester, client, secret)
        policy.check(client)
        client, logo = await self._documents.gather(client)
        async with self._transactions.open(write=True) as stores:
            if await stores.clients.find(client.id) is not None:
                raise BadClient(f"client_id {client.id} is taken")
            await stores.clients.add(client, now)
            if logo is not None:
                await stores.clients.set_logo(client.id, *logo)
            await stores.events.add(_event(client.id, "created", after=client), now)
        return client, plain

    async def list(self) -> Sequence[Client]:
        """Return all clients."""
        async with self._transactions.open(write=False) as stores:
            return await stores.clients.list()

    async def find(self, client_id: str) -> Client | None:
        """Return a client, active or not."""
        async with self._transactions.open(write=False) as stores:
            return await stores.clients.find(client_id)

    async def update(self, client: Client, members: JsonObject) -> tuple[Client, str | None]:
        """Change members of a client; a secret is made when the new method needs one and there is none."""
        changed = read_members(members, client)
        plain = None
        if changed.auth_method is not client.auth_method:
            changed, plain = with_secret(self._digester, replace(changed, secret_digests=(), hmac_secret=None))
        logo = None
        if not members.keys().isdisjoint(DEPENDING):  # a host that is down is in nobody's way who changes other things
            changed, logo = await self._documents.gather(changed, client)
        await self._save(changed, "updated", before=client)
        if logo is not None:
            await self.set_logo(changed, *logo)
        return changed, plain

    async def rotate_secret(self, client: Client) -> tuple[Client, str]:
        """Give a client a new secret; the old one works beside it for a day."""
        if client.auth_method not in SECRET_METHODS:
            raise BadClient(f"{client.auth_method} has no secret")
        ends_at = int((self._clock.now() + lifetimes.SECRET_OVERLAP).timestamp())
        changed, plain = with_secret(self._digester, replace(client, old_secret_ends_at=ends_at))
        assert plain is not None
        await self._save(changed, "secret rotated", before=client)
        return changed, plain

    async def set_active(self, client: Client, *, is_active: bool) -> Client:
        """Enable or disable a client; all workers know within a second."""
        changed = replace(client, is_active=is_active)
        await self._save(changed, "enabled" if is_active else "disabled", before=client)
        return changed

    async def delete(self, client: Client) -> None:
        """Remove a client with its grants and consents."""
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.clients.delete(client.id)
            await stores.events.add(_event(client.id, "deleted", before=client), now)

    async def set_logo(self, client: Client, logo: bytes, media_type: str) -> None:
        """Store a client's logo."""
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.clients.set_logo(client.id, logo, media_type)
            await stores.events.add(_event(client.id, "logo"), now)

    async def _save(self, client: Client, change: str, *, before: Client) -> None:
        policy.check(client)
        now: datetime = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.clients.save(client, now)
            await stores.events.add(_event(client.id, change, before=before, after=client), now)


def _event(client_id: str, change: str, *, before: Client | None = None, after: Client | None = None) -> Event:
    was, is_ = difference(*({} if each is None else to_members(each) for each in (before, after)), hidden=_HIDDEN)
    return Event(
        EventKind.CLIENT_CHANGED, client_id=client_id, detail={"change": change}, before=was or None, after=is_ or None
    )
