"""Who is told of events: subscriptions with their place in the numbered trail, their secrets, and who works at them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    insert,
    literal_column,
    or_,
    select,
    update,
)  # fmt: skip

from idp.domain.json import JsonObject
from idp.domain.secret import Sealer
from idp.storage.columns import AnyRow, JsonText, UtcTime, Words, is_key, metadata, open_json, seal_json
from idp.storage.database import Prepared, Transaction

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("form", String(8), nullable=False),
    Column("client_id", String(128), ForeignKey("clients.id", ondelete="CASCADE"), unique=True),  # of a stream
    Column("name", String(100), nullable=False),
    Column("kinds", Words, nullable=False),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("wants_address", Boolean, nullable=False),
    Column("state", String(8), nullable=False),
    Column("why", String(200)),
    Column("cursor", BigInteger, nullable=False),  # the last number of the trail that was looked at
    Column("missed", BigInteger, nullable=False),  # how many numbers retention removed before that
    Column("maker_kind", String(16), nullable=False),
    Column("maker_id", String(128)),
    Column("stream", JsonText),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("old_secret_ends_at", UtcTime),
    Column("due_at", UtcTime),  # when there is something to deliver, as far as is known
    Column("lease", String(32)),
    Column("leased_until", UtcTime),
    Column("failing_since", UtcTime),
    Column("failures", Integer, nullable=False),
    Index("ix_webhooks_due_at", "due_at"),
)


class Form(StrEnum):
    """What is delivered how: an event by webhook, or security event tokens of a stream, pushed or polled."""

    WEBHOOK = "webhook"
    PUSH = "push"
    POLL = "poll"


class HookState(StrEnum):
    """Whether events are delivered: they are; not for now, since somebody said so; not, since nobody took them."""

    ACTIVE = "active"
    PAUSED = "paused"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription; `secrets` sign, the newest first, and the second one only until `old_secret_ends_at`."""

    id: str
    form: Form
    name: str
    url: str
    kinds: tuple[str, ...]
    secrets: tuple[str, ...]
    maker: tuple[str, str | None]
    cursor: int
    created_at: datetime
    changed_at: datetime
    wants_address: bool = False
    state: HookState = HookState.ACTIVE
    why: str | None = None
    missed: int = 0
    client_id: str | None = None
    authorization: str | None = None  # what a receiver of pushed tokens wants to see
    stream: JsonObject = field(default_factory=dict)
    old_secret_ends_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0

    def signing(self, now: datetime) -> tuple[str, ...]:
        """Return the secrets that sign now."""
        is_rotating = self.old_secret_ends_at is not None and now < self.old_secret_ends_at
        return self.secrets[:2] if is_rotating else self.secrets[:1]


