"""An audit trail in a real database, with the chain over it, and whoever changes it behind the provider's back."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from idp.domain.event import Event, EventKind
from idp.domain.secret import make_id
from idp.flows.audit_chain import AuditChain
from idp.flows.audit_export import AuditExport, verify_export
from idp.flows.audit_retention import AuditRetention
from idp.flows.audit_signer import AuditSigner
from idp.flows.audit_verification import AuditVerification, Verified
from idp.flows.audit_walk import Broken, Walk
from idp.oauth import statements
from idp.oauth.keyring import Keyring
from idp.oauth.statements import CHECKPOINT, Statement
from idp.providers.keystore.local import LocalKeyStore
from idp.storage.caches import EpochWatch
from idp.storage.database import Database
from idp.storage.event_checkpoints import Signed
from idp.storage.signing_keys import KeyState, SigningKey
from idp.storage.stores import Stores, Transactions
from tests.support.builders import DAY, MINUTE
from tests.support.provider import HandClock
from tests.support.storage import DIGESTER, SEALER, opened, transactions_on

ISSUER = "https://id.example"
KEPT = 30 * DAY


@dataclass
class Trail:
    """A trail that tests write, link, sign, damage and verify."""

    database: Database
    transactions: Transactions
    clock: HandClock
    keystore: LocalKeyStore
    chain: AuditChain
    retention: AuditRetention
    verification: AuditVerification
    export: AuditExport

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, folder: Path, *, clock: HandClock | None = None) -> AsyncIterator["Trail"]:
        """Yield a trail with a signing key."""
        async with opened(url) as database:
            keystore = LocalKeyStore(folder / "keys", SEALER)
            trail = cls.over(database, keystore, clock or HandClock())
            await trail.new_key()
            yield trail

    @classmethod
    def over(cls, database: Database, keystore: LocalKeyStore, clock: HandClock) -> "Trail":
        """Return the trail as one process has it."""
        transactions = transactions_on(database)
        keyring = Keyring(database, EpochWatch(database), keystore, clock)
        signer = AuditSigner(keyring, DIGESTER, issuer=ISSUER)
        return cls(
            database, transactions, clock, keystore, AuditChain(transactions, signer, clock),
            AuditRetention(transactions, signer, clock, kept=KEPT),
            AuditVerification(transactions, signer, clock), AuditExport(transactions, signer, clock),
        )  # fmt: skip

    def again(self, database: Database | None = None) -> "Trail":
        """Return the same trail as another process, or one that was started anew, has it."""
        return Trail.over(database or self.database, self.keystore, self.clock)

    async def new_key(self) -> str:
        """Let another key sign from now on, in processes that are started now."""
        ref, public = self.keystore.make("P-256")
        now, kid = self.clock.now(), make_id()
        async with self.transactions.open(write=True) as stores:
            for key in await stores.signing_keys.list():
                await stores.signing_keys.set_state(key.kid, KeyState.RETIRED, now)
            await stores.signing_keys.add(SigningKey(kid, "ES256", KeyState.ACTIVE, public, ref, now, activated_at=now))
        return kid

    async def write(self, count: int = 1, *, apart: timedelta = MINUTE, **members: Any) -> None:
        """Write events, each in a transaction of its own."""
        for number in range(count):
            given = {"user_id": "ada", "address": "192.0.2.7", "detail": {"number": number}} | members
            async with self.transactions.open(write=True, request_id="request") as stores:
                await stores.events.add(Event(EventKind.SIGNED_IN, **given), self.clock.now())
            self.clock.advance(apart)

    async def sign(self) -> Signed:
        """Link what has settled and sign it."""
        self.clock.advance(2 * MINUTE)
        await self.chain.link()
        signed = await self.chain.checkpoint()
        assert signed is not None
        return signed

    async def filled(self, *counts: int) -> list[Signed]:
        """Write so many events and sign them, again and again."""
        signed = []
        for count in counts:
            await self.write(count)
            signed.append(await self.sign())
        return signed

    async def verify(self, **choice: Any) -> Verified:
        """Verify the database as a process that was started anew."""
        return await self.again().verification.verify(**choice)

    async def fault(self, **choice: Any) -> tuple[int | None, str]:
        """Return the number and words of the fault that is found."""
        try:
            verified = await self.verify(**choice)
        except Broken as broken:
            return broken.seq, broken.what
        raise AssertionError(f"sound: {verified}")

    async def execute(self, *orders: str, **values: Any) -> None:
        """Change the database behind the provider's back."""
        async with self.database.transaction(write=True) as connection:
            for order in orders:
                await connection.execute(text(order), values)

    async def rows(self, query: str) -> Sequence[Any]:
        """Look into the database."""
        async with self.database.transaction(write=False) as connection:
            return (await connection.execute(text(query))).all()

    async def event_of(self, seq: int) -> str:
        """Return the id of the event with a number."""
        found: str = (await self.rows(f"SELECT event_id FROM event_links WHERE seq = {seq}"))[0][0]
        return found

    async def numbers(self) -> list[tuple[int, object]]:
        """Return each number with the detail of its event."""
        told: list[tuple[int, object]] = []
        async with self.transactions.open(write=False) as stores:
            while found := await stores.events.linked_after(told[-1][0] if told else 0, limit=700):
                told += [(each.seq, each.detail.get("number")) for each in found]
        return told

    async def lines(self, **choice: Any) -> list[str]:
        """Export the trail."""
        return [line async for line in self.export.lines(**choice)]


def pinned(signed: Signed) -> tuple[Statement, str]:
    """Return a checkpoint as somebody knows it who kept it elsewhere."""
    said = statements.read(signed.jws, typ=CHECKPOINT)
    assert said is not None
    return said, signed.jws


def fault_in(lines: Sequence[str], **choice: Any) -> tuple[int | None, str]:
    """Return the number and words of the fault that is found in an export."""
    try:
        walk: Walk = verify_export(lines, **choice)
    except Broken as broken:
        return broken.seq, broken.what
    raise AssertionError(f"sound: {walk}")


async def hold(stores: Stores) -> None:
    """Hold the end of the chain, as a process does that links."""
    assert await stores.event_links.lock() is not None
