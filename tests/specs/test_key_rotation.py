"""Rotation of signing keys – OIDC Core §10.1.1: published before they sign, and as long as what they signed lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from idp.flows.signing_keys import TooManyKeys
from tests.support.databases import fresh_database
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import parts
from tests.support.provider import DAY, HOUR, MINUTE, Provider, at_once
from tests.support.relying_party import RelyingParty

AHEAD = timedelta(hours=24)
ALGS = {"RS256", "PS256", "ES256", "EdDSA"}


@pytest.fixture(scope="module")
async def rotating(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider whose keys may change without disturbing other tests."""
    folder = tmp_path_factory.mktemp("rotating")
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url) as provider:
        yield provider


@pytest.fixture
async def rp(rotating: Provider) -> RelyingParty:
    """A client of that provider."""
    return await rotating.client()


@pytest.fixture
async def browser(rotating: Provider) -> AsyncIterator[HtmlBrowser]:
    """A person's browser at that provider."""
    async with rotating.browser(await rotating.person()) as browser:
        yield browser


async def kids(provider: Provider, alg: str = "RS256") -> list[str]:
    """Return the published kids of an algorithm, oldest first."""
    keys: list[dict[str, Any]] = (await provider.http.get(f"{provider.issuer}/jwks")).json()["keys"]
    return [key["kid"] for key in keys if key["alg"] == alg]


async def signed_by(rp: RelyingParty, browser: HtmlBrowser) -> str:
    """Return the kid of a new ID token."""
    return str(parts((await rp.redeem(await browser.authorize(rp))).id_token)[0]["kid"])


async def rotate(provider: Provider) -> None:
    """Rotate as an operator does, once the next key is old enough to sign."""
    provider.clock.advance(AHEAD)
    await provider.site.keys.rotate()
    await provider.settle()


async def test_a_rotation_shows_a_new_key_at_once(rotating: Provider) -> None:
    """OIDC Core §10.1.1: for each algorithm, beside the old ones."""
    rotating.clock.advance(AHEAD)
    before = {alg: await kids(rotating, alg) for alg in ALGS}

    await rotating.site.keys.rotate()
    await rotating.settle()

    for alg, old in before.items():
        assert set(old) < set(await kids(rotating, alg))


async def test_the_document_of_the_old_keys_is_replaced(rotating: Provider) -> None:
    """RFC 9110 §8.8.3: another ETag, so that caches learn of it."""
    before = (await rotating.http.get(f"{rotating.issuer}/jwks")).headers["etag"]

    await rotate(rotating)

    response = await rotating.http.get(f"{rotating.issuer}/jwks", headers={"If-None-Match": before})
    assert response.status_code == 200
    assert response.headers["etag"] != before


async def test_a_key_signs_only_after_a_day_in_public(
    rotating: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §10.1.1: every cache must have seen it, however often one rotates; on both sides of the moment."""
    await rotate(rotating)
    newest = (await kids(rotating))[-1]

    rotating.clock.advance(AHEAD - MINUTE)
    too_early = await signers(rotating, rp, browser)
    rotating.clock.advance(MINUTE)
    in_time = await signers(rotating, rp, browser)

    assert newest not in too_early
    assert newest in in_time


async def signers(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> list[str]:
    """Rotate as often as may be, and return who signed after each."""
    seen = []
    for _ in range(4):
        with suppress(TooManyKeys):
            await provider.site.keys.rotate()
        await provider.site.keys.keep_fresh()
        await provider.settle()
        seen.append(await signed_by(rp, browser))
    return seen


async def test_keys_do_not_pile_up(rotating: Provider) -> None:
    """OIDC Core §10.1.1: of keys that wait there are few; once they may sign, one can rotate again."""
    await rotate(rotating)
    with suppress(TooManyKeys):
        for _ in range(4):
            await rotating.site.keys.rotate()
    with pytest.raises(TooManyKeys):
        await rotating.site.keys.rotate()

    await rotate(rotating)

    assert len(await kids(rotating)) <= 10


async def test_old_tokens_verify_after_a_rotation(rotating: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §10.1.1: retired keys stay published as long as what they signed lives."""
    rotating.clock.advance(AHEAD)
    tokens = await rp.redeem(await browser.authorize(rp))
    await rotating.site.keys.rotate()
    await rotating.settle()
    rotating.clock.advance(4 * MINUTE)

    old, new = parts(tokens.id_token)[0]["kid"], await signed_by(rp, browser)

    assert old != new
    assert {old, new} <= set(await kids(rotating))
    assert (await rp.decode(tokens.id_token)).claims["aud"] == rp.client_id
    assert (await rp.userinfo(tokens.access_token)).status == 200
    assert await rp.is_active(tokens.access_token)


async def test_a_retired_key_leaves_the_set_when_nothing_of_it_lives(
    rotating: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §10.1.1: no longer than needed; nobody has to rotate again for it to go."""
    old = await signed_by(rp, browser)
    await rotate(rotating)
    assert old in await kids(rotating)

    rotating.clock.advance(HOUR)
    assert old in await kids(rotating)  # a resource server may have tokens of an hour
    rotating.clock.advance(HOUR)

    assert old not in await kids(rotating)


async def test_a_hint_of_a_retired_key_is_good_for_a_year(
    rotating: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §3.1.2.1: id_token_hint outlives its key; on both sides of the limit."""
    hint = (await rp.redeem(await browser.authorize(rp))).id_token
    await rotate(rotating)

    rotating.clock.advance(365 * DAY - 24 * HOUR)
    in_time = await at_once(browser, rp, prompt="none", id_token_hint=hint)
    rotating.clock.advance(24 * HOUR)
    too_late = await at_once(browser, rp, prompt="none", id_token_hint=hint)

    assert in_time.error == "login_required"  # the session ended long ago, but the hint was believed
    assert too_late.error == "invalid_request"


async def test_a_revoked_key_is_gone_and_proves_nothing(
    rotating: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """RFC 7517 §9.1: what a stolen key signed is worthless at once; another key signs on."""
    tokens = await rp.redeem(await browser.authorize(rp))
    stolen = {parts(token)[0]["kid"] for token in (tokens.id_token, tokens.access_token)}

    for kid in stolen:
        await rotating.site.keys.end(kid, revoke=True)
    await rotating.settle()

    assert not stolen & {*await kids(rotating), *await kids(rotating, "ES256")}
    assert (await rp.userinfo(tokens.access_token)).status == 401
    assert (await at_once(browser, rp, id_token_hint=tokens.id_token)).error == "invalid_request"
    fresh = await rp.refresh(tokens.refresh_token)
    assert (await rp.check_id_token(fresh))["aud"] == rp.client_id


async def test_of_many_rotations_at_once_one_key_stays_active(postgresql_provider: Provider) -> None:
    """OIDC Core §10.1.1: several processes, one active key for each algorithm."""
    postgresql_provider.clock.advance(AHEAD)

    await asyncio.gather(*(postgresql_provider.site.keys.rotate() for _ in range(3)))

    active = [key.alg for key in await postgresql_provider.site.keys.known() if key.state == "active"]
    assert sorted(active) == sorted(ALGS)
