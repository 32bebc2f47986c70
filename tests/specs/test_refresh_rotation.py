"""Rotation of refresh tokens – RFC 9700 §4.14: families, grace, reuse, and how long a family lives."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import SECOND, HandClock, Person, Provider
from tests.support.relying_party import Answer, RelyingParty

IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=90)
GRACE = timedelta(seconds=60)
PUBLIC_GRACE = timedelta(seconds=10)
TICK = timedelta(microseconds=1)


async def test_every_use_gives_a_new_token(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §6, RFC 9700 §4.14.2; the answer is not kept by caches (§5.1)."""
    first = await rp.refresh(tokens.refresh_token)
    second = await rp.refresh(first.refresh_token)

    assert first.status == second.status == 200
    assert len({tokens.refresh_token, first.refresh_token, second.refresh_token}) == 3
    assert len({tokens.access_token, first.access_token, second.access_token}) == 3
    assert first.headers["cache-control"] == "no-store"
    assert await rp.is_active(second.access_token)


async def test_a_second_use_after_the_grace_ends_the_family(rp: RelyingParty, tokens: Answer, clock: HandClock) -> None:
    """RFC 9700 §4.14.2: reuse means that somebody has a copy; access tokens die too."""
    fresh = await rp.refresh(tokens.refresh_token)
    clock.advance(GRACE + TICK)

    reuse = await rp.refresh(tokens.refresh_token)

    assert (reuse.status, reuse.error) == (400, "invalid_grant")
    assert (await rp.refresh(fresh.refresh_token)).error == "invalid_grant"
    assert not await rp.is_active(fresh.access_token)


async def test_a_second_use_in_the_grace_gets_the_same_successor(
    rp: RelyingParty, tokens: Answer, clock: HandClock
) -> None:
    """RFC 9700 §4.14.2: a client that never got the answer may repeat itself; no fork, no theft."""
    first = await rp.refresh(tokens.refresh_token)
    clock.advance(GRACE)

    again = [await rp.refresh(tokens.refresh_token) for _ in range(3)]

    assert {answer.refresh_token for answer in again} == {first.refresh_token}
    assert len({first.access_token, *(answer.access_token for answer in again)}) == 4
    assert (await rp.refresh(first.refresh_token)).status == 200


async def test_using_the_successor_ends_the_grace(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9700 §4.14.2: the answer did arrive, so whoever still has the old token is a thief."""
    first = await rp.refresh(tokens.refresh_token)
    second = await rp.refresh(first.refresh_token)

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert (await rp.refresh(second.refresh_token)).error == "invalid_grant"


async def test_any_older_token_is_reuse(rp: RelyingParty, tokens: Answer, clock: HandClock) -> None:
    """RFC 9700 §4.14.2: the family remembers what it gave, however long ago."""
    newest = tokens
    for _ in range(4):
        newest = await rp.refresh(newest.refresh_token)
        clock.advance(IDLE - SECOND)

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert (await rp.refresh(newest.refresh_token)).error == "invalid_grant"


@pytest.mark.parametrize(("waited", "is_fine"), [(PUBLIC_GRACE, True), (PUBLIC_GRACE + TICK, False)])
async def test_the_grace_of_a_public_client_is_ten_seconds(
    provider: Provider, browser: HtmlBrowser, waited: timedelta, is_fine: bool
) -> None:
    """RFC 9700 §4.14.2: nobody proves to be the client, so the door stands open for less."""
    public = await provider.client(method="none")
    tokens = await public.redeem(await browser.authorize(public))
    fresh = await public.refresh(tokens.refresh_token)
    provider.clock.advance(waited)

    again = await public.refresh(tokens.refresh_token)

    assert (again.status == 200) is is_fine
    assert ((await public.refresh(fresh.refresh_token)).status == 200) is is_fine


async def test_of_many_refreshes_at_once_all_get_one_successor(each_provider: Provider) -> None:
    """RFC 9700 §4.14.2: one wins, the others meet the grace; no fork. On both databases."""
    person, rp = await each_provider.person(), await each_provider.client()
    async with each_provider.browser(person) as browser:
        tokens = await rp.redeem(await browser.authorize(rp))

    answers = await asyncio.gather(*(rp.refresh(tokens.refresh_token) for _ in range(8)))

    assert {answer.status for answer in answers} == {200}
    assert len({answer.refresh_token for answer in answers}) == 1
    assert (await rp.refresh(answers[0].refresh_token)).status == 200


async def test_reuse_is_told_to_the_person(
    provider: Provider, person: Person, rp: RelyingParty, tokens: Answer, clock: HandClock
) -> None:
    """RFC 9700 §4.14.2: an alert goes to whom it concerns, once."""
    await rp.refresh(tokens.refresh_token)
    clock.advance(GRACE + TICK)

    await rp.refresh(tokens.refresh_token)
    await rp.refresh(tokens.refresh_token)

    told = [mail["subject"] for mail in await provider.mail_to(person)]
    assert told.count("Please check: unusual use of an application") == 1


async def test_a_token_works_until_its_idle_limit(rp: RelyingParty, tokens: Answer, clock: HandClock) -> None:
    """RFC 9700 §4.14.2: 14 days after its issue; each rotation begins them anew."""
    clock.advance(IDLE - TICK)
    fresh = await rp.refresh(tokens.refresh_token)
    clock.advance(IDLE - TICK)

    assert fresh.status == 200
    assert (await rp.refresh(fresh.refresh_token)).status == 200


async def test_an_idle_token_expires_and_nothing_dies_of_it(rp: RelyingParty, tokens: Answer, clock: HandClock) -> None:
    """RFC 6749 §5.2: invalid_grant; expiry is no theft, so nobody is alarmed."""
    clock.advance(IDLE)

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"


async def test_a_family_ends_after_ninety_days_however_often_it_is_used(
    rp: RelyingParty, tokens: Answer, clock: HandClock
) -> None:
    """RFC 9700 §4.14.2: on both sides of the limit."""
    began, newest = clock.now(), tokens
    while clock.now() + 10 * IDLE / 14 < began + ABSOLUTE:
        clock.advance(10 * IDLE / 14)
        newest = await rp.refresh(newest.refresh_token)
    clock.advance(began + ABSOLUTE - clock.now() - 2 * SECOND)

    newest = await rp.refresh(newest.refresh_token)
    clock.advance(2 * SECOND)

    assert newest.body["expires_in"] == 2
    assert (await rp.refresh(newest.refresh_token)).error == "invalid_grant"


async def test_a_forged_token_of_a_family_ends_nothing(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9700 §4.14.2: an invention is no reuse."""
    token = tokens.refresh_token
    forged = [token[:30] + ("A" if token[30] != "A" else "B") + token[31:], token[:-2] + "AA", token[:22] + "A" * 64]

    assert {(await rp.refresh(each)).error for each in forged} == {"invalid_grant"}
    assert (await rp.refresh(token)).status == 200
