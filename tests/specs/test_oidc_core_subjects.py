"""Subject identifiers – OIDC Core §8, §8.1: one name of a person in everything that one client gets."""

import json
import re
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from idp.oauth.tokens.encryption import encrypt_for
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import SIGNED_OUT, Person, Provider, at_once
from tests.support.relying_party import RelyingParty
from tests.support.signals import claims_of

OTHER = "https://other.example/callback"


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    """A client that knows people by names of its own."""
    return await pairwise(provider)


async def pairwise(provider: Provider, **members: Any) -> RelyingParty:
    members = {"subject_type": "pairwise", "post_logout_redirect_uris": [SIGNED_OUT], **members}
    return await provider.client(is_first_party=True, **members)


async def sub_at(rp: RelyingParty, browser: HtmlBrowser) -> str:
    tokens = await rp.redeem(await browser.authorize(rp))
    return str(claims_of(tokens.id_token)["sub"])


async def test_everything_that_a_client_gets_names_a_person_alike(
    rp: RelyingParty, browser: HtmlBrowser, person: Person
) -> None:
    """OIDC Core §5.3.2: userinfo's sub is the ID token's; so are those of access tokens and introspection."""
    tokens = await rp.redeem(await browser.authorize(rp))
    later = await rp.refresh(tokens.refresh_token)

    subjects = [
        claims_of(tokens.id_token)["sub"],
        claims_of(tokens.access_token)["sub"],
        (await rp.userinfo(tokens.access_token)).body["sub"],
        (await rp.introspect(tokens.access_token)).body["sub"],
        (await rp.introspect(later.refresh_token)).body["sub"],
        claims_of(later.id_token)["sub"],
        claims_of(later.access_token)["sub"],
    ]

    assert len(set(subjects)) == 1
    assert re.fullmatch("[A-Za-z0-9_-]{43}", subjects[0])
    assert subjects[0] != person.id


async def test_opaque_tokens_name_a_person_alike(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 7662 §2.2."""
    rp = await pairwise(provider, access_token_format="opaque")
    tokens = await rp.redeem(await browser.authorize(rp))

    assert (await rp.introspect(tokens.access_token)).body["sub"] == claims_of(tokens.id_token)["sub"]


async def test_clients_of_different_sectors_cannot_tell_that_they_know_the_same_person(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser, person: Person
) -> None:
    """OIDC Core §8.1."""
    other, public = await pairwise(provider, redirect_uris=[OTHER]), await provider.client(is_first_party=True)

    names = {await sub_at(each, browser) for each in (rp, other, public)}

    assert len(names) == 3
    assert person.id in names


async def test_clients_of_one_sector_and_one_person_share_a_name_that_keys_do_not_change(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §8.1: the calculation always gives the same."""
    before, twin = await sub_at(rp, browser), await pairwise(provider)
    await provider.site.keys.rotate()

    assert await sub_at(twin, browser) == before


async def test_two_people_have_two_names(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §8."""
    async with provider.browser(await provider.person()) as another:
        assert await sub_at(rp, browser) != await sub_at(rp, another)


async def test_a_hint_of_ones_own_is_understood(rp: RelyingParty, browser: HtmlBrowser, provider: Provider) -> None:
    """OIDC Core §3.1.2.1: id_token_hint, and `sub` in the claims parameter (§5.5)."""
    tokens = await rp.redeem(await browser.authorize(rp))
    subject = claims_of(tokens.id_token)["sub"]
    async with provider.browser(await provider.person()) as stranger:
        await stranger.authorize(rp)

        for hint in ({"id_token_hint": tokens.id_token}, {"claims": wanting(subject)}):
            assert (await at_once(browser, rp, prompt="none", **hint)).code
            assert (await at_once(stranger, rp, prompt="none", **hint)).error == "login_required"


async def test_our_own_id_of_a_person_is_no_name_of_theirs_for_the_client(
    rp: RelyingParty, browser: HtmlBrowser, person: Person
) -> None:
    """OIDC Core §5.5: a value of `sub` is the client's own name for them."""
    await browser.authorize(rp)

    assert (await at_once(browser, rp, prompt="none", claims=wanting(person.id))).error == "login_required"


def wanting(subject: str) -> str:
    return json.dumps({"id_token": {"sub": {"value": subject}}})


async def test_a_hint_of_ones_own_signs_out_at_once(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RP-Initiated Logout §2."""
    tokens = await rp.redeem(await browser.authorize(rp))

    url = f"{rp.issuer}/end_session?id_token_hint={tokens.id_token}&post_logout_redirect_uri={SIGNED_OUT}"
    page = await browser.open(url, came_from_elsewhere=True)

    assert page.location == SIGNED_OUT


async def test_an_encrypted_hint_is_refused_with_what_to_send_instead(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1: the client must take the signed token out; nobody but the client can open it."""
    tokens = await rp.redeem(await browser.authorize(rp))
    key = RSAKey.generate_key(2048).as_dict(private=False) | {"use": "enc"}
    hint = encrypt_for({"keys": [key]}, "RSA-OAEP-256", "A128GCM", tokens.id_token)

    answer = await at_once(browser, rp, prompt="none", id_token_hint=hint)
    page = await browser.open(f"{rp.issuer}/end_session?id_token_hint={hint}", came_from_elsewhere=True)

    assert answer.error == "invalid_request"
    assert "encrypted" in answer.parameters["error_description"]
    assert (page.status, page.name) == (400, "error")
    assert "encrypted" in page.text("error-description")


async def test_nobody_is_found_by_a_name_of_another_sector(provider: Provider, rp: RelyingParty) -> None:
    """What one client was told leads nowhere for another."""
    other, person = await pairwise(provider, redirect_uris=[OTHER]), await provider.person()
    subjects = provider.site.engine.subjects
    mine, theirs = await provider.registration(rp), await provider.registration(other)
    async with provider.site.transactions.open(write=True) as stores:
        await subjects.note(stores, mine, person.id)

        assert await subjects.person(stores, mine, subjects.of(mine, person.id)) == person.id
        assert await subjects.person(stores, theirs, subjects.of(mine, person.id)) is None
        assert await subjects.person(stores, theirs, subjects.of(theirs, person.id)) is None  # never told
