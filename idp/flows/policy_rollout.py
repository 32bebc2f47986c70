"""How a policy comes to decide, and how it is taken back.

One version at most is enforced, one is a canary and one in shadow; until a version is enforced the operator's own file
decides. Every change takes the policy's epoch first, so that of two at once the second sees what the first one did.
Not here: the states and their order → policy_states.py; who would be locked out → policy_people.py; what
takes a version back by itself → policy_watch.py.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog

from idp.clock import Clock
from idp.domain.event import Event, EventKind, Target, actor_called
from idp.flows import policy_people
from idp.flows.policy_ledger import REVERTED, enforced_before
from idp.flows.policy_states import (
    Mover,
    NoSuchVersion,
    Reverted,
    RolloutRaced,
    RolloutRefused,
    Standing,
    State,
)
from idp.policy import lint, rule_file
from idp.policy.findings import BadPolicy
from idp.policy.rules import Policy
from idp.policy.step_up import Rules
from idp.storage.policies import EPOCH_NAME, PolicyChange, StoredPolicy
from idp.storage.stores import Stores, Transactions

MOST_CHANGES = 10_000
log = structlog.get_logger("policy")


class PolicyRollout:
    """What operators do with versions of the policy."""

    def __init__(self, transactions: Transactions, clock: Clock, own: Policy, *, rules: Rules, brand: str) -> None:
        """Keep what the steps need; `own` is the operator's file, `brand` the name that is typed to override."""
        self._transactions = transactions
        self._clock = clock
        self.own = own
        self._rules = rules
        self._brand = brand

    async def add(self, text: str, mover: Mover) -> StoredPolicy:
        """Store a text as a draft, as checked if nothing refuses it; the same text is stored once.

        Raises BadPolicy if it cannot be read at all.
        """
        policy = rule_file.read(text)
        is_fit = not self._faults(text, "policy.toml")
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.epochs.bump(EPOCH_NAME)
            known = [each for each in await stores.policies.all(limit=MOST_CHANGES) if each.digest == policy.digest]
            stored = known[0] if known else None
            if stored is None:
                stored = await stores.policies.add(text, policy.digest, State.DRAFT, by=mover.by, now=now)
                await _record(stores, stored.version, None, State.DRAFT, mover, now)
            if stored.state == State.DRAFT and is_fit:
                await _move(stores, stored, State.CHECKED, mover, now)
            return await _found(stores, stored.version)

    async def note_simulated(self, version: int, mover: Mover) -> None:
        """Note that a checked version was simulated; one that has come further stays where it is."""
        async with self._transactions.open(write=True) as stores:
            await stores.epochs.bump(EPOCH_NAME)
            stored = await _found(stores, version)
            if stored.state == State.CHECKED:
                await _move(stores, stored, State.SIMULATED, mover, self._clock.now())

    async def shadow(self, version: int, mover: Mover) -> StoredPolicy:
        """Let a version watch, 28 days at most, instead of the one that did so far.

        Raises RolloutRefused if lint or a test fails, or if it decides already.
        """
        target, _ = await self._look(version)
        self._refuse_unfit(target)
        if target.state in (State.CANARY, State.ENFORCED):
            raise RolloutRefused([f"v{version} decides already ({target.state})"])
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.epochs.bump(EPOCH_NAME)
            for other in await stores.policies.in_states(State.SHADOW):
                if other.version != version:
                    await _move(stores, other, State.RETIRED, Mover(mover.by, f"v{version} is in shadow"), now)
            await _move(stores, target, State.SHADOW, mover, now)
            return await _found(stores, version)

    async def promote(
        self, version: int, mover: Mover, *, canary: int | None = None, override: str | None = None
    ) -> StoredPolicy:
        """Let a version decide: for a share of users (1–99 per cent), or for everybody.

        Raises RolloutRefused while lint, a test or the lockout replay fails, the last of which `override` waives;
        RolloutRaced if anything moved while that was looked at.
        """
        if canary is not None and not 1 <= canary <= 99:
            raise RolloutRefused(["a canary decides for 1 to 99 per cent of users"])
        target, seen = await self._look(version)
        if target.state == State.ENFORCED:
            raise RolloutRefused([f"v{version} is enforced already"])
        policy = self._refuse_unfit(target)
        is_overridden = await self._refuse_lockout(policy, override)
        note = Mover(mover.by, f"lockout replay overridden; {mover.why}" if is_overridden else mover.why)
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.epochs.bump(EPOCH_NAME)
            if await standing(stores) != seen:
                raise RolloutRaced
            state = State.ENFORCED if canary is None else State.CANARY
            await _make_room(stores, target, seen, state, mover, now)
            await _move(stores, target, state, note, now, share=canary or 0)
            return await _found(stores, version)

    async def faults(self, text: str, name: str) -> tuple[str, ...]:
        """Return why a text could not come to decide for everybody now, line by line; nothing is stored."""
        faults = self._faults(text, name)
        if faults:
            return faults
        try:
            await self._refuse_lockout(rule_file.read(text, name), None)
        except RolloutRefused as error:
            return tuple(str(error).splitlines())
        return ()

    async def revert(self, mover: Mover, *, only: int | None = None, is_automatic: bool = False) -> Reverted:
        """Take back what was promoted last: a canary, else the enforced version, for what was enforced before it.

        `only` names the version that must still decide. Raises NoSuchVersion if the operator's own file decides,
        RolloutRaced if `only` does not decide any more.
        """
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            await stores.epochs.bump(EPOCH_NAME)
            deciding = await standing(stores)
            if deciding.canary is None and deciding.enforced is None:
                raise NoSuchVersion("nothing to take back: the operator's own file decides")
            target = deciding.canary or deciding.enforced
            if only is not None:
                target = next(
                    (each for each in (deciding.canary, deciding.enforced) if each and each.version == only), None
                )
            if target is None:
                raise RolloutRaced
            done = await _take_back(stores, target, deciding, mover, now)
            detail: dict[str, str | int | bool | None] = {
                "version": done.version, "to": done.to, "automatic": is_automatic,
            }  # fmt: skip
            event = Event(
                EventKind.POLICY_REVERTED, detail=detail | ({"why": mover.why} if is_automatic else {}),
                actor=actor_called(mover.by), target=Target("policy", str(done.version)),
            )  # fmt: skip
            await stores.events.add(event, now)
        tell = log.error if is_automatic else log.info
        tell("policy_reverted", version=done.version, to=done.to, automatic=is_automatic, why=mover.why)
        return done

    async def versions(self) -> Sequence[StoredPolicy]:
        """Return all versions, newest first."""
        async with self._transactions.open(write=False) as stores:
            return await stores.policies.all(limit=MOST_CHANGES)

    async def changes(self) -> Sequence[PolicyChange]:
        """Return who moved which version when, newest first."""
        async with self._transactions.open(write=False) as stores:
            return await stores.policies.changes(limit=MOST_CHANGES)

    async def _look(self, version: int) -> tuple[StoredPolicy, Standing]:
        async with self._transactions.open(write=False) as stores:
            return await _found(stores, version), await standing(stores)

    def _faults(self, text: str, name: str) -> tuple[str, ...]:
        try:
            lint.load(text, name, lint.Site(acrs=frozenset(self._rules.acrs)))
        except BadPolicy as error:
            return tuple(str(error).splitlines())
        return ()

    def _refuse_unfit(self, target: StoredPolicy) -> Policy:
        faults = self._faults(target.text, f"v{target.version}")
        if faults:
            raise RolloutRefused(faults)
        return rule_file.read(target.text, f"v{target.version}")

    async def _refuse_lockout(self, policy: Policy, override: str | None) -> bool:
        """Say whether the replay was overridden; raise RolloutRefused if it fails and was not."""
        outside = await policy_people.locked_out(self._transactions, self._rules, policy, self._clock.now())
        if outside.refusal is None:
            return False
        if override is not None and override == self._brand:
            return True
        hint = [] if override is None else [f"{override!r} is not the name of this provider"]
        raise RolloutRefused([outside.refusal, *hint], may_override=True)


