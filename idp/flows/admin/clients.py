"""Clients, by the member names of RFC 7591 and OpenID Connect Registration; a client manager reaches their own only."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, JsonValue

from idp.domain.change import SECRETS, difference
from idp.domain.client import SECRET_METHODS, BadClient, Client, Profile
from idp.domain.document_url import path_name
from idp.domain.event import EventKind
from idp.domain.permission import SCOPE_PREFIX
from idp.domain.permission import Permission as P
from idp.domain.secret import base64url, make_id
from idp.domain.user import Role
from idp.flows.admin.client_members import check_document, read_client, refused
from idp.flows.admin.listing import Listing, Page, paged, read_cursor
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work
from idp.flows.admin.problem import Code, Problem, invalid, missing
from idp.flows.admin.values import Id, Version, version_of
from idp.flows.client_document import to_members, with_secret
from idp.oauth.extensions.registration_documents import DEPENDING, Logo
from idp.oauth.registration_members import with_defaults
from idp.policy import administration, lifetimes
from idp.policy import clients as policy
from idp.policy.offers import EVERYTHING, Offers

Members = Annotated[dict[str, JsonValue], Field(max_length=100)]
HIDDEN = SECRETS | {"contacts"}  # people's addresses
_OUTSIDE = frozenset({"client_id", "client_id_issued_at", "profile", "first_party", "self_registered", "active"})
#: What a client manager may not give: it would spare people the question, or widen what a client may ask for.
_FOR_ADMINISTRATORS = frozenset({Profile.OIDC})


class ClientShown(Output):
    """A client; `metadata` has the members of RFC 7591."""

    id: str
    name: str
    profile: str
    active: bool
    first_party: bool
    self_registered: bool
    metadata: dict[str, Any]
    created_at: datetime | None
    version: str
    client_secret: str | None = None  # only when it was made just now

    @property
    def path_name(self) -> str:
        """Return the id as one segment of a path."""
        return path_name(self.id)


class ClientWanted(Input):
    """One client."""

    id: Id


class ClientsWanted(Listing):
    """A page of clients in the order of their names; `find` is how the name begins, or an id."""

    find: Annotated[str, Field(max_length=128)] = ""


class ClientMade(Input):
    """A new client; its id is made unless one is given."""

    metadata: Members
    profile: Annotated[str, Field(max_length=20)] = Profile.OAUTH21.value
    first_party: bool = False
    client_id: Id | None = None


class ClientChanged(Input):
    """What changes of a registration; members that are absent stay."""

    id: Id
    version: Version | None = None
    metadata: Members = Field(default_factory=dict)
    profile: Annotated[str, Field(max_length=20)] | None = None
    first_party: bool | None = None


class ClientActedOn(Input):
    """One client, as it was when the caller looked at it."""

    id: Id
    version: Version | None = None


def client_of(client: Client, secret: str | None = None) -> ClientShown:
    """Return a client as it is shown, with its secret only if that was made just now."""
    members = to_members(client)
    metadata = {name: value for name, value in members.items() if name not in _OUTSIDE}
    secrets = {"secrets": [base64url(digest) for digest in client.secret_digests]}  # a new one is a change as well
    return ClientShown(
        id=client.id, name=client.name, profile=client.profile.value, active=client.is_active,
        first_party=client.is_first_party, self_registered=client.is_self_registered, metadata=metadata,
        created_at=client.created_at, version=version_of(members | secrets), client_secret=secret,
    )  # fmt: skip


async def _list(work: Work, wanted: ClientsWanted) -> Page[ClientShown]:
    digester = work.tools.engine.digester
    key = read_cursor(digester, wanted)
    after = (str(key[0]), str(key[1])) if key is not None else None
    own = None if administration.sees_every_client(work.caller.role) else work.caller.user_id or ""
    rows = await work.stores.clients.page(text=wanted.find, managed_by=own, after=after, limit=wanted.limit + 1)
    return paged(digester, wanted, [client_of(each) for each in rows], [(each.name, each.id) for each in rows])


async def reach(work: Work, client_id: str, *, version: str | None = None, lock: bool = False) -> Client:
    """Return a client within the caller's reach; raise Problem as if there were none for any other."""
    clients = work.stores.clients
    found = await (clients.lock(client_id) if lock else clients.find(client_id))
    sees_all = administration.sees_every_client(work.caller.role)
    if found is None or not (sees_all or await clients.manages(work.caller.user_id or "", client_id)):
        raise missing("client")
    if lock and work.caller.role is Role.CLIENT_MANAGER and any(each.startswith(SCOPE_PREFIX) for each in found.scopes):
        raise Problem(Code.FORBIDDEN, "whoever changes a client with scopes of administration could act as it")
    if version is not None and version != client_of(found).version:
        raise Problem(Code.CHANGED_MEANWHILE, "somebody has changed this client meanwhile")
    return found


