"""OpenID Foundation, RP-Initiated OP: one test per module of `oidcc-rp-initiated-logout-certification-test-plan`.

Each test is named after its module; what it asks is said in our own words.
"""

import secrets
from urllib.parse import urlencode

import pytest

from idp.domain.client import Profile
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import SIGNED_OUT, Provider, at_once
from tests.support.relying_party import Answer, RelyingParty


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    """The suite's client, with an address to come back to."""
    return await provider.client(profile=Profile.OIDC, post_logout_redirect_uris=[SIGNED_OUT])


@pytest.fixture
async def hint(tokens: Answer) -> str:
    """The ID token of a person who is signed in."""
    return tokens.id_token


async def leave(browser: HtmlBrowser, rp: RelyingParty, **parameters: str) -> Page:
    """Visit the end_session endpoint, and agree if asked."""
    page = await browser.open(f"{rp.issuer}/end_session?{urlencode(parameters)}", came_from_elsewhere=True)
    return await browser.submit("logout-yes") if page.name == "logout" else page


async def assert_signed_out(browser: HtmlBrowser, rp: RelyingParty) -> None:
    assert (await at_once(browser, rp, prompt="none")).error == "login_required"


async def assert_refused(page: Page, browser: HtmlBrowser, rp: RelyingParty) -> None:
    """A page of ours, never a redirect; the person is still signed in."""
    assert (page.status, page.name, page.location) == (400, "error", None)
    assert (await at_once(browser, rp, prompt="none")).code


async def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(provider: Provider) -> None:
    """The metadata lists end_session_endpoint, an https URL."""
    assert (await provider.metadata())["end_session_endpoint"].startswith("https://")


async def test_oidcc_rp_initiated_logout(rp: RelyingParty, browser: HtmlBrowser, hint: str) -> None:
    """With hint, address and state: back with just the state; then prompt=none finds nobody."""
    state = secrets.token_urlsafe(8)

    page = await leave(browser, rp, id_token_hint=hint, post_logout_redirect_uri=SIGNED_OUT, state=state)

    assert page.location == f"{SIGNED_OUT}?state={state}"
    await assert_signed_out(browser, rp)


async def test_oidcc_rp_initiated_logout_no_state(rp: RelyingParty, browser: HtmlBrowser, hint: str) -> None:
    """Without state none is added."""
    page = await leave(browser, rp, id_token_hint=hint, post_logout_redirect_uri=SIGNED_OUT)

    assert page.location == SIGNED_OUT
    await assert_signed_out(browser, rp)


async def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(
    rp: RelyingParty, browser: HtmlBrowser, hint: str
) -> None:
    """An unregistered address is never followed."""
    page = await leave(
        browser, rp, id_token_hint=hint, post_logout_redirect_uri=f"https://rp.example/{secrets.token_urlsafe(8)}"
    )

    await assert_refused(page, browser, rp)


async def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(
    rp: RelyingParty, browser: HtmlBrowser, hint: str
) -> None:
    """Nor one with a query that was not registered."""
    page = await leave(browser, rp, id_token_hint=hint, post_logout_redirect_uri=SIGNED_OUT + "?foo=bar", state="x")

    await assert_refused(page, browser, rp)


async def test_oidcc_rp_initiated_logout_modified_id_token_hint(
    rp: RelyingParty, browser: HtmlBrowser, hint: str
) -> None:
    """A hint whose signature is wrong."""
    head, body, signature = hint.split(".")
    changed = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]

    page = await leave(browser, rp, id_token_hint=f"{head}.{body}.{changed}", post_logout_redirect_uri=SIGNED_OUT)

    await assert_refused(page, browser, rp)


async def test_oidcc_rp_initiated_logout_bad_id_token_hint(rp: RelyingParty, browser: HtmlBrowser, hint: str) -> None:
    """A hint that is no JWT."""
    page = await leave(browser, rp, id_token_hint=secrets.token_urlsafe(16), post_logout_redirect_uri=SIGNED_OUT)

    assert hint
    await assert_refused(page, browser, rp)


async def test_oidcc_rp_initiated_logout_no_id_token_hint(rp: RelyingParty, browser: HtmlBrowser, hint: str) -> None:
    """An address without a hint is not followed."""
    page = await leave(browser, rp, post_logout_redirect_uri=SIGNED_OUT, state="x")

    assert hint
    assert page.location is None


async def test_oidcc_rp_initiated_logout_no_params(rp: RelyingParty, browser: HtmlBrowser, hint: str) -> None:
    """Without parameters the person signs out and stays here."""
    page = await leave(browser, rp)

    assert hint
    assert (page.name, page.location) == ("signed-out", None)
    await assert_signed_out(browser, rp)


async def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(
    rp: RelyingParty, browser: HtmlBrowser, hint: str
) -> None:
    """With a hint alone the person signs out and stays here."""
    page = await leave(browser, rp, id_token_hint=hint)

    assert (page.name, page.location) == ("signed-out", None)
    await assert_signed_out(browser, rp)


async def test_oidcc_rp_initiated_logout_only_state(rp: RelyingParty, browser: HtmlBrowser, hint: str) -> None:
    """With a state alone the person signs out and stays here."""
    page = await leave(browser, rp, state="x")

    assert hint
    assert (page.name, page.location) == ("signed-out", None)
    await assert_signed_out(browser, rp)
