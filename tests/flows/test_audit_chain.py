"""Events get numbers and hashes after the fact, one chain however many processes link."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from idp.domain.event import Event, EventKind
from idp.flows.audit_chain import CHECKPOINT_EVERY, CHECKPOINT_LINKS, SETTLES, is_due
from idp.storage import backup
from idp.storage.event_links import BATCH, PAGE, BadHead, Head
from idp.storage.maintenance import maintenance
from idp.storage.stores import Stores
from tests.support.audit_trail import Trail, hold
from tests.support.builders import HOUR, MINUTE, NOW, TICK
from tests.support.databases import fresh_database
from tests.support.storage import opened

SECOND = timedelta(seconds=1)


@pytest.fixture
async def trail(database_url: str, tmp_path: Path) -> AsyncIterator[Trail]:
    async with Trail.at(database_url, tmp_path) as trail:
        yield trail


async def test_an_event_is_numbered_once_it_has_settled_and_not_before(trail: Trail) -> None:
    await trail.write(apart=timedelta())

    trail.clock.advance(SETTLES - TICK)
    assert await trail.chain.link() == 0
    trail.clock.advance(2 * TICK)
    assert await trail.chain.link() == 1
    assert await trail.chain.link() == 0

    assert await trail.numbers() == [(1, 0)]


async def test_events_are_numbered_in_the_order_they_were_written(trail: Trail) -> None:
    await trail.write(2 * BATCH + 3, apart=TICK)
    trail.clock.advance(MINUTE)

    assert await trail.chain.link() == 2 * BATCH + 3

    assert await trail.numbers() == [(number + 1, number) for number in range(2 * BATCH + 3)]
    assert (await trail.verify()).walk.late == 0


async def test_a_row_that_was_committed_late_is_linked_by_its_arrival(trail: Trail) -> None:
    """Its writer was slow; nothing is put in between numbers that were given."""
    await trail.filled(3)
    early = trail.clock.now() - 4 * MINUTE
    async with trail.transactions.open(write=True) as stores:
        await stores.events.add(Event(EventKind.SIGNED_IN, detail={"number": 99}), early)

    await trail.again().chain.link()

    assert (await trail.numbers())[-1] == (4, 99)
    done = await trail.verify()
    assert (done.walk.late, done.walk.first_late) == (1, 4)


async def test_a_row_that_came_days_late_is_found_page_by_page(trail: Trail) -> None:
    async with trail.transactions.open(write=True) as stores:
        for _ in range(2 * PAGE + 5):
            await stores.events.add(Event(EventKind.SIGNED_IN), trail.clock.advance(MINUTE))
    await trail.sign()
    async with trail.transactions.open(write=True) as stores:
        late = Event(EventKind.SIGNED_IN, detail={"number": 99})
        await stores.events.add(late, trail.clock.now() - PAGE * MINUTE / 2)
    trail.clock.advance(HOUR)
    again = trail.again()

    linked = [await again.chain.link() for _ in range(4)]

    assert linked == [0, 1, 0, 0]
    assert (await trail.numbers())[-1] == (2 * PAGE + 6, 99)


async def test_whoever_finds_another_linking_lets_it(trail: Trail) -> None:
    await trail.filled(1)
    await trail.write(2)
    trail.clock.advance(MINUTE)
    async with opened(str(trail.database.url.render_as_string(hide_password=False))) as other:
        async with trail.transactions.open(write=True) as stores:
            await hold(stores)
            if not trail.database.is_sqlite:  # there a second writer waits for the first one's commit
                assert await trail.again(other).chain.link() == 0

        assert await trail.again(other).chain.link() == 2


async def test_many_processes_at_once_make_one_chain(trail: Trail) -> None:
    await trail.write(BATCH + 50, apart=TICK)
    trail.clock.advance(MINUTE)
    url = trail.database.url.render_as_string(hide_password=False)
    async with opened(url) as second, opened(url) as third:
        processes = [trail.again(each) for each in (trail.database, second, third) for _ in range(2)]

        await asyncio.gather(*(each.chain.keep() for each in processes))
        await trail.chain.link()

    assert [seq for seq, _number in await trail.numbers()] == list(range(1, BATCH + 51))
    trail.clock.advance(MINUTE)
    await trail.again().chain.keep()
    done = await trail.verify()
    assert (done.walk.seq, done.walk.signed) == (BATCH + 50, True)


async def test_what_was_linked_before_a_crash_is_signed_after_it(trail: Trail) -> None:
    await trail.write(3)
    trail.clock.advance(MINUTE)
    await trail.chain.link()  # and here the process dies

    assert (await trail.verify()).walk.checkpoints == 0
    await trail.again().chain.keep()

    done = await trail.verify()
    assert (done.walk.events, done.walk.checkpoints) == (3, 1)


async def test_a_batch_that_was_interrupted_leaves_nothing(trail: Trail) -> None:
    await trail.write(3)
    trail.clock.advance(MINUTE)

    async def fail(stores: Stores) -> None:
        await hold(stores)
        found = await stores.event_links.unlinked("", "z")
        await stores.event_links.append([(1, found[0], bytes(32)), (2, found[1], bytes(32))])
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        await trail.transactions.run(fail, write=True)

    assert await trail.chain.link() == 3
    assert (await trail.verify()).walk.seq == 3


async def test_nothing_is_linked_to_an_end_that_somebody_changed(trail: Trail) -> None:
    """Else cutting off the newest numbers would be forgotten with the next event."""
    await trail.filled(3)
    await trail.execute("UPDATE event_chain SET seq = 2", "DELETE FROM event_links WHERE seq = 3")
    await trail.write()
    trail.clock.advance(MINUTE)

    with pytest.raises(BadHead):
        await trail.again().chain.link()
    await trail.again().chain.keep()

    assert len(await trail.numbers()) == 2


async def test_without_its_end_no_second_chain_begins(trail: Trail) -> None:
    await trail.filled(3)
    await trail.execute("DELETE FROM event_chain")

    with pytest.raises(BadHead):
        await trail.again().chain.link()


@pytest.mark.parametrize(
    ("seq", "signed", "ago", "due"),
    [
        (0, 0, None, False),
        (1, 0, None, True),
        (5, 5, HOUR, False),
        (5, 4, CHECKPOINT_EVERY - TICK, False),
        (5, 4, CHECKPOINT_EVERY, True),
        (5, 4, -HOUR, True),  # signed in the future: a clock was wrong
        (CHECKPOINT_LINKS + 4, 5, SECOND, False),
        (CHECKPOINT_LINKS + 5, 5, SECOND, True),
    ],
)
def test_a_checkpoint_is_due_a_minute_or_a_thousand_links_after_the_last(
    seq: int, signed: int, ago: timedelta | None, due: bool
) -> None:
    head = Head(seq=seq, checkpoint=signed, checkpointed_at=None if ago is None else NOW - ago)

    assert is_due(head, NOW) is due


async def test_a_restored_backup_is_verified_and_gone_on_with(trail: Trail, tmp_path: Path) -> None:
    """Sealed addresses, times and documents come back as the chain hashed them, on another kind of database too."""
    await trail.filled(3, 2)
    async with maintenance(trail.database.url, write=False) as connection:
        lines = [line async for line in backup.lines(connection, "revision")]
    (tmp_path / "other").mkdir()
    async with fresh_database("sqlite", tmp_path / "other") as url, opened(url) as other:
        async with maintenance(other.url) as connection:
            await backup.restore(connection, lines, revision="revision", now=trail.clock.now())

        again = trail.again(other)
        await again.filled(2)

        done = await again.verify()
    assert (done.walk.events, done.walk.checkpoints) == (7, 3)
