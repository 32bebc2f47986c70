"""Token revocation – RFC 7009."""

import asyncio

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider
from tests.support.relying_party import Answer, RelyingParty

HINTS = [None, "access_token", "refresh_token", "nonsense"]


def assert_done(answer: Answer) -> None:
    """RFC 7009 §2.2: 200 and nothing to read."""
    assert (answer.status, answer.text) == (200, "")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("hint", HINTS)
async def test_a_revoked_refresh_token_takes_its_grant_along(
    rp: RelyingParty, tokens: Answer, hint: str | None
) -> None:
    """RFC 7009 §2.1: access tokens of the same grant die too; the hint changes nothing."""
    assert_done(await rp.revoke(tokens.refresh_token, token_type_hint=hint))

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert not await rp.is_active(tokens.access_token)
    assert (await rp.userinfo(tokens.access_token)).status == 401


@pytest.mark.parametrize("hint", HINTS)
async def test_a_revoked_access_token_dies_alone(rp: RelyingParty, tokens: Answer, hint: str | None) -> None:
    """RFC 7009 §2.1: the refresh token stays."""
    assert_done(await rp.revoke(tokens.access_token, token_type_hint=hint))

    assert not await rp.is_active(tokens.access_token)
    assert (await rp.userinfo(tokens.access_token)).status == 401
    fresh = await rp.refresh(tokens.refresh_token)
    assert await rp.is_active(fresh.access_token)


async def test_an_opaque_access_token_dies_alone(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 7009 §2.1."""
    rp = await provider.client(access_token_format="opaque")
    tokens = await rp.redeem(await browser.authorize(rp))

    assert_done(await rp.revoke(tokens.access_token))

    assert not await rp.is_active(tokens.access_token)
    assert (await rp.refresh(tokens.refresh_token)).status == 200


async def test_a_second_revocation_is_answered_alike(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 7009 §2.2: the purpose is achieved already."""
    for token in (tokens.access_token, tokens.refresh_token):
        assert_done(await rp.revoke(token))
        assert_done(await rp.revoke(token))


@pytest.mark.parametrize("token", ["x", "x" * 43, "x" * 86, "a.b.c", "ä", "\0", "eyJhbGciOiJub25lIn0.e30."])
async def test_what_is_no_token_is_answered_alike(rp: RelyingParty, token: str) -> None:
    """RFC 7009 §2.2: invalid tokens are no error."""
    assert_done(await rp.revoke(token))


async def test_a_foreign_token_lives_on_and_the_answer_does_not_tell(
    provider: Provider, rp: RelyingParty, tokens: Answer
) -> None:
    """RFC 7009 §2.1: only the client that a token was issued to may end it."""
    stranger = await provider.client()

    assert_done(await stranger.revoke(tokens.refresh_token))
    assert_done(await stranger.revoke(tokens.access_token))

    assert await rp.is_active(tokens.access_token)
    assert (await rp.refresh(tokens.refresh_token)).status == 200


async def test_an_old_refresh_token_ends_its_family_too(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 7009 §2.1: revoking is a wish of the owner, whichever token of the family is at hand."""
    fresh = await rp.refresh(tokens.refresh_token)

    assert_done(await rp.revoke(tokens.refresh_token))

    assert (await rp.refresh(fresh.refresh_token)).error == "invalid_grant"


async def test_revocation_beats_the_grace_of_rotation(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9700 §4.14.2: a predecessor inside its grace does not come back."""
    fresh = await rp.refresh(tokens.refresh_token)
    await rp.revoke(fresh.refresh_token)

    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"


async def test_an_id_token_is_nothing_to_revoke(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 7009 §2.1: refresh tokens and access tokens only."""
    assert_done(await rp.revoke(tokens.id_token))

    assert await rp.is_active(tokens.access_token)


@pytest.mark.parametrize("token", [None, ""])
async def test_a_request_without_a_token_is_refused(rp: RelyingParty, token: str | None) -> None:
    """RFC 7009 §2.1: token is required."""
    answer = await rp.post("revocation_endpoint", {"token": token})

    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_a_repeated_token_is_refused(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §3.2."""
    pairs = [("token", tokens.access_token), ("token", tokens.refresh_token)]

    answer = await rp.post("revocation_endpoint", pairs)

    assert (answer.status, answer.error) == (400, "invalid_request")
    assert await rp.is_active(tokens.access_token)


async def test_a_public_client_revokes_its_own(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 7009 §2.1."""
    public = await provider.client(method="none")
    tokens = await public.redeem(await browser.authorize(public))

    assert_done(await public.revoke(tokens.refresh_token))

    assert (await public.refresh(tokens.refresh_token)).error == "invalid_grant"


async def test_a_token_that_is_refreshed_while_it_is_revoked_ends_dead(each_provider: Provider) -> None:
    """RFC 7009 §2: two at once, and the revocation holds. On both databases."""
    person, rp = await each_provider.person(), await each_provider.client()
    async with each_provider.browser(person) as browser:
        tokens = await rp.redeem(await browser.authorize(rp))

    refreshed, revoked = await asyncio.gather(rp.refresh(tokens.refresh_token), rp.revoke(tokens.refresh_token))

    assert_done(revoked)
    last = refreshed.body.get("refresh_token", tokens.refresh_token)
    assert (await rp.refresh(last)).error == "invalid_grant"
