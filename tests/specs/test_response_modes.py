"""Response modes – OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode §2: query, fragment, form_post."""

import re
from collections.abc import Mapping

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import CALLBACK, Provider, ask, at_once
from tests.support.relying_party import AuthorizationAnswer, RelyingParty

NASTY = "\"><script>alert(1)</script>&amp;'</form>"


async def test_query_is_the_default_for_codes(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OAuth 2.0 Multiple Response Types §2.1."""
    assert (await browser.answer(rp)).mode == "query"


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
async def test_success_and_error_travel_alike(rp: RelyingParty, browser: HtmlBrowser, mode: str) -> None:
    """OAuth 2.0 Multiple Response Types §2.1: state and iss with them."""
    success = await browser.answer(rp, response_mode=mode)
    error = await browser.answer(rp, response_mode=mode, prompt="none", max_age="0")

    assert (success.mode, error.mode) == (mode, mode)
    assert success.parameters.keys() == {"code", "iss", "state"}
    assert error.parameters.keys() == {"error", "error_description", "iss", "state"}
    assert (await rp.redeem(success.code)).status == 200


@pytest.mark.parametrize(
    "mode", ["", "nonsense", "QUERY", "jwt.query", "form_post.JWT", "JWT", ".jwt", "jwt.jwt", "web_message", "x" * 500]
)
async def test_an_unknown_mode_is_told_by_the_default(rp: RelyingParty, browser: HtmlBrowser, mode: str) -> None:
    """OAuth 2.0 Multiple Response Types §2.1: invalid_request, in the query."""
    answer = await browser.answer(rp, response_mode=mode)

    assert answer.mode == "query"
    assert answer.error == ("invalid_request" if mode else None)


@pytest.mark.parametrize("mode", ["fragment", "form_post"])
@pytest.mark.parametrize("repeated", ["scope=openid&scope=openid", "state=a", "nonce=a&nonce=b&unknown=1&unknown=2"])
async def test_a_repeated_parameter_is_told_by_the_mode_that_was_asked_for(
    rp: RelyingParty, browser: HtmlBrowser, mode: str, repeated: str
) -> None:
    """RFC 6749 §4.1.2.1: the fault is elsewhere, so the answer goes where a success would."""
    request = await rp.authorization_request(response_mode=mode, scope=None, nonce=None, state="a")

    page = await browser.open(f"{request.url}&{repeated}")

    if mode == "form_post":
        assert (page.name, page.document.forms[0].hidden["error"]) == ("form-post", "invalid_request")
    else:
        answer = AuthorizationAnswer.from_url(page.location or "")
        assert (answer.mode, answer.error) == ("fragment", "invalid_request")


async def test_a_client_may_be_limited_to_some_modes(provider: Provider, browser: HtmlBrowser) -> None:
    """OAuth 2.0 Multiple Response Types §2.1; which ones are registered is ours."""
    rp = await provider.client(response_modes=["form_post"])

    assert (await browser.answer(rp, response_mode="form_post")).code
    assert (await at_once(browser, rp, response_mode="fragment")).error == "invalid_request"


async def test_fragment_leaves_the_query_alone(provider: Provider, browser: HtmlBrowser) -> None:
    """OAuth 2.0 Multiple Response Types §2.1: nothing of the answer reaches the server's log."""
    rp = await provider.client(redirect_uris=[CALLBACK + "?a=b"], is_first_party=True)
    await ask(browser, rp, response_mode="fragment")

    page = await browser.sign_in()

    query, _, fragment = (page.location or "").partition("#")
    assert query == CALLBACK + "?a=b"
    assert fragment.startswith("code=")


async def form_post_page(
    rp: RelyingParty, browser: HtmlBrowser, **changes: str | None
) -> tuple[str, Mapping[str, str]]:
    """Return the HTML and the headers of a form_post answer."""
    page = await ask(browser, rp, response_mode="form_post", prompt="none", **changes)
    assert (page.status, page.name) == (200, "form-post")
    return page.response.text, page.response.headers


async def test_form_post_is_a_page_that_posts_itself(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """Form Post Response Mode §2: POST to the redirect URI, nothing in its query or fragment."""
    await form_post_page(rp, browser)
    form = browser.page.document.forms[0]

    assert (form.attributes["method"].lower(), form.attributes["action"]) == ("post", CALLBACK)
    assert form.hidden.keys() == {"error", "error_description", "iss", "state"}
    assert form.button("form-post-submit") is not None  # for browsers without script


async def test_form_post_escapes_what_it_carries(provider: Provider, browser: HtmlBrowser) -> None:
    """Form Post Response Mode §5: state is a stranger's text."""
    rp = await provider.client(redirect_uris=[CALLBACK + "?a=b&c=%22"])

    html, _ = await form_post_page(rp, browser, state=NASTY)

    assert NASTY not in html
    assert "<script>alert" not in html
    assert browser.page.document.forms[0].hidden["state"] == NASTY
    assert browser.page.document.forms[0].attributes["action"] == CALLBACK + "?a=b&c=%22"


async def test_form_post_runs_one_script_and_leads_to_one_origin(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """Content Security Policy 3 §6: by a nonce of this page only, and form-action names the client's origin."""
    html, headers = await form_post_page(rp, browser)
    policy = headers["content-security-policy"]

    nonces = re.findall(r"script-src 'nonce-([A-Za-z0-9_-]{16,})'", policy)
    assert len(nonces) == 1
    assert re.findall(r"<script([^>]*)>", html) == [f' nonce="{nonces[0]}"']
    assert "form-action https://rp.example" in policy
    assert headers["cache-control"] == "no-store"
    assert nonces[0] not in (await form_post_page(rp, browser))[0]


async def test_no_mode_checks_less_than_another(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9700 §2.1: an unregistered URI is a page in every mode."""
    rp = await provider.client()

    for mode in ("query", "fragment", "form_post", "nonsense"):
        page = await ask(browser, rp, response_mode=mode, redirect_uri="https://evil.example/")
        assert (page.status, page.name, page.location) == (400, "error", None)
