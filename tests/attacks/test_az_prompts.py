"""AZ17–AZ24: silent answers, fresh proofs, hints, and assurance that was not reached (OIDC Core §3.1.2.1, §5.5.1.1)."""

import json
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.support.attacker import ask, assert_refused, parameters_of, tokens_for
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import MINUTE, Person
from tests.support.relying_party import RelyingParty
from tests.support.target import Target


async def auth_time_of(rp: RelyingParty, browser: HtmlBrowser, **changes: str | None) -> int:
    tokens = await rp.redeem(await browser.authorize(rp, **changes))
    return int((await rp.decode(tokens.id_token)).claims["auth_time"])


async def test_az17_nobody_signed_in_is_told_without_a_page(provider: Target, rp: RelyingParty) -> None:
    sent = await parameters_of(rp, prompt="none")

    assert_refused(await ask(provider, sent), "login_required", rp, sent["state"])


async def test_az18_without_consent_there_is_no_silent_code(provider: Target, browser: HtmlBrowser) -> None:
    known, unknown = await provider.client(), await provider.client()
    await browser.authorize(known)

    silent = await browser.answer(unknown, prompt="none")
    more = await browser.answer(known, prompt="none", scope="openid profile email phone")

    assert (silent.error, more.error) == ("consent_required", "consent_required")


async def test_az18_a_choice_of_account_is_never_made_silently(rp: RelyingParty, browser: HtmlBrowser) -> None:
    await browser.authorize(rp)
    request = await rp.authorization_request(prompt="select_account")

    page = await browser.open(request.url)

    assert page.name == "accounts"


async def test_az20_prompt_login_asks_again_on_every_road(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    first = await auth_time_of(rp, browser)
    provider.clock.advance(MINUTE)
    request = await rp.authorization_request(prompt="login")

    page = await browser.open(request.url)
    consent = await browser.open(page.url.replace("/login/", "/consent/"))
    accounts = await browser.open(page.url.replace("/login/", "/accounts/"))
    second_tab = await browser.open(request.url)

    assert [each.name for each in (page, consent, accounts, second_tab)] == ["login"] * 4
    assert await auth_time_of(rp, browser, prompt="login") == first + 60


async def test_az20_a_cancelled_sign_in_leaves_the_old_session_as_it_was(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    first = await auth_time_of(rp, browser)
    provider.clock.advance(MINUTE)
    await browser.open((await rp.authorization_request(prompt="login")).url)

    page = await browser.submit("login-cancel")

    assert page.answer().error == "access_denied"
    assert await auth_time_of(rp, browser, prompt="none") == first


async def test_az20_a_wrong_password_raises_nothing(provider: Target, rp: RelyingParty, browser: HtmlBrowser) -> None:
    first = await auth_time_of(rp, browser)
    provider.clock.advance(MINUTE)
    await browser.open((await rp.authorization_request(prompt="login")).url)

    page = await browser.submit("login-submit", username=browser.username, password="wrong")

    assert (page.status, page.name) == (403, "login")
    assert (await browser.open(page.url.replace("/login/", "/consent/"))).name == "login"
    assert await auth_time_of(rp, browser, prompt="none") == first


async def test_az20_a_sign_in_of_somebody_else_replaces_the_session(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser, person: Person
) -> None:
    other = await provider.person()
    await browser.authorize(rp)
    await browser.open((await rp.authorization_request(prompt="login")).url)

    page = await browser.submit("login-submit", username=other.username, password=other.password)
    tokens = await rp.redeem((await browser.finish(rp, page)).code)

    assert (await rp.userinfo(tokens.access_token)).body["sub"] == other.id


async def test_az21_a_session_older_than_max_age_signs_in_again(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    first = await auth_time_of(rp, browser)
    provider.clock.advance(timedelta(seconds=100))

    assert await auth_time_of(rp, browser, max_age="100", prompt="none") == first
    assert (await browser.answer(rp, max_age="99", prompt="none")).error == "login_required"
    assert (await browser.answer(rp, max_age="1", prompt="none")).error == "login_required"
    assert (await browser.answer(rp, max_age="0", prompt="none")).error == "login_required"
    assert await auth_time_of(rp, browser, max_age="99") == first + 100


@pytest.mark.parametrize("text", ["-1", "1e99", "text", "1.5", "+1", " 1", "٣", "0x10", "1_000"])
async def test_az21_a_max_age_that_is_no_plain_number_is_refused(provider: Target, rp: RelyingParty, text: str) -> None:
    sent = await parameters_of(rp, max_age=text)

    assert_refused(await ask(provider, sent), "invalid_request", rp, sent["state"])


async def test_az22_a_hint_of_somebody_else_never_switches_the_person(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    victim = await provider.person()
    hint = (await tokens_for(provider, rp, victim)).id_token
    await browser.authorize(rp)

    silent = await browser.answer(rp, id_token_hint=hint, prompt="none")
    shown = await browser.answer(rp, id_token_hint=hint)
    nobody = await provider.browser().answer(rp, id_token_hint=hint, prompt="none")

    assert [each.error for each in (silent, shown, nobody)] == ["login_required"] * 3


async def test_az22_an_expired_hint_still_says_who(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser, person: Person
) -> None:
    tokens = await rp.redeem(await browser.authorize(rp))
    provider.clock.advance(timedelta(days=2))

    assert (await browser.answer(rp, id_token_hint=tokens.id_token, prompt="none")).code


@pytest.mark.parametrize("forgery", ["alg none", "unsigned", "own key", "our kid", "another client's", "access token"])
async def test_az22_a_hint_that_is_not_ours_for_this_client_is_refused(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser, forgery: str
) -> None:
    tokens = await rp.redeem(await browser.authorize(rp))
    header, claims = (await rp.decode(tokens.id_token)).header, (await rp.decode(tokens.id_token)).claims
    hint = {
        "alg none": "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + tokens.id_token.split(".")[1] + ".",
        "unsigned": tokens.id_token.rpartition(".")[0] + ".",
        "own key": jwt.encode({"alg": "ES256", "typ": "JWT"}, claims, ECKey.generate_key("P-256")),
        "our kid": jwt.encode(header, claims, RSAKey.generate_key(2048)),
        "another client's": (await tokens_for(provider, await provider.client(), await provider.person())).id_token,
        "access token": tokens.access_token,
    }[forgery]

    assert (await browser.answer(rp, id_token_hint=hint, prompt="none")).error == "invalid_request"


ESSENTIAL = json.dumps({"id_token": {"acr": {"essential": True, "values": ["phrh", "urn:unknown"]}}})


@pytest.mark.parametrize("prompt", ["none", "login", None])
async def test_az24_an_essential_acr_that_cannot_be_met_gives_no_code(
    rp: RelyingParty, browser: HtmlBrowser, prompt: str | None
) -> None:
    await browser.authorize(rp)

    answer = await browser.answer(rp, claims=ESSENTIAL, prompt=prompt)

    assert answer.error == "unmet_authentication_requirements"


async def test_az24_acr_says_what_happened_not_what_was_wished(rp: RelyingParty, browser: HtmlBrowser) -> None:
    tokens = await rp.redeem(await browser.authorize(rp, acr_values="urn:idp:loa:3 phr urn:idp:loa:2"))
    refreshed = await rp.refresh(tokens.refresh_token)

    for answer in (tokens, refreshed):
        claims = (await rp.decode(answer.id_token)).claims
        assert (claims["acr"], claims["amr"]) == ("urn:idp:loa:1", ["pwd"])
