"""A broken trail is not mended: a new chain begins behind it, and says so for good."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.flows.audit_export import verify_export
from idp.flows.audit_restart import AuditRestart
from idp.flows.audit_signer import AuditSigner
from idp.oauth.keyring import Keyring
from idp.storage.caches import EpochWatch
from tests.support.audit_trail import ISSUER, KEPT, Trail, pinned
from tests.support.builders import DAY
from tests.support.storage import DIGESTER

BREAKS = {
    "an event": "UPDATE events SET user_id = 'eve'",
    "the end": "UPDATE event_chain SET seq = 5",
    "no end": "DELETE FROM event_chain",
    "a checkpoint": "DELETE FROM event_checkpoints WHERE seq = 6",
    "numbers": "DELETE FROM event_links WHERE seq > 4",
}


@pytest.fixture
async def trail(database_url: str, tmp_path: Path) -> AsyncIterator[Trail]:
    async with Trail.at(database_url, tmp_path) as trail:
        yield trail


async def restarted(trail: Trail) -> int:
    keyring = Keyring(trail.database, EpochWatch(trail.database), trail.keystore, trail.clock)
    signer = AuditSigner(keyring, DIGESTER, issuer=ISSUER)
    return await AuditRestart(trail.transactions, signer, trail.clock).restart("a disk was restored by hand")


@pytest.mark.parametrize("order", BREAKS.values(), ids=BREAKS)
async def test_after_a_restart_events_are_linked_and_verified_again(trail: Trail, order: str) -> None:
    await trail.filled(3, 3)
    await trail.execute(order)
    await trail.fault()

    after = await restarted(trail)
    again = trail.again()
    await again.filled(2)

    done = await trail.verify()
    assert (done.first, "was found broken and restarted" in done.note) == (after + 1, True)
    assert done.walk.events >= 3, "the restart itself is an event"
    assert verify_export(await again.lines()).seq == done.walk.seq


async def test_a_restart_hides_nothing_from_a_checkpoint_that_was_kept(trail: Trail) -> None:
    _first, kept = await trail.filled(3, 3)
    await trail.execute("DELETE FROM event_links WHERE seq > 4")
    await restarted(trail)
    await trail.again().filled(1)

    done = await trail.verify(pin=pinned(kept))

    assert (done.walk.pinned, done.note != "") == (False, True)


async def test_what_was_broken_stays_as_evidence_as_long_as_events_are_kept(trail: Trail) -> None:
    await trail.filled(3)
    await trail.execute("UPDATE events SET user_id = 'eve'")
    await restarted(trail)
    later = trail.again()
    await later.filled(2)
    later.clock.advance(DAY)
    await later.filled(2)

    assert await later.retention.remove_due() == 0
    assert len(await trail.rows("SELECT id FROM events WHERE user_id = 'eve'")) == 3

    later.clock.advance(KEPT)
    assert await later.retention.remove_due() == 6
    assert (await trail.verify()).walk.events == 2


@pytest.mark.parametrize("order", ["DELETE FROM event_removals", "UPDATE event_removals SET mark = hash"])
async def test_a_restart_cannot_be_forged_or_taken_back(trail: Trail, order: str) -> None:
    await trail.filled(3)
    await trail.execute("UPDATE event_chain SET seq = 2")
    await restarted(trail)

    await trail.execute(order)

    await trail.fault()
