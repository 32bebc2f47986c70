"""The outbox sends everything once, holds nothing up, and knows when it is too late."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from idp.domain.message import Channel, Message
from idp.messages.outbox import LEASE, MAX_TRIES, PLACES, SEND_SECONDS, DailyCap, OutboxWorker, backoff
from idp.metrics import MESSAGES
from idp.providers.mail.port import MessageDelayed, MessageRejected
from idp.storage.stores import Transactions
from tests.support.builders import DAY, MINUTE, NOW, TICK, digest, message
from tests.support.storage import rows

HOUR = 60 * MINUTE


@dataclass
class Hand:
    """A clock that stands still until it is moved."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


@dataclass
class Scripted:
    """A sender that does with each message what it is told to, and counts."""

    sent: list[str] = field(default_factory=list)
    tried: Counter[str] = field(default_factory=Counter)
    script: Callable[[Message], Awaitable[None]] | None = None

    async def send(self, message: Message) -> None:
        self.tried[message.id] += 1
        if self.script is not None:
            await self.script(message)
        self.sent.append(message.id)


@dataclass
class Post:
    """An outbox, its worker, the clock and the sender."""

    transactions: Transactions
    clock: Hand = field(default_factory=Hand)
    sender: Scripted = field(default_factory=Scripted)
    cap: DailyCap | None = None
    seconds: float = 5.0

    @property
    def worker(self) -> OutboxWorker:
        senders = {Channel.MAIL: self.sender, Channel.SMS: self.sender}
        return OutboxWorker(self.transactions, senders, self.clock, sms_cap=self.cap, send_seconds=self.seconds)

    async def write(self, *messages: Message, life: timedelta = DAY) -> None:
        async with self.transactions.open(write=True) as stores:
            for each in messages:
                await stores.outbox.add(each, expires_at=each.created_at + life)

    async def deliver_at(self, moment: datetime) -> int:
        self.clock.time = moment
        return await self.worker.deliver()

    async def state(self, message: Message) -> str:
        (row,) = [row for row in await rows(self.transactions.database, "outbox") if row["id"] == message.id]
        return "sent" if row["sent_at"] is not None else "failed" if row["failed_at"] is not None else "waiting"


@pytest.fixture
def post(transactions: Transactions) -> Post:
    return Post(transactions)


def always(error: Exception) -> Callable[[Message], Awaitable[None]]:
    async def script(_message: Message) -> None:
        raise error

    return script


def sms(**changes: object) -> Message:
    return message(channel=Channel.SMS, to="+4930123456", subject=None, html=None, **changes)


def test_a_lease_outlasts_a_send() -> None:
    """Otherwise a second worker sends what the first is still sending."""
    assert timedelta(seconds=SEND_SECONDS) * 1.5 < LEASE


async def test_everything_that_is_due_is_sent_once(post: Post) -> None:
    messages = [message() for _ in range(3 * PLACES)]
    await post.write(*messages)

    assert await post.worker.deliver() == 3 * PLACES
    assert await post.worker.deliver() == 0
    assert sorted(post.sender.sent) == sorted(each.id for each in messages)


async def test_one_hanging_message_holds_up_no_other(post: Post) -> None:
    hanging = message(created_at=NOW - MINUTE)
    others = [message() for _ in range(3 * PLACES)]
    over = asyncio.Event()

    async def script(each: Message) -> None:
        if each.id == hanging.id:
            await over.wait()

    post.sender.script = script
    await post.write(hanging, *others)
    delivering = asyncio.create_task(post.worker.deliver())
    async with asyncio.timeout(10):
        while len(post.sender.sent) < len(others):
            await asyncio.sleep(0.01)

    assert not delivering.done()
    over.set()
    await delivering
    assert await post.state(hanging) == "sent"


async def test_a_message_written_meanwhile_does_not_wait_for_one_that_hangs(post: Post) -> None:
    hanging, late = message(), message()
    over = asyncio.Event()

    async def script(each: Message) -> None:
        if each.id == hanging.id:
            await over.wait()

    post.sender.script = script
    await post.write(hanging)
    delivering = asyncio.create_task(post.worker.deliver())
    async with asyncio.timeout(10):
        while not post.sender.tried:
            await asyncio.sleep(0.01)
        await post.write(late)
        while late.id not in post.sender.sent:
            await asyncio.sleep(0.01)

    over.set()
    assert await delivering == 2


async def test_no_more_than_a_few_are_on_their_way_at_once(post: Post) -> None:
    now, most = 0, 0

    async def script(_message: Message) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1

    post.sender.script = script
    await post.write(*(message() for _ in range(4 * PLACES)))

    await post.worker.deliver()

    assert 1 < most <= PLACES


async def test_a_send_that_takes_too_long_is_tried_again(post: Post) -> None:
    async def script(_message: Message) -> None:
        await asyncio.Event().wait()

    post.seconds, post.sender.script = 0.05, script
    late = message()
    await post.write(late)

    await post.worker.deliver()
    post.sender.script = None

    assert await post.deliver_at(NOW + backoff(1) - TICK) == 0
    assert await post.deliver_at(NOW + backoff(1)) == 1
    assert post.sender.sent == [late.id]