async def _show(work: Work, wanted: ClientWanted) -> ClientShown:
    return client_of(await reach(work, wanted.id))


async def _create(work: Work, made: ClientMade) -> ClientShown:
    profile = _profile(work, made.profile, None)
    _check_first_party(work, made.first_party, was=False)
    base = Client(id=made.client_id or f"c-{make_id()}", name="", profile=profile, is_first_party=made.first_party)
    client = replace(read_client(work, with_defaults(made.metadata), base), created_at=work.now)
    client, secret = with_secret(work.tools.engine.digester, client)
    check(client, work.tools.engine.offers)
    client, logo = await gathered(work, client, None)
    async with work.opening() as opened:
        await add(opened, client, logo)
        if work.caller.role is Role.CLIENT_MANAGER and work.caller.user_id is not None:
            await opened.stores.clients.add_manager(client.id, work.caller.user_id)
    return client_of(client, secret)


async def add(work: Work, client: Client, logo: Logo | None) -> None:
    """Store a new client that was checked."""
    if await work.stores.clients.find(client.id) is not None:
        raise Problem(Code.TAKEN, "there is a client of this id already")
    if not await work.stores.clients.add(client, work.now):  # two at once
        raise Problem(Code.TAKEN, "there is a client of this id already")
    if logo is not None:
        await work.stores.clients.set_logo(client.id, *logo)
    _, after = difference({}, to_members(client), hidden=HIDDEN)
    await work.record(EventKind.CLIENT_CHANGED, client_id=client.id, change="created", after=after)


async def gathered(work: Work, client: Client, before: Client | None) -> tuple[Client, Logo | None]:
    """Fetch what a registration points to, while no transaction is open."""
    try:
        return await work.tools.documents.gather(client, before)
    except BadClient as error:
        raise refused(error) from error


def _profile(work: Work, text: str, was: Profile | None) -> Profile:
    try:
        profile = Profile(text)
    except ValueError:
        raise invalid("profile", f"is one of {', '.join(Profile)}") from None
    if profile is not was and profile in _FOR_ADMINISTRATORS and work.caller.role is Role.CLIENT_MANAGER:
        raise Problem(Code.FORBIDDEN, f"the profile {profile} is given by administrators")
    return profile


def _check_first_party(work: Work, wanted: bool, *, was: bool) -> None:
    if wanted and not was and work.caller.role is Role.CLIENT_MANAGER:
        raise Problem(Code.FORBIDDEN, "administrators say which clients are first-party")


def check(client: Client, offers: Offers = EVERYTHING) -> None:
    """Refuse a registration that contradicts itself or its profile, or asks for what is not offered here."""
    try:
        policy.check(client, offers)
    except BadClient as error:
        raise refused(error) from error


async def _update(work: Work, changed: ClientChanged) -> ClientShown:
    async with work.opening(write=False) as opened:
        before = await reach(opened, changed.id, version=changed.version)
    after, secret = _changed(work, changed, before)
    logo = None
    if not changed.metadata.keys().isdisjoint(DEPENDING):  # other changes need no host that may be down
        after, logo = await gathered(work, after, before)
    async with work.opening() as opened:
        await reach(opened, changed.id, version=client_of(before).version, lock=True)
        if logo is not None:
            await opened.stores.clients.set_logo(after.id, *logo)
        return client_of(await save(opened, before, after, "updated"), secret)


