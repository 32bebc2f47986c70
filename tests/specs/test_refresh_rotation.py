"""Refresh tokens – RFC 6749 §6, OIDC Core §11, §12; rotation, grace and reuse by RFC 9700 §4.14."""

import asyncio
from datetime import timedelta

import pytest

from idp.domain.client import Profile
from idp.domain.user import UserStatus
from tests.support.client_auth import Basic
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

    assert [mail["channel"] for mail in await provider.mail_to(person)] == ["mail"]


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


async def test_a_token_is_bound_to_its_client(provider: Provider, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §6: another client gets nothing, and nothing dies."""
    stranger = await provider.client()

    assert (await stranger.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert (await rp.refresh(tokens.refresh_token)).status == 200


async def test_without_client_authentication_nothing_happens(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §6: a confidential client authenticates; a thief does not even spend the token."""
    refused = await rp.post(
        "token_endpoint",
        {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token},
        auth=Basic("wrong"),
    )

    assert (refused.status, refused.error) == (401, "invalid_client")
    assert await rp.is_active(tokens.refresh_token)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (None, "invalid_request"), ("", "invalid_request"), ("x", "invalid_grant"), ("x" * 86, "invalid_grant"),
        ("A" * 86, "invalid_grant"), ("ä" * 86, "invalid_grant"), ("\0" * 86, "invalid_grant"),
    ],
)  # fmt: skip
async def test_a_token_that_nobody_issued_is_refused(rp: RelyingParty, token: str | None, error: str) -> None:
    """RFC 6749 §5.2."""
    refused = await rp.token(grant_type="refresh_token", refresh_token=token)

    assert (refused.status, refused.error) == (400, error)


async def test_a_forged_token_of_a_family_ends_nothing(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9700 §4.14.2: an invention is no reuse."""
    token = tokens.refresh_token
    forged = [token[:30] + ("A" if token[30] != "A" else "B") + token[31:], token[:-2] + "AA", token[:22] + "A" * 64]

    assert {(await rp.refresh(each)).error for each in forged} == {"invalid_grant"}
    assert (await rp.refresh(token)).status == 200


async def test_kinds_of_tokens_never_cross(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """RFC 8725 §3.11."""
    for other in (tokens.access_token, tokens.id_token, await browser.authorize(rp)):
        assert (await rp.refresh(other)).error == "invalid_grant"


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("openid", "openid"),
        ("email openid", "openid email"),
        (None, "openid profile email offline_access"),
        ("", "openid profile email offline_access"),
    ],
)
async def test_scope_narrows_one_answer_and_never_the_family(
    rp: RelyingParty, tokens: Answer, asked: str | None, granted: str
) -> None:
    """RFC 6749 §6."""
    narrowed = await rp.refresh(tokens.refresh_token, scope=asked)
    after = await rp.refresh(narrowed.refresh_token)

    assert narrowed.body["scope"] == granted
    assert after.body["scope"] == tokens.body["scope"]


@pytest.mark.parametrize("scope", ["openid phone", "unknown", "openid profile email offline_access address"])
async def test_scope_never_widens(rp: RelyingParty, tokens: Answer, scope: str) -> None:
    """RFC 6749 §6: invalid_scope, and the token is not spent."""
    refused = await rp.refresh(tokens.refresh_token, scope=scope)

    assert (refused.status, refused.error) == (400, "invalid_scope")
    assert await rp.is_active(tokens.refresh_token)


async def test_scopes_the_client_lost_are_gone(provider: Provider, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §6: what the client may have is asked anew at every use."""
    client = await provider.registration(rp)
    await provider.site.clients.update(client, {"scope": "openid profile offline_access"})
    await provider.settle()

    fresh = await rp.refresh(tokens.refresh_token)

    assert fresh.body["scope"] == "openid profile offline_access"
    assert "email" not in (await rp.userinfo(fresh.access_token)).body


async def test_the_id_token_tells_the_old_login(rp: RelyingParty, tokens: Answer, clock: HandClock) -> None:
    """OIDC Core §12.2: same iss, sub, aud, azp, auth_time, acr; new iat; no nonce."""
    before = (await rp.decode(tokens.id_token)).claims
    clock.advance(timedelta(days=1))

    fresh = await rp.refresh(tokens.refresh_token)

    after = await rp.check_id_token(fresh)
    for name in ("iss", "sub", "aud", "azp", "auth_time", "acr", "amr", "sid"):
        assert after[name] == before[name], name
    assert after["iat"] == before["iat"] + 24 * 3600
    assert "nonce" not in after


async def test_without_openid_there_is_no_id_token(rp: RelyingParty, tokens: Answer) -> None:
    """OIDC Core §12.2, §3.1.2.1."""
    assert "id_token" not in (await rp.refresh(tokens.refresh_token, scope="email")).body


async def test_an_offline_token_outlives_the_sign_out(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """OIDC Core §11."""
    await browser.open(f"{rp.issuer}/end_session")
    await browser.submit("logout-yes")

    assert (await rp.refresh(tokens.refresh_token)).status == 200


async def test_an_online_token_ends_with_the_session(provider: Provider, browser: HtmlBrowser) -> None:
    """OIDC Core §11: without offline_access the person must be present."""
    rp = await provider.client(scope="openid email")
    tokens = await rp.redeem(await browser.authorize(rp))
    fresh = await rp.refresh(tokens.refresh_token)
    await browser.open(f"{rp.issuer}/end_session")
    await browser.submit("logout-yes")

    assert fresh.status == 200
    assert (await rp.refresh(fresh.refresh_token)).error == "invalid_grant"
    assert not await rp.is_active(fresh.access_token)


async def test_profile_oidc_wants_offline_access(provider: Provider, browser: HtmlBrowser) -> None:
    """OIDC Core §11."""
    rp = await provider.client(profile=Profile.OIDC)

    without = await rp.redeem(await browser.authorize(rp, scope="openid email"))
    with_it = await rp.redeem(await browser.authorize(rp, scope="openid offline_access"))

    assert "refresh_token" not in without.body
    assert "refresh_token" in with_it.body


async def test_only_clients_registered_for_it_get_one(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 7591 §2: grant_types; offline_access is then dropped, and the answer tells."""
    rp = await provider.client(grant_types=["authorization_code"])

    tokens = await rp.redeem(await browser.authorize(rp))

    assert "refresh_token" not in tokens.body
    assert tokens.body["scope"] == "openid profile email"
    assert (await rp.refresh("x" * 86)).error == "unauthorized_client"


async def test_a_disabled_person_ends_it(provider: Provider, person: Person, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9700 §4.14.2: the person is asked for anew at every use."""
    await provider.site.users.set_status(person.user, UserStatus.DISABLED)

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"


async def test_a_new_password_ends_it(provider: Provider, person: Person, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9700 §4.14.2: security events end refresh tokens."""
    await provider.site.users.set_password(person.user, "another engine of numbers")

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"


async def test_a_disabled_client_ends_it(provider: Provider, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §5.2: it is no client any more; within a second on all workers."""
    await provider.site.clients.set_active(await provider.registration(rp), is_active=False)
    await provider.settle()

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_client"
