"""What administrators see of decisions, and what they say a sign-in was.

Everything about one decision comes from its record. One that was damaged is shown as that; nothing of it is explained.
Not here: versions of the policy → policy_view.py.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from idp.domain.event import EventKind
from idp.domain.risk import Band
from idp.domain.user import USER_ID
from idp.flows import labels
from idp.flows.decision_explained import Explained, explain
from idp.flows.labels import Label
from idp.flows.policy_history import KnownPolicies, read
from idp.oauth.context import Context
from idp.policy.rules import Decision, Policy
from idp.policy.simulation import CHALLENGES
from idp.storage.decisions import StoredDecision
from idp.storage.stores import Stores, Transactions

PAGE = 50
BANDS = tuple(band.value for band in Band)
DECISIONS = tuple(decision.value for decision in Decision)
LOOKS_BACK = timedelta(days=30)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
ID = re.compile(r"[0-9A-Za-z_-]{1,40}")
LONGEST_ID = 40
ADVICE = ("state", "why", "occasion", "model", "local", "proposed", "final", "payload_hash", "prompt_hash")
ADMINISTRATOR = "administrator "  # before the id of whoever did something


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which decisions are looked for; what cannot be one of these is left out of the search."""

    band: str | None = None
    decision: str | None = None
    user_id: str | None = None

    @classmethod
    def read(cls, *, band: str, decision: str, user_id: str) -> "Wanted":
        """Return what an address or a form asks for."""
        return cls(
            band if band in BANDS else None,
            decision if decision in DECISIONS else None,
            user_id if USER_ID.fullmatch(user_id) else None,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A decision in a list, and what its person calls the account."""

    stored: StoredDecision
    person: str


@dataclass(frozen=True, slots=True)
class Country:
    """How many sign-ins of a country were challenged and denied; `name` None is everything of unknown origin."""

    name: str | None
    sign_ins: int
    challenged: int
    denied: int


@dataclass(frozen=True, slots=True)
class View:
    """One decision; `explained` is None if its record was damaged."""

    stored: StoredDecision
    person: str
    explained: Explained | None
    taught: str
    advice: tuple[tuple[str, str], ...]  # what is kept beside payload and answer, by name
    labelled_by: str | None


async def newest(transactions: Transactions, wanted: Wanted, *, before: str = "") -> list[Line]:
    """Return a page of decisions, newest first, older than `before`."""
    async with transactions.open(write=False) as stores:
        found = await stores.decisions.newest(
            user_id=wanted.user_id, band=wanted.band, decision=wanted.decision, limit=PAGE,
            before=before if ID.fullmatch(before) else None,
        )  # fmt: skip
        people = {user_id: await _label(stores, user_id) for user_id in {each.user_id for each in found}}
    return [Line(each, people[each.user_id]) for each in found]


async def find_person(transactions: Transactions, name: str) -> str | None:
    """Return the id of whoever has this id, e-mail address or username."""
    async with transactions.open(write=False) as stores:
        user = (await stores.users.find(name) if USER_ID.fullmatch(name) else None) or (
            await stores.users.find_by_name(name)
        )
    return user.id if user is not None else None


async def person_of(transactions: Transactions, user_id: str | None) -> str:
    """Return what a person calls the account; nothing for nobody."""
    if user_id is None:
        return ""
    async with transactions.open(write=False) as stores:
        return await _label(stores, user_id)


async def countries(transactions: Transactions, now: datetime) -> list[Country]:
    """Return what was asked in each country in the last 30 days."""
    counted: dict[str | None, Counter[str]] = {}
    async with transactions.open(write=False) as stores:
        for day in range(LOOKS_BACK // DAY):
            end = now + MOMENT - day * DAY
            found = await stores.decisions.countries_between(end - DAY, end)
            for (country, decision), count in found.items():
                counted.setdefault(country, Counter())[decision] += count
            await asyncio.sleep(0)  # SQLite answers at once: sign-ins would wait for all days otherwise
    rows = [
        Country(name, counts.total(), sum(counts[each] for each in CHALLENGES), counts[Decision.DENY])
        for name, counts in counted.items()
    ]
    return sorted(rows, key=lambda row: (row.name is None, -row.sign_ins, row.name))


async def one(transactions: Transactions, own: Policy, decision_id: str) -> View | None:
    """Return a decision with all that explains it, replayed now under the policy that made it."""
    async with transactions.open(write=False) as stores:
        stored = await stores.decisions.find(decision_id)
        if stored is None:
            return None
        person, known = await _label(stores, stored.user_id), await KnownPolicies.load(stores, own)
        by = stored.labelled_by and await name_of(stores, stored.labelled_by)
    record = read(stored) if is_whole(stored) else None
    explained = None if record is None else explain(record, known.find(stored.policy))
    taught = "" if stored.taught is None else json.dumps(stored.taught, sort_keys=True)
    advice = [(name, str(value)) for name in ADVICE if (value := (stored.advice or {}).get(name)) is not None]
    return View(stored, person, explained, taught, tuple(advice), by)


async def record_of(transactions: Transactions, decision_id: str) -> StoredDecision | None:
    """Return a decision as it is stored."""
    async with transactions.open(write=False) as stores:
        return await stores.decisions.find(decision_id)


def is_whole(stored: StoredDecision) -> bool:
    """Say whether a record is, byte for byte, what its digest was made of."""
    return sha256(stored.record.encode()).hexdigest() == stored.digest


async def label(context: Context, decision_id: str, said: Label, *, by: str) -> bool:
    """Note what an administrator says a sign-in was; False if it was said before, by anybody, or there is none."""
    stored = await context.stores.decisions.find(decision_id)
    if stored is None or not await labels.put(context, stored, said, by=f"{ADMINISTRATOR}{by}"[:LONGEST_ID]):
        return False
    await context.record(EventKind.DECISION_LABELLED, user_id=by, decision=decision_id, label=said.value)
    return True


async def name_of(stores: Stores, by: str) -> str:
    """Return who did something: the account's own name for administrators, as it stands for everybody else."""
    return await _label(stores, by.removeprefix(ADMINISTRATOR)) if by.startswith(ADMINISTRATOR) else by


async def names_of(stores: Stores, doers: Sequence[str]) -> dict[str, str]:
    """Return the same for many."""
    return {by: await name_of(stores, by) for by in set(doers)}


async def _label(stores: Stores, user_id: str) -> str:
    user = await stores.users.find(user_id)
    return user.label if user is not None else user_id
