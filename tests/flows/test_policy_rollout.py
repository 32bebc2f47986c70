"""Versions of the policy: refused while something is wrong, one enforced at most, and always a way back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from idp.domain.user import Role
from idp.flows.policy_states import Mover, NoSuchVersion, RolloutRaced, RolloutRefused
from idp.policy.findings import BadPolicy
from idp.risk.active_policies import ActivePolicies
from idp.storage.caches import EpochWatch
from idp.storage.database import Database
from idp.storage.stores import Stores, Transactions
from tests.support.policy_past import ADA, BRAND, HEAD, OWN, PASSKEYS_ONLY, Desk, harmless
from tests.support.provider import HOUR, MINUTE
from tests.support.storage import DIGESTER, SEALER, opened, transactions_on

UNFIT = f"{HEAD}[[test]]\nfacts = {{}}\nexpect = {{ decision = 'deny' }}\n"


@pytest.fixture
async def desk(sqlite_url: str) -> AsyncIterator[Desk]:
    async with Desk.at(sqlite_url) as desk:
        yield desk


@pytest.fixture
async def either(database_url: str) -> AsyncIterator[Desk]:
    """On SQLite and on PostgreSQL: where a lock or the order of rows decides."""
    async with Desk.at(database_url) as desk:
        yield desk


async def test_a_text_that_cannot_be_read_is_not_stored(desk: Desk) -> None:
    with pytest.raises(BadPolicy):
        await desk.rollout.add("rules = 1", ADA)

    assert await desk.states() == []


async def test_a_version_whose_tests_fail_stays_a_draft_and_goes_nowhere(desk: Desk) -> None:
    version = (await desk.rollout.add(UNFIT, ADA)).version

    with pytest.raises(RolloutRefused, match="test failed"):
        await desk.rollout.shadow(version, ADA)
    with pytest.raises(RolloutRefused, match="test failed"):
        await desk.rollout.promote(version, ADA, override=BRAND)

    assert await desk.states() == ["draft"]


async def test_a_version_that_locks_out_an_administrator_is_refused_and_only_the_name_overrides(either: Desk) -> None:
    for _ in range(150):
        await either.person(has_password=False)  # nobody can lock out who has no way in yet
    owner = await either.person(role=Role.OWNER)
    version = (await either.rollout.add(PASSKEYS_ONLY, ADA)).version

    with pytest.raises(RolloutRefused, match=f"1 administrators: {owner.id}") as refused:
        await either.rollout.promote(version, ADA)
    with pytest.raises(RolloutRefused, match="'yes' is not the name"):
        await either.rollout.promote(version, ADA, canary=10, override="yes")
    assert refused.value.may_override
    assert await either.states() == ["checked"]

    await either.rollout.promote(version, ADA, override=BRAND)

    assert await either.states() == ["enforced"]
    assert "lockout replay overridden; a try" in [each.why for each in await either.rollout.changes()]


async def test_a_version_that_locks_out_more_than_one_user_in_a_hundred_is_refused(desk: Desk) -> None:
    only_one = f"{HEAD}[[rule]]\nid = 'a'\nwhen = {{ groups.any = ['away'] }}\nrequire = {{ acr = 'phr' }}\nunenrolled = 'deny'\n"  # noqa: E501
    version = (await desk.rollout.add(only_one, ADA)).version
    await desk.person(claims={"groups": ["away"]})
    for _ in range(98):
        await desk.person()

    with pytest.raises(RolloutRefused, match="1 of 99 active users"):
        await desk.rollout.promote(version, ADA)
    await desk.person()

    assert (await desk.rollout.promote(version, ADA)).state == "enforced"


async def test_what_is_enforced_takes_the_place_of_what_was(either: Desk) -> None:
    first, second, third = [await either.version(number) for number in range(3)]
    await either.rollout.promote(first, ADA)
    await either.rollout.promote(second, ADA, canary=10)

    with pytest.raises(RolloutRefused, match="enforced already"):
        await either.rollout.promote(first, ADA)
    await either.rollout.promote(third, ADA)

    assert await either.states() == ["retired", "retired", "enforced"]
    reasons = {(each.version, each.state): (each.by, each.why) for each in await either.rollout.changes()}
    assert reasons[third, "enforced"] == ("ada", "a try")
    assert reasons[first, "retired"] == reasons[second, "retired"] == ("ada", "v3 is enforced")


async def test_the_same_text_is_one_version(desk: Desk) -> None:
    assert await desk.version(1) == await desk.version(1)


async def test_what_was_checked_is_simulated_but_nothing_falls_back_to_it(desk: Desk) -> None:
    version = await desk.version(1)
    assert await desk.state(version) == "checked"
    await desk.rollout.note_simulated(version, ADA)
    assert await desk.state(version) == "simulated"
    await desk.rollout.shadow(version, ADA)

    await desk.rollout.note_simulated(version, ADA)

    assert await desk.state(version) == "shadow"


async def test_one_version_watches_at_a_time_and_none_that_decides(desk: Desk) -> None:
    first, second = await desk.version(1), await desk.version(2)
    await desk.rollout.shadow(first, ADA)
    await desk.rollout.shadow(second, ADA)
    assert await desk.states() == ["retired", "shadow"]

    await desk.rollout.promote(first, ADA, canary=5)
    with pytest.raises(RolloutRefused, match="decides already"):
        await desk.rollout.shadow(first, ADA)

    assert await desk.states() == ["canary", "shadow"]


@pytest.mark.parametrize("share", [0, 100])
async def test_a_canary_decides_for_some_and_not_for_all(desk: Desk, share: int) -> None:
    version = await desk.version(1)

    with pytest.raises(RolloutRefused, match="1 to 99"):
        await desk.rollout.promote(version, ADA, canary=share)


async def test_a_version_nobody_stored_is_not_found(desk: Desk) -> None:
    with pytest.raises(NoSuchVersion, match="v7"):
        await desk.rollout.promote(7, ADA)


class Meeting(Transactions):
    """Transactions of which none writes before all have come to write."""

    def __init__(self, database: Database, barrier: asyncio.Barrier) -> None:
        super().__init__(database, sealer=SEALER, digester=DIGESTER)
        self._barrier = barrier

    @asynccontextmanager
    async def open(self, *, write: bool, request_id: str | None = None) -> AsyncIterator[Stores]:
        if write:
            await self._barrier.wait()
        async with super().open(write=write, request_id=request_id) as stores:
            yield stores


@pytest.mark.parametrize("is_first", [True, False], ids=["beside the file", "beside a version"])
async def test_of_two_promotions_at_once_one_wins_and_one_version_is_enforced(
    either: Desk, database_url: str, is_first: bool
) -> None:
    versions = [await either.version(number) for number in range(3)]
    if not is_first:
        await either.rollout.promote(versions[2], ADA)
    barrier = asyncio.Barrier(2)

    async with opened(database_url) as one, opened(database_url) as other:
        rollouts = [either.over(Meeting(database, barrier)) for database in (one, other)]
        outcomes = await asyncio.gather(
            *(each.promote(version, ADA) for each, version in zip(rollouts, versions, strict=False)),
            return_exceptions=True,
        )

    assert [type(each) for each in outcomes].count(RolloutRaced) == 1
    assert (await either.states()).count("enforced") == 1


async def test_two_texts_at_once_become_two_versions(either: Desk, database_url: str) -> None:
    async with opened(database_url) as one, opened(database_url) as other:
        rollouts = [either.over(transactions_on(database)) for database in (one, other)]
        stored = await asyncio.gather(*(each.add(harmless(n), ADA) for n, each in enumerate(rollouts * 3)))

    assert sorted(each.version for each in stored) == [1, 2, 3, 4, 5, 6]


async def test_there_is_nothing_to_take_back_while_the_file_decides(desk: Desk) -> None:
    await desk.version(1)

    with pytest.raises(NoSuchVersion, match="the operator's own file decides"):
        await desk.rollout.revert(ADA)


async def test_reverts_go_back_step_by_step_to_the_file_and_never_to_and_fro(either: Desk) -> None:
    versions = [await either.version(number) for number in range(3)]
    for version in versions:
        await either.rollout.promote(version, ADA)
        either.clock.advance(2 * HOUR + 10 * MINUTE)

    done = []
    for _ in versions:
        done.append(await either.rollout.revert(ADA))
        either.clock.advance(MINUTE)

    assert [(each.version, each.to) for each in done] == [(3, 2), (2, 1), (1, None)]
    assert [each.ran for each in done] == [timedelta(hours=2, minutes=10), MINUTE, MINUTE]
    assert await either.states() == ["retired"] * 3


async def test_any_version_can_be_restored_and_is_then_what_a_revert_takes_back(desk: Desk) -> None:
    first, second = await desk.version(1), await desk.version(2)
    for version in (first, second, first):
        await desk.rollout.promote(version, ADA)
        desk.clock.advance(MINUTE)

    done = await desk.rollout.revert(ADA)

    assert (done.version, done.to) == (first, second)
    assert await desk.states() == ["retired", "enforced"]


async def test_a_revert_ends_a_canary_first_and_leaves_what_is_enforced(desk: Desk) -> None:
    first, second = await desk.version(1), await desk.version(2)
    await desk.rollout.promote(first, ADA)
    await desk.rollout.promote(second, ADA, canary=10)

    done = await desk.rollout.revert(Mover("ada", "too many calls"))

    assert (done.version, done.to) == (second, first)
    assert await desk.states() == ["enforced", "retired"]


async def test_a_revert_of_what_decides_no_more_changes_nothing(desk: Desk) -> None:
    first, second = await desk.version(1), await desk.version(2)
    await desk.rollout.promote(first, ADA)
    await desk.rollout.promote(second, ADA)

    with pytest.raises(RolloutRaced):
        await desk.rollout.revert(ADA, only=first)

    assert await desk.states() == ["retired", "enforced"]


async def test_every_move_leaves_a_change_and_an_audit_row_about_nobody(desk: Desk) -> None:
    version = await desk.version(1)
    await desk.rollout.promote(version, ADA, canary=10)
    await desk.rollout.revert(ADA)

    async with desk.transactions.open(write=False) as stores:
        changed = await stores.events.list(kind="policy_changed")
        reverted = await stores.events.list(kind="policy_reverted")
    assert sorted(row.detail["state"] for row in changed) == ["canary", "checked", "draft"]
    assert [row.detail for row in reverted] == [{"version": version, "to": None, "automatic": False}]
    assert all(row.user_id is None for row in (*changed, *reverted))
    assert {each.by for each in await desk.rollout.changes()} == {"ada"}


async def test_the_provider_follows_a_promotion_and_a_revert(either: Desk, database_url: str) -> None:
    version = await either.version(1)
    async with opened(database_url) as database:

        async def name() -> str:
            watch = EpochWatch(database)
            await watch.refresh()
            async with either.transactions.open(write=False) as stores:
                return (await ActivePolicies(watch, OWN, DIGESTER).of(stores, "somebody")).name

        seen = [await name()]
        await either.rollout.promote(version, ADA)
        seen.append(await name())
        await either.rollout.revert(ADA)
        seen.append(await name())

    assert seen == ["file", "v1", "file"]
