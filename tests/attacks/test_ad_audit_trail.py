"""AD11: whoever can write to the database changes nothing in the audit trail unseen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from idp.domain.secret import Digester, make_id
from idp.flows.audit_chain import time_of
from idp.flows.audit_signer import AuditSigner
from idp.oauth.keyring import Keyring
from idp.oauth.statements import CHECKPOINT
from idp.storage.caches import EpochWatch
from idp.storage.columns import place
from idp.storage.event_checkpoints import Signed
from idp.storage.events import events, id_at
from tests.support.audit_trail import ISSUER, Trail, pinned
from tests.support.builders import DAY, HOUR, MINUTE
from tests.support.storage import SEALER

AttackOn = Callable[[Trail], Awaitable[None]]
#: One value for each column that the trail may be made to lie in.
LIES = {
    "id": "'0' || substr(id, 2, 38) || 'x'", "at": "at + 1", "kind": "'signed_out'", "user_id": "'eve'",
    "client_id": "'rp'", "session_id": "'s'", "sealed_address": "NULL", "request_id": "NULL",
    "detail": "'{\"number\": 2}'", "actor_kind": "'system'", "actor_id": "'eve'", "actor_role": "'owner'",
    "target_kind": "'key'", "target_id": "'1'", "result": "'refused'", "before": "'{}'", "after": "'{}'",
}  # fmt: skip


@pytest.fixture
async def trail(database_url: str, tmp_path: Path) -> AsyncIterator[Trail]:
    """Nine events under three checkpoints."""
    async with Trail.at(database_url, tmp_path) as trail:
        await trail.filled(3, 3, 3)
        yield trail


@pytest.fixture
async def light(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Trail]:
    """The same, where one database says enough."""
    async with Trail.at(sqlite_url, tmp_path) as trail:
        await trail.filled(3, 3, 3)
        yield trail


async def test_a_trail_that_nobody_changed_is_sound(trail: Trail) -> None:
    done = await trail.verify()

    assert (done.walk.events, done.walk.checkpoints, done.walk.late, done.waiting) == (9, 3, 0, 0)


def test_every_column_has_its_lie() -> None:
    assert set(LIES) == set(events.c.keys())


@pytest.mark.parametrize("column", LIES)
async def test_a_change_of_any_column_is_found(trail: Trail, column: str) -> None:
    event = await trail.event_of(5)

    await trail.execute(f'UPDATE events SET "{column}" = {LIES[column]} WHERE id = :event', event=event)

    assert (await trail.fault())[0] == 5


async def test_a_change_that_means_the_same_to_a_program_is_found(light: Trail) -> None:
    """A name twice in one document would tell readers different things."""
    event = await light.event_of(5)

    await light.execute(
        "UPDATE events SET detail = :said WHERE id = :event", said='{"number":9,"number":1}', event=event
    )

    assert (await light.fault())[0] == 5


async def test_an_address_that_was_sealed_anew_for_its_row_is_found(light: Trail) -> None:
    event = await light.event_of(5)
    other = SEALER.seal(b"198.51.100.1", place=place("events", "address", event))

    await light.execute("UPDATE events SET sealed_address = :other WHERE id = :event", other=other, event=event)

    assert (await light.fault())[0] == 5
    assert (await light.verify(addresses=False)).walk.events == 9, "and this is what skipping addresses costs"


async def test_the_same_address_under_another_master_key_is_no_change(light: Trail) -> None:
    event = await light.event_of(5)
    again = SEALER.seal(b"192.0.2.7", place=place("events", "address", event))

    await light.execute("UPDATE events SET sealed_address = :again WHERE id = :event", again=again, event=event)

    assert (await light.verify()).walk.events == 9


@pytest.mark.parametrize("seq", [1, 5, 9])
@pytest.mark.parametrize("whole", [False, True], ids=["the row", "the row and its number"])
async def test_a_removed_event_is_found(trail: Trail, seq: int, whole: bool) -> None:
    event = await trail.event_of(seq)
    await trail.execute("DELETE FROM events WHERE id = :event", event=event)
    if whole:
        await trail.execute(f"DELETE FROM event_links WHERE seq = {seq}")

    assert (await trail.fault())[0] == seq


async def test_numbers_that_close_a_gap_are_found(light: Trail) -> None:
    event = await light.event_of(5)
    await light.execute("DELETE FROM events WHERE id = :event", event=event)
    await light.execute("DELETE FROM event_links WHERE seq = 5")
    for seq in range(6, 10):
        await light.execute(f"UPDATE event_links SET seq = {seq - 1} WHERE seq = {seq}")

    assert (await light.fault())[0] == 5


async def test_two_events_that_were_swapped_are_found(trail: Trail) -> None:
    fourth, fifth = await trail.event_of(4), await trail.event_of(5)
    for seq, event in ((4, "none"), (5, fourth), (4, fifth)):
        await trail.execute(f"UPDATE event_links SET event_id = :event WHERE seq = {seq}", event=event)

    assert (await trail.fault())[0] == 4


async def test_an_inserted_event_is_found(trail: Trail) -> None:
    """In time it may get a number, at the end: never among those that there are."""
    inserted = id_at(time_of(await trail.event_of(5)) + MINUTE / 2) + "000" + make_id()
    copied = ", ".join(f'"{name}"' for name in LIES if name not in ("id", "sealed_address"))
    await trail.execute(
        f"INSERT INTO events (id, {copied}) SELECT :inserted, {copied} FROM events WHERE id = :event",
        inserted=inserted, event=await trail.event_of(5),
    )  # fmt: skip

    assert inserted in (await trail.fault())[1]
    await trail.again().chain.link()
    done = await trail.verify()
    assert (done.walk.seq, done.walk.first_late) == (10, 10)


async def test_an_inserted_number_is_found(light: Trail) -> None:
    event = await light.event_of(9)
    await light.execute("DELETE FROM event_links WHERE seq = 9")
    await light.execute(
        "INSERT INTO event_links (seq, event_id, hash) VALUES (9, 'none', :hash), (10, :event, :hash)",
        hash=bytes(32), event=event,
    )  # fmt: skip

    assert (await light.fault())[0] == 9


async def test_numbers_behind_the_end_are_found(light: Trail) -> None:
    await light.execute("INSERT INTO event_links (seq, event_id, hash) VALUES (10, 'none', :hash)", hash=bytes(32))

    assert (await light.fault())[0] == 10


async def test_the_newest_events_that_were_removed_with_all_that_counts_them_are_found(trail: Trail) -> None:
    head = (await trail.rows("SELECT hash FROM event_links WHERE seq = 6"))[0][0]
    await trail.execute(
        "DELETE FROM events WHERE id IN (SELECT event_id FROM event_links WHERE seq > 6)",
        "DELETE FROM event_links WHERE seq > 6",
        "DELETE FROM event_checkpoints WHERE seq > 6",
    )
    await trail.execute("UPDATE event_chain SET seq = 6, checkpoint = 6, hash = :head", head=head)

    seq, what = await trail.fault()

    assert seq is None
    assert "was changed" in what


async def test_a_trail_that_was_put_back_to_an_earlier_state_is_found_by_a_kept_checkpoint(
    sqlite_url: str, tmp_path: Path
) -> None:
    """All of it as it once was, the end too: only what was kept elsewhere can know better."""
    async with Trail.at(sqlite_url, tmp_path) as trail:
        (old,) = await trail.filled(3)
        before = (await trail.rows("SELECT * FROM event_chain"))[0]._asdict()
        (kept,) = await trail.filled(3)
        await trail.execute(
            "DELETE FROM events WHERE id IN (SELECT event_id FROM event_links WHERE seq > 3)",
            "DELETE FROM event_links WHERE seq > 3", "DELETE FROM event_checkpoints WHERE seq > 3",
        )  # fmt: skip
        changes = ", ".join(f"{name} = :{name}" for name in before)
        await trail.execute(f"UPDATE event_chain SET {changes}", **before)

        assert (await trail.verify()).walk.seq == 3
        assert (await trail.verify(pin=pinned(old))).walk.pinned
        assert (await trail.fault(pin=pinned(kept)))[0] == 4


@pytest.mark.parametrize("seq", [3, 6, 9])
async def test_a_removed_checkpoint_is_found(light: Trail, seq: int) -> None:
    await light.execute(f"DELETE FROM event_checkpoints WHERE seq = {seq}")

    assert (await light.fault())[0] == min(seq + 3, 9)


@pytest.mark.parametrize("column", ["hash", "signed_at", "kid", "jws", "mark"])
async def test_a_changed_checkpoint_is_found(light: Trail, column: str) -> None:
    lies = {"hash": "zeroblob(32)", "signed_at": "signed_at + 1", "kid": "'other'", "jws": "jws || 'A'",
            "mark": "zeroblob(32)"}  # fmt: skip
    await light.execute(f"UPDATE event_checkpoints SET {column} = {lies[column]} WHERE seq = 6")

    assert (await light.fault())[0] == 6


async def test_an_old_checkpoint_in_the_place_of_a_newer_one_is_found(light: Trail) -> None:
    old = (await light.rows("SELECT * FROM event_checkpoints WHERE seq = 3"))[0]._asdict()
    changes = ", ".join(f"{name} = :{name}" for name in old if name != "seq")

    await light.execute(
        f"UPDATE event_checkpoints SET {changes} WHERE seq = 6", **{k: old[k] for k in old if k != "seq"}
    )

    assert (await light.fault())[0] == 6


async def test_a_checkpoint_that_another_key_signed_is_found(light: Trail, tmp_path: Path) -> None:
    """Somebody brings a key of their own into the database, and signs with it; the provider's own secret they lack."""
    forged = await _signed_by_another(light, 9, tmp_path)
    await light.execute(
        "UPDATE event_checkpoints SET jws = :jws, kid = :kid, mark = :mark, signed_at = :at WHERE seq = 9",
        jws=forged.jws, kid=forged.kid, mark=forged.mark, at=_micros(forged),
    )  # fmt: skip

    seq, what = await light.fault()

    assert (seq, "its mark is wrong" in what) == (9, True)


