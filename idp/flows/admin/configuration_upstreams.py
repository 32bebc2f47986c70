"""The part of a configuration file that sets up other providers as ways to sign in.

A secret may stand in the file, and is never written into one; without it that of a provider that is there stays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from idp.domain.json import Json
from idp.domain.upstream import Upstream
from idp.flows.admin import upstreams
from idp.flows.admin.operation import Input, Work
from idp.flows.admin.problem import Fault, Problem
from idp.flows.admin.upstream_members import Secret, UpstreamTold, facts_of, members_of, read_upstream
from idp.flows.admin.values import Id
from idp.oauth.extensions.registration_documents import Logo

Note = Callable[[str, str, str, Mapping[str, Json], Mapping[str, Json]], None]


class UpstreamInFile(UpstreamTold, Input):
    """Another provider as a file has it."""

    id: Id
    client_secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """One provider that is to be set up, changed, or removed."""

    before: Upstream | None
    after: Upstream | None
    logo: Logo | None = None


async def plan(work: Work, told: Sequence[UpstreamInFile], note: Note, *, prune: bool) -> list[Planned]:
    """Return what must happen to other providers, and note it; what a file does not name stays, unless pruned."""
    planned, stored = [], {each.id: each for each in await work.stores.upstreams.list()}
    for number, each in enumerate(told):
        before = stored.pop(each.id, None)
        try:
            blank = before or upstreams.blank(work, each.id, each)
            after = read_upstream(each, blank, each.client_secret, work.tools.upstreams.check)
        except Problem as problem:
            faults = [Fault(f"upstreams.{number}.{fault.member}", fault.detail) for fault in problem.faults]
            raise Problem(problem.code, f"upstream {each.id}: {problem.detail}", faults) from None
        if before is None or after != before:
            planned.append(Planned(before, after))
            note("upstream", each.id, "create" if before is None else "update", _facts(before), _facts(after))
    for gone in stored.values() if prune else ():
        planned.append(Planned(gone, None))
        note("upstream", gone.id, "delete", _facts(gone), {})
    return planned


def _facts(upstream: Upstream | None) -> Mapping[str, Json]:
    return facts_of(upstream) if upstream is not None else {}


async def gathered(work: Work, planned: Sequence[Planned]) -> list[Planned]:
    """Return the same with the pictures of their buttons, fetched while no transaction is open."""
    return [
        each if each.after is None else replace(each, logo=await upstreams.logo_of(work, each.after, each.before))
        for each in planned
    ]


async def put(work: Work, planned: Sequence[Planned]) -> None:
    """Set up, change and remove what was planned."""
    for each in planned:
        if each.after is None:
            assert each.before is not None, "only what is there is removed"
            await upstreams.remove(work, each.before)
        elif each.before is None:
            await upstreams.add(work, each.after, each.logo)
        else:
            await upstreams.save(work, each.before, each.after, each.logo)


async def exported(work: Work) -> dict[str, list[dict[str, Any]]]:
    """Return every other provider as a file says it, without its secret."""
    found = [{"id": each.id, **members_of(each)} for each in await work.stores.upstreams.list()]
    told = [{name: value for name, value in each.items() if value is not None} for each in found]
    return {"upstreams": told} if told else {}
