"""Configuration as code: show what a file would change, bring the provider to it, or write it from what is there.

Everything that can refuse speaks before anything is stored; groups and clients change in one transaction. What a file
does not name stays, unless it is to be removed as well.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field

from idp.domain.change import difference
from idp.domain.client import Client, Profile
from idp.domain.json import Json
from idp.domain.permission import Permission as P
from idp.flows.admin import clients as client_operations
from idp.flows.admin import configuration_definitions as definitions
from idp.flows.admin import configuration_policy, configuration_upstreams
from idp.flows.admin import groups as group_operations
from idp.flows.admin.client_members import read_client
from idp.flows.admin.configuration_file import LARGEST, ClientTold, Configuration, GroupTold, parse
from idp.flows.admin.operation import Input, Operation, Output, Work
from idp.flows.admin.problem import Code, Fault, Problem, invalid
from idp.flows.client_document import to_members, with_secret
from idp.oauth.extensions.registration_documents import Logo
from idp.oauth.registration_members import with_defaults
from idp.storage.groups import Group

PAGE = 100


class Applied(Input):
    """A file to apply; with `dry_run` only what would change is told, with `prune` what it does not name goes."""

    text: Annotated[str, Field(min_length=1, max_length=LARGEST)]
    dry_run: bool = False
    prune: bool = False


class Change(Output):
    """One thing that changes, or would: members that differ, as they were and as they are then."""

    kind: str
    name: str
    action: str
    before: dict[str, Any]
    after: dict[str, Any]


class Changes(Output):
    """All that changes; secrets of new clients are told this once."""

    dry_run: bool
    changes: list[Change]
    secrets: dict[str, str]


@dataclass
class _Plan:
    """What must happen, in order, with what was fetched for it."""

    changes: list[Change] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    groups: list[tuple[Group | None, GroupTold | None]] = field(default_factory=list)
    clients: list[tuple[Client | None, Client | None, Logo | None]] = field(default_factory=list)
    managers: list[tuple[str, frozenset[str], frozenset[str]]] = field(default_factory=list)
    defined: list[definitions.Planned] = field(default_factory=list)
    upstreams: list[configuration_upstreams.Planned] = field(default_factory=list)
    policy: str | None = None

    def note(self, kind: str, name: str, action: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> None:
        """Add a change to what is told."""
        was, is_now = difference(before, after, hidden=client_operations.HIDDEN)
        self.changes.append(Change(kind=kind, name=name, action=action, before=was, after=is_now))


class _OnlyTried(Exception):
    """Everything could be done, and nothing of it is to stay."""


async def _apply(work: Work, wanted: Applied) -> Changes:
    told = parse(wanted.text)
    _check_settings(work, told)
    async with work.opening(write=False) as opened:
        plan = await _plan(opened, told, prune=wanted.prune)
    if plan.policy is not None:
        faults = await work.tools.rollout.faults(plan.policy, "policy")
        if faults:
            raise Problem(
                Code.INVALID, "the policy cannot decide here", [Fault("policy.text", each) for each in faults]
            )
    plan.clients = [await _gathered(work, *each) for each in plan.clients]
    plan.upstreams = await configuration_upstreams.gathered(work, plan.upstreams)
    with suppress(_OnlyTried):
        async with work.opening() as opened:
            await _change(opened, plan)
            if wanted.dry_run:
                raise _OnlyTried
    if not wanted.dry_run:
        await configuration_policy.promote(work, plan.policy)
    return Changes(
        dry_run=wanted.dry_run, changes=plan.changes, secrets={} if wanted.dry_run else plan.secrets
    )  # fmt: skip


def _check_settings(work: Work, told: Configuration) -> None:
    """Refuse a file that expects other settings: they are read at the start, and nothing here changes them."""
    known = {each.name: each for each in work.tools.options}
    faults = []
    for name, value in told.settings.items():
        option = known.get(name)
        if option is None or option.is_secret:
            faults.append(Fault(f"settings.{name[:60]}", "is not a setting, or a secret, which no file names"))
        elif option.value != value:
            faults.append(Fault(f"settings.{name}", f"is {option.value!r} here; set it and start again"))
    if faults:
        raise Problem(Code.CONFLICT, "; ".join(f"{each.member} {each.detail}" for each in faults), faults)


async def _plan(work: Work, told: Configuration, *, prune: bool) -> _Plan:
    plan = _Plan()
    for group in told.group:
        await _plan_group(work, plan, group)
    for number, client in enumerate(told.client):
        await _plan_client(work, plan, client, number)
    if prune:
        await _plan_removals(work, plan, told)
    listed = {name: getattr(told, name) for name in definitions.SECTIONS}
    plan.defined = await definitions.plan(work, listed, plan.note, prune=prune)
    plan.upstreams = await configuration_upstreams.plan(work, told.upstreams, plan.note, prune=prune)
    if told.policy is not None:
        plan.policy = await configuration_policy.plan(work, told.policy.text, plan.note)
    return plan


async def _plan_group(work: Work, plan: _Plan, told: GroupTold) -> None:
    found = await work.stores.groups.find_by_name(told.name)
    if found is None:
        plan.note("group", told.name, "create", {}, {"description": told.description})
    elif found.description != told.description:
        before, after = {"description": found.description}, {"description": told.description}
        plan.note("group", told.name, "update", before, after)
    else:
        return
    plan.groups.append((found, told))


async def _plan_client(work: Work, plan: _Plan, told: ClientTold, number: int) -> None:
    before = await work.stores.clients.find(told.client_id)
    after = _wanted(work, told, before, number)
    if before is None or after.auth_method is not before.auth_method:
        bare = replace(after, secret_digests=(), hmac_secret=None)
        after, secret = with_secret(work.tools.engine.digester, bare)
        plan.secrets |= {after.id: secret} if secret is not None else {}
    with _in_file(number, told):
        client_operations.check(after)
    was = to_members(before) if before is not None else {}
    if was != to_members(after):
        plan.note("client", after.id, "create" if before is None else "update", was, to_members(after))
        plan.clients.append((before, after, None))
    await _plan_managers(work, plan, told)


def _wanted(work: Work, told: ClientTold, before: Client | None, number: int) -> Client:
    """Return a client as the file wants it; what no file says stays as it is."""
    try:
        profile = Profile(told.profile)
    except ValueError:
        raise invalid(f"client.{number}.profile", f"is one of {', '.join(Profile)}") from None
    blank = Client(told.client_id, "", profile, is_first_party=told.first_party, is_active=told.active)
    if before is None:
        blank = replace(blank, created_at=work.now)
    else:
        blank = replace(
            blank, secret_digests=before.secret_digests, old_secret_ends_at=before.old_secret_ends_at,
            hmac_secret=before.hmac_secret, created_at=before.created_at, extra=before.extra,
            is_self_registered=before.is_self_registered, software_statement=before.software_statement,
            has_logo=before.has_logo, scopes=blank.scopes,
        )  # fmt: skip
    with _in_file(number, told):
        return read_client(work, with_defaults(told.metadata), blank)


@contextmanager
def _in_file(number: int, told: ClientTold) -> Iterator[None]:
    """Let a refusal name the place in the file."""
    try:
        yield
    except Problem as problem:
        faults = [Fault(f"client.{number}.{each.member}", each.detail) for each in problem.faults]
        raise Problem(problem.code, f"client {told.client_id}: {problem.detail}", faults) from None


async def _plan_managers(work: Work, plan: _Plan, told: ClientTold) -> None:
    wanted = set()
    for name in told.managers:
        user = await work.stores.users.find(name) or await work.stores.users.find_by_name(name)
        if user is None:
            raise invalid("client.managers", f"there is no account for a manager of {told.client_id}")
        wanted.add(user.id)
    now = frozenset(await work.stores.clients.managers(told.client_id))
    if now != wanted:
        plan.note("managers", told.client_id, "update", {"managers": sorted(now)}, {"managers": sorted(wanted)})
        plan.managers.append((told.client_id, frozenset(wanted) - now, now - frozenset(wanted)))


async def _plan_removals(work: Work, plan: _Plan, told: Configuration) -> None:
    """Note what the file does not name; clients that registered themselves are not the file's to remove."""
    names, ids = {each.name for each in told.group}, {each.client_id for each in told.client}
    for client in await work.stores.clients.list():
        if client.id not in ids and not client.is_self_registered:
            plan.note("client", client.id, "delete", to_members(client), {})
            plan.clients.append((client, None, None))
    after = ""
    while page := await work.stores.groups.page(after=after, limit=PAGE):
        after = page[-1].name
        for group in page:
            if group.name not in names:
                plan.note("group", group.name, "delete", {"description": group.description}, {})
                plan.groups.append((group, None))


