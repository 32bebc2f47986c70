"""Profiles, population, decisions, policies and what processes share about an adviser."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from idp.storage import decisions
from idp.storage.policies import EPOCH_NAME
from idp.storage.stores import Stores, Transactions
from tests.support.builders import DAY, HOUR, MINUTE, NOW, decision, user
from tests.support.storage import World


async def test_of_two_sign_ins_that_learn_at_once_one_must_look_again(stores: Stores, world: World) -> None:
    profiles = stores.risk_profiles
    assert await profiles.find(world.user.id) is None
    assert await profiles.save(world.user.id, {"n": 1}, after=0, now=NOW)
    assert not await profiles.save(world.user.id, {"n": 9}, after=0, now=NOW)

    assert await profiles.save(world.user.id, {"n": 2}, after=1, now=NOW)
    assert not await profiles.save(world.user.id, {"n": 9}, after=1, now=NOW)

    assert await profiles.find(world.user.id) == (2, {"n": 2})


async def test_a_profile_goes_with_its_person(stores: Stores, world: World) -> None:
    await stores.risk_profiles.save(world.user.id, {"n": 1}, after=0, now=NOW)

    await stores.users.delete(world.user.id)

    assert await stores.risk_profiles.find(world.user.id) is None


async def test_counts_of_the_population_add_up_and_are_taken_back(stores: Stores) -> None:
    await stores.risk_population.add(("hour:9", "devices"))
    await stores.risk_population.add(("hour:9",))
    await stores.risk_population.add(("hour:9",), step=-1)

    assert await stores.risk_population.all() == {"hour:9": 1, "devices": 1}


async def test_sign_ins_that_count_at_once_all_count(transactions: Transactions) -> None:
    async def learn(names: tuple[str, ...]) -> None:
        async with transactions.open(write=True) as stores:
            await stores.risk_population.add(names)

    await asyncio.gather(*(learn(("a", "b") if number % 2 else ("b", "a")) for number in range(20)))

    async with transactions.open(write=False) as stores:
        assert await stores.risk_population.all() == {"a": 20, "b": 20}


async def test_a_decision_is_read_as_it_was_stored(stores: Stores, world: World) -> None:
    stored = decision(world.user.id, session_id=world.session.id, advice={"state": "ok"})

    await stores.decisions.add(stored)

    assert await stores.decisions.find(stored.id) == stored
    assert await stores.decisions.find("nobody's") is None
    assert await stores.decisions.find("\0") is None


async def test_the_first_outcome_of_a_decision_stands(stores: Stores, world: World) -> None:
    stored = decision(world.user.id)
    await stores.decisions.add(stored)
    await stores.decisions.conclude(stored.id, "passed", session_id="s", taught={"bucket": 1}, now=NOW)

    await stores.decisions.conclude(stored.id, "failed", session_id=None, taught=None, now=NOW + MINUTE)

    expected = replace(stored, outcome="passed", outcome_at=NOW, session_id="s", taught={"bucket": 1})
    assert await stores.decisions.find(stored.id) == expected


async def test_a_decision_is_labelled_and_untaught_once(stores: Stores, world: World) -> None:
    stored = decision(world.user.id, taught={"bucket": 1})
    await stores.decisions.add(stored)

    assert await stores.decisions.label(stored.id, "attack", by="user", now=NOW)
    assert not await stores.decisions.label(stored.id, "owner", by="user", now=NOW)
    assert await stores.decisions.unteach(stored.id)
    assert not await stores.decisions.unteach(stored.id)


async def test_decisions_are_listed_newest_first_and_page_by_page(stores: Stores, world: World) -> None:
    made = [decision(world.user.id, band="high" if number == 1 else "low") for number in range(3)]
    for each in made:
        await stores.decisions.add(each)

    newest = await stores.decisions.newest(limit=2)
    assert [each.id for each in newest] == [made[2].id, made[1].id]
    assert [each.id for each in await stores.decisions.newest(before=newest[-1].id)] == [made[0].id]
    assert [each.id for each in await stores.decisions.newest(band="high", user_id=world.user.id)] == [made[1].id]
    assert await stores.decisions.newest(decision="deny") == []


async def records_since(stores: Stores, moment: datetime) -> list[str]:
    return [each.id async for page in stores.decisions.records_since(moment) for each in page]


async def test_history_is_read_from_a_moment_on_oldest_first(stores: Stores, world: World) -> None:
    old, new = decision(world.user.id, decided_at=NOW - DAY), decision(world.user.id)
    for each in (old, new):
        await stores.decisions.add(each)

    assert await records_since(stores, NOW - HOUR) == [new.id]
    assert await records_since(stores, NOW - 2 * DAY) == [old.id, new.id]


async def test_decisions_of_one_moment_are_read_once_each_over_all_pages(stores: Stores, world: World) -> None:
    made = [decision(world.user.id) for _ in range(2 * decisions.PAGE + 1)]
    for each in made:
        await stores.decisions.add(each)

    assert await records_since(stores, NOW) == [each.id for each in made]


async def test_sign_ins_are_counted_by_country_and_decision(stores: Stores, world: World) -> None:
    for country, decided in (("NZ", "deny"), ("NZ", "allow"), ("NZ", "allow"), (None, "allow")):
        await stores.decisions.add(decision(world.user.id, country=country, decision=decided))
    await stores.decisions.add(decision(world.user.id, country="NZ", event="refresh"))
    await stores.decisions.add(decision(world.user.id, country="NZ", decided_at=NOW - HOUR))

    counted = await stores.decisions.countries_between(NOW, NOW + HOUR)

    assert counted == {("NZ", "deny"): 1, ("NZ", "allow"): 2, (None, "allow"): 1}
    assert await stores.decisions.countries_between(NOW - DAY, NOW) == {("NZ", "allow"): 1}


async def test_people_are_counted_once_however_often_they_came(stores: Stores, world: World) -> None:
    other = user()
    await stores.users.add(other)
    for person, refusal in ((world.user, "rule"), (world.user, "unreachable"), (other, "unreachable")):
        for at in (NOW, NOW + HOUR):
            await stores.decisions.add(
                decision(person.id, decided_at=at, decision="deny", refusal=refusal, policy="sha256:2")
            )
    seen = stores.decisions

    assert await seen.refused_between(NOW, NOW + HOUR, policy="sha256:2", refusal="unreachable") == 2
    assert await seen.refused_between(NOW, NOW + HOUR, policy="sha256:2", refusal="rule") == 1
    assert await seen.refused_between(NOW, NOW + HOUR, policy="sha256:3", refusal="rule") == 0
    assert await seen.people_between(NOW, NOW + HOUR, policy="sha256:2", most=200) == 2
    assert await seen.people_between(NOW, NOW + HOUR, policy="sha256:2", most=1) == 1
    assert await seen.people_between(NOW - DAY, NOW - HOUR, policy="sha256:2", most=200) == 0


async def test_outcomes_are_counted_by_policy(stores: Stores, world: World) -> None:
    for outcome in ("passed", "passed", None):
        await stores.decisions.add(decision(world.user.id, decision="step_up", outcome=outcome))
    await stores.decisions.add(decision(world.user.id, policy="sha256:1"))

    counts = await stores.decisions.counts_since(NOW - HOUR, "sha256:0")

    assert counts == {("step_up", "passed"): 2, ("step_up", None): 1}


async def test_versions_of_a_policy_are_numbered_and_moved_once(stores: Stores) -> None:
    first = await stores.policies.add("text", "sha256:a", "draft", by="cli", now=NOW)
    second = await stores.policies.add("text 2", "sha256:b", "draft", by="cli", now=NOW)
    assert (first.version, second.version) == (1, 2)

    assert await stores.policies.move(2, "canary", was="draft", by="ada", share=10, now=NOW + MINUTE)
    assert not await stores.policies.move(2, "enforced", was="draft", by="eve", now=NOW + MINUTE)

    moved = await stores.policies.find(2)
    assert moved is not None
    assert (moved.state, moved.share, moved.changed_at) == ("canary", 10, NOW + MINUTE)
    assert [each.version for each in await stores.policies.in_states("draft", "canary")] == [2, 1]
    newest = (await stores.policies.changes())[0]
    assert (newest.version, newest.state, newest.by) == (2, "canary", "ada")


async def test_a_change_of_policy_is_seen_by_all_processes(stores: Stores) -> None:
    before = (await stores.epochs.all()).get(EPOCH_NAME, 0)

    await stores.policies.add("text", "sha256:a", "draft", by="cli", now=NOW)

    assert (await stores.epochs.all())[EPOCH_NAME] == before + 1


@pytest.mark.parametrize(("later", "expected"), [(timedelta(), {"score": 1}), (HOUR, None)])
async def test_an_answer_is_kept_until_it_expires(
    stores: Stores, later: timedelta, expected: dict[str, int] | None
) -> None:
    await stores.adviser.keep_answer("key", {"score": 1}, NOW, NOW + HOUR)
    await stores.adviser.keep_answer("key", {"score": 2}, NOW, NOW + 2 * HOUR)

    assert await stores.adviser.find_answer("key", NOW + later) == expected


async def test_a_shared_state_is_changed_by_one_at_a_time(stores: Stores) -> None:
    assert await stores.adviser.state("breaker") == (0, {})
    assert await stores.adviser.save_state("breaker", {"open": 1}, after=0, expires_at=NOW)
    assert not await stores.adviser.save_state("breaker", {"open": 2}, after=0, expires_at=NOW)

    assert await stores.adviser.save_state("breaker", {"open": 3}, after=1, expires_at=NOW)

    assert await stores.adviser.state("breaker") == (2, {"open": 3})


async def test_the_risk_of_a_session_only_rises(stores: Stores, world: World) -> None:
    await stores.sessions.raise_risk(world.session.id, 50)
    await stores.sessions.raise_risk(world.session.id, 20)

    found = await stores.sessions.find_by_id(world.session.id, NOW)
    assert found is not None
    assert found.risk == 50
    await stores.sessions.raise_risk_of_user(world.user.id, 70)
    found = await stores.sessions.find_by_id(world.session.id, NOW)
    assert found is not None
    assert found.risk == 70


async def test_an_address_is_verified_from_the_moment_it_was_proved(stores: Stores, world: World) -> None:
    await stores.users.save(replace(world.user, email_verified=False, updated_at=NOW + MINUTE))
    await stores.users.save(replace(world.user, email_verified=True, updated_at=NOW + HOUR))
    await stores.users.save(replace(world.user, email_verified=True, updated_at=NOW + DAY))

    found = await stores.users.find(world.user.id)

    assert found is not None
    assert found.email_verified_at == NOW + HOUR
    await stores.users.save(replace(world.user, email="new@example.com", updated_at=NOW + 2 * DAY))
    found = await stores.users.find(world.user.id)
    assert found is not None
    assert found.email_verified_at == NOW + 2 * DAY