def _changed(work: Work, changed: ClientChanged, before: Client) -> tuple[Client, str | None]:
    profile = before.profile if changed.profile is None else _profile(work, changed.profile, before.profile)
    is_first_party = before.is_first_party if changed.first_party is None else changed.first_party
    _check_first_party(work, is_first_party, was=before.is_first_party)
    base = replace(before, profile=profile, is_first_party=is_first_party)
    after = read_client(work, changed.metadata, base)
    check_document(before, after)
    secret = None
    if after.auth_method is not before.auth_method:
        bare = replace(after, secret_digests=(), hmac_secret=None)
        after, secret = with_secret(work.tools.engine.digester, bare)
    check(after, work.tools.engine.offers)
    return after, secret


async def save(work: Work, before: Client, after: Client, change: str) -> Client:
    """Store a changed client, with what changed in the trail."""
    check(after)
    await work.stores.clients.save(after, work.now)
    was, is_now = difference(to_members(before), to_members(after), hidden=HIDDEN)
    await work.record(EventKind.CLIENT_CHANGED, client_id=after.id, change=change, before=was, after=is_now)
    return after


async def _rotate(work: Work, acted: ClientActedOn) -> ClientShown:
    client = await reach(work, acted.id, version=acted.version, lock=True)
    if client.auth_method not in SECRET_METHODS:
        raise Problem(Code.CONFLICT, f"a client that authenticates by {client.auth_method} has no secret")
    ends_at = int((work.now + lifetimes.SECRET_OVERLAP).timestamp())
    after, secret = with_secret(work.tools.engine.digester, replace(client, old_secret_ends_at=ends_at))
    return client_of(await save(work, client, after, "secret rotated"), secret)


async def _disable(work: Work, acted: ClientActedOn) -> ClientShown:
    return await _set_active(work, acted, is_active=False)


async def _enable(work: Work, acted: ClientActedOn) -> ClientShown:
    return await _set_active(work, acted, is_active=True)


async def _set_active(work: Work, acted: ClientActedOn, *, is_active: bool) -> ClientShown:
    client = await reach(work, acted.id, version=acted.version, lock=True)
    after = replace(client, is_active=is_active)
    return client_of(await save(work, client, after, "enabled" if is_active else "disabled"))


async def _delete(work: Work, acted: ClientActedOn) -> Nothing:
    client = await reach(work, acted.id, version=acted.version, lock=True)
    await work.stores.clients.delete(client.id)
    was, _ = difference(to_members(client), {}, hidden=HIDDEN)
    await work.record(EventKind.CLIENT_CHANGED, client_id=client.id, change="deleted", before=was)
    return Nothing()


LIST = Operation(
    "clients.list", "List clients", P.CLIENTS_READ, ClientsWanted, Page[ClientShown], _list, "GET", "/clients"
)
SHOW = Operation(
    "clients.show", "Show a client", P.CLIENTS_READ, ClientWanted, ClientShown, _show, "GET", "/clients/{id}"
)
CREATE = Operation(
    "clients.create", "Register a client", P.CLIENTS_WRITE, ClientMade, ClientShown, _create, "POST", "/clients",
    status=201, opens_its_own=True,
)  # fmt: skip
UPDATE = Operation(
    "clients.update", "Change a client", P.CLIENTS_WRITE, ClientChanged, ClientShown, _update, "PATCH", "/clients/{id}",
    opens_its_own=True,
)  # fmt: skip
ROTATE = Operation(
    "clients.rotate_secret", "Give a client a new secret; the old one works for a day", P.CLIENTS_WRITE, ClientActedOn,
    ClientShown, _rotate, "POST", "/clients/{id}/rotate-secret", is_dangerous=True,
)  # fmt: skip
DISABLE = Operation(
    "clients.disable", "Refuse a client at every door", P.CLIENTS_WRITE, ClientActedOn, ClientShown, _disable, "POST",
    "/clients/{id}/disable",
)  # fmt: skip
ENABLE = Operation(
    "clients.enable", "Let a disabled client in again", P.CLIENTS_WRITE, ClientActedOn, ClientShown, _enable, "POST",
    "/clients/{id}/enable",
)  # fmt: skip
DELETE = Operation(
    "clients.delete", "Remove a client for good", P.CLIENTS_WRITE, ClientActedOn, Nothing, _delete, "DELETE",
    "/clients/{id}", is_dangerous=True, status=204,
)  # fmt: skip
OPERATIONS = (LIST, SHOW, CREATE, UPDATE, ROTATE, DISABLE, ENABLE, DELETE)
