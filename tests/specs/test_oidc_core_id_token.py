"""ID tokens – OIDC Core §2, §3.1.3.3, §3.1.3.6, §3.1.3.7."""

from datetime import timedelta

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.jose import parts
from tests.support.provider import HandClock, Person, Provider, at_once
from tests.support.relying_party import Answer, RelyingParty, half_hash

ALWAYS = {"iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "acr", "amr", "sid", "jti", "at_hash"}
LIFE = timedelta(minutes=10)


async def test_it_says_who_signed_in_where_when_and_how(
    person: Person, rp: RelyingParty, browser: HtmlBrowser, clock: HandClock
) -> None:
    """OIDC Core §2."""
    code = await browser.authorize(rp)
    now = int(clock.timestamp())

    claims = await rp.check_id_token(await rp.redeem(code), rp.codes[code])

    assert claims.keys() == ALWAYS | {"nonce"}
    assert (claims["iss"], claims["aud"], claims["azp"], claims["sub"]) == (
        rp.issuer,
        rp.client_id,
        rp.client_id,
        person.id,
    )
    assert (claims["iat"], claims["exp"], claims["auth_time"]) == (now, now + LIFE.total_seconds(), now)
    assert (claims["acr"], claims["amr"]) == ("urn:idp:loa:1", ["pwd"])


async def test_scopes_are_answered_by_userinfo_only(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §5.4: while an access token exists, no claim of a scope stands here."""
    tokens = await rp.redeem(await browser.authorize(rp, scope="openid profile email address phone", nonce=None))

    assert parts(tokens.id_token)[1].keys() == ALWAYS


@pytest.mark.parametrize("nonce", ["n", "a b+c%20&=#", "ümläut ✓", '"\\', "n" * 384, "n" * 1024])
async def test_the_nonce_comes_back_byte_for_byte(rp: RelyingParty, browser: HtmlBrowser, nonce: str) -> None:
    """OIDC Core §2, §3.1.3.7 item 11: unmodified; up to 1024 bytes."""
    code = await browser.authorize(rp, nonce=nonce)

    assert (await rp.check_id_token(await rp.redeem(code), rp.codes[code]))["nonce"] == nonce


@pytest.mark.parametrize("nonce", ["n" * 1025, "ü" * 513, "\0"])
async def test_a_nonce_that_could_not_come_back_is_refused(rp: RelyingParty, browser: HtmlBrowser, nonce: str) -> None:
    """OIDC Core §3.1.2.1; the limit is ours."""
    assert (await at_once(browser, rp, nonce=nonce)).error == "invalid_request"


async def test_no_nonce_is_invented(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §2: present only if it was sent."""
    tokens = await rp.redeem(await browser.authorize(rp, nonce=None))

    assert "nonce" not in parts(tokens.id_token)[1]


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_it_is_signed_as_the_client_registered(provider: Provider, browser: HtmlBrowser, alg: str) -> None:
    """OIDC Registration §2, id_token_signed_response_alg; OIDC Core §3.1.3.6 for the hash that goes with it."""
    rp = await provider.client(id_token_signed_response_alg=alg)

    code = await browser.authorize(rp)
    tokens = await rp.redeem(code)

    header, claims = parts(tokens.id_token)
    await rp.check_id_token(tokens, rp.codes[code])
    assert header.keys() == {"alg", "kid", "typ"}
    assert (header["alg"], header["typ"]) == (alg, "JWT")
    assert claims["at_hash"] == half_hash(tokens.access_token, alg)


async def test_the_default_is_rs256(tokens: Answer) -> None:
    """OIDC Core §15.1: every client understands it."""
    assert parts(tokens.id_token)[0]["alg"] == "RS256"


async def test_at_hash_is_right_for_opaque_tokens_too(provider: Provider, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.3.6: the hash of whatever access token stands beside it."""
    rp = await provider.client(access_token_format="opaque", id_token_signed_response_alg="EdDSA")

    tokens = await rp.redeem(await browser.authorize(rp))

    assert parts(tokens.id_token)[1]["at_hash"] == half_hash(tokens.access_token, "EdDSA")


async def test_without_openid_there_is_none(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1: then it is plain OAuth."""
    tokens = await rp.redeem(await browser.authorize(rp, scope="email"))

    assert "id_token" not in tokens.body


async def test_attributes_never_replace_claims_of_the_protocol(provider: Provider) -> None:
    """OIDC Core §2: whatever an operator stored with a person."""
    forged = dict.fromkeys((*ALWAYS, "nonce", "c_hash", "client_id", "scope", "cnf", "act", "events"), "forged")
    person, rp = await provider.person(**forged, name="Eve"), await provider.client()
    async with provider.browser(person) as browser:
        code = await browser.authorize(rp, claims='{"id_token":{"name":null,"cnf":null,"events":null,"sub":null}}')

    tokens = await rp.redeem(code)

    claims = await rp.check_id_token(tokens, rp.codes[code])
    assert claims.keys() == ALWAYS | {"nonce", "name"}
    assert "forged" not in str(claims)
    assert "forged" not in str(parts(tokens.access_token)) + (await rp.userinfo(tokens.access_token)).text


async def test_auth_time_is_the_login_and_stays_the_same(
    rp: RelyingParty, browser: HtmlBrowser, clock: HandClock
) -> None:
    """OIDC Core §2: on silent reuse and on refresh."""
    first = await rp.redeem(await browser.authorize(rp))
    clock.advance(timedelta(hours=1))
    silent = await rp.redeem((await at_once(browser, rp, prompt="none")).code)
    fresh = await rp.refresh(first.refresh_token)

    times = {parts(answer.id_token)[1]["auth_time"] for answer in (first, silent, fresh)}

    assert times == {int((clock.now() - timedelta(hours=1)).timestamp())}


async def test_sid_is_one_per_session_and_client(provider: Provider, person: Person) -> None:
    """Front-Channel Logout §3: stable, and two clients cannot match their people by it."""
    one, two = await provider.client(), await provider.client()

    async def sid(rp: RelyingParty, browser: HtmlBrowser) -> str:
        return str(parts((await rp.redeem(await browser.authorize(rp))).id_token)[1]["sid"])

    async with provider.browser(person) as browser, provider.browser(person) as elsewhere:
        seen = [await sid(one, browser), await sid(one, browser), await sid(two, browser), await sid(one, elsewhere)]

    assert seen[0] == seen[1]
    assert len(set(seen)) == 3


async def test_every_token_has_a_jti_of_its_own(rp: RelyingParty, tokens: Answer) -> None:
    """OIDC Core §2 leaves it open; ours are told apart."""
    fresh = await rp.refresh(tokens.refresh_token)

    assert parts(tokens.id_token)[1]["jti"] != parts(fresh.id_token)[1]["jti"]


async def test_sub_is_short_ascii_and_no_address(person: Person, tokens: Answer) -> None:
    """OIDC Core §2: at most 255 ASCII characters, never reassigned; so it is random."""
    sub = parts(tokens.id_token)[1]["sub"]

    assert sub.isascii()
    assert len(sub) <= 255
    assert "@" not in sub
    assert person.username not in sub


async def test_an_operator_chosen_address_never_becomes_sub(provider: Provider) -> None:
    """OIDC Core §5.7: an account made again with the same address is somebody else."""
    first = await provider.person()
    await provider.site.users.delete(first.user)
    from idp.flows.user_administration import NewUser

    again = await provider.site.users.create(NewUser(first.user.email, first.username, first.password, {}))

    assert getattr(again, "id", None) not in (None, first.id)
