"""OpenID Foundation, Basic OP profile: one test per module of `oidcc-basic-certification-test-plan`, named after it.

What each asks is said in our own words. Not here: modules of features that the metadata does not offer.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.client import Profile
from tests.support import oidf, oidf_modules
from tests.support.client_auth import Post
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import forge, parts
from tests.support.oidf import EVERYTHING, LONG_STATE, NO_PKCE, PROFILE
from tests.support.provider import SECOND, Person, Provider, ask, at_once
from tests.support.relying_party import Answer, AuthorizationAnswer, RelyingParty


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    """The suite's first client: profile oidc, which an operator makes for it."""
    return await provider.client(profile=Profile.OIDC, scope="openid profile email address phone offline_access")


@pytest.fixture
async def second(provider: Provider) -> RelyingParty:
    """The suite's second client."""
    return await provider.client(profile=Profile.OIDC)


@pytest.fixture
async def person(provider: Provider) -> Person:
    """The suite's user, who owns every standard claim."""
    return await provider.person(**EVERYTHING)


@pytest.fixture
async def browser(provider: Provider, person: Person) -> AsyncIterator[HtmlBrowser]:
    """The suite's browser."""
    async with provider.browser(person) as browser:
        yield browser


async def flow(rp: RelyingParty, browser: HtmlBrowser, **changes: str | None) -> Answer:
    """Run the code flow as the suite does, without PKCE, and look at everything it looks at."""
    asked = {"scope": "openid", "state": LONG_STATE, **NO_PKCE, **changes}
    return await finish(rp, browser, await browser.answer(rp, **asked))


async def finish(rp: RelyingParty, browser: HtmlBrowser, answer: AuthorizationAnswer) -> Answer:
    """Redeem a code and check the ID token."""
    request = rp.codes[answer.code]
    has_verifier = "code_challenge" in request.parameters
    tokens = await rp.redeem(answer.code, **({} if has_verifier else {"code_verifier": None}))
    assert (tokens.status, tokens.body["token_type"]) == (200, "Bearer")
    assert tokens.body["expires_in"] > 0
    assert answer.state == request.parameters.get("state")
    await rp.check_id_token(tokens, request)
    return tokens


def claims(tokens: Answer) -> dict[str, Any]:
    return parts(tokens.id_token)[1]


async def userinfo(rp: RelyingParty, tokens: Answer) -> dict[str, Any]:
    answer = await rp.userinfo(tokens.access_token)
    assert (answer.status, answer.body["sub"]) == (200, claims(tokens)["sub"])
    return answer.body


