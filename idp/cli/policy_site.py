"""One wired-up process that a command asks one thing after the other, also while it goes through a long history."""

import asyncio
import getpass
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from idp.cli.running import default_mode, read_settings
from idp.flows.policy_rollout import PolicyRollout
from idp.flows.policy_states import Mover
from idp.password_wiring import brand_name
from idp.policy.rules import Policy
from idp.settings import BadSettings
from idp.wiring import Site, build
from idp.wiring.risk import own_policy

T = TypeVar("T")
PAGE = 500


@dataclass(frozen=True, slots=True)
class OpenSite:
    """A process, and the loop on which its answers come."""

    site: Site
    own: Policy  # the operator's own file
    _runner: asyncio.Runner

    @property
    def rollout(self) -> PolicyRollout:
        """Return what moves versions of the policy."""
        site = self.site
        return PolicyRollout(
            site.transactions, site.clock, self.own, rules=site.engine.rules, brand=brand_name(site.settings)
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for an answer."""
        return self._runner.run(work)

    def each(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        """Yield what comes, a page in memory at a time."""
        try:
            while page := self.run(_page(items)):
                yield from page
        finally:
            self.run(_close(items))


async def _page(items: AsyncGenerator[Any, None]) -> list[Any]:
    found: list[Any] = []
    for _ in range(PAGE):
        try:
            found.append(await anext(items))
        except StopAsyncIteration:
            break
    return found


async def _close(items: AsyncGenerator[Any, None]) -> None:
    await items.aclose()


@contextmanager
def open_site(context: click.Context) -> Iterator[OpenSite]:
    """Yield a process for the length of a block.

    Raises click.UsageError if the settings do not lead to a database, DatabaseAway if it does not answer.
    """
    with asyncio.Runner() as runner:
        try:
            options = read_settings(context, mode=default_mode())
            site = runner.run(build(options))
        except BadSettings as error:
            raise click.UsageError("; ".join(error.faults)) from error
        try:
            risk = site.engine.risk
            yield OpenSite(site, risk.policies.own if risk is not None else own_policy(options), runner)
        finally:
            runner.run(site.close())


def mover(why: str = "") -> Mover:
    """Return who works at this terminal."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        name = "unknown"
    return Mover(f"command line: {name}", why)