async def standing(stores: Stores) -> Standing:
    """Return what decides now."""
    found = await stores.policies.in_states(State.ENFORCED, State.CANARY)
    by_state = {each.state: each for each in reversed(found)}
    return Standing(by_state.get(State.ENFORCED), by_state.get(State.CANARY))


async def _make_room(
    stores: Stores, target: StoredPolicy, seen: Standing, state: State, mover: Mover, now: datetime
) -> None:
    """Retire what the target takes the place of: a new base ends the canary beside the old one."""
    for other in (seen.canary, seen.enforced if state is State.ENFORCED else None):
        if other is not None and other.version != target.version:
            await _move(stores, other, State.RETIRED, Mover(mover.by, f"v{target.version} is {state}"), now)


async def _take_back(stores: Stores, target: StoredPolicy, deciding: Standing, mover: Mover, now: datetime) -> Reverted:
    await _move(stores, target, State.RETIRED, Mover(mover.by, f"{REVERTED}{mover.why}"), now, is_quiet=True)
    ran = now - target.changed_at
    if target is not deciding.enforced:
        return Reverted(target.version, ran, deciding.enforced.version if deciding.enforced is not None else None)
    for version in enforced_before(await stores.policies.changes(limit=MOST_CHANGES), target.version):
        before = await stores.policies.find(version)
        if before is not None and _is_readable(before):
            again = Mover(mover.by, f"{REVERTED}v{target.version} was taken back")
            await _move(stores, before, State.ENFORCED, again, now, is_quiet=True)
            return Reverted(target.version, ran, version)
    return Reverted(target.version, ran, None)


def _is_readable(stored: StoredPolicy) -> bool:
    """Say whether this release can read a version; one that it cannot decides nothing."""
    try:
        rule_file.read(stored.text)
    except BadPolicy:
        return False
    return True


async def _found(stores: Stores, version: int) -> StoredPolicy:
    stored = await stores.policies.find(version)
    if stored is None:
        raise NoSuchVersion(f"there is no version v{version}")
    return stored


async def _move(
    stores: Stores, stored: StoredPolicy, state: State, mover: Mover, now: datetime, *, share: int = 0,
    is_quiet: bool = False,
) -> None:  # fmt: skip
    """Move a version on from where it was seen; raise RolloutRaced if it is there no more."""
    if not await stores.policies.move(
        stored.version, state, was=stored.state, by=mover.by, now=now, share=share, why=mover.why
    ):
        raise RolloutRaced
    if not is_quiet:
        await _record(stores, stored.version, stored.state, state, mover, now, share=share)


async def _record(
    stores: Stores, version: int, was: str | None, state: State, mover: Mover, now: datetime, *, share: int = 0
) -> None:
    detail: dict[str, str | int | bool | None] = {"version": version, "state": state.value}
    detail |= {"share": share} if share else {}
    event = Event(
        EventKind.POLICY_CHANGED, detail=detail, actor=actor_called(mover.by), target=Target("policy", str(version)),
        before=None if was is None else {"state": str(was)}, after={"state": state.value},
    )  # fmt: skip
    await stores.events.add(event, now)
