"""What takes a policy back by itself: challenges that people abandon, and people whom no answer of theirs lets in.

A canary is watched as long as it runs, an enforced version for a day; one that a revert put back is not new. All is
computed from stored decisions as they stood now and up to a quarter of an hour ago, so every process comes to the same
answer and a restart forgets nothing. A shadow ends here, too, after its 28 days.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import structlog

from idp.clock import Clock
from idp.flows.policy_ledger import enforced_before, was_restored
from idp.flows.policy_rollout import MOST_CHANGES, PolicyRollout, standing
from idp.flows.policy_states import SHADOW_LASTS, Mover, NoSuchVersion, Reverted, RolloutRaced, Standing, State
from idp.policy.simulation import CHALLENGES
from idp.policy.verdict_parts import Refusal
from idp.storage.decisions import DecisionStore
from idp.storage.policies import EPOCH_NAME, StoredPolicy
from idp.storage.stores import Stores, Transactions

NEW_FOR = timedelta(days=1)
ABANDONED_AFTER = timedelta(minutes=30)
BASELINE = timedelta(days=14)
CHECKPOINTS = tuple(timedelta(minutes=minutes) for minutes in (0, 5, 10, 15))  # it must be so at each of them
LEAST_CHALLENGES = 20
MOST_UNREACHABLE = 0.005
HOUSEKEEPER = "housekeeping"
log = structlog.get_logger("policy")
Counts = Mapping[tuple[str, str | None], int]


@dataclass(frozen=True, slots=True)
class Challenges:
    """Challenges of which it is known what came of them, and how many of them came to nothing."""

    total: int
    abandoned: int

    @property
    def rate(self) -> float:
        """Return the share that was abandoned."""
        return self.abandoned / self.total if self.total else 0.0


def is_abandoned_too_often(now: Challenges, before: Challenges) -> bool:
    """Say whether more than twice the baseline was abandoned; with fewer than 20 on either side nobody can tell.

    A baseline without any counts as one, so that the first person who walks away takes nothing back.
    """
    if now.total < LEAST_CHALLENGES or before.total < LEAST_CHALLENGES:
        return False
    return now.rate > 2 * max(before.abandoned, 1) / before.total


def is_unreachable_too_often(people: int, unreachable: int) -> bool:
    """Say whether more than one in two hundred people who came to a decision could not get in at all."""
    return unreachable > MOST_UNREACHABLE * people


class PolicyWatch:
    """Looks after the versions that decide."""

    def __init__(self, transactions: Transactions, clock: Clock, rollout: PolicyRollout) -> None:
        """Keep what the chore needs."""
        self._transactions = transactions
        self._clock = clock
        self._rollout = rollout

    async def look(self) -> Reverted | None:
        """End a shadow that is over, and take back a version that leaves people outside; return what was taken back."""
        now = self._clock.now()
        await self._end_shadows(now)
        async with self._transactions.open(write=False) as stores:
            found = await self._fault(stores, now)
        if found is None:
            return None
        version, why = found
        with suppress(RolloutRaced, NoSuchVersion):  # another process was faster
            return await self._rollout.revert(Mover(HOUSEKEEPER, why), only=version, is_automatic=True)
        return None

    async def _end_shadows(self, now: datetime) -> None:
        async with self._transactions.open(write=False) as stores:
            over = [each for each in await stores.policies.in_states(State.SHADOW) if _is_over(each, now)]
        if not over:
            return
        async with self._transactions.open(write=True) as stores:
            await stores.epochs.bump(EPOCH_NAME)
            for each in await stores.policies.in_states(State.SHADOW):
                if _is_over(each, now) and await stores.policies.move(
                    each.version, State.RETIRED, was=State.SHADOW, by=HOUSEKEEPER, now=now, why="28 days are over"
                ):
                    log.info("policy_shadow_over", version=each.version)

    async def _fault(self, stores: Stores, now: datetime) -> tuple[int, str] | None:
        """Return the version that must be taken back, and why."""
        deciding = await standing(stores)
        for watched, before in await self._watched(stores, deciding, now):
            begin = max(watched.changed_at, now - NEW_FOR)
            if now - CHECKPOINTS[-1] < watched.changed_at:
                continue
            if await _abandoned(stores.decisions, watched, before, begin, now):
                return watched.version, "challenges are abandoned at over twice the baseline"
            if await _unreachable(stores.decisions, watched, begin, now):
                return watched.version, "more than 0.5 % of users cannot reach a decision"
        return None

    async def _watched(self, stores: Stores, deciding: Standing, now: datetime) -> Sequence[tuple[StoredPolicy, str]]:
        """Return the versions that are still new, each with the digest of the policy before it."""
        enforced, canary = deciding.enforced, deciding.canary
        found: list[tuple[StoredPolicy, str]] = []
        if canary is not None:
            found.append((canary, enforced.digest if enforced is not None else self._rollout.own.digest))
        if enforced is not None and now - enforced.changed_at < NEW_FOR:
            changes = await stores.policies.changes(limit=MOST_CHANGES)
            if not was_restored(changes, enforced.version):
                below = next(enforced_before(changes, enforced.version), None)
                before = await stores.policies.find(below) if below is not None else None
                found.append((enforced, before.digest if before is not None else self._rollout.own.digest))
        return found


def _is_over(shadow: StoredPolicy, now: datetime) -> bool:
    return now - shadow.changed_at >= SHADOW_LASTS


async def _abandoned(
    decisions: DecisionStore, watched: StoredPolicy, before: str, begin: datetime, now: datetime
) -> bool:
    """Say whether too many challenges came to nothing, at every checkpoint."""
    since = await decisions.counts_since(begin, watched.digest)
    if _challenges(since, {}).total < LEAST_CHALLENGES:
        return False
    start = watched.changed_at
    baseline = _challenges(
        await decisions.counts_since(start - BASELINE, before), await decisions.counts_since(start, before)
    )
    for ago in CHECKPOINTS:
        until = max(begin, now - ago - ABANDONED_AFTER)
        counted = _challenges(since, await decisions.counts_since(until, watched.digest))
        if not is_abandoned_too_often(counted, baseline):
            return False
    return True


def _challenges(since: Counts, later: Counts) -> Challenges:
    """Return the challenges of one period: what was counted since its begin, less what was counted since its end."""
    total = abandoned = 0
    for (decision, outcome), count in since.items():
        if decision in CHALLENGES:
            counted = count - later.get((decision, outcome), 0)
            total += counted
            abandoned += counted if outcome in (None, "abandoned") else 0
    return Challenges(total, abandoned)


async def _unreachable(decisions: DecisionStore, watched: StoredPolicy, begin: datetime, now: datetime) -> bool:
    """Say whether too many people had nothing that would let them in, at every checkpoint.

    Of the others no more are counted than would make those few enough.
    """
    for ago in CHECKPOINTS:
        end = now - ago
        outside = await decisions.refused_between(
            begin, end, policy=watched.digest, refusal=Refusal.UNREACHABLE.value
        )  # fmt: skip
        if not outside:
            return False
        most = ceil(outside / MOST_UNREACHABLE)
        people = await decisions.people_between(begin, end, policy=watched.digest, most=most)
        if not is_unreachable_too_often(people, outside):
            return False
    return True
