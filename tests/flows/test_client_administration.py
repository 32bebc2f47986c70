"""What an operator registers by hand is looked at like what registers itself: one list of members, one guard."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.domain.client import BadClient, Client
from tests.support.hosted import PNG, Hosted, hosted
from tests.support.provider import CALLBACK
from tests.support.target import Target, target


@pytest.fixture
async def website() -> AsyncIterator[Hosted]:
    async with hosted() as site:
        yield site


@pytest.fixture
async def provider(tmp_path: Path, website: Hosted) -> AsyncIterator[Target]:
    async with target("sqlite", tmp_path, outbound_allow=website.place) as running:
        yield running


async def create(provider: Target, **members: object) -> Client:
    given = {"client_name": "Harbour Books", "redirect_uris": [CALLBACK], **members}
    return (await provider.site.clients.create(given))[0]


async def test_a_logo_is_fetched_when_it_is_registered_and_when_it_changes(provider: Target, website: Hosted) -> None:
    one, two = website.put("/one.png", PNG, "image/png"), website.put("/two.png", PNG + b"2", "image/png")
    client = await create(provider, logo_uri=one)
    found = await provider.site.clients.find(client.id)
    assert found is not None
    assert found.has_logo

    await provider.site.clients.update(found, {"logo_uri": two})

    logo = await provider.http.get(f"{provider.issuer}/brand/{client.id}/logo")
    assert logo.content == PNG + b"2"
    assert website.asked == ["/one.png", "/two.png"]


async def test_a_sector_document_counts_for_operators_too(provider: Target, website: Hosted) -> None:
    url = website.put("/sector", json.dumps([CALLBACK]).encode())
    client = await create(provider, sector_identifier_uri=url)

    with pytest.raises(BadClient):
        await provider.site.clients.update(client, {"redirect_uris": [CALLBACK, "https://rp.example/2"]})
    with pytest.raises(BadClient):
        await create(provider, sector_identifier_uri=website.url("/missing"))


async def test_a_host_that_is_down_is_in_nobodys_way_who_changes_other_things(
    provider: Target, website: Hosted
) -> None:
    client = await create(provider, sector_identifier_uri=website.put("/sector", json.dumps([CALLBACK]).encode()))
    website.down = True

    changed, _secret = await provider.site.clients.update(client, {"scope": "openid"})

    assert changed.scopes == ("openid",)


@pytest.mark.parametrize("member", ["jwks_uri", "logo_uri", "backchannel_logout_uri"])
async def test_no_operator_points_inside_without_having_allowed_the_place(provider: Target, member: str) -> None:
    with pytest.raises(BadClient):
        await create(provider, **{member: "https://127.0.0.1/"})


async def test_an_operator_takes_a_member_away_by_null(provider: Target) -> None:
    client = await create(provider, jwks_uri="https://rp.example/jwks", policy_uri="https://rp.example/privacy")

    changed, _secret = await provider.site.clients.update(client, {"jwks_uri": None, "policy_uri": None})

    assert (changed.jwks_uri, changed.policy_uri) == (None, None)


async def test_an_operator_is_told_of_a_member_that_nobody_knows_or_that_is_not_offered(provider: Target) -> None:
    for member in ("client_nmae", "request_object_encryption_alg", "client_secret", "profile"):
        with pytest.raises(BadClient):
            await create(provider, **{member: "x"})