async def test_oidcc_server(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """The code flow ends with tokens; the ID token holds nothing that was not asked for."""
    tokens = await flow(rp, browser)

    assert not claims(tokens).keys() & EVERYTHING.keys()


async def test_oidcc_response_type_missing(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """A request without response_type ends in invalid_request at the client, or on a page of ours."""
    answer = await at_once(browser, rp, response_type=None, **NO_PKCE)

    assert (answer.error, answer.mode) == ("invalid_request", "query")


async def test_oidcc_idtoken_signature(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """Without a registered algorithm the ID token is signed by RS256, and kid says with which key."""
    header, _ = parts((await flow(rp, browser)).id_token)

    assert header["alg"] == "RS256"
    assert header["kid"]


async def test_oidcc_idtoken_unsigned(provider: Provider) -> None:
    """Not offered: `none` stands in no list, so the suite skips it."""
    assert "none" not in (await provider.metadata())["id_token_signing_alg_values_supported"]


async def test_oidcc_userinfo_get(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """Userinfo answers a GET with the token in the header."""
    await userinfo(rp, await flow(rp, browser))


async def test_oidcc_userinfo_post_header(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """Userinfo answers a POST with the token in the header."""
    tokens = await flow(rp, browser)

    response = await rp.http.post(f"{rp.issuer}/userinfo", headers={"Authorization": f"Bearer {tokens.access_token}"})

    assert (response.status_code, response.json()["sub"]) == (200, claims(tokens)["sub"])


async def test_oidcc_userinfo_post_body(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """Userinfo answers a POST with the token in the form."""
    tokens = await flow(rp, browser)

    response = await rp.http.post(f"{rp.issuer}/userinfo", data={"access_token": tokens.access_token})

    assert (response.status_code, response.json()["sub"]) == (200, claims(tokens)["sub"])


async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(
    rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """The code flow needs no nonce, and none comes back."""
    assert "nonce" not in claims(await flow(rp, browser, nonce=None))


async def test_oidcc_scope_profile(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """All fourteen claims of `profile` come from userinfo."""
    body = await userinfo(rp, await flow(rp, browser, scope="openid profile"))

    assert body.keys() == PROFILE.keys() | {"sub", "updated_at"}
    assert isinstance(body["updated_at"], int)


async def test_oidcc_scope_email(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """Both claims of `email`."""
    body = await userinfo(rp, await flow(rp, browser, scope="openid email"))

    assert body.keys() == {"sub", "email", "email_verified"}
    assert body["email_verified"] is True


async def test_oidcc_scope_address(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """The address is an object."""
    assert (await userinfo(rp, await flow(rp, browser, scope="openid address")))["address"] == {"country": "GB"}


async def test_oidcc_scope_phone(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """Both claims of `phone`."""
    body = await userinfo(rp, await flow(rp, browser, scope="openid phone"))

    assert (body["phone_number"], body["phone_number_verified"]) == ("+44 20 7946 0000", True)


async def test_oidcc_scope_all(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """All scopes at once; still nothing of them in the ID token."""
    tokens = await flow(rp, browser, scope="openid profile email address phone")

    assert EVERYTHING.keys() <= (await userinfo(rp, tokens)).keys()
    assert not claims(tokens).keys() & EVERYTHING.keys()


async def test_oidcc_alternate_happy_flow(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """Scopes and parameters may come in any order."""
    request = await rp.authorization_request(scope="email openid", **NO_PKCE)
    query = "&".join(reversed(request.url.partition("?")[2].split("&")))

    answer = await browser.finish(rp, await browser.open(f"{request.url.partition('?')[0]}?{query}"))

    await finish(rp, browser, answer)


async def test_oidcc_display_page(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """display=page works."""
    await flow(rp, browser, display="page")


async def test_oidcc_display_popup(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """display=popup does not fail."""
    await flow(rp, browser, display="popup")


async def test_oidcc_prompt_login(rp: RelyingParty, browser: HtmlBrowser, provider: Provider) -> None:
    """prompt=login asks again, and auth_time is later."""
    first = await flow(rp, browser)
    provider.clock.advance(SECOND)

    page = await ask(browser, rp, scope="openid", prompt="login", **NO_PKCE)
    second = await finish(rp, browser, await browser.finish(rp, page))

    assert page.name == "login"
    assert claims(second)["auth_time"] > claims(first)["auth_time"]


async def test_oidcc_prompt_none_not_logged_in(rp: RelyingParty, provider: Provider) -> None:
    """prompt=none with nobody there is login_required in the query."""
    async with provider.browser() as nobody:
        answer = await at_once(nobody, rp, scope="openid", prompt="none", **NO_PKCE)

    assert (answer.error, answer.mode) == ("login_required", "query")


async def test_oidcc_prompt_none_logged_in(rp: RelyingParty, browser: HtmlBrowser, provider: Provider) -> None:
    """prompt=none right after a sign-in answers at once, with the same sub and auth_time and no second consent."""
    first = await flow(rp, browser)
    provider.clock.advance(SECOND)

    second = await finish(rp, browser, await at_once(browser, rp, scope="openid", prompt="none", **NO_PKCE))

    assert [claims(second)[name] for name in ("sub", "auth_time")] == [
        claims(first)[name] for name in ("sub", "auth_time")
    ]


async def test_oidcc_max_age_1(rp: RelyingParty, browser: HtmlBrowser, provider: Provider) -> None:
    """max_age=1 two seconds after the sign-in asks again; auth_time is there and later."""
    first = await flow(rp, browser)
    provider.clock.advance(2 * SECOND)

    page = await ask(browser, rp, scope="openid", max_age="1", **NO_PKCE)
    second = await finish(rp, browser, await browser.finish(rp, page))

    assert page.name == "login"
    assert claims(second)["auth_time"] >= claims(first)["auth_time"] + 2


async def test_oidcc_max_age_10000(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """max_age=10000 asks nobody; auth_time is there and the same."""
    first = await flow(rp, browser)

    second = await finish(rp, browser, await at_once(browser, rp, scope="openid", max_age="10000", **NO_PKCE))

    assert claims(second)["auth_time"] == claims(first)["auth_time"]


async def test_oidcc_ensure_request_with_unknown_parameter_succeeds(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """`extra=foobar` is ignored."""
    await flow(rp, browser, extra="foobar")


async def test_oidcc_id_token_hint(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """prompt=none with the hint of whoever is signed in answers at once for the same sub."""
    first = await flow(rp, browser)

    answer = await at_once(browser, rp, scope="openid", prompt="none", id_token_hint=first.id_token, **NO_PKCE)

    assert claims(await finish(rp, browser, answer))["sub"] == claims(first)["sub"]


async def test_oidcc_login_hint(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """A login_hint does not fail."""
    await flow(rp, browser, login_hint="bob@oidc.com")


async def test_oidcc_ui_locales(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """ui_locales does not fail, spoken or not."""
    await flow(rp, browser, ui_locales="se")


async def test_oidcc_claims_locales(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """claims_locales does not fail."""
    await flow(rp, browser, claims_locales="se")


async def test_oidcc_ensure_request_with_acr_values_succeeds(
    rp: RelyingParty, browser: HtmlBrowser, provider: Provider, person: Person
) -> None:
    """acr_values of the metadata: the acr is one of those asked for."""
    listed = (await provider.metadata())["acr_values_supported"]

    # The person has a password only; the strongest of the list that they can reach takes a code from their mail.
    page = await browser.open((await rp.authorization_request(acr_values=" ".join(listed))).url)
    page = await browser.sign_in() if page.name == "login" else page
    code = next(line for line in (await provider.mail_to(person))[0]["text"].splitlines() if line.isdigit())
    answer = await browser.finish(rp, await browser.submit("otp-submit", otp_code=code))

    assert claims(await rp.redeem(answer.code))["acr"] == "urn:idp:loa:1v"


async def test_oidcc_codereuse(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """A code used twice at once: the second time invalid_grant."""
    answer = await browser.answer(rp, scope="openid", **NO_PKCE)
    tokens = await finish(rp, browser, answer)

    again = await rp.redeem(answer.code, code_verifier=None)

    assert (again.status, again.error) == (400, "invalid_grant")
    assert (await rp.userinfo(tokens.access_token)).status == 401


async def test_oidcc_codereuse_30seconds(rp: RelyingParty, browser: HtmlBrowser, provider: Provider) -> None:
    """The same after half a minute; and the first access token is dead."""
    answer = await browser.answer(rp, scope="openid", **NO_PKCE)
    tokens = await finish(rp, browser, answer)
    provider.clock.advance(30 * SECOND)

    again = await rp.redeem(answer.code, code_verifier=None)

    assert (again.status, again.error) == (400, "invalid_grant")
    assert (await rp.userinfo(tokens.access_token)).status == 401


async def test_oidcc_ensure_registered_redirect_uri(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """An unregistered redirect URI ends on a page of ours."""
    page = await ask(browser, rp, redirect_uri=rp.redirect_uri + "/unregistered", **NO_PKCE)

    assert (page.status, page.name, page.location) == (400, "error", None)


async def test_oidcc_ensure_post_request_succeeds(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """The authorization request may come by POST."""
    request = await rp.authorization_request(scope="openid", **NO_PKCE)

    page = await browser.post_from_elsewhere((await rp.metadata())["authorization_endpoint"], request.parameters)

    await finish(rp, browser, await browser.finish(rp, page))


async def test_oidcc_server_client_secret_post(provider: Provider, browser: HtmlBrowser) -> None:
    """A client that registered client_secret_post authenticates so."""
    rp = await provider.client(profile=Profile.OIDC, method="client_secret_post")
    assert isinstance(rp.auth, Post)

    await flow(rp, browser)


async def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
    rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """Refused as unsupported, never ignored."""
    answer = await at_once(browser, rp, request_uri="https://suite.example/request.jwt", **NO_PKCE)

    assert answer.error == "request_uri_not_supported"


async def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """An unsigned object is refused, never ignored."""
    answer = await at_once(browser, rp, request=forge({"alg": "none"}, {"scope": "openid"}, None, "none"), **NO_PKCE)

    assert answer.error == "invalid_request_object"


async def test_oidcc_claims_essential(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """`name`, essential at userinfo, comes from there and not in the ID token."""
    tokens = await flow(rp, browser, claims='{"userinfo":{"name":{"essential":true}}}')

    assert (await userinfo(rp, tokens))["name"] == "Ada Lovelace"
    assert "name" not in claims(tokens)


async def test_oidcc_ensure_request_object_with_redirect_uri(provider: Provider) -> None:
    """In a signed object the inner redirect URI wins over a wrong one outside."""
    async with oidf.suite(provider, "code") as suite:
        await oidf_modules.ensure_request_object_with_redirect_uri(suite)


async def test_oidcc_refresh_token(
    provider: Provider, rp: RelyingParty, second: RelyingParty, browser: HtmlBrowser
) -> None:
    """With offline_access and prompt=consent; the refresh repeats scope; another client is refused."""
    tokens = await flow(rp, browser, scope="openid offline_access", prompt="consent")
    provider.clock.advance(timedelta(seconds=1))

    stolen = await second.refresh(tokens.refresh_token)
    fresh = await rp.refresh(tokens.refresh_token, scope="openid offline_access")

    before, after = claims(tokens), claims(fresh)
    assert (stolen.status, stolen.error) == (400, "invalid_grant")
    assert [after[name] for name in ("iss", "sub", "aud", "auth_time", "azp")] == [
        before[name] for name in ("iss", "sub", "aud", "auth_time", "azp")
    ]
    assert after["iat"] > before["iat"]
    await userinfo(rp, fresh)


async def test_oidcc_ensure_request_with_valid_pkce_succeeds(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """S256 works for clients that send it."""
    await finish(rp, browser, await browser.answer(rp, scope="openid"))
