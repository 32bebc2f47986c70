"""Userinfo – OIDC Core §5.1, §5.3, §5.4, §8."""

from typing import Any

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Person, Provider
from tests.support.relying_party import Answer, RelyingParty

PROFILE = {
    "name": "Ada Lovelace", "family_name": "Lovelace", "given_name": "Ada", "middle_name": "King", "nickname": "Ada",
    "preferred_username": "ada", "profile": "https://ada.example/", "picture": "https://ada.example/ada.png",
    "website": "https://ada.example/blog", "gender": "female", "birthdate": "1815-12-10", "zoneinfo": "Europe/London",
    "locale": "en-GB",
}  # fmt: skip
ADDRESS = {"formatted": "12 St James's Square\nLondon", "locality": "London", "country": "United Kingdom"}
EVERYTHING = {**PROFILE, "address": ADDRESS, "phone_number": "+44 20 7946 0000", "phone_number_verified": True}


async def told(provider: Provider, scope: str, **claims: Any) -> dict[str, Any]:
    """Return the userinfo answer for a new person with these claims and a client that asked for the scopes."""
    person, rp = await provider.person(**claims), await provider.client(is_first_party=True)
    async with provider.browser(person) as browser:
        tokens = await rp.redeem(await browser.authorize(rp, scope=scope))
    answer = await rp.userinfo(tokens.access_token)
    assert answer.body.pop("sub") == person.id
    return answer.body


async def test_openid_alone_tells_a_pseudonym(provider: Provider) -> None:
    """OIDC Core §5.4."""
    assert await told(provider, "openid", **EVERYTHING) == {}


async def test_profile_tells_all_fourteen_claims(provider: Provider) -> None:
    """OIDC Core §5.4, §5.1: updated_at is a number of seconds."""
    body = await told(provider, "openid profile", **EVERYTHING)

    assert body.pop("updated_at") == int(provider.clock.timestamp())
    assert body == PROFILE


@pytest.mark.parametrize("email_verified", [True, False])
async def test_email_tells_the_address_and_whether_it_is_proved(provider: Provider, email_verified: bool) -> None:
    """OIDC Core §5.1: a boolean."""
    body = await told(provider, "openid email", email_verified=email_verified)

    assert body.keys() == {"email", "email_verified"}
    assert body["email_verified"] is email_verified


async def test_address_is_an_object(provider: Provider) -> None:
    """OIDC Core §5.1.1."""
    assert await told(provider, "openid address", **EVERYTHING) == {"address": ADDRESS}


async def test_phone_tells_the_number_and_whether_it_is_proved(provider: Provider) -> None:
    """OIDC Core §5.1."""
    body = await told(provider, "openid phone", **EVERYTHING)

    assert body == {"phone_number": "+44 20 7946 0000", "phone_number_verified": True}


@pytest.mark.parametrize("flag", ["false", "true", 1, None, "yes"])
async def test_a_flag_is_a_boolean_whatever_was_stored(provider: Provider, flag: Any) -> None:
    """OIDC Core §5.1: the text "false" is no yes."""
    body = await told(provider, "openid phone", phone_number="+1", phone_number_verified=flag)

    assert body["phone_number_verified"] is False


async def test_all_scopes_tell_everything(provider: Provider) -> None:
    """OIDC Core §5.4."""
    body = await told(provider, "openid profile email address phone", **EVERYTHING)

    assert body.keys() == EVERYTHING.keys() | {"updated_at", "email", "email_verified"}


async def test_empty_claims_are_left_out(provider: Provider) -> None:
    """OIDC Core §5.3.2: not null, not empty."""
    body = await told(provider, "openid profile address phone", name="", nickname=None, address={}, phone_number="")

    assert body.keys() == {"preferred_username", "updated_at"}


async def test_a_claim_outside_the_scopes_stays_here(provider: Provider) -> None:
    """OIDC Core §5.4: operators store what they like; nobody gets it unasked."""
    assert await told(provider, "openid email", salary=1, groups=["staff"]) != {"salary": 1}
    assert "groups" not in await told(provider, "openid profile email address phone", groups=["staff"])


async def test_sub_is_that_of_the_id_token(rp: RelyingParty, tokens: Answer) -> None:
    """OIDC Core §5.3.2."""
    id_token = await rp.decode(tokens.id_token)

    assert (await rp.userinfo(tokens.access_token)).body["sub"] == id_token.claims["sub"]


async def test_all_clients_know_a_person_by_the_same_sub(provider: Provider, person: Person, tokens: Answer) -> None:
    """OIDC Core §8, public subject identifiers."""
    other = await provider.client()
    async with provider.browser(person) as browser:
        theirs = await other.redeem(await browser.authorize(other))

    assert (await other.userinfo(theirs.access_token)).body["sub"] == person.id
    assert tokens.status == 200


async def test_the_answer_is_json_in_utf_8(provider: Provider) -> None:
    """OIDC Core §5.3.2; names have every letter."""
    person, rp = await provider.person(name="Zoë Łukasiewicz 字 🙂"), await provider.client()
    async with provider.browser(person) as browser:
        tokens = await rp.redeem(await browser.authorize(rp))

    answer = await rp.userinfo(tokens.access_token)

    assert answer.headers["content-type"] == "application/json"
    assert answer.body["name"] == "Zoë Łukasiewicz 字 🙂"


async def test_changes_are_told_at_once(provider: Provider, person: Person, rp: RelyingParty, tokens: Answer) -> None:
    """OIDC Core §5.3: what is true now, with the token of before."""
    from dataclasses import replace

    await provider.site.users.change(replace(person.user, claims={"name": "Augusta Ada King"}))

    assert (await rp.userinfo(tokens.access_token)).body["name"] == "Augusta Ada King"


async def test_a_narrowed_token_tells_less(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §6: the scope of this very token counts."""
    narrowed = await rp.refresh(tokens.refresh_token, scope="openid email")

    body = (await rp.userinfo(narrowed.access_token)).body

    assert body.keys() == {"sub", "email", "email_verified"}


async def test_get_and_post_answer_alike(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """OIDC Core §5.3.1: GET with header, POST with header, POST with the token in a form."""
    url = (await rp.metadata())["userinfo_endpoint"]
    header = {"Authorization": f"Bearer {tokens.access_token}"}

    answers = [
        await rp.http.get(url, headers=header),
        await rp.http.post(url, headers=header),
        await rp.http.post(url, headers=header, data={"unrelated": "x"}),
        await rp.http.post(url, data={"access_token": tokens.access_token}),
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.text for answer in answers} == {answers[0].text}