async def test_a_rejected_message_is_never_tried_again(post: Post) -> None:
    bad = message()
    post.sender.script = always(MessageRejected("no such mailbox"))
    await post.write(bad)

    await post.worker.deliver()

    assert await post.state(bad) == "failed"
    assert await post.deliver_at(NOW + HOUR) == 0


async def test_a_delayed_message_is_tried_ten_times_at_growing_intervals(post: Post) -> None:
    late = message()
    post.sender.script = always(MessageDelayed("later"))
    await post.write(late, life=30 * DAY)

    for number in range(2 * MAX_TRIES):
        await post.deliver_at(NOW + number * HOUR)

    assert post.sender.tried[late.id] == MAX_TRIES
    assert await post.state(late) == "failed"


@pytest.mark.parametrize("error", [ValueError("person@example.com"), KeyError("x"), RuntimeError("bug")])
async def test_a_message_that_breaks_its_sender_stops_no_other(post: Post, error: Exception) -> None:
    bad, good = message(), message()

    async def script(each: Message) -> None:
        if each.id == bad.id:
            raise error

    post.sender.script = script
    await post.write(bad, good)

    with capture_logs() as lines:
        await post.worker.deliver()

    assert post.sender.sent == [good.id]
    assert await post.state(bad) == "waiting"
    assert "person" not in str(lines)


async def test_what_expires_before_its_next_try_is_given_up(post: Post) -> None:
    """A code that will be dead by then helps nobody."""
    code = message()
    post.sender.script = always(MessageDelayed("later"))
    await post.write(code, life=backoff(1))

    await post.worker.deliver()

    assert await post.state(code) == "failed"


async def test_what_expired_after_it_was_claimed_does_not_leave(post: Post) -> None:
    """The worker may have been asleep in between, with its machine."""
    code = message()
    await post.write(code, life=MINUTE)

    class Jumping(Hand):
        def now(self) -> datetime:
            self.time, before = NOW + HOUR, self.time
            return before

    post.clock = Jumping()
    await post.worker.deliver()

    assert post.sender.sent == []
    assert await post.state(code) == "failed"


async def test_a_cancelled_message_does_not_leave(post: Post) -> None:
    cancelled = message()
    await post.write(cancelled)
    async with post.transactions.open(write=True) as stores:
        await stores.outbox.cancel(cancelled.id, NOW)

    assert await post.worker.deliver() == 0


async def test_a_worker_that_is_stopped_notes_what_it_has_sent(post: Post) -> None:
    """What was sent and not noted would be sent again."""
    mail, sending = message(), asyncio.Event()

    async def script(_message: Message) -> None:
        sending.set()
        await asyncio.sleep(0.1)

    post.sender.script = script
    await post.write(mail)
    delivering = asyncio.create_task(post.worker.deliver())
    await sending.wait()

    delivering.cancel()

    with pytest.raises(asyncio.CancelledError):
        await delivering
    assert await post.state(mail) == "sent"


async def test_no_more_sms_leave_in_a_day_than_may_be_paid_for(post: Post) -> None:
    post.cap = DailyCap(digest(), 3)
    texts, mail = [sms() for _ in range(5)], message()
    await post.write(*texts, mail, life=3 * DAY)

    with capture_logs() as lines:
        await post.worker.deliver()

    capped = [line for line in lines if line["outcome"] == "capped"]
    assert len(post.sender.sent) == 4
    assert mail.id in post.sender.sent
    assert [line["log_level"] for line in capped] == ["warning"] * 2


async def test_sms_over_the_cap_wait_for_the_next_day_however_often_they_were_looked_at(post: Post) -> None:
    post.cap = DailyCap(digest(), 1)
    first, second = sms(created_at=NOW - TICK), sms()
    await post.write(first, second, life=3 * DAY)
    for number in range(23):
        await post.deliver_at(NOW + number * HOUR)
    assert post.sender.sent == [first.id]

    await post.deliver_at(NOW + 25 * HOUR)

    assert post.sender.sent == [first.id, second.id]


async def test_what_becomes_of_messages_is_counted(post: Post) -> None:
    counters = {outcome: MESSAGES.labels("sms", outcome) for outcome in ("sent", "failed", "postponed")}
    before = {outcome: counter._value.get() for outcome, counter in counters.items()}
    for error in (None, MessageRejected(""), MessageDelayed("")):
        post.sender.script = error and always(error)
        await post.write(sms())
        await post.worker.deliver()

    assert {outcome: counter._value.get() - before[outcome] for outcome, counter in counters.items()} == {
        "sent": 1,
        "failed": 1,
        "postponed": 1,
    }


async def test_a_channel_without_a_sender_keeps_its_messages(post: Post) -> None:
    waiting = sms()
    await post.write(waiting)

    await OutboxWorker(post.transactions, {Channel.MAIL: post.sender}, post.clock).deliver()

    assert await post.state(waiting) == "waiting"
