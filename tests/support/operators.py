"""People who run a provider, and operations called in their name."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from idp.domain.event import Actor, ActorKind
from idp.domain.user import Role, User
from idp.flows.admin.callers import of_command, of_person
from idp.flows.admin.catalog import OPERATIONS
from idp.flows.admin.operation import Caller
from idp.flows.admin.problem import Code, Problem
from idp.flows.user_administration import NewUser
from tests.support.builders import TICK
from tests.support.provider import PASSWORD, Provider

_numbers = count(1)
COMMAND = of_command(Actor(ActorKind.COMMAND_LINE, "ada"))


@dataclass
class Operators:
    """A provider and those who run it."""

    provider: Provider

    async def user(self, role: Role = Role.USER, **claims: Any) -> User:
        """Make somebody with an account."""
        name = f"helper{next(_numbers)}"
        new = NewUser(f"{name}@example.org", name, PASSWORD, claims, email_verified=True, role=role)
        made = await self.provider.site.users.create(new)
        assert isinstance(made, User), made
        return made

    async def of(self, role: Role, *, is_fresh: bool = True) -> Caller:
        """Make somebody of a role, who proved it just now unless said otherwise."""
        return self.caller(await self.user(role), is_fresh=is_fresh)

    def caller(self, user: User, *, is_fresh: bool = True) -> Caller:
        """Return somebody at the administrators' pages."""
        return of_person(user, is_fresh=is_fresh, address="192.0.2.7", request_id="r-1")

    async def do(self, name: str, caller: Caller = COMMAND, /, **given: Any) -> dict[str, Any]:
        """Do an operation and return what it gives, as JSON."""
        self.provider.clock.advance(TICK)  # so that events have an order
        done = await self.provider.site.administration.call(OPERATIONS[name], caller, given)
        shown: dict[str, Any] = done.model_dump(mode="json")
        return shown

    async def refused(self, name: str, caller: Caller = COMMAND, /, **given: Any) -> Code:
        """Try an operation that must be refused, and return why it was."""
        try:
            done = await self.do(name, caller, **given)
        except Problem as problem:
            return problem.code
        raise AssertionError(f"{name} was done: {done}")

    async def events(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the events of a kind, newest first."""
        found: list[Mapping[str, Any]] = (await self.do("events.list", kind=kind))["items"]
        return found


@asynccontextmanager
async def operators(folder: Path, url: str, **settings: str) -> AsyncIterator[Operators]:
    """Run a provider on a database."""
    async with Provider.running(folder, url, settings=settings) as provider:
        yield Operators(provider)