class WebhookStore:
    """Subscriptions of one transaction."""

    def __init__(self, connection: Transaction, sealer: Sealer) -> None:
        """Work inside the connection's transaction."""
        self._connection = connection
        self._sealer = sealer

    async def add(self, hook: Webhook) -> None:
        """Store a new subscription; raise DuplicateKey if its client has a stream already."""
        await self._connection.execute(insert(webhooks).values(id=hook.id, **self._values(hook)))

    async def save(self, hook: Webhook) -> None:
        """Store what changed of a subscription; to be done under its `lock`."""
        await self._connection.execute(update(webhooks).where(webhooks.c.id == hook.id).values(**self._values(hook)))

    async def list(self, *forms: Form) -> Sequence[Webhook]:
        """Return all subscriptions of these forms, the oldest first."""
        query = select(webhooks).where(or_(*(webhooks.c.form == each.value for each in forms)))
        rows = await self._connection.execute(query.order_by(webhooks.c.created_at, webhooks.c.id))
        return [self._read(row) for row in rows]

    async def find(self, hook_id: str) -> Webhook | None:
        """Return a subscription."""
        if not is_key(hook_id):
            return None
        row = (await self._connection.execute(select(webhooks).where(webhooks.c.id == hook_id))).first()
        return self._read(row) if row else None

    async def of_client(self, client_id: str) -> Webhook | None:
        """Return a client's stream."""
        row = (await self._connection.execute(select(webhooks).where(webhooks.c.client_id == client_id))).first()
        return self._read(row) if row else None

    async def lock(self, hook_id: str) -> Webhook | None:
        """Return a subscription that nobody else changes before we commit."""
        if not is_key(hook_id):
            return None
        row = (await self._connection.execute(_LOCKED, {"id": hook_id})).first()
        return self._read(row) if row else None

    async def delete(self, hook_id: str) -> bool:
        """Remove a subscription and what it was still owed; False if there is none."""
        done = await self._connection.execute(delete(webhooks).where(webhooks.c.id == hook_id).returning(webhooks.c.id))
        return done.first() is not None

    async def behind(self, seq: int) -> Sequence[str]:
        """Return the ids of active subscriptions that have not looked at the trail up to this number."""
        return (await self._connection.execute(_BEHIND, {"seq": seq})).scalars()

    async def any_due(self, now: datetime) -> bool:
        """Say whether a subscription has something to deliver and nobody at work."""
        return (await self._connection.execute(_DUE, {"now": now})).first() is not None

    async def claim(self, now: datetime, *, lease: str, until: datetime, limit: int) -> Sequence[str]:
        """Take subscriptions that have something to deliver, for one worker until then; return their ids."""
        due = (
            select(webhooks.c.id)
            .where(*_is_due(now))
            .order_by(webhooks.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        rows = await self._connection.execute(
            update(webhooks)
            .where(webhooks.c.id.in_(select(due.c.id)))
            .values(lease=lease, leased_until=until)
            .returning(webhooks.c.id)
        )
        return rows.scalars()

    async def hold(self, hook_id: str, *, lease: str, until: datetime) -> Webhook | None:
        """Keep a claimed subscription until then, and lock it; None if another worker has it by now."""
        done = await self._connection.execute(
            update(webhooks)
            .where(webhooks.c.id == hook_id, webhooks.c.lease == lease)
            .values(leased_until=until)
            .returning(*webhooks.c)
        )
        row = done.first()
        return self._read(row) if row else None

    async def release(self, hook_id: str, *, due_at: datetime | None) -> None:
        """Let go of a subscription that this transaction holds, until there is something to deliver."""
        values = {"lease": None, "leased_until": None, "due_at": due_at}
        await self._connection.execute(update(webhooks).where(webhooks.c.id == hook_id).values(**values))

    async def wake(self, hook_id: str, now: datetime) -> None:
        """Let whoever is free deliver, now."""
        await self._connection.execute(update(webhooks).where(webhooks.c.id == hook_id).values(due_at=now))

    def _values(self, hook: Webhook) -> dict[str, Any]:
        content = {"url": hook.url, "secrets": list(hook.secrets), "authorization": hook.authorization}
        return {
            "form": hook.form.value, "client_id": hook.client_id, "name": hook.name, "kinds": hook.kinds,
            "sealed_content": seal_json(self._sealer, content, table="webhooks", column="content", row=hook.id),
            "wants_address": hook.wants_address, "state": hook.state.value, "why": hook.why and hook.why[:200],
            "cursor": hook.cursor, "missed": hook.missed, "maker_kind": hook.maker[0], "maker_id": hook.maker[1],
            "stream": hook.stream, "created_at": hook.created_at, "changed_at": hook.changed_at,
            "old_secret_ends_at": hook.old_secret_ends_at, "failing_since": hook.failing_since,
            "failures": hook.failures,
        }  # fmt: skip

    def _read(self, row: AnyRow) -> Webhook:
        sealed = open_json(self._sealer, row.sealed_content, table="webhooks", column="content", row=row.id)
        content = cast(dict[str, Any], sealed)
        return Webhook(
            id=row.id, form=Form(row.form), name=row.name, url=content["url"], kinds=row.kinds,
            secrets=tuple(content["secrets"]), maker=(row.maker_kind, row.maker_id), cursor=row.cursor,
            created_at=row.created_at, changed_at=row.changed_at, wants_address=bool(row.wants_address),
            state=HookState(row.state), why=row.why, missed=row.missed, client_id=row.client_id,
            authorization=content["authorization"], stream=cast(JsonObject, row.stream or {}),
            old_secret_ends_at=row.old_secret_ends_at, failing_since=row.failing_since, failures=row.failures,
        )  # fmt: skip


def _is_due(now: Any) -> tuple[Any, ...]:
    table = webhooks.c
    is_free = or_(table.leased_until.is_(None), table.leased_until <= now)
    return table.state == HookState.ACTIVE.value, table.form != Form.POLL.value, table.due_at <= now, is_free


_LOCKED = Prepared(select(webhooks).where(webhooks.c.id == bindparam("id")).with_for_update())
_BEHIND = Prepared(
    select(webhooks.c.id)
    .where(webhooks.c.state == HookState.ACTIVE.value, webhooks.c.cursor < bindparam("seq", type_=BigInteger))
    .order_by(webhooks.c.id)
)
_DUE = Prepared(select(webhooks.c.id).where(*_is_due(bindparam("now", type_=UtcTime))).limit(literal_column("1")))