def _micros(signed: Signed) -> int:
    return int(id_at(signed.signed_at), 16)


async def _signed_by_another(trail: Trail, seq: int, folder: Path) -> Signed:
    await trail.new_key()
    keyring = Keyring(trail.database, EpochWatch(trail.database), trail.keystore, trail.clock)
    foreign = AuditSigner(keyring, Digester(b"a key that somebody else has, 32"), issuer=ISSUER)
    await foreign.prepare()
    hash_ = (await trail.rows(f"SELECT hash FROM event_links WHERE seq = {seq}"))[0][0]
    return foreign.sign(CHECKPOINT, seq, hash_, previous=None, now=trail.clock.now())


async def test_a_whole_trail_that_was_written_anew_is_found_by_a_kept_checkpoint(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Even by somebody who has every secret of the provider."""
    async with Trail.at(sqlite_url, tmp_path) as trail:
        (kept,) = await trail.filled(3)
        await trail.execute(
            "UPDATE events SET user_id = 'eve'", "DELETE FROM event_links", "DELETE FROM event_checkpoints",
            "DELETE FROM event_chain",
        )  # fmt: skip
        await trail.again().sign()

        assert (await trail.verify()).walk.events == 3
        assert (await trail.fault(pin=pinned(kept)))[0] == 3


async def test_checkpoints_are_verified_after_their_keys_were_replaced_and_are_gone(trail: Trail) -> None:
    await trail.new_key()
    second = trail.again()
    await second.filled(2)
    for row in await trail.rows("SELECT private_ref FROM signing_keys"):
        trail.keystore.delete(row[0])
    await trail.execute("DELETE FROM signing_keys")

    done = await trail.verify()

    assert (done.walk.events, done.walk.checkpoints, len(done.walk.thumbprints)) == (11, 4, 2)
    assert list(done.walk.thumbprints.values()) == [3, 11]


async def test_verification_may_begin_at_a_checkpoint(trail: Trail) -> None:
    await trail.execute("UPDATE events SET user_id = 'eve' WHERE id = :event", event=await trail.event_of(2))

    done = await trail.verify(start=5)

    assert (done.first, done.walk.events) == (4, 6)
    assert (await trail.fault(start=3))[0] == 2


async def test_what_happens_while_the_trail_is_verified_is_no_fault(trail: Trail) -> None:
    await trail.write(2, apart=timedelta())

    done = await trail.verify()

    assert (done.walk.seq, done.waiting) == (9, 2)


async def test_events_that_wait_for_a_server_that_stands_still_are_no_fault(trail: Trail) -> None:
    await trail.write(2)
    trail.clock.advance(DAY + HOUR)

    assert (await trail.verify()).waiting == 2
