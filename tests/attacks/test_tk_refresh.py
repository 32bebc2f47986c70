"""TK11–TK19, TK41: refresh tokens that are raced, reused, stolen, or older than they may get (RFC 9700 §4.14.2)."""

import asyncio
from datetime import timedelta

import pytest

from idp.domain.client import Profile
from idp.domain.user import UserStatus
from tests.support.attacker import through, tokens_for, within_a_second
from tests.support.client_auth import Basic, Public
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import DAY, SECOND, Person
from tests.support.relying_party import Answer, RelyingParty
from tests.support.target import Target

ROUNDS = 20
PARALLEL = 20


def refused(answer: Answer) -> bool:
    return (answer.status, answer.error) == (400, "invalid_grant")


async def assert_dead(rp: RelyingParty, *answers: Answer) -> None:
    for answer in answers:
        assert not await rp.is_active(answer.access_token)
        assert refused(await rp.refresh(answer.refresh_token))


@pytest.mark.parametrize(("method", "grace"), [("client_secret_basic", 60), ("none", 10)])
async def test_tk11_the_direct_predecessor_gets_the_same_successor_inside_the_grace(
    provider: Target, person: Person, method: str, grace: int
) -> None:
    rp = await provider.client(method=method)
    first = await tokens_for(provider, rp, person)
    second = await rp.refresh(first.refresh_token)

    provider.clock.advance(grace * SECOND)
    again = await rp.refresh(first.refresh_token)

    assert again.refresh_token == second.refresh_token
    assert again.access_token != second.access_token
    assert (await rp.refresh(second.refresh_token)).status == 200


@pytest.mark.parametrize(("method", "grace"), [("client_secret_basic", 60), ("none", 10)])
async def test_tk11_after_the_grace_the_predecessor_is_reuse(
    provider: Target, person: Person, method: str, grace: int
) -> None:
    rp, watcher = await provider.client(method=method), await provider.client()
    await provider.change(watcher, audiences=[provider.issuer])
    first = await tokens_for(provider, rp, person)
    second = await rp.refresh(first.refresh_token)

    provider.clock.advance(grace * SECOND + timedelta(microseconds=1))

    assert refused(await rp.refresh(first.refresh_token))
    assert refused(await rp.refresh(second.refresh_token))
    assert not await watcher.is_active(second.access_token)


async def test_tk11_an_older_one_ends_the_family_even_inside_the_grace(fresh: Target) -> None:
    rp, person = await fresh.client(), await fresh.person()
    first = await tokens_for(fresh, rp, person)
    second = await rp.refresh(first.refresh_token)
    third = await rp.refresh(second.refresh_token)
    before = len(await fresh.rows("outbox"))

    assert refused(await rp.refresh(first.refresh_token))

    await assert_dead(rp, second, third)
    assert len(await fresh.events("refresh_reused")) == 1
    assert len(await fresh.rows("outbox")) == before + 1  # the person is told


async def test_tk11_using_the_successor_ends_the_grace(provider: Target, rp: RelyingParty, person: Person) -> None:
    first = await tokens_for(provider, rp, person)
    second = await rp.refresh(first.refresh_token)
    third = await rp.refresh(second.refresh_token)

    assert refused(await rp.refresh(first.refresh_token))
    await assert_dead(rp, third)


async def test_tk11_what_was_revoked_on_purpose_has_no_grace(
    provider: Target, rp: RelyingParty, person: Person
) -> None:
    first = await tokens_for(provider, rp, person)
    second = await rp.refresh(first.refresh_token)
    await rp.revoke(second.refresh_token)

    assert refused(await rp.refresh(first.refresh_token))


async def test_tk13_parallel_refreshes_share_one_successor(either: Target) -> None:
    """Two workers; whoever loses the race meets the grace: one line of successors, never a fork."""
    rp, person = await either.client(), await either.person()
    current = await tokens_for(either, rp, person)
    async with either.twin() as twin:
        doors = [rp, through(twin, rp)]
        for _ in range(ROUNDS):
            answers = await asyncio.gather(*(doors[n % 2].refresh(current.refresh_token) for n in range(PARALLEL)))

            assert {answer.status for answer in answers} == {200}
            assert len({answer.refresh_token for answer in answers}) == 1
            current = answers[0]
    families = [row for row in await either.rows("grants") if row["revoked_at"] is None]
    assert len(families) == 1


async def test_tk14_a_stolen_token_needs_its_own_client(provider: Target, rp: RelyingParty, person: Person) -> None:
    other, public = await provider.client(), await provider.client(method="none")
    tokens = await tokens_for(provider, rp, person)
    fields = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}

    assert refused(await other.refresh(tokens.refresh_token))
    assert refused(await public.refresh(tokens.refresh_token))
    for auth in (Public(), Basic("wrong"), Basic("")):
        answer = await rp.post("token_endpoint", fields, auth=auth)
        assert (answer.status, answer.error) == (401, "invalid_client")
    unauthenticated = await rp.http.post(f"{rp.issuer}/token", data=fields)

    assert unauthenticated.status_code == 401
    assert (await rp.refresh(tokens.refresh_token)).status == 200


