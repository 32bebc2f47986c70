"""Whom the authorization endpoint answers – RFC 6749 §3.1.2, §4.1.2.1; RFC 9700 §2.1, §4.11: client and address."""

from collections.abc import Mapping

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import CALLBACK, Provider, ask, at_once
from tests.support.relying_party import RelyingParty

STRANGE_URIS = [
    None, "", CALLBACK + "/", CALLBACK + "?", CALLBACK + "?a=b", CALLBACK + "#", "https://rp.example/", "https://rp.example",
    "HTTPS://rp.example/callback", "https://RP.example/callback", "https://rp.example:443/callback",
    "https://rp.example/./callback", "https://rp.example/%63allback", "https://rp.example.evil.example/callback",
    "https://rp.example@evil.example/callback", "//rp.example/callback", "/callback", "javascript:alert(1)",
    CALLBACK + " ", CALLBACK + "\\", CALLBACK + "\n", CALLBACK.replace("https", "http"),
]  # fmt: skip


async def assert_refused_here(browser: HtmlBrowser, url: str) -> str:
    """Open a URL that must end on our own error page, and return what the page says."""
    page = await browser.open(url, came_from_elsewhere=True)
    assert (page.status, page.name, page.location) == (400, "error", None), page.describe()
    assert page.text("error-code") == "invalid_request"
    return page.text("error-description")


@pytest.mark.parametrize("uri", STRANGE_URIS)
async def test_a_redirect_uri_that_is_not_registered_is_never_followed(
    rp: RelyingParty, browser: HtmlBrowser, uri: str | None
) -> None:
    """RFC 9700 §2.1: compared as strings; RFC 6749 §3.1.2.4: told to the person, not to the URI. Required, always."""
    request = await rp.authorization_request(redirect_uri=uri)

    await assert_refused_here(browser, request.url)


@pytest.mark.parametrize("client_id", [None, "", "nobody", "\0", "ä", "x" * 500])
async def test_a_client_that_is_not_registered_is_never_redirected_to(
    rp: RelyingParty, browser: HtmlBrowser, client_id: str | None
) -> None:
    """RFC 6749 §4.1.2.1."""
    request = await rp.authorization_request(client_id=client_id)

    await assert_refused_here(browser, request.url)


async def test_every_unknown_addressee_meets_the_same_page(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """RFC 9700 §4.11: unknown, disabled, repeated and unregistered look alike."""
    disabled = await provider.client()
    await provider.site.clients.set_active(await provider.registration(disabled), is_active=False)
    good = (await rp.authorization_request()).url
    urls = [
        (await rp.authorization_request(client_id="nobody")).url,
        (await disabled.authorization_request()).url,
        f"{good}&client_id={rp.client_id}",
        f"{good}&redirect_uri={CALLBACK}",
        (await rp.authorization_request(redirect_uri="https://evil.example/")).url,
    ]

    said = {await assert_refused_here(browser, url) for url in urls}

    assert len(said) == 1


@pytest.mark.parametrize("fault", [{"prompt": "none"}, {"response_type": "token"}, {"response_mode": "form_post"},
                                   {"claims": "x"}, {"code_challenge": None}])  # fmt: skip
async def test_a_wrong_redirect_uri_beats_every_other_fault(
    rp: RelyingParty, browser: HtmlBrowser, fault: Mapping[str, str | None]
) -> None:
    """RFC 6749 §3.1.2.4: nothing may answer before the addressee is settled, prompt=none included."""
    request = await rp.authorization_request(redirect_uri="https://evil.example/", **fault)

    await assert_refused_here(browser, request.url)


async def test_a_client_without_the_code_grant_is_told_so(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 6749 §4.1.2.1, unauthorized_client."""
    machine = await provider.client(grant_types=["client_credentials"])

    assert (await at_once(browser, machine)).error == "unauthorized_client"


async def test_the_query_of_a_redirect_uri_is_kept(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 6749 §3.1.2: the query component must be retained."""
    rp = await provider.client(redirect_uris=[CALLBACK + "?tenant=a%20b&x="])

    page = await ask(browser, rp, scope="unknown")

    assert page.location is not None
    assert page.location.startswith(CALLBACK + "?tenant=a%20b&x=&error=invalid_scope&")


async def test_one_of_several_redirect_uris_must_be_named(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 6749 §3.1.2.3."""
    rp = await provider.client(redirect_uris=[CALLBACK, "https://rp.example/other"])

    await assert_refused_here(browser, (await rp.authorization_request(redirect_uri=None)).url)
    assert (await browser.answer(rp, redirect_uri="https://rp.example/other")).code


async def test_redirects_are_303(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9700 §4.12: never 307, which would repeat a posted password at the client."""
    page = await ask(browser, rp)
    assert page.name == "login"

    page = await browser.sign_in()
    page = await browser.submit("consent-allow")

    assert (page.status, page.response.headers["cache-control"]) == (303, "no-store")
