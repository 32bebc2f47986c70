"""Webhooks: signed, at least once, in order, by one worker at a time; receivers that misbehave hold up nobody else."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from idp.flows.alerts import Code
from idp.flows.webhook_planner import MOST_WAITING
from idp.flows.webhook_sender import End, Outcome
from idp.flows.webhook_worker import HOLDS, LEASE, MAX_TRIES, PAUSES, SWITCHED_OFF_AFTER
from idp.providers.fetch.guarded import LARGEST_ANSWER, GuardedFetch
from idp.storage.webhook_deliveries import DeliveryState
from idp.storage.webhooks import HookState
from tests.support.builders import DAY, HOUR, MINUTE, TICK
from tests.support.fetching import Authority
from tests.support.webhooks import OK, RESET, SECRET, SILENCE, Desk, Receiver, desk, receiver, saying

OTHER_SECRET = "whsec_" + "QUJD" * 11
FAILED = saying(500)


@pytest.fixture
async def siren() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


@pytest.fixture
async def bell() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


@pytest.fixture
async def here(database_url: str, tmp_path: Path, siren: Receiver, bell: Receiver) -> AsyncIterator[Desk]:
    async with desk(database_url, tmp_path, siren, bell) as made:
        yield made


async def test_every_event_arrives_once_in_order_and_signed(here: Desk, siren: Receiver) -> None:
    await here.subscribe(siren)

    await here.happen(3)
    tries = await here.worker.deliver()

    assert tries == 3
    assert siren.seqs == [1, 2, 3]
    assert all(each.is_signed_by(SECRET, here.trail.clock.now()) for each in siren.received)
    assert len({each.id for each in siren.received}) == 3
    assert {each.headers["content-type"] for each in siren.received} == {"application/json"}
    assert [each.state for each in await here.deliveries()] == [DeliveryState.SENT] * 3
    assert await here.planner.plan() == 0
    assert await here.worker.deliver() == 0


async def test_a_body_says_what_the_trail_says_but_for_the_address(here: Desk, siren: Receiver) -> None:
    await here.subscribe(siren)
    await here.happen()
    await here.worker.deliver()

    said = siren.received[0].json

    assert said["type"] == "signed_in"
    assert said["timestamp"].endswith("Z")
    assert said["data"]["user_id"] == "ada"
    assert said["data"]["actor"] == {"kind": "user", "id": "ada", "role": None}
    assert said["data"]["detail"] == {"number": 0}
    assert "address" not in said["data"]
    assert b"192.0.2.7" not in siren.received[0].body


async def test_an_address_is_told_only_while_whoever_asked_for_it_may_read_events(
    here: Desk, siren: Receiver, bell: Receiver
) -> None:
    await here.subscribe(siren, wants_address=True)
    await here.subscribe(bell, id="w2", wants_address=True, maker=("user", "nobody-any-more"))

    await here.happen()
    await here.worker.deliver()

    assert siren.received[0].json["data"]["address"] == "192.0.2.7"
    assert "address" not in bell.received[0].json["data"]


async def test_a_changed_body_id_time_or_secret_is_not_ours(here: Desk, siren: Receiver) -> None:
    await here.subscribe(siren)
    await here.happen()
    await here.worker.deliver()
    (came,), now = siren.received, here.trail.clock.now()

    assert came.is_signed_by(SECRET, now)
    assert not came.is_signed_by(OTHER_SECRET, now)
    assert not replace(came, body=came.body + b" ").is_signed_by(SECRET, now)
    assert not replace(came, headers=came.headers | {"webhook-id": "other"}).is_signed_by(SECRET, now)
    later = str(int(came.headers["webhook-timestamp"]) + 1)
    assert not replace(came, headers=came.headers | {"webhook-timestamp": later}).is_signed_by(SECRET, now)


async def test_a_recorded_delivery_is_too_old_after_five_minutes_and_another_try_is_signed_anew(
    here: Desk, siren: Receiver
) -> None:
    siren.answers = [FAILED]
    await here.subscribe(siren)
    await here.happen()
    await here.worker.deliver()
    here.trail.clock.advance(5 * MINUTE + timedelta(seconds=1))
    await here.worker.deliver()

    first, second = siren.received

    assert not first.is_signed_by(SECRET, here.trail.clock.now())
    assert second.is_signed_by(SECRET, here.trail.clock.now())
    assert (first.id, first.body) == (second.id, second.body)


async def test_during_a_rotation_both_secrets_sign_and_the_old_one_not_a_moment_longer(
    here: Desk, siren: Receiver
) -> None:
    now = here.trail.clock.now()
    ends_at = now + HOUR
    await here.subscribe(siren, secrets=(OTHER_SECRET, SECRET), old_secret_ends_at=ends_at)
    await here.happen()
    await here.worker.deliver()
    await here.happen()
    here.trail.clock.advance(ends_at - TICK - here.trail.clock.now())
    await here.worker.deliver()
    await here.happen(apart=TICK)
    await here.worker.deliver()

    both, still_both, new_only = siren.received

    for came, signed in ((both, True), (still_both, True), (new_only, False)):
        at = here.trail.clock.now() if came is new_only else ends_at - HOUR + MINUTE
        at = ends_at if came is still_both else at
        assert came.is_signed_by(OTHER_SECRET, at)
        assert came.is_signed_by(SECRET, at) is signed


async def test_only_the_kinds_that_were_subscribed_arrive(here: Desk, siren: Receiver, bell: Receiver) -> None:
    await here.subscribe(siren, kinds=("signed_out",))
    await here.subscribe(bell, id="w2", kinds=("signed_out", "signed_in"))

    await here.happen()
    await here.worker.deliver()

    assert siren.received == []
    assert bell.seqs == [1]
    assert (await here.hook()).cursor == 1


BAD = {
    "500": FAILED, "429": saying(429), "404": saying(404), "redirect": saying(302, location="http://127.0.0.1/x"),
    "permanent redirect": saying(308, location="https://siren.example/in"), "reset": RESET,
    "huge": saying(200, bytes(LARGEST_ANSWER + 1)), "no http": b"hello\r\n\r\n", "nothing": b"",
    "a bomb": saying(200, b"\x1f\x8b broken", content_encoding="gzip"), "brotli": saying(200, content_encoding="br"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_what_was_not_taken_is_tried_again_and_the_rest_waits_for_its_turn(
    sqlite_url: str, tmp_path: Path, siren: Receiver, name: str
) -> None:
    siren.answers = [BAD[name]]
    async with desk(sqlite_url, tmp_path, siren) as here:
        await here.subscribe(siren)
        await here.happen(2)
        await here.worker.deliver()
        assert siren.seqs == [1]
        assert [each.tries for each in await here.deliveries()] == [1, 0]

        here.trail.clock.advance(PAUSES[0] - TICK)
        assert await here.worker.deliver() == 0
        here.trail.clock.advance(TICK)
        assert await here.worker.deliver() == 2

        assert siren.seqs == [1, 1, 2]
        assert (await here.hook()).failing_since is None


async def test_an_answer_as_large_as_promised_is_taken(sqlite_url: str, tmp_path: Path, siren: Receiver) -> None:
    siren.usual = saying(200, bytes(LARGEST_ANSWER))
    async with desk(sqlite_url, tmp_path, siren) as here:
        await here.subscribe(siren)
        await here.happen()
        await here.worker.deliver()

        assert [each.state for each in await here.deliveries()] == [DeliveryState.SENT]


async def test_a_redirect_leads_nowhere(here: Desk, siren: Receiver, bell: Receiver) -> None:
    siren.usual = saying(307, location=bell.url)
    await here.subscribe(siren)
    await here.happen()
    await here.worker.deliver()

    assert bell.connections == 0
    assert [(each.status, each.reason) for each in await here.deliveries()] == [(307, "answered 307")]


async def test_a_receiver_that_never_answers_costs_its_own_time_only(
    sqlite_url: str, tmp_path: Path, siren: Receiver, bell: Receiver
) -> None:
    siren.usual = SILENCE
    async with desk(sqlite_url, tmp_path, siren, bell, seconds=0.3) as here:
        await here.subscribe(siren)
        await here.subscribe(bell, id="w2")
        await here.happen(5)

        await here.worker.deliver()

        assert bell.seqs == [1, 2, 3, 4, 5]
        assert siren.connections == 1
        assert (await here.deliveries())[0].reason == "127.0.0.1 took too long"


async def test_a_receiver_that_is_gone_is_switched_off_at_once_and_administrators_are_told(
    here: Desk, siren: Receiver
) -> None:
    siren.usual = saying(410)
    await here.subscribe(siren)
    await here.happen(2)

    await here.worker.deliver()

    assert len(siren.received) == 1
    hook = await here.hook()
    assert (hook.state, hook.why) == (HookState.OFF, "answered 410: gone")
    assert [(each.code, each.reference) for each in here.told.alerts] == [(Code.WEBHOOK_OFF, "w1")]
    async with here.transactions.open(write=False) as stores:
        (told,) = await stores.events.list(kind="webhook_changed")
    assert (told.target_id, told.actor_kind, told.detail["change"]) == ("w1", "system", "switched off")
    await here.happen()
    here.trail.clock.advance(DAY)
    assert await here.worker.deliver() == 0


async def run_until(here: Desk, end: timedelta) -> None:
    """Let the clock go on from one moment at which something is due to the next."""
    until = here.trail.clock.now() + end
    while here.trail.clock.now() < until:
        await here.worker.deliver()
        async with here.transactions.open(write=False) as stores:
            due = await stores.webhook_deliveries.next_due("w1")
        step = until - here.trail.clock.now() if due is None else due - here.trail.clock.now()
        here.trail.clock.advance(min(max(step, timedelta(seconds=1)), until - here.trail.clock.now()))
    await here.worker.deliver()


async def test_ten_tries_over_two_days_and_then_a_delivery_is_given_up(here: Desk, siren: Receiver) -> None:
    siren.usual = FAILED
    await here.subscribe(siren)
    await here.happen()

    await run_until(here, sum(PAUSES, timedelta()) - timedelta(seconds=1))
    assert len(siren.received) == MAX_TRIES - 1
    await run_until(here, timedelta(seconds=1))

    assert len(siren.received) == MAX_TRIES == 10
    assert [each.state for each in await here.deliveries()] == [DeliveryState.FAILED]
    assert timedelta(days=1.5) < sum(PAUSES, timedelta()) < timedelta(days=2)
    assert (await here.hook()).state is HookState.ACTIVE


async def test_who_failed_for_three_days_is_switched_off_and_not_before(here: Desk, siren: Receiver) -> None:
    siren.usual = FAILED
    await here.subscribe(siren)
    await here.happen(1, apart=timedelta())
    await here.worker.deliver()
    began_at = (await here.hook()).failing_since
    assert began_at is not None
    await run_until(here, 2 * DAY)
    await here.happen(1)
    here.trail.clock.advance(began_at + SWITCHED_OFF_AFTER - TICK - here.trail.clock.now())
    await here.worker.deliver()
    assert (await here.hook()).state is HookState.ACTIVE
    here.trail.clock.advance(PAUSES[0])

    await here.worker.deliver()

    assert (await here.hook()).state is HookState.OFF
    assert len(here.told.alerts) == 1


async def test_one_delivery_that_is_never_taken_lets_the_others_past_after_a_while(here: Desk, siren: Receiver) -> None:
    siren.answers = [FAILED] * HOLDS
    await here.subscribe(siren)
    await here.happen(2)

    await run_until(here, sum(PAUSES[: HOLDS - 1], timedelta()))

    assert siren.seqs == [1] * HOLDS + [2]
    assert [each.state for each in await here.deliveries()] == [DeliveryState.WAITING, DeliveryState.SENT]
    await run_until(here, PAUSES[HOLDS - 1])
    assert siren.seqs[-1] == 1


async def test_after_an_outage_everything_comes_at_once_and_in_order(here: Desk, siren: Receiver) -> None:
    siren.usual = FAILED
    await here.subscribe(siren)
    await here.happen(3)
    await run_until(here, 20 * HOUR)
    siren.received.clear()
    siren.usual = OK
    await here.happen()

    await here.worker.deliver()

    assert sorted(siren.seqs) == [1, 2, 3, 4]
    assert siren.seqs[1:] == sorted(siren.seqs[1:])


class Crash(Exception):
    """The process died."""


async def test_a_worker_that_died_between_delivery_and_note_delivers_again_under_the_same_id(
    here: Desk, siren: Receiver
) -> None:
    await here.subscribe(siren)
    await here.happen(2)

    async def dies(*_: object) -> None:
        raise Crash

    dying = Desk.over(here.trail.again(), siren)
    dying.worker._note = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(Crash):
        await dying.worker.deliver()
    here.trail.clock.advance(LEASE - TICK)
    assert await here.worker.deliver() == 0
    here.trail.clock.advance(TICK)
    await here.worker.deliver()

    assert siren.seqs == [1, 1, 2]
    assert siren.received[0].id == siren.received[1].id


async def test_what_kills_every_worker_is_given_up_after_ten(here: Desk, siren: Receiver) -> None:
    await here.subscribe(siren)
    await here.happen(2)

    async def dies(*_: object) -> None:
        raise Crash

    dying = Desk.over(here.trail.again(), siren)
    dying.worker._sender.send = dies  # type: ignore[method-assign,assignment]
    for _ in range(MAX_TRIES):
        with pytest.raises(Crash):
            await dying.worker.deliver()
        here.trail.clock.advance(LEASE)
    await here.worker.deliver()

    assert siren.seqs == [2]
    assert (await here.deliveries())[0].reason == "no try came to an end"


async def test_several_workers_at_once_deliver_everything_once_and_in_order(here: Desk, siren: Receiver) -> None:
    await here.subscribe(siren)
    await here.happen(20, apart=timedelta(seconds=1))
    others = [Desk.over(here.trail.again(), siren) for _ in range(3)]

    await asyncio.gather(here.worker.deliver(), *(each.worker.deliver() for each in others))

    assert siren.seqs == list(range(1, 21))
    assert siren.most_at_once == 1


async def test_several_planners_at_once_owe_every_event_once(here: Desk, siren: Receiver) -> None:
    await here.subscribe(siren)
    await here.trail.write(20)
    here.trail.clock.advance(HOUR)
    await here.trail.chain.link()
    others = [Desk.over(here.trail.again(), siren) for _ in range(3)]

    await asyncio.gather(here.planner.plan(), *(each.planner.plan() for each in others))

    assert [each.seq for each in await here.deliveries()] == list(range(1, 21))


async def test_a_planner_that_died_has_written_nothing_or_everything(here: Desk, siren: Receiver) -> None:
    await here.subscribe(siren)
    await here.trail.write(3)
    here.trail.clock.advance(HOUR)
    await here.trail.chain.link()
    dying = Desk.over(here.trail.again(), siren)
    writes = dying.planner._write
    calls: list[int] = []

    async def dies(*given: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Crash
        await writes(*given)  # type: ignore[arg-type]

    dying.planner._write = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(Crash):
        await dying.planner.plan()
    assert await here.deliveries() == []

    await here.planner.plan()

    assert [each.seq for each in await here.deliveries()] == [1, 2, 3]


async def test_a_late_result_of_a_worker_that_lost_its_lease_counts_if_it_was_taken(
    here: Desk, siren: Receiver
) -> None:
    await here.subscribe(siren)
    await here.happen()
    siren.hold = asyncio.Event()
    slow = asyncio.create_task(here.worker.deliver())
    async with asyncio.timeout(10):
        while not siren.received:
            await asyncio.sleep(0.01)
    here.trail.clock.advance(LEASE)
    other = Desk.over(here.trail.again(), siren)
    taking_over = asyncio.create_task(other.worker.deliver())
    async with asyncio.timeout(10):
        while len(siren.received) < 2:
            await asyncio.sleep(0.01)
    siren.hold.set()
    await asyncio.gather(slow, taking_over)

    assert [each.state for each in await here.deliveries()] == [DeliveryState.SENT]
    assert siren.received[0].id == siren.received[1].id


async def test_what_is_owed_outlives_the_trail_and_what_was_lost_is_counted(here: Desk, siren: Receiver) -> None:
    await here.subscribe(siren)
    await here.subscribe(siren, id="w2", state=HookState.PAUSED)
    await here.happen(3)
    await here.trail.sign()
    here.trail.clock.advance(40 * DAY)
    await here.happen(1)
    await here.trail.sign()
    assert await here.trail.retention.remove_due() == 3
    await here.change(await here.hook("w2"), state=HookState.ACTIVE)

    await here.planner.plan()
    await here.worker.deliver()

    told = [each.json["data"]["seq"] for each in siren.received]
    assert [each.seq for each in await here.deliveries()][:4] == [1, 2, 3, 4]
    assert told.count(1) == 1
    assert told.count(4) == 2
    assert ((await here.hook()).missed, (await here.hook("w2")).missed) == (0, 3)


async def test_no_more_is_written_down_than_promised_and_the_rest_waits_in_the_trail(
    sqlite_url: str, tmp_path: Path, siren: Receiver
) -> None:
    async with desk(sqlite_url, tmp_path, siren) as here:
        await here.subscribe(siren)
        await here.happen(MOST_WAITING + 150, apart=timedelta(milliseconds=1))
        assert len(await here.deliveries()) == MOST_WAITING

        await here.worker.deliver()
        await here.planner.plan()
        await here.worker.deliver()

        assert siren.seqs == list(range(1, MOST_WAITING + 151))


async def test_a_damaged_address_keeps_no_event_back(here: Desk, siren: Receiver) -> None:
    await here.subscribe(siren, wants_address=True)
    await here.trail.write(2)
    torn = "CAST(kind AS BLOB)" if here.transactions.database.is_sqlite else "kind::bytea"
    await here.trail.execute(f"UPDATE events SET sealed_address = {torn}")
    await here.happen()
    await here.worker.deliver()

    assert siren.seqs == [1, 2, 3]


async def test_tls_is_spoken_with_the_name_and_an_unknown_authority_is_no_receiver(
    sqlite_url: str, tmp_path: Path
) -> None:
    authority = Authority.made(tmp_path)

    async def names(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async with receiver(tls=authority.server_context("siren.example")) as siren:
        place = frozenset({f"siren.example:{siren.port}"})
        trusting = GuardedFetch(allow=place, ca_file=authority.root, resolver=names)
        async with desk(sqlite_url, tmp_path, fetch=GuardedFetch(allow=place, resolver=names)) as here:
            await here.subscribe(siren, url=f"https://siren.example:{siren.port}/in")
            await here.happen()
            await here.worker.deliver()
            assert siren.received == []

            here.trail.clock.advance(PAUSES[0])
            await Desk.over(here.trail, fetch=trusting).worker.deliver()

            assert siren.seqs == [1]
            assert siren.received[0].headers["host"] == f"siren.example:{siren.port}"


async def test_a_subscription_that_is_removed_meanwhile_is_told_no_more(here: Desk, siren: Receiver) -> None:
    await here.subscribe(siren)
    await here.happen(3)

    class Removing:
        async def send(self, *_: object) -> Outcome:
            async with here.transactions.open(write=True) as stores:
                await stores.webhooks.delete("w1")
            return Outcome(End.TAKEN, 200, "")

    here.worker._sender = Removing()  # type: ignore[assignment]

    assert await here.worker.deliver() == 1
    assert await here.deliveries() == []