async def _gathered(
    work: Work, before: Client | None, after: Client | None, _logo: Logo | None
) -> tuple[Client | None, Client | None, Logo | None]:
    if after is None:
        return before, None, None
    gathered, logo = await client_operations.gathered(work, after, before)
    return before, gathered, logo


async def _change(work: Work, plan: _Plan) -> None:
    await definitions.remove(work, plan.defined)
    for found, told in plan.groups:
        if told is None:
            assert found is not None, "only what is there is removed"
            await group_operations.DELETE.run(work, group_operations.GroupActedOn(id=found.id))
        elif found is None:
            made = group_operations.GroupMade(name=told.name, description=told.description)
            await group_operations.CREATE.run(work, made)
        else:
            changed = group_operations.GroupChanged(id=found.id, description=told.description)
            await group_operations.UPDATE.run(work, changed)
    for before, after, logo in plan.clients:
        await _change_client(work, before, after, logo)
    for client_id, gained, lost in plan.managers:
        for user_id in sorted(gained):
            await work.stores.clients.add_manager(client_id, user_id)
        for user_id in sorted(lost):
            await work.stores.clients.remove_manager(client_id, user_id)
    await definitions.put(work, plan.defined)
    await configuration_upstreams.put(work, plan.upstreams)


async def _change_client(work: Work, before: Client | None, after: Client | None, logo: Logo | None) -> None:
    if before is None:
        assert after is not None, "there is nothing to remove"
        await client_operations.add(work, after, logo)
        return
    version = client_operations.client_of(before).version
    await client_operations.reach(work, before.id, version=version, lock=True)
    if after is None:
        await client_operations.DELETE.run(work, client_operations.ClientActedOn(id=before.id))
        return
    if logo is not None:
        await work.stores.clients.set_logo(after.id, *logo)
    await client_operations.save(work, before, after, "updated")


APPLY = Operation(
    "configuration.apply", "Bring groups, clients, APIs and policy to what a file says", P.CONFIGURATION_WRITE,
    Applied, Changes, _apply, "POST", "/configuration", is_dangerous=True, opens_its_own=True,
)  # fmt: skip
OPERATIONS = (APPLY,)
