"""Versions of a policy, people and decisions in a real database, for tests of how a policy comes to decide."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from idp.domain.user import User
from idp.flows.policy_rollout import PolicyRollout
from idp.flows.policy_states import Mover
from idp.policy import record as records
from idp.policy import rule_file, shipped
from idp.policy.record import RecordedSignIn
from idp.policy.step_up import Rules
from idp.storage.decisions import StoredDecision
from idp.storage.stores import Transactions
from tests.support import builders
from tests.support.provider import HandClock
from tests.support.storage import opened, transactions_on

OWN = rule_file.read(shipped.text("balanced"))
BRAND = "Example"
HEAD = 'schema = 1\nbreak_glass = { group = "break-glass" }\n'
PASSKEYS_ONLY = f"{HEAD}[[rule]]\nid = 'passkeys'\nrequire = {{ acr = 'phr' }}\nunenrolled = 'deny'\n"
ADA = Mover("ada", "a try")


def harmless(number: int) -> str:
    """Return a policy that asks for nothing; each number gives another text."""
    return f"{HEAD}# {number}\n"


class Desk:
    """A database, a clock in the test's hand, and the rollout on both."""

    def __init__(self, transactions: Transactions) -> None:
        self.transactions = transactions
        self.clock = HandClock()
        self.rollout = self.over(transactions)

    def over(self, transactions: Transactions) -> PolicyRollout:
        """Return the rollout as another process has it."""
        return PolicyRollout(transactions, self.clock, OWN, rules=Rules(), brand=BRAND)

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str) -> AsyncIterator["Desk"]:
        """Yield a desk at a database, and close it."""
        async with opened(url) as database:
            yield cls(transactions_on(database))

    async def version(self, number: int) -> int:
        """Store a version that asks for nothing."""
        return (await self.rollout.add(harmless(number), ADA)).version

    async def state(self, version: int) -> str:
        """Return where a version is."""
        return next(each.state for each in await self.rollout.versions() if each.version == version)

    async def states(self) -> list[str]:
        """Return where all versions are, oldest first."""
        return [each.state for each in reversed(await self.rollout.versions())]

    async def person(self, *, has_password: bool = True, **changes: object) -> User:
        """Make somebody, with a password or with nothing yet."""
        user = builders.user(**changes)
        async with self.transactions.open(write=True) as stores:
            await stores.users.add(user)
            if has_password:
                await stores.credentials.set_password(user.id, "$2b$04$hash", self.clock.now())
        return user

    async def keep(self, *decisions: StoredDecision) -> None:
        """Store decisions."""
        async with self.transactions.open(write=True) as stores:
            for decision in decisions:
                await stores.decisions.add(decision)


def as_stored(record: RecordedSignIn, /, **changes: object) -> StoredDecision:
    """Return a record as the provider keeps it."""
    document = records.to_json(record)
    plain = {
        "decided_at": record.at, "decision": record.decision.value, "band": str(document["band"]),
        "policy": str(document["policy"]), "record": records.canonical(document).decode(),
        "digest": records.content_hash(document).removeprefix("sha256:"), "outcome": record.outcome,
        "label": record.label, "expires_at": record.at + 3650 * builders.DAY,
    }  # fmt: skip
    return builders.decision(record.user, **plain | changes)


async def store_past(transactions: Transactions, past: Iterable[RecordedSignIn]) -> list[StoredDecision]:
    """Store decisions with the people they are about, and return them."""
    stored = [as_stored(record) for record in past]
    async with transactions.open(write=True) as stores:
        for user_id in sorted({each.user_id for each in stored}):
            await stores.users.add(builders.user(id=user_id))
        for each in stored:
            await stores.decisions.add(each)
    return stored
