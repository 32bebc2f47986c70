"""The part of a configuration file that defines things for the protocol: resource servers, types of details, rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from idp.domain.json import Json
from idp.flows.admin import assertion_issuers, detail_types, exchange_rules, resources
from idp.flows.admin.definitions import DefinitionActedOn, Noun, written
from idp.flows.admin.operation import Work
from idp.flows.admin.problem import Fault, Problem

Note = Callable[[str, str, str, Mapping[str, Json], Mapping[str, Json]], None]


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the file: its kind of definition, and how one that is stored is written there."""

    noun: Noun[Any]
    told_of: Callable[[Any], BaseModel]


#: In the order in which they are made: a rule names resource servers.
SECTIONS: Mapping[str, Section] = {
    "resources": Section(resources.RESOURCES, resources.told_of),
    "detail_types": Section(detail_types.DETAIL_TYPES, detail_types.told_of),
    "exchange_rules": Section(exchange_rules.EXCHANGE_RULES, exchange_rules.told_of),
    "assertion_issuers": Section(assertion_issuers.ASSERTION_ISSUERS, assertion_issuers.told_of),
}


@dataclass(frozen=True, slots=True)
class Planned:
    """One definition that is to be made, replaced, or removed; `place` is where it stands in the file."""

    section: str
    before: Any | None
    told: BaseModel | None
    place: str = ""


async def plan(work: Work, told: Mapping[str, Sequence[BaseModel]], note: Note, *, prune: bool) -> list[Planned]:
    """Return what must happen to definitions, and note it; what a file does not name stays, unless it is pruned."""
    planned: list[Planned] = []
    for name, section in SECTIONS.items():
        kind = section.noun.kind
        stored = {getattr(each, kind.key): each for each in await work.stores.definitions.list(kind)}
        for number, each in enumerate(told[name]):
            key = getattr(each, kind.key)
            before = stored.pop(key, None)
            was = section.told_of(before) if before is not None else None
            if was != each:
                planned.append(Planned(name, before, each, f"{name}.{number}"))
                action = "create" if was is None else "update"
                note(kind.name, key, action, written(was) if was is not None else {}, written(each))
        for key, before in stored.items() if prune else ():
            planned.append(Planned(name, before, None))
            note(kind.name, key, "delete", written(section.told_of(before)), {})
    return planned


async def remove(work: Work, planned: Sequence[Planned]) -> None:
    """Remove what is to go, before clients go and take their rules along."""
    for each in planned:
        if each.told is None:
            await SECTIONS[each.section].noun.delete(work, DefinitionActedOn(id=each.before.id if each.before else ""))


async def put(work: Work, planned: Sequence[Planned]) -> None:
    """Make and replace what is to be there; a refusal names the place in the file."""
    for each in planned:
        noun = SECTIONS[each.section].noun
        if each.told is None:
            continue
        try:
            if each.before is None:
                await noun.create(work, each.told)
            else:
                given = {**each.told.model_dump(), "id": each.before.id}
                await noun.update(work, noun.changes.model_validate(given))
        except Problem as problem:
            faults = [Fault(f"{each.place}.{fault.member}", fault.detail) for fault in problem.faults]
            raise Problem(problem.code, f"{each.place}: {problem.detail}", faults) from None


async def exported(work: Work) -> dict[str, list[dict[str, Any]]]:
    """Return every definition as a file says it."""
    found = {}
    for name, section in SECTIONS.items():
        stored = await work.stores.definitions.list(section.noun.kind)
        if stored:
            found[name] = [written(section.told_of(each)) for each in stored]
    return found
