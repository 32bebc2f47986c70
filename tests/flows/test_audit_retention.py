"""Old events go up to a checkpoint, and what stays is verified as before."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from idp.flows import audit_retention
from idp.flows.audit_retention import REMOVES_EVERY
from idp.storage.event_links import BadHead
from tests.support.audit_trail import KEPT, Trail, pinned
from tests.support.builders import DAY, TICK


@pytest.fixture
async def trail(database_url: str, tmp_path: Path) -> AsyncIterator[Trail]:
    async with Trail.at(database_url, tmp_path) as trail:
        yield trail


@pytest.fixture
async def aged(trail: Trail) -> Trail:
    """Three checkpoints a day apart; the first is just as old as events are kept."""
    for _ in range(3):
        await trail.filled(3)
        trail.clock.advance(DAY)
    first = (await trail.rows("SELECT min(signed_at) FROM event_checkpoints"))[0][0]
    now = round(trail.clock.timestamp() * 1_000_000)
    trail.clock.advance(KEPT - timedelta(microseconds=now - first))
    return trail


async def test_events_stay_as_long_as_they_are_kept_and_not_longer(aged: Trail) -> None:
    assert await aged.retention.remove_due() == 0

    aged.clock.advance(TICK)
    assert await aged.retention.remove_due() == 3
    assert await aged.retention.remove_due() == 0

    assert [seq for seq, _ in await aged.numbers()] == list(range(4, 10))


async def test_what_stays_is_sound_and_says_what_went(aged: Trail) -> None:
    aged.clock.advance(TICK)
    await aged.retention.remove_due()

    done = await aged.verify()
    assert (done.first, done.walk.seq, done.removed) == (4, 9, 3)
    assert len(await aged.rows("SELECT seq FROM event_checkpoints WHERE seq < 3")) == 0

    await aged.again().sign()
    async with aged.transactions.open(write=False) as stores:
        (said,) = [each for each in await stores.events.linked_after(9, limit=10) if each.kind == "events_removed"]
    assert (said.detail, said.actor) == ({"first": 1, "last": 3}, ("system", None, None))


async def test_the_newest_checkpoint_and_its_events_always_stay(aged: Trail) -> None:
    aged.clock.advance(10 * KEPT)

    await aged.retention.remove_due()

    assert [seq for seq, _ in await aged.numbers()] == [7, 8, 9]
    assert (await aged.verify()).removed == 6


async def test_a_second_removal_follows_the_first_a_day_later(aged: Trail) -> None:
    aged.clock.advance(TICK)
    await aged.retention.remove_due()
    aged.clock.advance(REMOVES_EVERY - TICK)
    assert await aged.retention.remove_due() == 0

    aged.clock.advance(DAY)
    assert await aged.retention.remove_due() == 3

    assert (await aged.verify()).removed == 6
    await aged.filled(2)
    assert (await aged.verify()).walk.seq == 13  # with two that say what was removed


async def test_a_removal_that_was_interrupted_is_gone_on_with(aged: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    aged.clock.advance(TICK)
    monkeypatch.setattr(audit_retention, "BATCH", 2)
    monkeypatch.setattr(audit_retention, "MAX_BATCHES", 1)
    assert await aged.retention.remove_due() == 2

    assert (await aged.verify()).first == 4
    assert await aged.again().retention.remove_due() == 1

    assert (await aged.verify()).first == 4
    assert [seq for seq, _ in await aged.numbers()] == list(range(4, 10))


@pytest.mark.parametrize(
    "order",
    [
        "DELETE FROM event_removals",
        "UPDATE event_removals SET seq = 4",
        "UPDATE event_removals SET mark = hash",
        "DELETE FROM event_checkpoints WHERE seq = 3",
        "UPDATE event_chain SET removed = 0",
    ],
)
async def test_a_removal_that_was_changed_is_found(aged: Trail, order: str) -> None:
    aged.clock.advance(TICK)
    await aged.retention.remove_due()

    await aged.execute(order)

    await aged.fault()


async def test_somebody_elses_removal_is_not_taken_for_retention(aged: Trail) -> None:
    await aged.execute(
        "DELETE FROM events WHERE id IN (SELECT event_id FROM event_links WHERE seq <= 3)",
        "DELETE FROM event_links WHERE seq <= 3",
    )

    assert (await aged.fault())[0] == 1


async def test_nothing_goes_by_a_checkpoint_that_was_changed(aged: Trail) -> None:
    """Else a removal would cover up what happened to it."""
    aged.clock.advance(TICK)
    await aged.execute("UPDATE event_links SET hash = :hash WHERE seq = 3", hash=bytes(32))

    with pytest.raises(BadHead):
        await aged.retention.remove_due()
    assert await aged.retention.keep() == 0

    assert len(await aged.numbers()) == 9


async def test_a_kept_checkpoint_from_before_the_removal_says_nothing_any_more(aged: Trail) -> None:
    async with aged.transactions.open(write=False) as stores:
        signed = await stores.event_checkpoints.newest(until=3)
    aged.clock.advance(TICK)
    await aged.retention.remove_due()
    assert signed is not None

    done = await aged.verify(pin=pinned(signed))

    assert (done.walk.pinned, "before the first" in done.note) == (False, True)


async def test_a_removal_while_the_trail_is_read_is_no_fault(aged: Trail) -> None:
    aged.clock.advance(TICK)
    other = aged.again()
    async with aged.transactions.open(write=False) as stores:
        head = await stores.event_links.head()
        assert head is not None
        walk = await other.verification._begin(stores, None, 1)
        await aged.retention.remove_due()

        walk = await other.verification._page(stores, walk, head, addresses=True)

    assert walk.seq == 3


async def test_events_without_a_number_are_never_removed(trail: Trail) -> None:
    await trail.write(2)
    trail.clock.advance(10 * KEPT)

    assert await trail.retention.remove_due() == 0

    assert len(await trail.rows("SELECT id FROM events")) == 2
