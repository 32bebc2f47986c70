"""The stored past: replayed as if it had never left memory; what is damaged is named and stops nothing."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from idp.domain.assurance import Factor
from idp.domain.credential import Credential
from idp.domain.user import Role, UserStatus
from idp.flows import policy_history, policy_people
from idp.flows.policy_history import Named
from idp.flows.verdict import read_record
from idp.policy import record as records
from idp.policy import rule_file, shipped
from idp.policy.record import RecordedSignIn
from idp.policy.record_text import Rest
from idp.policy.simulation import simulate
from idp.policy.step_up import Rules
from tests.support.careful import ELSEWHERE, SAFARI, Visitor, careful_provider, decisions, settled
from tests.support.policy_past import ADA, HEAD, OWN, PASSKEYS_ONLY, Desk, as_stored, harmless, store_past
from tests.support.recorded import START, history

COUNT = 300


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with Desk.at(database_url) as desk:
        yield desk


async def everything(desk: Desk, damaged: Named) -> list[RecordedSignIn]:
    found = policy_history.recorded(desk.transactions, START, damaged)
    return [record async for _, record in found]


async def test_a_simulation_over_stored_decisions_is_that_over_those_in_memory(desk: Desk) -> None:
    past = list(history(OWN, COUNT))
    await store_past(desk.transactions, past)
    strict = rule_file.read(shipped.text("strict"))
    damaged = Named()

    stored = await everything(desk, damaged)

    assert simulate(OWN, strict, stored) == simulate(OWN, strict, past)
    assert simulate(OWN, OWN, stored).not_reproduced == 0
    assert damaged.count == 0


async def test_only_what_is_recent_enough_is_replayed(desk: Desk) -> None:
    past = list(history(OWN, COUNT))
    await store_past(desk.transactions, past)
    moment = START + timedelta(days=20)

    found = [each async for _, each in policy_history.recorded(desk.transactions, moment, Named())]

    assert len(found) == sum(each.at >= moment for each in past)


async def test_damaged_records_are_counted_and_named_and_stop_nothing(desk: Desk) -> None:
    past = list(history(OWN, 10))
    await store_past(desk.transactions, past)
    no_policy = records.to_json(past[0])
    del no_policy["policy"]
    changed = as_stored(past[0], digest="0" * 64)
    broken = as_stored(past[0], record="{")
    unnamed = as_stored(
        past[0], record=records.canonical(no_policy).decode(),
        digest=records.content_hash(no_policy).removeprefix("sha256:"),
    )  # fmt: skip
    await desk.keep(changed, broken, unnamed)
    damaged = Named()

    found = await everything(desk, damaged)

    assert len(found) == 10
    assert damaged == Named(3, [changed.id, broken.id, unnamed.id])


async def test_of_many_damaged_records_a_hundred_are_named() -> None:
    damaged = Named()
    for number in range(150):
        damaged.add(str(number))

    assert (damaged.count, len(damaged.ids)) == (150, policy_history.MOST_NAMED)


async def test_decisions_come_out_again_under_the_policy_that_made_them(desk: Desk) -> None:
    stored_policy = rule_file.read(harmless(3))
    await desk.rollout.add(harmless(3), ADA)
    gone = rule_file.read(harmless(4))
    quiet = rule_file.read(shipped.text("quiet"))
    past = [*history(OWN, 50), *history(stored_policy, 30), *history(quiet, 10), *history(gone, 7)]
    await store_past(desk.transactions, past)

    report = await policy_history.replay(desk.transactions, OWN, START)

    assert (report.decisions, report.reproduced, report.differing.count) == (97, 90, 0)
    assert report.unknown == {gone.digest: 7}
    assert report.is_clean


async def test_a_decision_that_does_not_come_out_again_is_named(desk: Desk) -> None:
    (other,) = list(history(OWN, 1, seed=3))
    await store_past(desk.transactions, [other])
    forged = replace(other, verdict={**other.verdict, "decision": "deny", "acr": "phr"})
    kept = as_stored(forged)
    await desk.keep(kept, as_stored(other, record="{"))

    report = await policy_history.replay(desk.transactions, OWN, START)

    assert (report.decisions, report.reproduced) == (3, 1)
    assert report.differing.ids == [kept.id]
    assert report.damaged.count == 1
    assert not report.is_clean


async def test_who_could_not_begin_a_sign_in_anyway_or_is_disabled_is_nobody_locked_out(desk: Desk) -> None:
    await desk.person(has_password=False)
    await desk.person(status=UserStatus.DISABLED)
    outside = await desk.person()
    keeper = await desk.person(role=Role.OWNER)
    passkey = Credential("passkey", keeper.id, Factor.WEBAUTHN, "key", desk.clock.now())
    async with desk.transactions.open(write=True) as stores:
        await stores.credentials.add(passkey)

    found = await policy_people.locked_out(
        desk.transactions, Rules(), rule_file.read(PASSKEYS_ONLY), desk.clock.now()
    )  # fmt: skip

    assert (found.people, found.users, found.admins) == (2, (outside.id,), ())


async def test_everybody_is_seen_page_by_page(desk: Desk) -> None:
    people = [(await desk.person()).id for _ in range(policy_people.PAGE + 1)]
    rule = f"{HEAD}[[rule]]\nid = 'a'\nrequire = {{ acr = 'phr' }}\nunenrolled = 'deny'\n"

    found = await policy_people.locked_out(desk.transactions, Rules(), rule_file.read(rule), desk.clock.now())

    assert found.people == len(people)
    assert sorted(found.users) == sorted(people)


async def test_what_the_provider_itself_recorded_comes_out_again(tmp_path: Path) -> None:
    async with careful_provider(tmp_path) as provider:
        rp = await provider.client()
        owner = await settled(provider, rp, times=3)
        await Visitor(provider, owner.person, ELSEWHERE, SAFARI).arrive(rp)
        site = provider.site
        assert site.engine.risk is not None

        report = await policy_history.replay(site.transactions, site.engine.risk.policies.own, START)

    assert report.decisions >= 4
    assert report.reproduced == report.decisions
    for stored in await decisions(provider, owner.person):
        facts, refusal = json.loads(stored.record)["facts"], json.loads(stored.record).get("refusal")
        assert (stored.country, stored.refusal) == (facts.get("net.country"), refusal)
        assert isinstance(read_record(stored).verdict, Rest), "read the long way"
