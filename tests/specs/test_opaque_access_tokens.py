"""Opaque access tokens, for clients registered so – RFC 6749 §1.4, RFC 7662: handles that only we can read."""

from datetime import timedelta

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Person, Provider
from tests.support.relying_party import Answer, RelyingParty

LIFE = timedelta(minutes=15)
TICK = timedelta(microseconds=1)


@pytest.fixture
async def opaque(provider: Provider) -> RelyingParty:
    """A client with opaque access tokens."""
    return await provider.client(access_token_format="opaque")


@pytest.fixture
async def handle(opaque: RelyingParty, browser: HtmlBrowser) -> Answer:
    """What that client got."""
    return await opaque.redeem(await browser.authorize(opaque))


async def test_it_says_nothing_by_itself(handle: Answer) -> None:
    """RFC 6749 §1.4: 256 random bits."""
    assert len(handle.access_token) == 43
    assert "." not in handle.access_token
    assert handle.body["expires_in"] == LIFE.total_seconds()


async def test_userinfo_honours_it(person: Person, opaque: RelyingParty, handle: Answer) -> None:
    """OIDC Core §5.3."""
    assert (await opaque.userinfo(handle.access_token)).body["sub"] == person.id


async def test_introspection_tells_what_it_means(
    provider: Provider, person: Person, opaque: RelyingParty, handle: Answer
) -> None:
    """RFC 7662 §2.2: to its client and to the resource server it is for; to nobody else."""
    api = await provider.client(audiences=[provider.issuer])
    stranger = await provider.client()

    for caller in (opaque, api):
        told = (await caller.introspect(handle.access_token)).body
        assert (told["active"], told["sub"], told["client_id"]) == (True, person.id, opaque.client_id)
    assert (await stranger.introspect(handle.access_token)).body == {"active": False}


async def test_it_lives_until_its_last_moment(provider: Provider, opaque: RelyingParty, handle: Answer) -> None:
    """RFC 6749 §5.1, expires_in: on both sides."""
    provider.clock.advance(LIFE - TICK)
    before = (await opaque.userinfo(handle.access_token)).status
    provider.clock.advance(TICK)

    assert (before, (await opaque.userinfo(handle.access_token)).status) == (200, 401)


async def test_it_dies_with_its_grant(opaque: RelyingParty, handle: Answer) -> None:
    """RFC 7009 §2.1."""
    await opaque.revoke(handle.refresh_token)

    assert (await opaque.userinfo(handle.access_token)).status == 401
    assert not await opaque.is_active(handle.access_token)


async def test_each_is_another(opaque: RelyingParty, handle: Answer) -> None:
    """RFC 6749 §10.10: none can be guessed from another; old ones live on."""
    fresh = await opaque.refresh(handle.refresh_token)

    assert fresh.access_token != handle.access_token
    assert await opaque.is_active(handle.access_token)
    assert await opaque.is_active(fresh.access_token)


async def test_a_part_of_it_is_nothing(opaque: RelyingParty, handle: Answer) -> None:
    """OWASP ASVS 9.2.2: matched whole."""
    token = handle.access_token

    for other in (token[:-1], token + "A", token[:-1] + ("A" if token[-1] != "A" else "B"), token.lower()):
        assert (await opaque.userinfo(other)).status == 401


async def test_machines_get_them_too(provider: Provider) -> None:
    """RFC 6749 §4.4.3."""
    machine = await provider.client(
        grant_types=["client_credentials"], redirect_uris=None, scope="a", access_token_format="opaque"
    )

    answer = await machine.token(grant_type="client_credentials")

    assert (len(answer.access_token), answer.body["expires_in"]) == (43, 900)
    assert (await machine.introspect(answer.access_token)).body["sub"] == machine.client_id
