"""Streams of security events, kept by the clients that receive them – OpenID SSF 1.0 §8, RFC 8936 for those who poll.

A client has one stream. Paused, it holds what happens; disabled by its receiver, what happens meanwhile is not told.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from idp.clock import Clock
from idp.domain.client import Client
from idp.domain.event import Actor, ActorKind, Event, EventKind, Target
from idp.domain.json import Json, JsonObject
from idp.domain.secret import make_id
from idp.flows.webhook_signals import StreamSignals, written
from idp.flows.webhook_stream_members import (
    LONGEST_STATE,
    Refusal,
    StreamRefused,
    described,
    read_members,
    read_poll,
    read_subject,
    status_of,
    text_of,
)  # fmt: skip
from idp.oauth.context import Engine
from idp.oauth.extensions import ssf
from idp.providers.fetch.port import FetchRejected, Post
from idp.storage.columns import to_micros
from idp.storage.event_links import BadHead
from idp.storage.faults import DuplicateKey
from idp.storage.stores import Stores, Transactions
from idp.storage.webhook_deliveries import Delivery, DeliveryState
from idp.storage.webhooks import Form, HookState, Webhook

VERIFICATION_EVERY = timedelta(minutes=1)
Change = Callable[[Webhook], Webhook]


class Streams:
    """What a receiver does with its stream; the client is the one whose access token came."""

    def __init__(
        self, transactions: Transactions, engine: Engine, clock: Clock, post: Post, signals: StreamSignals
    ) -> None:
        """Keep what streams are kept with."""
        self._transactions = transactions
        self._engine = engine
        self._clock = clock
        self._post = post
        self._signals = signals

    @asynccontextmanager
    async def _open(self, client: Client, *, write: bool = True) -> AsyncIterator[Stores]:
        transactions = self._transactions.acting(Actor(ActorKind.CLIENT, client.id))
        async with transactions.open(write=write) as stores:
            yield stores

    async def create(self, client: Client, given: JsonObject) -> JsonObject:
        """Begin the client's stream, from now on; raise StreamRefused, for a second one with CONFLICT."""
        now = self._clock.now()
        blank = Webhook(
            id=make_id(), form=Form.POLL, name="stream", url="", kinds=(), secrets=(),
            maker=(ActorKind.CLIENT.value, client.id), cursor=0, created_at=now, changed_at=now, client_id=client.id,
        )  # fmt: skip
        hook = self._checked(read_members(blank, given, issuer=self._engine.issuer, is_whole=True))
        try:
            async with self._open(client) as stores:
                hook = replace(hook, cursor=await _end_of_trail(stores))
                await stores.webhooks.add(hook)
                await stores.webhook_subjects.begin(hook.id, client.id)
                await self._record(stores, hook, "created")
        except DuplicateKey:
            raise StreamRefused(Refusal.CONFLICT, "the client has a stream already") from None
        return described(hook, self._engine.issuer)

    async def list(self, client: Client) -> list[JsonObject]:
        """Return the client's streams: one or none."""
        async with self._open(client, write=False) as stores:
            hook = await stores.webhooks.of_client(client.id)
        return [] if hook is None else [described(hook, self._engine.issuer)]

    async def read(self, client: Client, stream_id: str | None) -> JsonObject:
        """Return a stream; raise StreamRefused for one that is not the client's."""
        return described(await self._found(client, stream_id), self._engine.issuer)

    async def update(self, client: Client, given: JsonObject, *, is_whole: bool) -> JsonObject:
        """Change what is given, or replace all that a receiver decides."""
        issuer = self._engine.issuer

        def change(hook: Webhook) -> Webhook:
            return self._checked(read_members(hook, given, issuer=issuer, is_whole=is_whole))

        return described(await self._changed(client, text_of(given, "stream_id"), change, "updated"), issuer)

    async def remove(self, client: Client, stream_id: str | None) -> None:
        """End a stream and all that it is owed."""
        async with self._locked(client, stream_id) as (stores, hook):
            await stores.webhooks.delete(hook.id)
            await self._record(stores, hook, "deleted")

    async def status(self, client: Client, stream_id: str | None) -> JsonObject:
        """Return whether a stream flows."""
        return status_of(await self._found(client, stream_id))

    async def set_status(self, client: Client, given: JsonObject) -> JsonObject:
        """Let a stream flow, wait, or tell nothing."""
        wanted = text_of(given, "status")
        if wanted not in ("enabled", "paused", "disabled"):
            raise StreamRefused(Refusal.INVALID, "status is enabled, paused or disabled")
        async with self._locked(client, text_of(given, "stream_id")) as (stores, hook):
            was_disabled = bool(hook.stream.get("disabled"))
            if wanted == "disabled" or (was_disabled and wanted == "paused"):
                await stores.webhook_deliveries.give_up(hook.id, self._clock.now(), "the stream was disabled")
            if was_disabled:
                hook = replace(hook, cursor=max(hook.cursor, await _end_of_trail(stores)))
            hook = replace(
                hook, state=HookState.ACTIVE if wanted == "enabled" else HookState.PAUSED, why=None,
                failing_since=None, failures=0, stream={**hook.stream, "disabled": wanted == "disabled"},
                changed_at=self._clock.now(),
            )  # fmt: skip
            await stores.webhooks.save(hook)
            if wanted == "enabled":
                await stores.webhook_deliveries.make_due(hook.id, self._clock.now(), anew=True)
                await stores.webhooks.wake(hook.id, self._clock.now())
            await self._record(stores, hook, wanted)
        return status_of(hook)

    async def subject(self, client: Client, given: JsonObject, *, is_wanted: bool) -> None:
        """Let a stream tell of a person or not; whom the client never met is as unknown as who does not exist."""
        subject = read_subject(given.get("subject"), self._engine.issuer)
        async with self._locked(client, text_of(given, "stream_id")) as (stores, hook):
            user_id = await self._engine.subjects.person(stores, client, subject)
            if user_id is None or not await stores.webhook_subjects.want(hook.id, user_id, is_wanted=is_wanted):
                raise StreamRefused(Refusal.NOT_FOUND, "there is no such subject")

    async def verify(self, client: Client, given: JsonObject) -> None:
        """Send a token by which the receiver sees that its stream works; once a minute."""
        state, now = given.get("state"), self._clock.now()
        if state is not None and not (isinstance(state, str) and len(state) <= LONGEST_STATE):
            raise StreamRefused(Refusal.INVALID, "state is a short string")
        async with self._locked(client, text_of(given, "stream_id")) as (stores, hook):
            last = hook.stream.get("verified_at")
            if isinstance(last, int) and to_micros(now - VERIFICATION_EVERY) < last:
                raise StreamRefused(Refusal.TOO_MANY, "a stream is verified once a minute")
            claims = ssf.verification(self._engine.issuer, client.id, hook.id, state, now)
            sent = Delivery(make_id(), hook.id, None, ssf.VERIFICATION, written(claims), created_at=now, due_at=now)
            await stores.webhook_deliveries.add(sent)
            await stores.webhooks.save(replace(hook, stream={**hook.stream, "verified_at": to_micros(now)}))
            await stores.webhooks.wake(hook.id, now)

    async def poll(self, client: Client, stream_id: str, given: JsonObject) -> JsonObject:
        """Note what the receiver has, and return what it has not (RFC 8936 §2); raise NoSigningKey."""
        wanted, now = read_poll(given), self._clock.now()
        await self._signals.prepare()
        async with self._locked(client, stream_id) as (stores, hook):
            if hook.form is not Form.POLL:
                raise StreamRefused(Refusal.INVALID, "this stream is pushed")
            for jti in wanted.taken:
                await stores.webhook_deliveries.take(hook.id, jti, now)
            for jti, reason in wanted.refused:
                await self._refused(stores, hook, jti, reason, now)
            is_open = hook.state is HookState.ACTIVE
            waiting = await stores.webhook_deliveries.oldest(hook.id, limit=wanted.most + 1) if is_open else ()
        sets: dict[str, Json] = {}
        for each in waiting[: wanted.most]:
            sets[each.id] = self._signals.token(each)
            await asyncio.sleep(0)  # a hundred signatures are too many for others to wait for
        return {"sets": sets, "moreAvailable": len(waiting) > wanted.most}

    async def _refused(self, stores: Stores, hook: Webhook, jti: str, reason: str, now: datetime) -> None:
        """Give a token up that its receiver could not read; another stream's is left alone."""
        found = await stores.webhook_deliveries.find(hook.id, jti)
        if found is not None and found.state is DeliveryState.WAITING:
            await stores.webhook_deliveries.fail(jti, now, status=None, reason=reason)

    async def _found(self, client: Client, stream_id: str | None) -> Webhook:
        async with self._open(client, write=False) as stores:
            return _own(await stores.webhooks.of_client(client.id), stream_id)

    @asynccontextmanager
    async def _locked(self, client: Client, stream_id: str | None) -> AsyncIterator[tuple[Stores, Webhook]]:
        async with self._open(client) as stores:
            hook = _own(await stores.webhooks.of_client(client.id), stream_id)
            yield stores, _own(await stores.webhooks.lock(hook.id), stream_id)

    async def _changed(self, client: Client, stream_id: str | None, change: Change, named: str) -> Webhook:
        async with self._locked(client, stream_id) as (stores, hook):
            after = replace(change(hook), changed_at=self._clock.now())
            await stores.webhooks.save(after)
            await stores.webhooks.wake(hook.id, self._clock.now())
            await self._record(stores, hook, named)
        return after

    def _checked(self, hook: Webhook) -> Webhook:
        if hook.form is Form.PUSH:
            try:
                self._post.check(hook.url)
            except FetchRejected as error:
                raise StreamRefused(Refusal.INVALID, f"endpoint_url: {error}") from None
        return hook

    async def _record(self, stores: Stores, hook: Webhook, change: str) -> None:
        detail: Mapping[str, str] = {"change": change, "form": hook.form.value}
        event = Event(
            EventKind.WEBHOOK_CHANGED, client_id=hook.client_id, detail=detail, target=Target("stream", hook.id)
        )  # fmt: skip
        await stores.events.add(event, self._clock.now())


def _own(hook: Webhook | None, stream_id: str | None) -> Webhook:
    if hook is None or hook.id != stream_id:
        raise StreamRefused(Refusal.NOT_FOUND, "there is no such stream")
    return hook


async def _end_of_trail(stores: Stores) -> int:
    try:
        head = await stores.event_links.head()
    except BadHead:
        return 0
    return 0 if head is None else head.seq
