"""The audit trail: in order of writing, in the transaction of its effect."""

import pytest

from idp.domain.event import Actor, ActorKind, Event, EventKind, Target
from idp.storage.database import Database
from idp.storage.stores import Stores, Transactions
from tests.support.builders import MINUTE, NOW, TICK, make_id, make_user_id
from tests.support.storage import SEALER, count, rows


async def test_an_event_says_what_happened_to_whom_and_in_which_request(
    transactions: Transactions, database: Database
) -> None:
    """The address is personal data, and sealed for its row."""
    alice, session_id = make_user_id(), make_id()
    happened = Event(
        EventKind.SIGNED_IN, user_id=alice, client_id="rp", session_id=session_id, address="192.0.2.7",
        detail={"tries": 2, "known": True, "acr": None},
    )  # fmt: skip

    async with transactions.open(write=True, request_id="request-1") as stores:
        await stores.events.add(happened, NOW)
        await stores.events.add(Event(EventKind.KEY_ROTATED), NOW)

    async with transactions.open(write=False) as stores:
        bare, full = await stores.events.list()
    assert (full.kind, full.user_id, full.client_id, full.session_id) == ("signed_in", alice, "rp", session_id)
    assert (full.at, full.request_id, full.detail) == (NOW, "request-1", {"tries": 2, "known": True, "acr": None})
    assert SEALER.open(full.sealed_address, place=f"events|address|{full.id}") == b"192.0.2.7"
    assert (bare.user_id, bare.sealed_address, bare.detail) == (None, None, None)
    assert not any(b"192.0.2.7" in str(row).encode() for row in await rows(database, "events"))


async def test_the_newest_events_come_first_and_can_be_chosen(stores: Stores) -> None:
    alice, bob = make_user_id(), make_user_id()
    for number, (kind, user_id) in enumerate(
        [(EventKind.SIGNED_IN, alice), (EventKind.SIGNED_IN, bob), (EventKind.SIGNED_OUT, alice)]
    ):
        await stores.events.add(Event(kind, user_id=user_id, detail={"number": number}), NOW + number * TICK)

    async def numbers(**choice: object) -> list[int]:
        return [row.detail["number"] for row in await stores.events.list(**choice)]  # type: ignore[arg-type]

    assert await numbers() == [2, 1, 0]
    assert await numbers(limit=2) == [2, 1]
    assert await numbers(user_id=alice) == [2, 0]
    assert await numbers(kind="signed_in") == [1, 0]
    assert await numbers(kind="signed_in", user_id=bob) == [1]
    assert await numbers(kind="throttled") == []


async def test_events_are_chosen_by_client_and_time(stores: Stores) -> None:
    for number in range(3):
        client_id = "rp" if number else "other"
        event = Event(EventKind.TOKENS_ISSUED, client_id=client_id, detail={"number": number})
        await stores.events.add(event, NOW + number * MINUTE)

    async def numbers(**choice: object) -> list[int]:
        return [row.detail["number"] for row in await stores.events.list(**choice)]  # type: ignore[arg-type]

    assert await numbers(client_id="rp") == [2, 1]
    assert await numbers(since=NOW + MINUTE) == [2, 1]
    assert await numbers(since=NOW + MINUTE + TICK) == [2]
    assert await numbers(until=NOW + MINUTE) == [0]
    assert await numbers(until=NOW + MINUTE + TICK) == [1, 0]


async def test_an_event_says_who_did_what_to_what(stores: Stores) -> None:
    await stores.events.add(
        Event(
            EventKind.POLICY_CHANGED, actor=Actor(ActorKind.USER, "grace", "owner"), target=Target("policy", "7"),
            before={"state": "draft"}, after={"state": "enforced"},
        ),
        NOW,
    )  # fmt: skip

    (row,) = await stores.events.list()

    assert (row.actor_kind, row.actor_id, row.actor_role) == ("user", "grace", "owner")
    assert (row.target_kind, row.target_id, row.result) == ("policy", "7", "done")
    assert (row.before, row.after) == ({"state": "draft"}, {"state": "enforced"})


async def test_in_a_process_that_acts_for_somebody_all_is_done_by_them(transactions: Transactions) -> None:
    """A command of an operator, or an administrator at work; unless an event says another."""
    operator, guest = Actor(ActorKind.COMMAND_LINE, "ops"), Actor(ActorKind.STRANGER)
    async with transactions.acting(operator).open(write=True) as stores:
        await stores.events.add(Event(EventKind.USER_CHANGED, user_id=make_user_id()), NOW)
        await stores.events.add(Event(EventKind.SIGNED_IN, actor=guest), NOW)

    async with transactions.open(write=True) as stores:
        await stores.events.add(Event(EventKind.USER_CHANGED, user_id=make_user_id()), NOW + TICK)
        found = await stores.events.list()

    assert [(row.actor_kind, row.actor_id) for row in found] == [
        (None, None), ("stranger", None), ("command line", "ops"),
    ]  # fmt: skip


async def test_events_of_one_moment_are_kept_in_their_order(stores: Stores) -> None:
    """A request has one time for all it does."""
    for number in range(20):
        await stores.events.add(Event(EventKind.THROTTLED, detail={"number": number}), NOW)

    assert [row.detail["number"] for row in await stores.events.list()] == list(reversed(range(20)))


async def test_an_effect_that_was_rolled_back_leaves_no_event(transactions: Transactions, database: Database) -> None:
    """And no event, no effect: both are one transaction."""

    async def fail(stores: Stores) -> None:
        await stores.events.add(Event(EventKind.SIGNED_IN), NOW)
        raise RuntimeError("something else went wrong")

    with pytest.raises(RuntimeError):
        await transactions.run(fail, write=True)

    assert await count(database, "events") == 0


async def test_no_sweep_touches_the_audit_trail(stores: Stores) -> None:
    await stores.events.add(Event(EventKind.SIGNED_IN), NOW)

    await stores.sweep.batch(NOW + 10_000_000 * MINUTE)

    assert len(await stores.events.list()) == 1


async def test_numbered_events_are_read_on_from_a_number(stores: Stores) -> None:
    """Webhooks keep the last number they saw."""
    for number in range(3):
        await stores.events.add(Event(EventKind.SIGNED_IN, address="192.0.2.7", detail={"number": number}), NOW)
    waiting = await stores.event_links.unlinked("", "z")
    await stores.event_links.append([(seq, event, bytes(32)) for seq, event in enumerate(waiting[:2], 1)])

    first = await stores.events.linked_after(0, limit=1)
    rest = await stores.events.linked_after(first[-1].seq, limit=10)

    assert [(each.seq, each.detail["number"], each.address) for each in first] == [(1, 0, "192.0.2.7")]
    assert [(each.seq, each.detail["number"]) for each in rest] == [(2, 1)]
    assert await stores.events.linked_after(2, limit=10) == []
