"""JWT access tokens – RFC 9068 §2, §3, §4, §6."""

from datetime import timedelta

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.jose import parts
from tests.support.provider import HandClock, Person, Provider
from tests.support.relying_party import Answer, RelyingParty


async def test_it_has_the_claims_of_the_profile(
    person: Person, rp: RelyingParty, browser: HtmlBrowser, clock: HandClock
) -> None:
    """RFC 9068 §2.2: required claims, those about the login, and nothing else."""
    tokens = await rp.redeem(await browser.authorize(rp))
    now = int(clock.timestamp())

    claims = (await rp.decode(tokens.access_token)).claims

    jti = claims.pop("jti")
    assert claims == {
        "iss": rp.issuer,
        "aud": rp.issuer,
        "sub": person.id,
        "client_id": rp.client_id,
        "iat": now,
        "exp": now + 300,
        "scope": rp.scope,
        "auth_time": now,
        "acr": "urn:idp:loa:1",
        "amr": ["pwd"],
    }
    assert len(jti) > 16


async def test_its_header_says_what_it_is(tokens: Answer) -> None:
    """RFC 9068 §2.1: typ is at+jwt, so that no ID token passes for it; ES256 by default."""
    header, _ = parts(tokens.access_token)

    assert header.keys() == {"alg", "typ", "kid"}
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_it_is_signed_as_was_registered(provider: Provider, browser: HtmlBrowser, alg: str) -> None:
    """RFC 9068 §2.1: any asymmetric algorithm that the resource server understands."""
    rp = await provider.client(access_token_signed_response_alg=alg)
    tokens = await rp.redeem(await browser.authorize(rp))

    assert (await rp.decode(tokens.access_token)).header["alg"] == alg
    assert (await rp.userinfo(tokens.access_token)).status == 200
    assert await rp.is_active(tokens.access_token)


async def test_no_two_tokens_have_one_jti(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9068 §2.2, RFC 7519 §4.1.7."""
    fresh = await rp.refresh(tokens.refresh_token)

    assert parts(tokens.access_token)[1]["jti"] != parts(fresh.access_token)[1]["jti"]


async def test_it_tells_the_scope_of_this_very_token(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9068 §2.2.3: a narrowed refresh gives a narrower token."""
    narrowed = await rp.refresh(tokens.refresh_token, scope="openid email")

    assert parts(narrowed.access_token)[1]["scope"] == "openid email"


async def test_it_tells_the_login_and_not_the_refresh(rp: RelyingParty, tokens: Answer, clock: HandClock) -> None:
    """RFC 9068 §2.2.1: auth_time, acr and amr stay those of the authentication."""
    clock.advance(timedelta(days=3))

    before, after = parts(tokens.access_token)[1], parts((await rp.refresh(tokens.refresh_token)).access_token)[1]

    assert [after[name] for name in ("auth_time", "acr", "amr")] == [
        before[name] for name in ("auth_time", "acr", "amr")
    ]


async def test_it_tells_nothing_personal(provider: Provider) -> None:
    """RFC 9068 §6: everybody who relays it can read it."""
    person, rp = await provider.person(name="Grace Hopper", phone_number="+1 555 0100 0199"), await provider.client()
    async with provider.browser(person) as browser:
        tokens = await rp.redeem(await browser.authorize(rp, claims='{"userinfo":{"phone_number":null}}'))

    told = str(parts(tokens.access_token)[1])

    assert not [word for word in ("Grace", "Hopper", person.username, "0100 0199", "@") if word in told]


async def test_it_is_no_id_token(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 9068 §5: what is meant for a client is not honoured as access, nor the reverse."""
    assert (await rp.userinfo(tokens.id_token)).status == 401
    page = await rp.http.get(f"{rp.issuer}/end_session", params={"id_token_hint": tokens.access_token})
    assert page.status_code == 400


async def test_without_openid_it_is_a_token_too(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9068 §3: plain OAuth gets the same format."""
    tokens = await rp.redeem(await browser.authorize(rp, scope="email"))

    assert parts(tokens.access_token)[0]["typ"] == "at+jwt"
    assert await rp.is_active(tokens.access_token)


async def test_it_never_outlives_what_it_hangs_on(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9068 §2.2, exp: a session without offline_access ends first."""
    rp = await provider.client(scope="openid", grant_types=["authorization_code"])
    await browser.authorize(rp)
    provider.clock.advance(timedelta(days=30) - timedelta(seconds=100))

    page = await browser.open((await rp.authorization_request(prompt="none")).url)
    tokens = await rp.redeem((await browser.finish(rp, page)).code)

    assert tokens.body["expires_in"] == 100
