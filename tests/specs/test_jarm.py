"""JWT Secured Authorization Response Mode (JARM): the whole answer is one JWT, success and error alike."""

from datetime import timedelta
from typing import Any

import pytest

from idp.domain.client import BadClient, Profile
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.jose import parts
from tests.support.provider import Provider, ask, at_once
from tests.support.relying_party import RelyingParty

MODES = {"jwt": "query.jwt", "query.jwt": "query.jwt", "fragment.jwt": "fragment.jwt", "form_post.jwt": "form_post.jwt"}


def response_of(page: Page) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of the one parameter that a page carries to the client."""
    (only,) = page.answer().parameters.items()
    name, token = only
    assert name == "response"
    return parts(token)


@pytest.mark.parametrize("mode", MODES)
async def test_success_and_error_are_claims_of_one_jwt(rp: RelyingParty, browser: HtmlBrowser, mode: str) -> None:
    """JARM §2.1, §2.3: with iss, aud and exp; `state` inside only, byte for byte."""
    state = "%20é\"'&=+ " + "s" * 100

    success = await browser.answer(rp, response_mode=mode, state=state)
    error = await browser.answer(rp, response_mode=mode, state=state, prompt="none", max_age="0")

    assert (success.mode, error.mode) == (MODES[mode], MODES[mode])
    assert success.parameters.keys() == {"code", "iss", "state"}
    assert (error.error, error.parameters.keys()) == (
        "login_required", {"error", "error_description", "iss", "state"},
    )  # fmt: skip
    assert success.state == error.state == state
    assert (await rp.redeem(success.code)).status == 200


async def test_a_signed_response_says_for_whom_it_is_and_lives_a_minute(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """JARM §2.1: aud is the client; exp at most ten minutes ahead is advised."""
    _, claims = response_of(await ask(browser, rp, response_mode="jwt", prompt="none"))

    assert (claims["iss"], claims["aud"]) == (rp.issuer, rp.client_id)
    assert claims["exp"] == int((provider.clock.now() + timedelta(minutes=1)).timestamp())


async def test_nothing_of_the_answer_stands_outside_the_jwt(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """JARM §2.3.1, §2.3.3: a registered query stays; a form has one field."""
    page = await ask(browser, rp, response_mode="query.jwt", prompt="none")
    assert (page.location or "").startswith(f"{rp.redirect_uri}?response=ey")

    page = await ask(browser, rp, response_mode="form_post.jwt", prompt="none")

    assert (page.name, page.location) == ("form-post", None)
    assert page.document.forms[0].hidden.keys() == {"response"}
    assert "form-action https://rp.example" in page.response.headers["content-security-policy"]


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_the_registered_algorithm_signs(provider: Provider, browser: HtmlBrowser, alg: str) -> None:
    """JARM §3: authorization_signed_response_alg; those of the metadata."""
    rp = await provider.client(authorization_signed_response_alg=alg)

    header, _ = response_of(await ask(browser, rp, response_mode="jwt", prompt="none"))

    assert header["alg"] == alg
    assert header["kid"]
    assert alg in (await provider.metadata())["authorization_signing_alg_values_supported"]


async def test_without_a_registered_algorithm_it_is_rs256(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """JARM §3."""
    assert response_of(await ask(browser, rp, response_mode="jwt", prompt="none"))[0]["alg"] == "RS256"


@pytest.mark.parametrize("alg", ["none", "HS256", "RS384", "ES512", "", "rs256"])
async def test_no_other_algorithm_is_registered(provider: Provider, alg: str) -> None:
    """JARM §3: `none` is not allowed, nor anything that is not in the metadata."""
    with pytest.raises(BadClient):
        await provider.client(authorization_signed_response_alg=alg)


async def test_faults_of_the_request_come_signed_as_well(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """JARM §2.1.1: whatever was wrong, once the mode itself is settled."""
    for changes in ({"scope": "unknown"}, {"code_challenge": None}, {"prompt": "nonsense"}, {"claims": "{"}):
        answer = await at_once(browser, rp, response_mode="jwt", **changes)
        assert answer.mode == "query.jwt"
        assert answer.error is not None


async def test_a_mode_that_is_not_registered_is_no_reason_to_sign(provider: Provider, browser: HtmlBrowser) -> None:
    """OAuth 2.0 Multiple Response Types §2.1; which ones are registered is ours."""
    plain = await provider.client(response_modes=["query"])
    signed = await provider.client(response_modes=["form_post.jwt"])

    for rp, mode in ((plain, "query.jwt"), (signed, "query"), (signed, "jwt")):
        answer = await at_once(browser, rp, response_mode=mode)
        assert (answer.mode, answer.error) == ("query", "invalid_request")
    assert (await browser.answer(signed, response_mode="form_post.jwt")).code


async def test_a_response_is_no_id_token(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 8725 §3.12: signed by the same key for the same client, and yet not good as a hint."""
    answer = await browser.answer(rp, response_mode="jwt")
    assert answer.code
    token = (await ask(browser, rp, response_mode="jwt", prompt="none")).answer().parameters["response"]

    assert (await at_once(browser, rp, id_token_hint=token)).error == "invalid_request"
    assert (await rp.userinfo(token)).status == 401


async def test_native_applications_may_have_it_signed(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 8252 §7.1: also at a scheme of their own; but nobody posts a form there."""
    rp = await provider.client(profile=Profile.NATIVE, redirect_uris=["com.example.app:/cb"])

    assert (await browser.answer(rp, response_mode="jwt")).mode == "query.jwt"
    assert (await at_once(browser, rp, response_mode="form_post.jwt")).error == "invalid_request"
