"""Sends what the outbox holds: after commit only, at least once, with back-off, by whichever worker is free.

A worker has ten messages on their way at most. One that hangs holds its own place only, and no longer than fifteen
seconds; the lease is longer, so that nobody else sends what is still on its way.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from idp.clock import Clock
from idp.domain.message import Channel
from idp.domain.secret import Digest
from idp.metrics import MESSAGES
from idp.providers.mail.port import MessageDelayed, MessageRejected, MessageSender
from idp.storage.outbox import Claimed
from idp.storage.stores import Stores, Transactions

SEND_SECONDS = 15.0
LEASE = timedelta(seconds=30)
PLACES = 10
LOOK_SECONDS = 0.5  # how soon a free place is filled while another message is on its way
DRAIN_SECONDS = 5.0
MAX_TRIES = 10
DAY = timedelta(days=1)
log = structlog.get_logger("outbox")


def backoff(tries: int) -> timedelta:
    """Return the pause after that many failed tries: 5 s doubling to an hour."""
    return min(timedelta(seconds=5) * (1 << min(tries - 1, 12)), timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class DailyCap:
    """How many SMS may leave in a day; `subject` is what they are counted under."""

    subject: Digest
    most: int


class _OverCap(Exception):
    """What a day may cost is spent."""


class OutboxWorker:
    """Empties the outbox."""

    def __init__(
        self,
        transactions: Transactions,
        senders: Mapping[Channel, MessageSender],
        clock: Clock,
        *,
        sms_cap: DailyCap | None = None,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        """Send each channel's messages by its sender; a channel without one keeps its messages until they expire."""
        self._transactions = transactions
        self._senders = senders
        self._clock = clock
        self._sms_cap = sms_cap
        self._send_seconds = send_seconds

    async def deliver(self) -> int:
        """Send what is due until nothing is; return how many messages were taken."""
        taken = 0
        on_their_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                for claimed in await self._claim(PLACES - len(on_their_way)):
                    on_their_way.add(asyncio.create_task(self._deliver_one(claimed)))
                    taken += 1
                if not on_their_way:
                    return taken
                done, on_their_way = await asyncio.wait(
                    on_their_way, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                await asyncio.gather(*done)
        finally:
            await _finish(on_their_way)

    async def _claim(self, places: int) -> list[Claimed]:
        if not places:
            return []
        async with self._transactions.open(write=True) as stores:
            return list(await stores.outbox.claim(self._clock.now(), lease=LEASE, limit=places))

    async def _deliver_one(self, claimed: Claimed) -> None:
        message = claimed.message
        outcome, reason = await self._send(claimed)
        now = self._clock.now()
        due_at = now + backoff(claimed.tries)
        if outcome in ("postponed", "capped") and due_at >= claimed.expires_at:
            outcome = "expired"  # it would be due when nobody wants it any more

        async def note(stores: Stores) -> None:
            match outcome:
                case "sent":
                    await stores.outbox.sent(message.id, now)
                case "postponed" | "capped":
                    await stores.outbox.postpone(message.id, due_at)
                case _:
                    await stores.outbox.fail(message.id, now)

        MESSAGES.labels(message.channel.value, outcome).inc()
        write = log.info if outcome == "sent" else log.warning
        write("message", outcome=outcome, reason=reason, channel=message.channel.value, message_id=message.id,
              tries=claimed.tries)  # fmt: skip
        await self._transactions.run(note, write=True)

    async def _send(self, claimed: Claimed) -> tuple[str, str | None]:
        """Return what became of the message, and why."""
        message, sender = claimed.message, self._senders.get(claimed.message.channel)
        if sender is None:
            return "postponed", "no sender is configured for this channel"
        try:
            await self._spend(message.channel)
            if self._clock.now() >= claimed.expires_at:
                return "expired", None
            async with asyncio.timeout(self._send_seconds):
                await sender.send(message)
        except _OverCap:
            return "capped", "IDP_SMS_PER_DAY is reached"
        except MessageRejected as error:
            return "failed", str(error)
        except (MessageDelayed, TimeoutError) as error:
            return _again(claimed), str(error) or "timeout"
        except Exception as error:  # noqa: BLE001 - a message that no sender foresaw must not stop all others
            return _again(claimed), type(error).__name__  # its words may hold a recipient
        return "sent", None

    async def _spend(self, channel: Channel) -> None:
        """Count an SMS before it leaves; a try that fails may have cost something too."""
        if channel is not Channel.SMS or self._sms_cap is None:
            return
        async with self._transactions.open(write=True) as stores:
            count = await stores.attempts.add_in_window(self._sms_cap.subject, self._clock.now(), window=DAY)
        if count > self._sms_cap.most:
            raise _OverCap


def _again(claimed: Claimed) -> str:
    return "postponed" if claimed.tries < MAX_TRIES else "failed"


async def _finish(on_their_way: set[asyncio.Task[None]]) -> None:
    """Let go of what is on its way: with some patience, since what was sent and not noted is sent twice."""
    if not on_their_way:
        return
    _, late = await asyncio.wait(on_their_way, timeout=DRAIN_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*on_their_way, return_exceptions=True)
