"""Operations: what can be done, by whom, with which input and output; and the one way in which they are called.

Pages, the REST API and the command line only differ in how they read an input and show an output. Permission, step-up,
validation, the transaction and the audit trail are the same for all of them, here.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from idp.domain.event import Actor, Event, EventKind, Result
from idp.domain.json import Json
from idp.domain.permission import Permission
from idp.domain.user import Role
from idp.flows.admin.problem import Code, Fault, Problem, of_validation
from idp.flows.admin.tools import Tools
from idp.storage.stores import Stores


class Input(BaseModel):
    """What an operation takes: the members that are listed, of the types that are said, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_max_length=4096, hide_input_in_errors=True)


class Output(BaseModel):
    """What an operation gives."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Output):
    """An operation that gives nothing but its success."""


I = TypeVar("I", bound=Input)  # noqa: E741
O = TypeVar("O", bound=Output)  # noqa: E741
Keep = Callable[[Stores, Output], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a person at a page, an application with an access token, or somebody at the command line."""

    actor: Actor
    role: Role
    permissions: frozenset[Permission]
    is_fresh: bool = False  # proved everything that they have within five minutes
    address: str | None = None
    request_id: str | None = None
    via: str | None = None  # the client through which a person acts, where it is none of our own pages

    @property
    def noted(self) -> dict[str, str]:
        """Return what every row of the trail says beside the actor."""
        return {} if self.via is None else {"via": self.via}

    @property
    def user_id(self) -> str | None:
        """Return the account that acts, None for an application or the command line."""
        return self.actor.id if self.actor.kind == "user" else None

    def may(self, permission: Permission) -> bool:
        """Say whether the caller has a permission."""
        return permission in self.permissions


@dataclass(frozen=True, slots=True)
class Work:
    """One call under way: who calls, the stores of its transaction, and what the process has."""

    caller: Caller
    tools: Tools
    now: datetime
    opened: Stores | None

    @property
    def stores(self) -> Stores:
        """Return the stores of the transaction; an operation with transactions of its own has none."""
        assert self.opened is not None, "the operation said that it opens its own"
        return self.opened

    @asynccontextmanager
    async def opening(self, *, write: bool = True) -> AsyncIterator["Work"]:
        """Open a transaction of an operation that opens its own; what happens in it is the caller's doing."""
        transactions = self.tools.transactions.acting(self.caller.actor)
        async with transactions.open(write=write, request_id=self.caller.request_id) as stores:
            yield replace(self, opened=stores)

    async def record(
        self, kind: EventKind, *, user_id: str | None = None, client_id: str | None = None,
        before: Mapping[str, Json] | None = None, after: Mapping[str, Json] | None = None,
        **detail: str | int | bool | None,
    ) -> None:  # fmt: skip
        """Append to the audit trail, in the transaction of the effect, in the name of the caller."""
        event = Event(
            kind, user_id, client_id, address=self.caller.address, detail={**detail, **self.caller.noted},
            actor=self.caller.actor, before=before or None, after=after or None,
        )  # fmt: skip
        await self.stores.events.add(event, self.now)


@dataclass(frozen=True, slots=True)
class Operation(Generic[I, O]):
    """One thing that can be done. `path` is below the API's root; its parameters are members of the input."""

    name: str
    summary: str
    permission: Permission
    takes: type[I]
    gives: type[O]
    run: Callable[[Work, I], Awaitable[O]]
    method: str
    path: str
    is_dangerous: bool = False  # asks for a fresh proof
    status: int = 200
    opens_its_own: bool = False  # transactions, since it waits for something between them

    @property
    def is_reading(self) -> bool:
        """Say whether the operation changes nothing."""
        return self.method == "GET"


class Administration:
    """Calls operations."""

    def __init__(self, tools: Tools) -> None:
        """Keep what operations work with."""
        self.tools = tools

    async def call(
        self, operation: Operation[I, O], caller: Caller, given: Mapping[str, object], *, keep: Keep | None = None
    ) -> O:
        """Do an operation in one transaction; raise Problem if it is refused, which leaves a row and changes nothing.

        What the caller may not do is refused before the input is looked at. `keep` is told of the output in the
        transaction of its effect; an operation that opens its own is followed by one more.
        """
        try:
            self._admit(operation, caller)
            checked = read(operation.takes, given)
            work = Work(caller, self.tools, self.tools.clock.now(), None)
            if operation.opens_its_own:
                return await self._kept(work, await operation.run(work, checked), keep)
            async with work.opening(write=not operation.is_reading) as opened:
                output = await operation.run(opened, checked)
                if keep is not None:
                    await keep(opened.stores, output)
            return output
        except Problem as problem:
            if not operation.is_reading or problem.code in (Code.FORBIDDEN, Code.STEP_UP_REQUIRED):
                await self._record_refusal(operation.name, caller, problem)
            raise

    async def _kept(self, work: Work, output: O, keep: Keep | None) -> O:
        if keep is not None:
            async with work.opening() as opened:
                await keep(opened.stores, output)
        return output

    async def note_export(self, operation: Operation[I, O], caller: Caller) -> None:
        """Leave a row for a list that is read to its end, and so leaves the house."""
        event = Event(
            EventKind.LIST_EXPORTED, address=caller.address, actor=caller.actor,
            detail={"operation": operation.name, **caller.noted},
        )  # fmt: skip
        async with self.tools.transactions.open(write=True, request_id=caller.request_id) as stores:
            await stores.events.add(event, self.tools.clock.now())

    def admits(self, operation: Operation[I, O], caller: Caller) -> bool:
        """Say whether the caller may do this at all, and proved themselves recently enough for it."""
        return caller.may(operation.permission) and (caller.is_fresh or not operation.is_dangerous)

    def _admit(self, operation: Operation[I, O], caller: Caller) -> None:
        if not caller.may(operation.permission):
            raise Problem(Code.FORBIDDEN, f"{operation.name} needs the permission {operation.permission}")
        if operation.is_dangerous and not caller.is_fresh:
            raise Problem(Code.STEP_UP_REQUIRED, f"{operation.name} needs a proof that is less than five minutes old")

    async def _record_refusal(self, name: str, caller: Caller, problem: Problem) -> None:
        async with self.tools.transactions.open(write=True, request_id=caller.request_id) as stores:
            await stores.events.add(refusal(name, caller, problem), self.tools.clock.now())


def refusal(name: str, caller: Caller, problem: Problem, *, user_id: str | None = None) -> Event:
    """Return what the trail says of an operation that was refused, or of one line of an operation on many."""
    return Event(
        EventKind.ADMIN_REFUSED, user_id, address=caller.address, actor=caller.actor, result=Result.REFUSED,
        detail={"operation": name, "reason": problem.code.value, **caller.noted},
    )  # fmt: skip


def read(model: type[I], given: Mapping[str, object]) -> I:
    """Return an input that was checked; raise Problem with every member at fault."""
    if faults := [Fault(name, "has a character that no text has") for name in given if not _is_text(given[name])]:
        raise Problem(Code.INVALID, "a text has a character that no text has", faults)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise of_validation(error) from None


def _is_text(value: object) -> bool:
    """Say whether all texts within a value can be stored: no NUL, no half of a pair of surrogates."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, Mapping):
        return all(_is_text(each) for pair in value.items() for each in pair)
    return not isinstance(value, list | tuple) or all(_is_text(each) for each in value)
