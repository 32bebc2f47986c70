"""The stored decisions as a history that is replayed: page by page, each under the policy that made it.

A record that was damaged is counted and named, and stops nothing.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from idp.domain.json import Json
from idp.flows.policy_rollout import MOST_CHANGES
from idp.flows.verdict import read_record
from idp.policy import record as records
from idp.policy import rule_file, shipped
from idp.policy.findings import BadPolicy
from idp.policy.record import RecordedSignIn
from idp.policy.rules import Policy
from idp.storage.decisions import KeptRecord, StoredDecision
from idp.storage.stores import Stores, Transactions

MOST_NAMED = 100
#: What must come out again; the words for rules that did not match may be improved by a later release.
OUTCOME = (
    "decision", "acr", "max_age", "effects", "notify", "options", "satisfied_by", "denies_for", "refusal",
    "marks_enrolment", "shadow",
)  # fmt: skip


@dataclass(slots=True)
class Named:
    """Decisions that something is wrong with: how many, and the ids of the first hundred."""

    count: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, decision_id: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.ids) < MOST_NAMED:
            self.ids.append(decision_id)

    def as_json(self) -> dict[str, Json]:
        """Return the count and the ids for programs."""
        return {"count": self.count, "ids": [*self.ids]}


async def kept(transactions: Transactions, since: datetime) -> AsyncGenerator[KeptRecord, None]:
    """Yield the records of the decisions since a moment as they are stored, a page at a time.

    Whoever goes through many of them reads each when its turn comes: a page of records that were read takes ten times
    the room, and as much again of the time.
    """
    async with transactions.open(write=False) as stores:
        async for page in stores.decisions.records_since(since):
            for stored in page:
                yield stored


def each(stored: Iterable[KeptRecord], damaged: Named) -> Iterator[tuple[str, RecordedSignIn]]:
    """Yield the decisions with their ids; the damaged ones are only named."""
    for one in stored:
        found = read(one)
        if found is None:
            damaged.add(one.id)
        else:
            yield one.id, found


async def recorded(
    transactions: Transactions, since: datetime, damaged: Named
) -> AsyncGenerator[tuple[str, RecordedSignIn], None]:
    """Yield the decisions since a moment with their ids; the damaged ones are only named."""
    async with aclosing(kept(transactions, since)) as source:
        async for stored in source:
            for found in each((stored,), damaged):
                yield found


def read(stored: StoredDecision | KeptRecord) -> RecordedSignIn | None:
    """Return the record of a decision, None if it was damaged."""
    try:
        found = read_record(stored)
    except ValueError:
        return None
    return found if isinstance(found.verdict.get("policy"), str) else None


class KnownPolicies:
    """The policies whose text is known, by digest: the operator's file, the stored versions, the shipped ones."""

    def __init__(self, own: Policy, texts: Mapping[str, str]) -> None:
        """Keep the texts; each is read when it is first asked for."""
        self._texts = texts
        self._read: dict[str, Policy | None] = {own.digest: own}

    @classmethod
    async def load(cls, stores: Stores, own: Policy) -> "KnownPolicies":
        """Return what is known here."""
        texts = {rule_file.read(shipped.text(name)).digest: shipped.text(name) for name in shipped.NAMES}
        return cls(own, texts | {each.digest: each.text for each in await stores.policies.all(limit=MOST_CHANGES)})

    def find(self, digest: str) -> Policy | None:
        """Return the policy of this digest, None if its text is not known or this release cannot read it."""
        if digest not in self._read:
            try:
                self._read[digest] = rule_file.read(self._texts[digest])
            except (KeyError, BadPolicy):
                self._read[digest] = None
        return self._read[digest]


@dataclass(slots=True)
class Replayed:
    """What came of replaying decisions under the policies that made them."""

    decisions: int = 0
    reproduced: int = 0
    differing: Named = field(default_factory=Named)
    unknown: Counter[str] = field(default_factory=Counter)  # of which policy the text is not known, by digest
    damaged: Named = field(default_factory=Named)

    @property
    def is_clean(self) -> bool:
        """Say whether everything that could be replayed came out again."""
        return not self.differing.count and not self.damaged.count

    def as_json(self) -> dict[str, Json]:
        """Return the report for programs."""
        return {
            "decisions": self.decisions, "reproduced": self.reproduced, "differing": self.differing.as_json(),
            "unknown_policies": dict(self.unknown), "damaged": self.damaged.as_json(),
        }  # fmt: skip


async def replay(transactions: Transactions, own: Policy, since: datetime) -> Replayed:
    """Replay every decision since a moment under the policy that made it."""
    async with transactions.open(write=False) as stores:
        known = await KnownPolicies.load(stores, own)
    report = Replayed()
    async for decision_id, record in recorded(transactions, since, report.damaged):
        report.decisions += 1
        policy = known.find(str(record.verdict["policy"]))
        if policy is None:
            report.unknown[str(record.verdict["policy"])] += 1
        elif is_reproduced(record, policy):
            report.reproduced += 1
        else:
            report.differing.add(decision_id)
    report.decisions += report.damaged.count
    return report


def is_reproduced(record: RecordedSignIn, policy: Policy) -> bool:
    """Say whether the policy decides again what the record says."""
    again = records.replay(record, policy).as_json()
    return all(again.get(key) == record.verdict.get(key) for key in OUTCOME)
