"""Failures, counted: one row per thing that is counted, changed by single statements that survive races."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, case, delete, func, select

from idp.domain.secret import Digest
from idp.storage.columns import EPOCH, UtcTime, metadata, to_micros
from idp.storage.database import Transaction
from idp.storage.upsert import upsert

attempts = Table(
    "attempts",
    metadata,
    Column("subject", LargeBinary(32), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("blocked_until", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_attempts_expires_at", "expires_at"),
)
network_accounts = Table(
    "network_accounts",
    metadata,
    Column("network", LargeBinary(32), primary_key=True),
    Column("account", LargeBinary(32), primary_key=True),
    Column("expires_at", UtcTime, nullable=False),
    Index("ix_network_accounts_expires_at", "expires_at"),
)


@dataclass(frozen=True, slots=True)
class Blocked:
    """The subject must wait until then; the attempt was noted as refused."""

    until: datetime


class AttemptStore:
    """Counters of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def reserve(
        self, subject: Digest, now: datetime, *, waits: tuple[timedelta, ...], memory: timedelta
    ) -> Blocked | int:
        """Count an attempt before it is verified, as if it had failed; return the failures so far.

        `waits[n]` is how long the subject is blocked after its n-th failure (the last entry holds
        from there on). One statement, so that of parallel guesses none goes uncounted; a subject
        that is blocked is refused without being verified.
        """
        table = attempts.c
        row = upsert(self._connection, attempts).values(
            subject=subject, failures=1, refused=0, last_at=now, blocked_until=_end(now, waits[1]),
            expires_at=now + memory,
        )  # fmt: skip
        forgotten = table.expires_at <= now
        failures = case((forgotten, 1), else_=table.failures + 1)
        steps = _steps(waits)
        until = case(*((failures >= count, to_micros(_end(now, wait))) for count, wait in steps))
        # A block is never forgotten before it ends.
        expires = case(*((failures >= count, to_micros(now + max(wait, memory))) for count, wait in steps))
        reserved = await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[table.subject],
                set_={"failures": failures, "last_at": now, "blocked_until": until, "expires_at": expires},
                where=table.blocked_until <= now,
            ).returning(table.failures)
        )
        count = reserved.scalar_one_or_none()
        return await self._refuse(subject, now) if count is None else count

    async def _refuse(self, subject: Digest, now: datetime) -> Blocked:
        done = await self._connection.execute(
            attempts.update()
            .where(attempts.c.subject == subject)
            .values(refused=attempts.c.refused + 1)
            .returning(attempts.c.blocked_until)
        )
        return Blocked(done.scalar_one_or_none() or now)

    async def clear(self, subject: Digest) -> None:
        """Forget the failures of a subject that has just succeeded."""
        await self._connection.execute(delete(attempts).where(attempts.c.subject == subject))

    async def count(self, subject: Digest, now: datetime) -> int:
        """Return the failures a subject has on record."""
        query = select(attempts.c.failures).where(attempts.c.subject == subject, attempts.c.expires_at > now)
        return (await self._connection.execute(query)).scalar_one_or_none() or 0

    async def add_in_window(self, subject: Digest, now: datetime, *, window: timedelta) -> int:
        """Count one more in a window that starts with its first; return the count."""
        table = attempts.c
        over = table.expires_at <= now
        row = upsert(self._connection, attempts).values(
            subject=subject, failures=1, refused=0, last_at=now, blocked_until=now, expires_at=now + window
        )
        counted = await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[table.subject],
                set_={
                    "failures": case((over, 1), else_=table.failures + 1),
                    "expires_at": case((over, to_micros(now + window)), else_=table.expires_at),
                    "last_at": now,
                },
            ).returning(table.failures)
        )
        count: int = counted.scalar_one()
        return count

    async def block(self, subject: Digest, now: datetime, until: datetime) -> None:
        """Block a subject until then; a longer block stays."""
        table = attempts.c
        row = upsert(self._connection, attempts).values(
            subject=subject, failures=1, refused=0, last_at=now, blocked_until=until, expires_at=until
        )
        await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[table.subject],
                set_={"blocked_until": until, "expires_at": until, "last_at": now},
                where=table.blocked_until < until,
            )
        )

    async def blocked_until(self, subject: Digest, now: datetime) -> datetime | None:
        """Return when a block of this subject ends; None if there is none."""
        query = select(attempts.c.blocked_until).where(attempts.c.subject == subject, attempts.c.blocked_until > now)
        until: datetime | None = (await self._connection.execute(query)).scalar_one_or_none()
        return until

    async def note_account(self, network: Digest, account: Digest, now: datetime, *, window: timedelta) -> int:
        """Note that a network tried an account; return how many accounts it tried inside the window."""
        row = upsert(self._connection, network_accounts).values(
            network=network, account=account, expires_at=now + window
        )
        await self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[network_accounts.c.network, network_accounts.c.account],
                set_={"expires_at": now + window},
                where=network_accounts.c.expires_at <= now,  # an old note that was not swept yet is a new one
            )
        )
        return await self.accounts_of(network, now)

    async def accounts_of(self, network: Digest, now: datetime) -> int:
        """Return how many accounts a network tried inside its window."""
        query = (
            select(func.count())
            .select_from(network_accounts)
            .where(network_accounts.c.network == network, network_accounts.c.expires_at > now)
        )
        counted: int = (await self._connection.execute(query)).scalar_one()
        return counted


def _end(now: datetime, wait: timedelta) -> datetime:
    """Return when a block ends; without one in the past, for of two attempts at once the older may be counted later."""
    return now + wait if wait else EPOCH


def _steps(waits: tuple[timedelta, ...]) -> list[tuple[int, timedelta]]:
    """Return from which count on each wait holds, the highest first: few steps instead of a case for each count."""
    changes = [count for count in range(1, len(waits)) if count == 1 or waits[count] != waits[count - 1]]
    return [(count, waits[count]) for count in reversed(changes)]
