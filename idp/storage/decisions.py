"""What was decided about sign-ins, and what came of it: each record whole, so that it explains and replays itself."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    or_,
    select,
    type_coerce,
    update,
)

from idp.domain.json import Json
from idp.storage.columns import AnyRow, JsonText, UtcTime, is_key, metadata, to_micros
from idp.storage.database import Prepared, Transaction

PAGE = 500
decisions = Table(
    "decisions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("session_id", String(32), index=True),
    Column("client_id", String(128)),
    Column("event", String(32), nullable=False),
    Column("decided_at", UtcTime, nullable=False),
    Column("decision", String(16), nullable=False),
    Column("band", String(16), nullable=False),
    Column("score", Integer, nullable=False),
    Column("policy", String(80), nullable=False),
    Column("record", Text, nullable=False),  # canonical JSON, byte for byte what its digest was made of
    Column("digest", String(64), nullable=False),
    Column("advice", JsonText),
    Column("taught", JsonText),
    Column("outcome", String(16)),
    Column("outcome_at", UtcTime),
    Column("label", String(16)),
    Column("labelled_at", UtcTime),
    Column("labelled_by", String(40)),
    Column("expires_at", UtcTime, nullable=False),
    Column("country", String(2)),  # of the record's facts, for counting; empty where unknown
    Column("refusal", String(16)),  # of the record, likewise
    Index("ix_decisions_user_id_decided_at", "user_id", "decided_at"),
    Index("ix_decisions_decided_at", "decided_at"),
    Index("ix_decisions_expires_at", "expires_at"),
    # Both hold all that their counts ask for: rows are long, and are not read.
    Index("ix_decisions_by_country", "event", "decided_at", "country", "decision"),
    Index("ix_decisions_by_policy", "policy", "decided_at", "decision", "outcome", "user_id"),
)


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """One decision. `outcome` is what came of its challenge, `label` what people said it was."""

    id: str
    user_id: str
    session_id: str | None
    client_id: str | None
    event: str
    decided_at: datetime
    decision: str
    band: str
    score: int
    policy: str
    record: str
    digest: str
    expires_at: datetime
    advice: Mapping[str, Json] | None = None
    taught: Mapping[str, Json] | None = None
    outcome: str | None = None
    outcome_at: datetime | None = None
    label: str | None = None
    labelled_at: datetime | None = None
    labelled_by: str | None = None
    country: str | None = None
    refusal: str | None = None


class KeptRecord(NamedTuple):
    """The record of a decision with its digest, and what came of the decision and was said about it since."""

    id: str
    record: str
    digest: str
    outcome: str | None
    label: str | None
    decided_at: int  # microseconds since 1970: of hundreds of thousands of rows only the last one's is asked for


class PastDecision(NamedTuple):
    """What of a decision the published baseline needs."""

    user_id: str
    record: str
    digest: str
    has_taught: bool
    label: str | None = None


#: One page of records: every replay of the past reads them by the hundred thousand.
_RECORDS = Prepared(
    select(
        decisions.c.id, decisions.c.record, decisions.c.digest, decisions.c.outcome, decisions.c.label,
        type_coerce(decisions.c.decided_at, BigInteger),
    )
    .where(
        decisions.c.decided_at >= bindparam("moment", type_=BigInteger),
        or_(
            decisions.c.decided_at > bindparam("moment", type_=BigInteger),
            decisions.c.id > bindparam("after", type_=String),
        ),
    )
    .order_by(decisions.c.decided_at, decisions.c.id)
    .limit(bindparam("page", type_=Integer))
)  # fmt: skip


class DecisionStore:
    """Decisions of one transaction."""

    def __init__(self, connection: Transaction) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection

    async def add(self, decision: StoredDecision) -> None:
        """Store a decision."""
        values = {name: getattr(decision, name) for name in decision.__slots__}
        await self._connection.execute(insert(decisions).values(**values))

    async def find(self, decision_id: str) -> StoredDecision | None:
        """Return a decision."""
        if not is_key(decision_id):
            return None
        query = select(decisions).where(decisions.c.id == decision_id)
        row = (await self._connection.execute(query)).first()
        return None if row is None else _decision(row)

    async def conclude(
        self,
        decision_id: str,
        outcome: str,
        *,
        session_id: str | None,
        taught: Mapping[str, Json] | None,
        now: datetime,
    ) -> None:
        """Note what came of a decision, and what it taught; the first outcome stands."""
        await self._connection.execute(
            update(decisions)
            .where(decisions.c.id == decision_id, decisions.c.outcome.is_(None))
            .values(outcome=outcome, outcome_at=now, session_id=session_id, taught=taught)
        )

    async def note_advice(self, decision_id: str, advice: Mapping[str, Json]) -> None:
        """Note what an adviser said too late for the decision itself."""
        await self._connection.execute(update(decisions).where(decisions.c.id == decision_id).values(advice=advice))

    async def label(self, decision_id: str, label: str, *, by: str, now: datetime) -> bool:
        """Note what somebody says an attempt was; False if it was said before."""
        done = await self._connection.execute(
            update(decisions)
            .where(decisions.c.id == decision_id, decisions.c.label.is_(None))
            .values(label=label, labelled_by=by, labelled_at=now)
            .returning(decisions.c.id)
        )
        return done.first() is not None

    async def unteach(self, decision_id: str) -> bool:
        """Note that what an attempt taught was taken back; False if that was done before, or it taught nothing."""
        done = await self._connection.execute(
            update(decisions)
            .where(decisions.c.id == decision_id, decisions.c.taught.is_not(None))
            .values(taught=None)
            .returning(decisions.c.id)
        )
        return done.first() is not None

    async def newest(
        self, *, user_id: str | None = None, band: str | None = None, decision: str | None = None,
        before: str | None = None, limit: int = 50,
    ) -> Sequence[StoredDecision]:  # fmt: skip
        """Return decisions, newest first, older than `before`."""
        query = select(decisions).order_by(decisions.c.id.desc()).limit(limit)
        for column, value in ((decisions.c.user_id, user_id), (decisions.c.band, band)):
            query = query.where(column == value) if value is not None else query
        query = query.where(decisions.c.decision == decision) if decision is not None else query
        query = query.where(decisions.c.id < before) if before is not None else query
        return [_decision(row) for row in await self._connection.execute(query)]

    async def before(self, decision_id: str, *, limit: int) -> Sequence[PastDecision]:
        """Return the newest decisions that were made before one, oldest first."""
        table = decisions.c
        query = (
            select(table.user_id, table.record, table.digest, table.taught.is_not(None).label("has_taught"))
            .where(table.id < decision_id)
            .order_by(table.id.desc())
            .limit(limit)
        )
        rows = (await self._connection.execute(query)).all()
        return [PastDecision(row.user_id, row.record, row.digest, bool(row.has_taught)) for row in reversed(rows)]

    async def past(self, moment: datetime, *, after: str, limit: int) -> Sequence[tuple[str, PastDecision]]:
        """Return decisions from a moment on that were made after one, with their ids, oldest first."""
        table = decisions.c
        columns = (table.id, table.user_id, table.record, table.digest, table.taught.is_not(None), table.label)
        query = select(*columns).where(table.decided_at >= moment, table.id > after).order_by(table.id).limit(limit)
        rows = (await self._connection.execute(query)).all()
        return [(row[0], PastDecision(row[1], row[2], row[3], bool(row[4]), row[5])) for row in rows]

    async def lessons(self, first: str, last: str) -> Mapping[str, Mapping[str, Json]]:
        """Return what the decisions from one id to another taught, by id; those that taught nothing are left out."""
        query = select(decisions.c.id, decisions.c.taught).where(
            decisions.c.id >= first, decisions.c.id <= last, decisions.c.taught.is_not(None)
        )
        return {row.id: row.taught for row in await self._connection.execute(query)}

    async def records_since(self, moment: datetime) -> AsyncIterator[Sequence[KeptRecord]]:
        """Go through the records of decisions from a moment on, oldest first, a page at a time."""
        after, at = "", to_micros(moment)
        while True:
            found = await self._connection.execute(_RECORDS, {"moment": at, "after": after, "page": PAGE})
            rows = cast("list[KeptRecord]", found.all())  # their columns have the same names
            if rows:
                yield rows
                after, at = rows[-1].id, rows[-1].decided_at
            if len(rows) < PAGE:
                return

    async def counts_since(self, moment: datetime, policy: str) -> Mapping[tuple[str, str | None], int]:
        """Return how many decisions of a policy came to what, by decision and outcome."""
        query = (
            select(decisions.c.decision, decisions.c.outcome, func.count().label("count"))
            .where(decisions.c.decided_at >= moment, decisions.c.policy == policy)
            .group_by(decisions.c.decision, decisions.c.outcome)
        )
        return {(row.decision, row.outcome): row.count for row in await self._connection.execute(query)}

    async def countries_between(self, begin: datetime, end: datetime) -> Mapping[tuple[str | None, str], int]:
        """Return how many sign-ins in a time came to what, by country and decision."""
        query = (
            select(decisions.c.country, decisions.c.decision, func.count().label("count"))
            .where(decisions.c.event == "login", decisions.c.decided_at >= begin, decisions.c.decided_at < end)
            .group_by(decisions.c.country, decisions.c.decision)
        )
        return {(row.country, row.decision): row.count for row in await self._connection.execute(query)}

    async def refused_between(self, begin: datetime, end: datetime, *, policy: str, refusal: str) -> int:
        """Return how many people a policy refused for this reason from `begin` to `end`, both included."""
        query = select(func.count(decisions.c.user_id.distinct())).where(
            decisions.c.policy == policy, decisions.c.decided_at >= begin, decisions.c.decided_at <= end,
            decisions.c.decision == "deny", decisions.c.refusal == refusal,
        )  # fmt: skip
        count: int = (await self._connection.execute(query)).scalar_one()
        return count

    async def people_between(self, begin: datetime, end: datetime, *, policy: str, most: int) -> int:
        """Return how many people a policy decided about from `begin` to `end`; counting ends at `most`."""
        people = (
            select(decisions.c.user_id)
            .where(decisions.c.policy == policy, decisions.c.decided_at >= begin, decisions.c.decided_at <= end)
            .distinct()
            .limit(most)
            .subquery()
        )
        count: int = (await self._connection.execute(select(func.count()).select_from(people))).scalar_one()
        return count


def _decision(row: AnyRow) -> StoredDecision:
    values: dict[str, Any] = {name: getattr(row, name) for name in StoredDecision.__slots__}
    return StoredDecision(**values)
