"""Messages leave after commit, once, as long as somebody still wants them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from idp.domain.message import Channel, Message
from idp.domain.secret import Digest
from idp.storage.database import Database
from idp.storage.outbox import Claimed
from idp.storage.stores import Stores, Transactions
from tests.support.builders import DAY, MINUTE, NOW, TICK, message
from tests.support.storage import count

LEASE = MINUTE
SMS = message(channel=Channel.SMS, to="+4930123456", subject=None, html=None, text="123 456 é\n")


async def written(stores: Stores, *messages: Message, expires_in: timedelta = DAY) -> None:
    for each in messages:
        await stores.outbox.add(each, expires_at=each.created_at + expires_in)


async def claim(stores: Stores, now: object = NOW, limit: int = 10) -> list[Claimed]:
    return list(await stores.outbox.claim(now, lease=LEASE, limit=limit))  # type: ignore[arg-type]


def taken(original: Message, *, tries: int) -> Claimed:
    return Claimed(original, tries, expires_at=original.created_at + DAY)


@pytest.mark.parametrize("original", [message(), SMS, replace(SMS, code="123456")])
async def test_a_message_is_claimed_as_it_was_written(stores: Stores, original: Message) -> None:
    await written(stores, original)

    assert await claim(stores) == [taken(original, tries=1)]


async def test_a_claimed_message_is_nobody_elses_until_the_lease_ends(stores: Stores) -> None:
    """A worker that dies loses it to the next one; at most one duplicate."""
    original = message()
    await written(stores, original)
    await claim(stores)

    assert await claim(stores, NOW + LEASE - TICK) == []
    assert await claim(stores, NOW + LEASE) == [taken(original, tries=2)]


async def test_a_sent_or_failed_message_never_leaves_again(stores: Stores) -> None:
    sent, failed = message(), message()
    await written(stores, sent, failed)
    await claim(stores)

    await stores.outbox.sent(sent.id, NOW)
    await stores.outbox.fail(failed.id, NOW)

    assert await claim(stores, NOW + LEASE) == []
    assert await stores.outbox.sent_messages() == [(sent, NOW)]


async def test_a_postponed_message_leaves_when_it_is_due(stores: Stores) -> None:
    original = message()
    await written(stores, original)
    await claim(stores)

    await stores.outbox.postpone(original.id, NOW + 5 * MINUTE)

    assert await claim(stores, NOW + 5 * MINUTE - TICK) == []
    assert await claim(stores, NOW + 5 * MINUTE) == [taken(original, tries=2)]


async def test_an_expired_message_never_leaves(stores: Stores) -> None:
    """A code that is dead already helps nobody."""
    await written(stores, message(), expires_in=5 * MINUTE)

    assert await claim(stores, NOW + 5 * MINUTE) == []
    assert len(await claim(stores, NOW + 5 * MINUTE - TICK)) == 1


async def test_no_more_than_asked_are_claimed_and_the_oldest_first(stores: Stores) -> None:
    messages = [message(created_at=NOW - number * MINUTE) for number in range(5)]
    await written(stores, *messages)

    first, second = await claim(stores, limit=3), await claim(stores, limit=3)

    assert {claimed.message.id for claimed in first} == {each.id for each in messages[2:]}
    assert {claimed.message.id for claimed in second} == {each.id for each in messages[:2]}


async def test_a_message_that_is_not_due_waits(stores: Stores) -> None:
    await written(stores, message(created_at=NOW + TICK))

    assert await claim(stores) == []


async def test_a_message_may_be_due_later_than_it_was_written(stores: Stores) -> None:
    await stores.outbox.add(message(), expires_at=NOW + DAY, due_at=NOW + MINUTE)

    assert await claim(stores, NOW + MINUTE - TICK) == []
    assert len(await claim(stores, NOW + MINUTE)) == 1


async def test_a_cancelled_message_never_leaves(stores: Stores) -> None:
    cancelled, other = message(), message()
    await written(stores, cancelled, other)

    await stores.outbox.cancel(cancelled.id, NOW)

    assert await claim(stores) == [taken(other, tries=1)]
    assert await claim(stores, NOW + LEASE) == [taken(other, tries=2)]


async def test_cancelling_what_has_left_changes_nothing(stores: Stores) -> None:
    sent = message()
    await written(stores, sent)
    await stores.outbox.sent(sent.id, NOW)

    await stores.outbox.cancel(sent.id, NOW + MINUTE)

    assert await stores.outbox.sent_messages() == [(sent, NOW)]
    assert (await stores.connection.execute(text("SELECT failed_at FROM outbox"))).scalar() is None


async def test_sent_messages_are_listed_newest_first(stores: Stores) -> None:
    messages = [message(subject=str(number)) for number in range(3)]
    await written(stores, *messages, message(subject="not sent"))
    for number, each in enumerate(messages):
        await stores.outbox.sent(each.id, NOW + number * MINUTE)

    newest = await stores.outbox.sent_messages(limit=2)

    assert newest == [(messages[2], NOW + 2 * MINUTE), (messages[1], NOW + MINUTE)]


async def test_a_cause_that_was_rolled_back_sends_nothing(transactions: Transactions, database: Database) -> None:
    async def fail(stores: Stores) -> None:
        await written(stores, message())
        raise RuntimeError("the cause is gone")

    with pytest.raises(RuntimeError):
        await transactions.run(fail, write=True)

    assert await count(database, "outbox") == 0


async def test_of_messages_that_must_leave_once_only_the_first_is_written(stores: Stores) -> None:
    once = Digest(b"d" * 32)
    first, second, other = message(), message(), message()

    assert await stores.outbox.add(first, expires_at=NOW + DAY, dedupe=once)
    assert not await stores.outbox.add(second, expires_at=NOW + DAY, dedupe=once)
    assert await stores.outbox.add(other, expires_at=NOW + DAY)

    assert {each.message.id for each in await claim(stores)} == {first.id, other.id}
