"""Clients as commands see them: the same operations as everywhere, with the words of RFC 7591 for what is refused."""

import json
from collections.abc import Iterator, Mapping, Sequence

from idp.clock import Clock
from idp.domain.client import SECRET_METHODS, BadClient, Client, Profile
from idp.domain.event import Actor, ActorKind, Event, EventKind
from idp.domain.json import Json, JsonObject
from idp.flows.admin import clients
from idp.flows.admin.callers import of_command
from idp.flows.admin.clients import ClientShown
from idp.flows.admin.operation import Administration, I, O, Operation
from idp.flows.admin.problem import Code, Problem
from idp.storage.stores import Transactions

_URI_LISTS = ("redirect_uris", "post_logout_redirect_uris")


class ClientAdministration:
    """Registers and changes clients for whoever can run commands."""

    def __init__(self, administration: Administration, transactions: Transactions, clock: Clock) -> None:
        """Keep what does the operations, and in whose name."""
        self._administration = administration
        self._transactions = transactions
        self._clock = clock
        self._caller = of_command(transactions.actor or Actor(ActorKind.COMMAND_LINE))

    async def create(
        self, members: JsonObject, *, profile: Profile = Profile.OAUTH21, is_first_party: bool = False,
        client_id: str | None = None,
    ) -> tuple[Client, str | None]:  # fmt: skip
        """Store a new client and return it with its secret, shown this once; raise BadClient if it may not be."""
        metadata = _as_json(members)
        made = await self._do(
            clients.CREATE, metadata=metadata, profile=profile.value, first_party=is_first_party, client_id=client_id
        )
        return await self._stored(made)

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
        return await self._stored(await self._do(clients.UPDATE, id=client.id, metadata=_as_json(members)))

    async def rotate_secret(self, client: Client) -> tuple[Client, str]:
        """Give a client a new secret; the old one works beside it for a day."""
        if client.auth_method not in SECRET_METHODS:
            raise BadClient(f"{client.auth_method} has no secret")
        changed, plain = await self._stored(await self._do(clients.ROTATE, id=client.id))
        assert plain is not None
        return changed, plain

    async def set_active(self, client: Client, *, is_active: bool) -> Client:
        """Enable or disable a client; all workers know within a second."""
        operation = clients.ENABLE if is_active else clients.DISABLE
        return (await self._stored(await self._do(operation, id=client.id)))[0]

    async def delete(self, client: Client) -> None:
        """Remove a client with its grants and consents."""
        await self._do(clients.DELETE, id=client.id)

    async def set_logo(self, client: Client, logo: bytes, media_type: str) -> None:
        """Store a client's logo from a file, which only commands have."""
        event = Event(EventKind.CLIENT_CHANGED, client_id=client.id, detail={"change": "logo"})
        async with self._transactions.open(write=True) as stores:
            await stores.clients.set_logo(client.id, logo, media_type)
            await stores.events.add(event, self._clock.now())

    async def _do(self, operation: Operation[I, O], **given: object) -> O:
        try:
            return await self._administration.call(operation, self._caller, given)
        except Problem as problem:
            raise _bad_client(problem, given) from problem

    async def _stored(self, shown: ClientShown) -> tuple[Client, str | None]:
        found = await self.find(shown.id)
        if found is None:  # removed by somebody else since
            raise BadClient(f"there is no client {shown.id}")
        return found, shown.client_secret


def _as_json(members: JsonObject) -> Json:
    plain: Json = json.loads(json.dumps(members))
    return plain


def _bad_client(problem: Problem, given: Mapping[str, object]) -> BadClient:
    """Return the refusal with its code of RFC 7591 §3.2.2."""
    if isinstance(problem.__cause__, BadClient):
        return problem.__cause__
    if problem.code is Code.TAKEN:
        return BadClient(f"client_id {given['client_id']} is taken")
    if uris := "; ".join(_of_uris(problem, given)):
        return BadClient(uris, code="invalid_redirect_uri")
    return BadClient(problem.detail)


def _of_uris(problem: Problem, given: Mapping[str, object]) -> Iterator[str]:
    """Yield what is wrong with each redirect URI, with the URI itself: it is told to whoever typed it."""
    metadata = given.get("metadata")
    for fault in problem.faults:
        _, name, number = (*fault.member.split("."), "", "")[:3]
        if name in _URI_LISTS and number.isdigit() and isinstance(metadata, Mapping):
            yield f"redirect URI {metadata[name][int(number)]!r} {fault.detail}"
