"""Clients as an operator registers them, in and out by the member names of RFC 7591."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from idp.clock import Clock
from idp.domain.client import SECRET_METHODS, AuthMethod, BadClient, Client, Profile, TokenFormat
from idp.domain.event import Event, EventKind
from idp.domain.json import JsonObject
from idp.domain.secret import Digest, Digester, make_id, make_secret
from idp.oauth.client_auth.secret import PURPOSE
from idp.oauth.client_keys import check_jwks
from idp.policy import clients as policy
from idp.policy import lifetimes
from idp.storage.stores import Transactions

# RFC 7591 / OIDC Registration member → our field, where the value is taken as it is.
_TEXTS = {
    "client_name": "name", "initiate_login_uri": "initiate_login_uri", "client_uri": "client_uri",
    "policy_uri": "policy_uri", "tos_uri": "tos_uri", "id_token_signed_response_alg": "id_token_alg",
    "access_token_signed_response_alg": "access_token_alg", "brand_color": "brand_color",
}  # fmt: skip
_LISTS = {
    "redirect_uris": "redirect_uris", "post_logout_redirect_uris": "post_logout_redirect_uris",
    "grant_types": "grant_types", "response_types": "response_types", "default_acr_values": "default_acr_values",
    "allowed_cors_origins": "allowed_cors_origins", "response_modes": "response_modes", "audiences": "audiences",
}  # fmt: skip
_MAX_SECRETS = 2


def read_members(members: JsonObject, base: Client) -> Client:
    """Return the client with these RFC 7591 members; raise BadClient for a member of the wrong type or unknown."""
    changes: dict[str, Any] = {}
    for name, value in members.items():
        if name in _TEXTS:
            changes[_TEXTS[name]] = _text(name, value)
        elif name in _LISTS:
            changes[_LISTS[name]] = _list(name, value)
        elif name == "scope":
            changes["scopes"] = tuple(dict.fromkeys(_text(name, value).split()))
        elif name == "default_scope":
            changes["default_scopes"] = tuple(dict.fromkeys(_text(name, value).split()))
        elif name == "token_endpoint_auth_method":
            changes["auth_method"] = _choice(name, value, AuthMethod)
        elif name == "token_endpoint_auth_signing_alg":
            changes["assertion_algs"] = (_text(name, value),)
        elif name == "access_token_format":
            changes["token_format"] = _choice(name, value, TokenFormat)
        elif name == "jwks":
            changes["jwks"] = check_jwks(value)
        elif name == "default_max_age":
            changes["default_max_age"] = _number(name, value)
        elif name == "require_auth_time":
            changes["require_auth_time"] = bool(value)
        else:
            raise BadClient(f"{name} is not a member that can be set here")
    return replace(base, **changes)


def to_members(client: Client) -> dict[str, Any]:
    """Return a registration as RFC 7591 writes it, without secrets."""
    members: dict[str, Any] = {"client_id": client.id}
    members |= {name: getattr(client, field) for name, field in _TEXTS.items() if getattr(client, field) is not None}
    members |= {name: list(getattr(client, field)) for name, field in _LISTS.items() if getattr(client, field)}
    members["scope"] = " ".join(client.scopes)
    members["token_endpoint_auth_method"] = client.auth_method.value
    members["access_token_format"] = client.token_format.value
    if client.assertion_algs:
        members["token_endpoint_auth_signing_alg"] = client.assertion_algs[0]
    if client.jwks is not None:
        members["jwks"] = client.jwks
    if client.default_max_age is not None:
        members["default_max_age"] = client.default_max_age
    if client.created_at is not None:
        members["client_id_issued_at"] = int(client.created_at.timestamp())
    return members | {"profile": client.profile.value, "first_party": client.is_first_party, "active": client.is_active}


class ClientAdministration:
    """Registers and changes clients."""

    def __init__(self, transactions: Transactions, digester: Digester, clock: Clock) -> None:
        """Keep what the steps need."""
        self._transactions = transactions
        self._digester = digester
        self._clock = clock

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
        client = replace(read_members(_with_defaults(members), base), created_at=now)
        client, plain = self._with_secret(client, secret)
        policy.check(client)
        async with self._transactions.open(write=True) as stores:
            if await stores.clients.find(client.id) is not None:
                raise BadClient(f"client_id {client.id} is taken")
            await stores.clients.add(client, now)
            await stores.events.add(_event(client, "created"), now)
        return client, plain

    def _with_secret(self, client: Client, secret: str | None = None) -> tuple[Client, str | None]:
        if client.auth_method not in SECRET_METHODS:
            return replace(client, secret_digests=(), hmac_secret=None), None
        plain = secret or make_secret()
        digests = (self._digest(plain), *client.secret_digests)[:_MAX_SECRETS]
        hmac_secret = plain if client.auth_method is AuthMethod.SECRET_JWT else None
        return replace(client, secret_digests=digests, hmac_secret=hmac_secret), plain

    def _digest(self, secret: str) -> Digest:
        return self._digester.digest(PURPOSE, secret)

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
            changed, plain = self._with_secret(replace(changed, secret_digests=(), hmac_secret=None))
        await self._save(changed, "updated")
        return changed, plain

    async def rotate_secret(self, client: Client) -> tuple[Client, str]:
        """Give a client a new secret; the old one works beside it for a day."""
        if client.auth_method not in SECRET_METHODS:
            raise BadClient(f"{client.auth_method} has no secret")
        ends_at = int((self._clock.now() + lifetimes.SECRET_OVERLAP).timestamp())
        changed, plain = self._with_secret(replace(client, old_secret_ends_at=ends_at))
        assert plain is not None
        await self._save(changed, "secret rotated")
        return changed, plain

    async def set_active(self, client: Client, *, is_active: bool) -> Client:
        """Enable or disable a client; all workers know within a second."""
        changed = replace(client, is_active=is_active)
        await self._save(changed, "enabled" if is_active else "disabled")
        return changed

    async def delete(self, client: Client) -> None:
        """Remove a client with its grants and consents."""
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.clients.delete(client.id)
            await stores.events.add(_event(client, "deleted"), now)

    async def set_logo(self, client: Client, logo: bytes, media_type: str) -> None:
        """Store a client's logo."""
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.clients.set_logo(client.id, logo, media_type)
            await stores.events.add(_event(client, "logo"), now)

    async def _save(self, client: Client, change: str) -> None:
        policy.check(client)
        now: datetime = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.clients.save(client, now)
            await stores.events.add(_event(client, change), now)


def _event(client: Client, change: str) -> Event:
    return Event(EventKind.CLIENT_CHANGED, client_id=client.id, detail={"change": change})


def _with_defaults(members: JsonObject) -> Mapping[str, Any]:
    grants = members.get("grant_types")
    only_machine = isinstance(grants, list) and "authorization_code" not in grants
    return {"response_types": [] if only_machine else ["code"], **members}


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > 2048 or not value.isprintable():
        raise BadClient(f"{name} must be a short printable string")
    return value


def _list(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
        code = "invalid_redirect_uri" if name == "redirect_uris" else "invalid_client_metadata"
        raise BadClient(f"{name} must be an array of strings", code=code)
    return tuple(dict.fromkeys(value))


def _choice(name: str, value: Any, options: type[AuthMethod] | type[TokenFormat]) -> AuthMethod | TokenFormat:
    try:
        return options(value)
    except ValueError as error:
        raise BadClient(f"{name} is one of {', '.join(options)}") from error


def _number(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadClient(f"{name} must be a non-negative integer")
    return value
