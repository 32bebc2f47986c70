"""Other providers as ways to sign in: set up, changed, tried and removed; a secret is taken, and never shown."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from pydantic import Field

from idp.domain.change import difference
from idp.domain.event import Event, EventKind, Target
from idp.domain.json import JsonObject
from idp.domain.permission import Permission as P
from idp.domain.upstream import UPSTREAM_ID, Upstream
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work, read
from idp.flows.admin.problem import Code, Problem, invalid, missing
from idp.flows.admin.provider import Everything
from idp.flows.admin.upstream_members import (
    Secret,
    UpstreamTold,
    Url,
    Word,
    Words,
    facts_of,
    members_of,
    read_upstream,
)  # fmt: skip
from idp.flows.admin.values import Id, Name, Text, Version, version_of
from idp.oauth.extensions.registration_documents import Logo
from idp.oauth.upstream.fault import UpstreamFault
from idp.storage.database import DuplicateKey

MOST = 50


class UpstreamShown(UpstreamTold, Output):
    """Another provider; `redirect_uri` is what it registers for us, `accounts` how many can be reached by it."""

    id: str
    has_secret: bool
    has_logo: bool
    redirect_uri: str
    accounts: int
    created_at: datetime
    changed_at: datetime
    version: str


class Upstreams(Output):
    """All of them, in the order of their buttons."""

    items: list[UpstreamShown]


class UpstreamMade(UpstreamTold):
    """A new one; its id stands in its redirect URI, and never changes."""

    id: Id
    client_secret: Secret | None = None


class UpstreamChanged(Input):
    """What is to be different."""

    id: Id
    version: Version | None = None
    name: Name | None = None
    issuer: Url | None = None
    client_id: Word | None = None
    client_secret: Secret | None = None
    auth_method: Word | None = None
    scopes: Words | None = None
    button: Text | None = None
    logo_uri: Annotated[str, Field(max_length=2048)] | None = None  # "" takes it away
    active: bool | None = None
    create_accounts: Word | None = None
    link_by_email: bool | None = None
    trust_email: bool | None = None
    userinfo: bool | None = None
    forward_freshness: bool | None = None
    domains: Words | None = None
    claims: Annotated[dict[Word, Word], Field(max_length=50)] | None = None
    groups_claim: Annotated[str, Field(max_length=200)] | None = None
    groups: Annotated[dict[Word, Name], Field(max_length=200)] | None = None
    trusted_acr: Annotated[dict[Word, Words], Field(max_length=50)] | None = None


class UpstreamActedOn(Input):
    """One of them."""

    id: Id
    version: Version | None = None


class UpstreamTested(Output):
    """What came of asking it about itself: `problem` says what is wrong, None if nothing is."""

    problem: str | None
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    keys: int = 0
    sends_iss: bool = False


async def _shown(work: Work, upstream: Upstream) -> UpstreamShown:
    return UpstreamShown(
        **members_of(upstream), id=upstream.id, has_secret=upstream.client_secret is not None,
        has_logo=upstream.has_logo, redirect_uri=work.tools.engine.url(f"/upstream/{upstream.id}/callback"),
        accounts=await work.stores.upstream_identities.count(upstream.id), created_at=upstream.created_at,
        changed_at=upstream.changed_at, version=_version(upstream),
    )  # fmt: skip


def _version(upstream: Upstream) -> str:
    return version_of({**facts_of(upstream), "changed_at": upstream.changed_at.isoformat()})


async def _list(work: Work, _wanted: Everything) -> Upstreams:
    return Upstreams(items=[await _shown(work, each) for each in await work.stores.upstreams.list()])


async def _show(work: Work, wanted: UpstreamActedOn) -> UpstreamShown:
    upstream = await work.stores.upstreams.find(wanted.id)
    if upstream is None:
        raise missing("provider")
    return await _shown(work, upstream)


def told_of(given: UpstreamMade | UpstreamTold) -> UpstreamTold:
    """Return the members that every provider has."""
    return UpstreamTold(**{name: getattr(given, name) for name in UpstreamTold.model_fields})


def blank(work: Work, upstream_id: str, told: UpstreamTold) -> Upstream:
    """Return a provider that is new; raise Problem for an id that none can have."""
    if not UPSTREAM_ID.fullmatch(upstream_id):
        raise invalid("id", "has 1 to 40 lower-case letters, digits and hyphens, and no hyphen at either end")
    return Upstream(upstream_id, told.name, told.issuer, told.client_id, work.now, work.now)


async def _create(work: Work, made: UpstreamMade) -> UpstreamShown:
    told = told_of(made)
    upstream = read_upstream(told, blank(work, made.id, told), made.client_secret, work.tools.upstreams.check)
    logo = await logo_of(work, upstream, None)
    async with work.opening() as opened:
        await add(opened, upstream, logo)
        return await _show(opened, UpstreamActedOn(id=upstream.id))


async def add(work: Work, upstream: Upstream, logo: Logo | None) -> None:
    """Store a new provider; raise Problem if its id is taken, or there are too many."""
    if len(await work.stores.upstreams.list()) >= MOST:
        raise Problem(Code.CONFLICT, f"there are {MOST} providers at most")
    if await work.stores.upstreams.find(upstream.id) is not None:
        raise Problem(Code.TAKEN, "there is a provider with this id already")
    try:
        await work.stores.upstreams.add(upstream)
    except DuplicateKey:
        raise Problem(Code.TAKEN, "there is a provider with this id already") from None
    if logo is not None:
        await work.stores.upstreams.set_logo(upstream.id, logo)
    await _record(work, upstream, "created", after=facts_of(upstream))


async def logo_of(work: Work, upstream: Upstream, before: Upstream | None) -> Logo | None:
    """Fetch the picture of a button, once; one that cannot be had, or is no raster image, is left out."""
    if upstream.logo_uri is None or (before is not None and before.has_logo and before.logo_uri == upstream.logo_uri):
        return None
    return await work.tools.documents.logo(upstream.logo_uri)


async def _update(work: Work, changed: UpstreamChanged) -> UpstreamShown:
    async with work.opening(write=False) as opened:
        before = await opened.stores.upstreams.find(changed.id)
    if before is None:
        raise missing("provider")
    given = {name: getattr(changed, name) for name in UpstreamTold.model_fields}
    kept = {name: value for name, value in given.items() if value is not None}
    if changed.logo_uri == "":
        kept["logo_uri"] = None
    told = read(UpstreamTold, {**members_of(before), **kept})
    after = read_upstream(told, before, changed.client_secret, work.tools.upstreams.check)
    logo = await logo_of(work, after, before)
    async with work.opening() as opened:
        await save(opened, before, after, logo, version=changed.version)
        return await _show(opened, UpstreamActedOn(id=after.id))


async def save(work: Work, before: Upstream, after: Upstream, logo: Logo | None, *, version: str | None = None) -> None:
    """Store a changed provider; raise Problem if it is another one by now than `before`."""
    now = await _locked(work, before.id, version)
    if _version(now) != _version(before):
        raise Problem(Code.CHANGED_MEANWHILE, "somebody has changed this provider meanwhile")
    await work.stores.upstreams.save(replace(after, changed_at=work.now))
    if logo is not None or after.logo_uri is None:
        await work.stores.upstreams.set_logo(after.id, logo)
    was, is_now = difference(facts_of(before), facts_of(after))
    if before.client_secret != after.client_secret:
        is_now["has_new_secret"] = after.client_secret is not None
    await _record(work, after, "updated", before=was, after=is_now)


async def _locked(work: Work, upstream_id: str, version: str | None) -> Upstream:
    upstream = await work.stores.upstreams.lock(upstream_id)
    if upstream is None:
        raise missing("provider")
    if version is not None and version != _version(upstream):
        raise Problem(Code.CHANGED_MEANWHILE, "somebody has changed this provider meanwhile")
    return upstream


async def _delete(work: Work, acted: UpstreamActedOn) -> Nothing:
    upstream = await _locked(work, acted.id, acted.version)
    await remove(work, upstream)
    return Nothing()


async def remove(work: Work, upstream: Upstream) -> None:
    """Remove a provider and every link to it; the accounts stay."""
    links = await work.stores.upstream_identities.count(upstream.id)
    await work.stores.upstreams.delete(upstream.id)
    await _record(work, upstream, "deleted", before={**facts_of(upstream), "accounts": links})


async def _test(work: Work, acted: UpstreamActedOn) -> UpstreamTested:
    async with work.opening(write=False) as opened:
        upstream = await opened.stores.upstreams.find(acted.id)
    if upstream is None:
        raise missing("provider")
    try:
        metadata = await work.tools.upstreams.metadata(upstream, anew=True)
        keys = await work.tools.upstreams.keys(metadata, None)
    except UpstreamFault as fault:
        tested = UpstreamTested(problem=str(fault))
    else:
        listed = keys.get("keys")
        tested = UpstreamTested(
            problem=None, authorization_endpoint=metadata.authorization_endpoint,
            token_endpoint=metadata.token_endpoint, userinfo_endpoint=metadata.userinfo_endpoint,
            keys=len(listed) if isinstance(listed, list) else 0, sends_iss=metadata.sends_iss,
        )  # fmt: skip
    async with work.opening() as opened:
        await _record(opened, upstream, "tested", after={"problem": tested.problem})
    return tested


async def _record(
    work: Work, upstream: Upstream, change: str, *, before: JsonObject | None = None, after: JsonObject | None = None
) -> None:
    event = Event(
        EventKind.UPSTREAM_CHANGED, address=work.caller.address, detail={"change": change, **work.caller.noted},
        actor=work.caller.actor, target=Target("upstream", upstream.id), before=before or None, after=after or None,
    )  # fmt: skip
    await work.stores.events.add(event, work.now)


LIST = Operation(
    "upstreams.list", "List other providers that people sign in with", P.UPSTREAMS_READ, Everything, Upstreams, _list,
    "GET", "/upstreams",
)  # fmt: skip
SHOW = Operation(
    "upstreams.get", "Show one of them", P.UPSTREAMS_READ, UpstreamActedOn, UpstreamShown, _show, "GET",
    "/upstreams/{id}",
)  # fmt: skip
CREATE = Operation(
    "upstreams.create", "Let people sign in with another provider", P.UPSTREAMS_WRITE, UpstreamMade, UpstreamShown,
    _create, "POST", "/upstreams", is_dangerous=True, status=201, opens_its_own=True,
)  # fmt: skip
UPDATE = Operation(
    "upstreams.update", "Change what is said of another provider, or switch it off", P.UPSTREAMS_WRITE,
    UpstreamChanged, UpstreamShown, _update, "PATCH", "/upstreams/{id}", is_dangerous=True, opens_its_own=True,
)  # fmt: skip
DELETE = Operation(
    "upstreams.delete", "Remove another provider, and every link to it", P.UPSTREAMS_WRITE, UpstreamActedOn, Nothing,
    _delete, "DELETE", "/upstreams/{id}", is_dangerous=True, status=204,
)  # fmt: skip
TEST = Operation(
    "upstreams.test", "Ask another provider about itself, and say what is wrong", P.UPSTREAMS_WRITE, UpstreamActedOn,
    UpstreamTested, _test, "POST", "/upstreams/{id}/test", opens_its_own=True,
)  # fmt: skip
OPERATIONS = (LIST, SHOW, CREATE, UPDATE, DELETE, TEST)
