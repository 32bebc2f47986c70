"""Resource servers: the APIs that take our access tokens, and who may introspect for them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from idp.domain.client import TokenFormat
from idp.domain.permission import Permission
from idp.domain.resource import ResourceServer, ScopeText
from idp.flows.admin import clients
from idp.flows.admin.definitions import Noun
from idp.flows.admin.operation import Input, Output, Work
from idp.flows.admin.problem import Code, Problem, invalid
from idp.flows.admin.values import Id, Name, Text, Version, version_of
from idp.policy.definitions import check_resource
from idp.policy.profiles import ID_TOKEN_ALGS
from idp.storage.definitions import LONGEST_KEY, RESOURCE, content_of

ALGS = ID_TOKEN_ALGS
_BEYOND = 10**6  # seconds, longer than any token lives
Identifier = Annotated[str, Field(min_length=3, max_length=LONGEST_KEY)]


class ScopeTold(Input):
    """A scope, and what it allows, in words for the person who is asked."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    text: Text = ""


class ResourceTold(Input):
    """A resource server as it is to be, all of it; tokens for it live `life_seconds`."""

    identifier: Identifier
    name: Name
    scopes: Annotated[list[ScopeTold], Field(max_length=100)] = Field(default_factory=list)
    token_alg: Annotated[str, Field(max_length=10)] = "ES256"
    token_format: Annotated[str, Field(pattern="^(jwt|opaque)$")] = TokenFormat.JWT.value
    life_seconds: int = 300
    public: bool = False
    open_to_all: bool = False
    require_sender_constraint: bool = False


class ResourceMade(ResourceTold):
    """A new resource server; `client_id` is the client that introspects for it, which then has it among `audiences`."""

    client_id: Id | None = None


class ResourceChanged(ResourceMade):
    """What is to stand in the place of a resource server; without `client_id` who introspects stays."""

    id: Id
    version: Version | None = None


class ResourceShown(Output):
    """A resource server; `clients` are those that introspect for it."""

    id: str
    identifier: str
    name: str
    scopes: list[dict[str, str]]
    token_alg: str
    token_format: str
    life_seconds: int
    public: bool
    open_to_all: bool
    require_sender_constraint: bool
    clients: list[str]
    version: str


class Resources(Output):
    """All resource servers by their identifiers."""

    items: list[ResourceShown]


def told_of(resource: ResourceServer) -> ResourceTold:
    """Return a resource server as an input that would make it."""
    return ResourceTold(
        identifier=resource.identifier, name=resource.name, token_alg=resource.token_alg,
        scopes=[ScopeTold(name=each.name, text=each.text) for each in resource.scopes],
        token_format=resource.token_format.value, life_seconds=int(resource.life.total_seconds()),
        public=resource.is_public, open_to_all=resource.is_open_to_all,
        require_sender_constraint=resource.requires_sender_constraint,
    )  # fmt: skip


async def _build(work: Work, told: ResourceTold, resource_id: str) -> ResourceServer:
    resource = ResourceServer(
        id=resource_id, identifier=told.identifier, name=told.name, token_alg=told.token_alg,
        scopes=tuple(ScopeText(each.name, each.text) for each in told.scopes),
        token_format=TokenFormat(told.token_format), life=timedelta(seconds=min(max(told.life_seconds, 0), _BEYOND)),
        is_public=told.public, is_open_to_all=told.open_to_all,
        requires_sender_constraint=told.require_sender_constraint,
    )  # fmt: skip
    check_resource(resource, issuer=work.tools.engine.issuer)
    if isinstance(told, ResourceMade) and told.client_id is not None:
        await _let_introspect(work, told.client_id, told.identifier)
    return resource


async def _let_introspect(work: Work, client_id: str, identifier: str) -> None:
    """Put a resource server among the audiences of a client, the one place where it stands who introspects for it."""
    if not work.caller.may(Permission.CLIENTS_WRITE):
        raise Problem(Code.FORBIDDEN, f"to say who introspects takes {Permission.CLIENTS_WRITE}")
    client = await clients.reach(work, client_id, lock=True)
    if not client.is_confidential:
        raise invalid("client_id", "is no confidential client")
    if identifier not in client.audiences:
        after = replace(client, audiences=(*client.audiences, identifier))
        await clients.save(work, client, after, "updated")


async def _show(work: Work, found: Sequence[ResourceServer]) -> list[ResourceShown]:
    introspecting = await work.stores.clients.introspecting([each.identifier for each in found])
    return [
        ResourceShown(
            id=each.id, clients=introspecting.get(each.identifier, []), version=version_of(content_of(each)),
            **told_of(each).model_dump(),
        )
        for each in found
    ]  # fmt: skip


RESOURCES = Noun(
    RESOURCE, "resources", "/resources", ResourceMade, ResourceChanged, ResourceShown, Resources, _build, _show
)
OPERATIONS = LIST, GET, CREATE, UPDATE, DELETE = RESOURCES.operations
