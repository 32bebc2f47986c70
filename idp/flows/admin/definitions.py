"""What all kinds of definitions have in common as operations: listed, looked at, made, replaced, removed.

A definition is written whole: what an update does not say has its default, as in a configuration file.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from idp.domain.change import difference
from idp.domain.event import Event, EventKind, Target
from idp.domain.json import Json
from idp.domain.permission import Permission as P
from idp.domain.secret import make_id
from idp.flows.admin.operation import Input, Nothing, Operation, Output, Work
from idp.flows.admin.problem import Code, Problem, invalid, missing
from idp.flows.admin.provider import Everything
from idp.flows.admin.values import Id, Version, version_of
from idp.policy.definitions import BadDefinition
from idp.storage.definitions import Identified, Kind, content_of

MOST = 500
T = TypeVar("T", bound=Identified)


class DefinitionWanted(Input):
    """One definition."""

    id: Id


class DefinitionActedOn(Input):
    """One definition, as it was when the caller looked at it."""

    id: Id
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class Noun(Generic[T]):
    """A kind of definition with its words: the table of operations, what a new one takes, and how one is shown.

    `build` makes a definition of an input, and raises BadDefinition or Problem for what may not be.
    """

    kind: Kind[T]
    table: str
    path: str
    takes: type[Input]
    changes: type[Input]
    gives: type[Output]
    lists: type[Output]
    build: Callable[[Work, Any, str], Awaitable[T]]
    show: Callable[[Work, Sequence[T]], Awaitable[Sequence[Any]]]

    @property
    def operations(self) -> tuple[Operation[Any, Any], ...]:
        """Return what can be done with definitions of this kind."""
        one, word, read, write = f"{self.path}/{{id}}", self.kind.name, P.RESOURCES_READ, P.RESOURCES_WRITE
        a = f"an {word}" if word[0] in "aeiou" else f"a {word}"
        return (
            Operation(f"{self.table}.list", f"List every {word}", read, Everything, self.lists, self.list, "GET",
                      self.path),
            Operation(f"{self.table}.get", f"Show {a}", read, DefinitionWanted, self.gives, self.get, "GET", one),
            Operation(f"{self.table}.create", f"Define {a}", write, self.takes, self.gives, self.create, "POST",
                      self.path, is_dangerous=True, status=201),
            Operation(f"{self.table}.update", f"Replace {a} by what is said", write, self.changes, self.gives,
                      self.update, "PUT", one, is_dangerous=True),
            Operation(f"{self.table}.delete", f"Remove {a}", write, DefinitionActedOn, Nothing, self.delete, "DELETE",
                      one, is_dangerous=True, status=204),
        )  # fmt: skip

    async def list(self, work: Work, _wanted: Everything) -> Any:
        """Return all of them."""
        found = await work.stores.definitions.list(self.kind)
        return self.lists.model_validate({"items": list(await self.show(work, found))})

    async def get(self, work: Work, wanted: DefinitionWanted) -> Any:
        """Return one of them."""
        found = await work.stores.definitions.find(self.kind, wanted.id)
        if found is None:
            raise missing(self.kind.name)
        return (await self.show(work, [found]))[0]

    async def create(self, work: Work, made: Any) -> Any:
        """Store a new one, known by a name that no other has."""
        thing = await self.built(work, made, make_id())
        store, key = work.stores.definitions, getattr(thing, self.kind.key)
        if await store.find_by_key(self.kind, key) is not None:
            raise Problem(Code.TAKEN, f"there is a definition of {key[:100]} already")
        if len(await store.list(self.kind)) >= MOST:
            raise Problem(Code.CONFLICT, f"there are {MOST} of them at most")
        await store.add(self.kind, thing, work.now)
        await self._record(work, thing.id, "created", {}, content_of(thing))
        return (await self.show(work, [thing]))[0]

    async def update(self, work: Work, changed: Any) -> Any:
        """Put another one in the place of one; what it is known by stays."""
        before = await self._locked(work, changed.id, changed.version)
        after = await self.built(work, changed, before.id)
        if getattr(after, self.kind.key) != getattr(before, self.kind.key):
            raise invalid(self.kind.key, "cannot be changed: others know it by this")
        await work.stores.definitions.save(self.kind, after, work.now)
        await self._record(work, before.id, "updated", *difference(content_of(before), content_of(after)))
        return (await self.show(work, [after]))[0]

    async def delete(self, work: Work, acted: DefinitionActedOn) -> Nothing:
        """Remove one."""
        before = await self._locked(work, acted.id, acted.version)
        await work.stores.definitions.delete(self.kind, before.id)
        await self._record(work, before.id, "deleted", content_of(before), {})
        return Nothing()

    async def built(self, work: Work, given: Any, definition_id: str) -> T:
        """Return the definition that an input describes; raise Problem for what may not be."""
        try:
            return await self.build(work, given, definition_id)
        except BadDefinition as error:
            raise invalid(error.member, str(error)) from None

    async def _locked(self, work: Work, definition_id: str, version: str | None) -> T:
        found = await work.stores.definitions.lock(self.kind, definition_id)
        if found is None:
            raise missing(self.kind.name)
        if version is not None and version != version_of(content_of(found)):
            raise Problem(Code.CHANGED_MEANWHILE, f"somebody has changed this {self.kind.name} meanwhile")
        return found

    async def _record(
        self, work: Work, definition_id: str, change: str, before: Mapping[str, Json], after: Mapping[str, Json]
    ) -> None:
        event = Event(
            EventKind.DEFINITION_CHANGED, address=work.caller.address, actor=work.caller.actor,
            detail={"change": change, **work.caller.noted}, target=Target(self.kind.name, definition_id),
            before=before or None, after=after or None,
        )  # fmt: skip
        await work.stores.events.add(event, work.now)


def written(told: BaseModel) -> dict[str, Any]:
    """Return an input as a file says it: without what has its default."""
    return told.model_dump(mode="json", exclude_defaults=True)
