"""What administrators see of the policy's versions: text, findings, differences, and the past replayed under one."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.flows import policy_history
from idp.flows.decision_view import LOOKS_BACK, names_of
from idp.flows.policy_history import Named
from idp.flows.policy_rollout import MOST_CHANGES, PolicyRollout, standing
from idp.flows.policy_states import Mover, State
from idp.policy import lint, policy_diff, rule_file, simulation, simulation_report
from idp.policy.facts import Json
from idp.policy.findings import BadPolicy, Finding, Severity
from idp.policy.record import RecordedSignIn
from idp.policy.rules import Policy
from idp.policy.step_up import Rules
from idp.storage.policies import PolicyChange, StoredPolicy
from idp.storage.stores import Stores, Transactions

FILE = "file"  # what the operator's own file is called
READ_AT_ONCE = 200
MOST_REPLAYED = 50_000  # some ten seconds of one core
DECIDING = (State.CANARY.value, State.ENFORCED.value)


@dataclass(frozen=True, slots=True)
class Moved:
    """Who moved a version where, and when."""

    change: PolicyChange
    by: str


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version in a list, with its last move."""

    stored: StoredPolicy
    moved: Moved | None


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions, newest first, and the name of what decides for everybody."""

    lines: tuple[VersionLine, ...]
    active: str


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version: what is wrong with it, how it differs from what decides, where it has been, where it may go."""

    stored: StoredPolicy
    active: str
    findings: tuple[str, ...]
    changes: tuple[str, ...]
    moves: tuple[Moved, ...]
    is_readable: bool

    @property
    def steps(self) -> tuple[str, ...]:
        """Return the moves that make sense from where it is."""
        match self.stored.state:
            case State.ENFORCED:
                return ("revert",)
            case State.CANARY:
                return ("enforce", "revert")
            case State.SHADOW:
                return ("canary", "enforce")
            case _:
                return ("shadow", "canary", "enforce")


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a version would have done in the last 30 days."""

    lines: tuple[str, ...]
    document: dict[str, Json]
    damaged: int
    is_cut: bool  # the past is longer than what was replayed
    sign_ins: int = 0


async def deciding(transactions: Transactions, own: Policy, own_text: str) -> tuple[Policy, str]:
    """Return the policy that decides for everybody now, and its text."""
    async with transactions.open(write=False) as stores:
        enforced = (await standing(stores)).enforced
    read = _read(enforced) if enforced is not None else None
    return (own, own_text) if read is None or enforced is None else (read, enforced.text)


async def versions(transactions: Transactions, own: Policy) -> Versions:
    """Return the versions."""
    async with transactions.open(write=False) as stores:
        listed, changes = await stores.policies.all(), await stores.policies.changes(limit=MOST_CHANGES)
        name, _ = await _active(stores, own)
        newest: dict[int, PolicyChange] = {}
        for change in changes:
            newest.setdefault(change.version, change)
        names = await names_of(stores, [change.by for change in newest.values()])
    moved = {version: Moved(change, names[change.by]) for version, change in newest.items()}
    return Versions(tuple(VersionLine(each, moved.get(each.version)) for each in listed), name)


async def submit(rollout: PolicyRollout, rules: Rules, text: str, mover: Mover) -> StoredPolicy | tuple[str, ...]:
    """Store a text as a draft, or return what refuses it, a line each."""
    refused = [each for each in _findings(text, rules) if each.severity is Severity.REFUSED]
    return tuple(map(_spelt, refused)) if refused else await rollout.add(text, mover)


async def look(transactions: Transactions, own: Policy, rules: Rules, version: int) -> VersionView | None:
    """Return one version."""
    async with transactions.open(write=False) as stores:
        stored = await stores.policies.find(version)
        if stored is None:
            return None
        name, active = await _active(stores, own)
        changes = [each for each in await stores.policies.changes(limit=MOST_CHANGES) if each.version == version]
        names = await names_of(stores, [change.by for change in changes])
    read = _read(stored)
    return VersionView(
        stored, name, tuple(map(_spelt, _findings(stored.text, rules))),
        () if read is None else tuple(map(str, policy_diff.diff(active, read))),
        tuple(Moved(change, names[change.by]) for change in changes), read is not None,
    )  # fmt: skip


async def simulate(
    transactions: Transactions, rollout: PolicyRollout, version: int, now: datetime, mover: Mover
) -> Simulated | None:
    """Return what a version would have done in the last 30 days; None if there is none, or it cannot be read.

    A version that was checked counts as simulated from then on.
    """
    async with transactions.open(write=False) as stores:
        stored = await stores.policies.find(version)
        _, old = await _active(stores, rollout.own)
    new = _read(stored) if stored is not None else None
    if new is None:
        return None
    found = await under(transactions, old, new, now)
    if found.sign_ins:
        await rollout.note_simulated(version, mover)
    return found


async def under(transactions: Transactions, old: Policy, new: Policy, now: datetime) -> Simulated:
    """Return what one policy would have done in the last 30 days instead of another; nothing is stored."""
    past = _Past(transactions, now - LOOKS_BACK)
    report = await past.under(old, new)
    document: dict[str, Json] = {
        **simulation_report.as_json(report), "damaged": [*past.damaged.ids], "cut": past.is_cut
    }  # fmt: skip
    lines = tuple(simulation_report.as_text(report).splitlines())
    return Simulated(lines, document, past.damaged.count, past.is_cut, report.sign_ins)


class _Past:
    """The recorded sign-ins, replayed in a thread: the pages of everybody else do not wait for it."""

    def __init__(self, transactions: Transactions, since: datetime) -> None:
        self.damaged = Named()
        self.is_cut = False
        self._source = policy_history.recorded(transactions, since, self.damaged)

    async def under(self, old: Policy, new: Policy) -> simulation.Report:
        """Return the report; the past is read a page at a time."""
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.to_thread(simulation.simulate, old, new, self._each(loop))
        finally:
            await self._source.aclose()

    def _each(self, loop: asyncio.AbstractEventLoop) -> Iterator[RecordedSignIn]:
        count = 0
        while page := asyncio.run_coroutine_threadsafe(_page(self._source), loop).result():
            yield from page
            count += len(page)
            if count >= MOST_REPLAYED:
                self.is_cut = True
                return


async def _page(source: AsyncGenerator[tuple[str, RecordedSignIn], None]) -> list[RecordedSignIn]:
    found: list[RecordedSignIn] = []
    async for _, record in source:
        found.append(record)
        if len(found) == READ_AT_ONCE:
            break
    return found


async def _active(stores: Stores, own: Policy) -> tuple[str, Policy]:
    enforced = (await standing(stores)).enforced
    read = _read(enforced) if enforced is not None else None
    return (FILE, own) if read is None or enforced is None else (f"v{enforced.version}", read)


def _read(stored: StoredPolicy) -> Policy | None:
    try:
        return rule_file.read(stored.text, f"v{stored.version}")
    except BadPolicy:
        return None


def _findings(text: str, rules: Rules) -> Sequence[Finding]:
    """Return what is wrong with a text; nothing here has proved that the adviser is worth its prompts."""
    try:
        return lint.check(rule_file.read(text), lint.Site(acrs=frozenset(rules.acrs), adviser_is_proven=False))
    except BadPolicy as error:
        return error.findings


def _spelt(finding: Finding) -> str:
    subject = f"{finding.rule}: " if finding.rule is not None else ""
    return f"{finding.line}: {subject}{finding.reason}"