@pytest.mark.parametrize("change", ["cut", "case", "bits", "padded", "space", "tag", "family"])
async def test_tk17_a_changed_token_is_unknown_and_ends_nothing(
    provider: Target, rp: RelyingParty, person: Person, change: str
) -> None:
    tokens = await tokens_for(provider, rp, person)
    text = tokens.refresh_token
    other = (await tokens_for(provider, rp, person)).refresh_token
    changed = {
        "cut": text[:-1],
        "case": text.swapcase(),
        "bits": text[:-1] + chr(ord(text[-1]) + 1 if text[-1] not in "zZ9" else ord(text[-1]) - 1),
        "padded": text + "==",
        "space": f" {text}",
        "tag": text[:64] + other[64:],
        "family": other[:22] + text[22:],
    }[change]

    assert refused(await rp.refresh(changed))
    assert (await rp.refresh(text)).status == 200


async def test_tk18_an_idle_token_ends_after_14_days(provider: Target, rp: RelyingParty, person: Person) -> None:
    kept, idle = await tokens_for(provider, rp, person), await tokens_for(provider, rp, person)

    provider.clock.advance(14 * DAY - SECOND)
    assert (await rp.refresh(kept.refresh_token)).status == 200
    provider.clock.advance(SECOND)

    assert refused(await rp.refresh(idle.refresh_token))


async def test_tk18_a_family_ends_after_90_days_though_used_daily(
    provider: Target, rp: RelyingParty, person: Person
) -> None:
    tokens = await tokens_for(provider, rp, person)
    for _ in range(8):
        provider.clock.advance(11 * DAY)
        tokens = await rp.refresh(tokens.refresh_token)
    provider.clock.advance(2 * DAY - SECOND)
    last = await rp.refresh(tokens.refresh_token)

    assert last.body["expires_in"] == 1
    provider.clock.advance(SECOND)
    assert refused(await rp.refresh(last.refresh_token))


async def test_tk19_a_token_without_offline_access_ends_with_the_session(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    tied = await rp.redeem(await browser.authorize(rp, scope="openid"))
    offline = await rp.redeem(await browser.authorize(rp, scope="openid offline_access"))

    await browser.open(f"{provider.issuer}/end_session")
    await browser.submit("logout-yes")

    await assert_dead(rp, tied)
    assert (await rp.refresh(offline.refresh_token)).status == 200


@pytest.mark.parametrize("end", ["disabled", "deleted", "password"])
async def test_tk19_tokens_die_with_their_person_on_all_workers(fresh: Target, end: str) -> None:
    rp, person = await fresh.client(), await fresh.person()
    tokens = await tokens_for(fresh, rp, person)
    async with fresh.twin() as twin:
        there = through(twin, rp)
        assert await there.is_active(tokens.access_token)

        match end:
            case "disabled":
                await fresh.site.users.set_status(person.user, UserStatus.DISABLED)
            case "deleted":
                await fresh.site.users.delete(person.user)
            case "password":
                await fresh.site.users.set_password(person.user, "another harbour at dawn")

        assert (await there.userinfo(tokens.access_token)).status == 401
        await assert_dead(there, tokens)


async def test_tk19_tokens_die_with_their_client_within_a_second(fresh: Target) -> None:
    rp, watcher, person = await fresh.client(), await fresh.client(), await fresh.person()
    await fresh.change(watcher, audiences=[fresh.issuer])
    tokens = await tokens_for(fresh, rp, person)
    async with fresh.twin() as twin:
        there = through(twin, rp)
        assert await through(twin, watcher).is_active(tokens.access_token)

        await fresh.site.clients.set_active(await fresh.registration(rp), is_active=False)
        await within_a_second(lambda: there.userinfo(tokens.access_token), status=401)

        assert (await there.refresh(tokens.refresh_token)).error == "invalid_client"
        assert not await through(twin, watcher).is_active(tokens.access_token)


async def test_tk41_offline_access_needs_a_client_that_may_have_it(provider: Target, person: Person) -> None:
    rp = await provider.client(grant_types=["authorization_code"])
    tokens = await tokens_for(provider, rp, person, scope="openid offline_access")

    assert "refresh_token" not in tokens.body
    assert "offline_access" not in tokens.body["scope"].split()


async def test_tk41_in_profile_oidc_only_offline_access_gives_a_refresh_token(provider: Target, person: Person) -> None:
    rp = await provider.client(profile=Profile.OIDC)

    assert "refresh_token" not in (await tokens_for(provider, rp, person, scope="openid")).body
    assert "refresh_token" in (await tokens_for(provider, rp, person, scope="openid offline_access")).body


async def test_tk41_offline_access_is_asked_for(provider: Target, rp: RelyingParty, browser: HtmlBrowser) -> None:
    await browser.authorize(rp, scope="openid")

    silent = await browser.answer(rp, scope="openid offline_access", prompt="none")

    assert silent.error == "consent_required"


@pytest.mark.parametrize("scope", ["openid email phone", "openid admin", "OPENID", "openid\temail"])
async def test_tk41_scope_never_grows(provider: Target, rp: RelyingParty, person: Person, scope: str) -> None:
    tokens = await tokens_for(provider, rp, person, scope="openid email")

    refused_ = await rp.refresh(tokens.refresh_token, scope=scope)
    narrowed = await rp.refresh(tokens.refresh_token, scope="openid")
    whole = await rp.refresh(narrowed.refresh_token)

    assert (refused_.status, refused_.error) == (400, "invalid_scope")
    assert narrowed.body["scope"] == "openid"
    assert whole.body["scope"] == "openid email"
