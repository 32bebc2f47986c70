"""Drafts wait for a person: what was approved stays, and is approved as it was read; on both databases."""

from dataclasses import replace

from idp.domain.user import UserStatus
from idp.storage.approved_drafts import ApprovedDrafts
from idp.storage.database import Database
from idp.storage.drafts import DraftKind
from idp.storage.fleet import FleetStore
from idp.storage.stores import Stores, Transactions
from tests.support.builders import DAY, NOW, user
from tests.support.storage import World

WORD, GUIDANCE = DraftKind.WORD, DraftKind.GUIDANCE


async def test_a_draft_is_approved_as_it_was_read_and_once(stores: Stores) -> None:
    await stores.drafts.propose(GUIDANCE, "password_blocked:de", "alt", model="m-1", now=NOW)
    (read,) = await stores.drafts.all(GUIDANCE)
    await stores.drafts.propose(GUIDANCE, "password_blocked:de", "neu", model="m-2", now=NOW + DAY)

    assert not await stores.drafts.approve(read, by="ada", now=NOW)
    assert await stores.drafts.approve(replace(read, text="neu"), by="ada", now=NOW)
    assert not await stores.drafts.approve(replace(read, text="neu"), by="bob", now=NOW)
    (kept,) = await stores.drafts.all(GUIDANCE)
    assert (kept.text, kept.model, kept.approved_by, kept.approved_at) == ("neu", "m-2", "ada", NOW)


async def test_what_was_approved_is_not_overwritten_but_can_be_removed(stores: Stores) -> None:
    assert await stores.drafts.propose(WORD, "fjord", "fjord", model=None, now=NOW)
    await stores.drafts.approve((await stores.drafts.all(WORD))[0], by="ada", now=NOW)

    assert not await stores.drafts.propose(WORD, "fjord", "other", model=None, now=NOW)
    assert await stores.drafts.approved() == [(WORD, "fjord", "fjord")]
    assert await stores.drafts.remove(WORD, "fjord")
    assert not await stores.drafts.remove(WORD, "fjord")


async def test_only_what_was_approved_is_remembered_and_read_again_in_time(
    database: Database, transactions: Transactions
) -> None:
    kept, fresh = ApprovedDrafts(database), ApprovedDrafts(database, good_seconds=0)
    async with transactions.open(write=True) as stores:
        for kind, name in ((WORD, "fjord"), (GUIDANCE, "password_blocked:de")):
            await stores.drafts.propose(kind, name, f"text of {name}", model="m", now=NOW)
    assert await kept.words() == await fresh.words() == ()
    assert fresh.guidance("de") == {}
    async with transactions.open(write=True) as stores:
        for kind in DraftKind:
            await stores.drafts.approve((await stores.drafts.all(kind))[0], by="ada", now=NOW)

    assert await fresh.words() == ("text of fjord",)
    assert fresh.guidance("de") == {"password_blocked": "text of password_blocked:de"}
    assert fresh.guidance("fr") == {}
    assert await kept.words() == ()


async def test_the_fleet_is_counted_over_active_people(stores: Stores, world: World) -> None:
    await stores.users.add(user(status=UserStatus.DISABLED))

    counts = await FleetStore(stores.connection).counts(NOW + 400 * DAY)

    assert counts["people"] == 1
    assert counts["no_second_factor"] + counts["no_passkey"] == 2
    assert (counts["only_sms"], counts["no_recovery_codes"]) == (0, 0)
    assert counts["dormant"] == 1
