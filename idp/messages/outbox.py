"""Sends what the outbox holds: after commit only, at least once, with back-off, by whichever worker is free."""

from collections.abc import Mapping
from datetime import timedelta

import structlog

from idp.clock import Clock
from idp.domain.message import Channel
from idp.providers.mail.port import MessageDelayed, MessageRejected, MessageSender
from idp.storage.outbox import Claimed
from idp.storage.stores import Transactions

LEASE = timedelta(seconds=30)
BATCH = 20
MAX_TRIES = 10
log = structlog.get_logger("outbox")


def backoff(tries: int) -> timedelta:
    """Return the pause after that many failed tries: 5 s doubling to an hour."""
    return min(timedelta(seconds=5) * (1 << min(tries - 1, 12)), timedelta(hours=1))


class OutboxWorker:
    """Empties the outbox."""

    def __init__(self, transactions: Transactions, senders: Mapping[Channel, MessageSender], clock: Clock) -> None:
        """Send each channel's messages by its sender; a channel without one keeps its messages until they expire."""
        self._transactions = transactions
        self._senders = senders
        self._clock = clock

    async def deliver(self) -> int:
        """Send what is due; return how many messages were taken."""
        async with self._transactions.open(write=True) as stores:
            claimed = await stores.outbox.claim(self._clock.now(), lease=LEASE, limit=BATCH)
        for each in claimed:
            await self._send(each)
        return len(claimed)

    async def _send(self, claimed: Claimed) -> None:
        message = claimed.message
        sender = self._senders.get(message.channel)
        outcome = "sent"
        try:
            if sender is None:
                raise MessageDelayed("no sender is configured for this channel")
            await sender.send(message)
        except MessageRejected:
            outcome = "failed"
        except MessageDelayed:
            outcome = "postponed" if claimed.tries < MAX_TRIES else "failed"
        now = self._clock.now()
        async with self._transactions.open(write=True) as stores:
            match outcome:
                case "sent":
                    await stores.outbox.sent(message.id, now)
                case "failed":
                    await stores.outbox.fail(message.id, now)
                case _:
                    await stores.outbox.postpone(message.id, now + backoff(claimed.tries))
        log.info("message", outcome=outcome, channel=message.channel.value, message_id=message.id, tries=claimed.tries)
