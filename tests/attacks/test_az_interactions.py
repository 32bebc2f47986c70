"""AZ37–AZ46: consent, tabs, and interactions that belong to one browser and one request (RFC 9700 §4.7)."""

from datetime import timedelta

import pytest

from tests.support.attacker import post_form, signed_in
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import MINUTE, SECOND, Person
from tests.support.relying_party import RelyingParty
from tests.support.target import Target


async def at_consent(browser: HtmlBrowser, rp: RelyingParty, **changes: str | None) -> Page:
    """Bring a browser to the consent page of a client."""
    page = await browser.open((await rp.authorization_request(prompt="consent", **changes)).url)
    return await browser.sign_in() if page.name == "login" else page


@pytest.mark.parametrize("token", [None, "", "x", "another browser's", "another interaction's", "cut"])
async def test_az37_consent_needs_the_token_of_this_page(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser, token: str | None
) -> None:
    other = await at_consent(browser, rp)
    foreign = await at_consent(provider.browser(await provider.person()), rp)
    page = await at_consent(browser, rp)
    right = page.document.forms[0].hidden["csrf"]
    tokens = {
        "another browser's": foreign.document.forms[0].hidden["csrf"],
        "another interaction's": other.document.forms[0].hidden["csrf"],
        "cut": right[:-1],
    }
    fields = {"consent-allow": ""} if token is None else {"consent-allow": "", "csrf": tokens.get(token, token)}

    answer = await post_form(browser, page.url, fields)

    assert (answer.status, answer.location) == (403, None)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": "", "Origin": "https://evil.example"},
        {"Origin": "null", "Sec_Fetch_Site": "cross-site"},
    ],
)
async def test_az37_consent_from_another_site_is_refused(
    rp: RelyingParty, browser: HtmlBrowser, headers: dict[str, str]
) -> None:
    page = await at_consent(browser, rp)
    fields = {"consent-allow": "", "csrf": page.document.forms[0].hidden["csrf"]}

    answer = await post_form(browser, page.url, fields, **headers)

    assert (answer.status, answer.location) == (403, None)


async def test_az37_a_consent_is_given_once(rp: RelyingParty, browser: HtmlBrowser) -> None:
    page = await at_consent(browser, rp)
    fields = {"consent-allow": "", "csrf": page.document.forms[0].hidden["csrf"]}
    first = await post_form(browser, page.url, fields)

    second = await post_form(browser, page.url, fields)

    assert first.answer().code
    assert (second.status, second.location) == (400, None)


async def test_az37_the_stored_request_wins_over_the_form(rp: RelyingParty, browser: HtmlBrowser) -> None:
    page = await at_consent(browser, rp, scope="openid")
    forged = {"scope": "openid email offline_access", "client_id": "c-other", "redirect_uri": "https://evil.example"}
    fields = {"consent-allow": "", "csrf": page.document.forms[0].hidden["csrf"], **forged}

    answer = await browser.finish(rp, await post_form(browser, page.url, fields))

    assert (await rp.redeem(answer.code)).body["scope"] == "openid"


async def test_az37_an_interaction_opened_elsewhere_gives_nothing_away(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """A login URL that was sent on starts nobody's session in the first browser."""
    victim = await signed_in(provider, await provider.person())
    page = await browser.open((await rp.authorization_request()).url)
    token = page.document.forms[0].hidden["csrf"]

    opened = await victim.open(page.url)
    posted = await post_form(
        victim, page.url, {"csrf": token, "username": victim.username, "password": victim.password}
    )

    for answer in (opened, posted):
        assert (answer.status, answer.location, answer.has("username")) == (400, None, False)
    assert (await browser.reload()).name == "login"


@pytest.mark.parametrize(
    ("auth_method", "redirect_uri", "is_asked"),
    [
        ("none", "http://127.0.0.1:5000/callback", True),
        ("none", "http://localhost:5000/callback", True),
        ("none", "https://app.example/callback", False),
        ("client_secret_basic", "http://127.0.0.1:5000/callback", False),
    ],
)
async def test_az38_only_a_claimed_uri_lets_a_public_client_go_on_silently(
    provider: Target, browser: HtmlBrowser, auth_method: str, redirect_uri: str, is_asked: bool
) -> None:
    """RFC 8252 §8.6: anybody can pose as a client that proves nothing."""
    rp = await provider.client(method=auth_method, redirect_uris=[redirect_uri])
    await browser.authorize(rp)

    page = await browser.open((await rp.authorization_request()).url)
    silent = await browser.answer(rp, prompt="none")

    assert (page.name == "consent") is is_asked
    assert silent.error == ("consent_required" if is_asked else None)


async def test_az38_one_loopback_uri_among_claimed_ones_is_enough_to_ask(
    provider: Target, browser: HtmlBrowser
) -> None:
    uris = ["https://app.example/callback", "http://127.0.0.1:5000/callback"]
    rp = await provider.client(method="none", redirect_uris=uris)
    await browser.authorize(rp)

    assert (await browser.open((await rp.authorization_request(redirect_uri=uris[1])).url)).name == "consent"


async def test_az40_two_tabs_finished_out_of_order_reach_their_own_clients(
    provider: Target, browser: HtmlBrowser
) -> None:
    one, two = await provider.client(), await provider.client(redirect_uris=["https://two.example/callback"])
    first = await browser.open((await one.authorization_request()).url)
    second = await browser.open((await two.authorization_request()).url)

    browser.show(second)
    at_two = await browser.leave(await browser.sign_in())
    browser.show(first)
    at_one = await browser.leave(await browser.open(first.url))

    assert str(at_one.location).startswith(one.redirect_uri)
    assert str(at_two.location).startswith(two.redirect_uri)
    assert (await one.redeem(one.receive(at_one.answer()).code)).status == 200
    assert (await two.redeem(two.receive(at_two.answer()).code)).status == 200


async def test_az45_a_code_lives_for_a_minute_and_not_longer(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    early, late = await browser.authorize(rp), await browser.authorize(rp)

    provider.clock.advance(59 * SECOND)
    assert (await rp.redeem(early)).status == 200
    provider.clock.advance(SECOND)
    refused = await rp.redeem(late)

    assert (refused.status, refused.error) == (400, "invalid_grant")


async def test_az46_half_open_sign_ins_of_a_browser_are_bounded(fresh: Target) -> None:
    rp, person = await fresh.client(), await fresh.person()
    browser = fresh.browser(person)
    pages = []
    for _ in range(60):
        pages.append(await browser.open((await rp.authorization_request()).url))
        fresh.clock.advance(SECOND)

    assert len(await fresh.rows("interactions")) == 20
    assert sum(len(name) + len(value) for name, value in browser.cookies.items()) < 4096
    assert (await browser.open(pages[0].url)).status == 404
    assert (await browser.finish(rp, await browser.open(pages[-20].url))).code


async def test_az46_half_open_sign_ins_without_cookies_expire(fresh: Target) -> None:
    """A network that throws its cookies away leaves rows behind; they are gone after half an hour and a sweep."""
    rp = await fresh.client()
    for _ in range(50):
        await fresh.http.get((await rp.authorization_request()).url)
        fresh.http.cookies.clear()

    fresh.clock.advance(timedelta(hours=1, minutes=31))
    async with fresh.site.transactions.open(write=True) as stores:
        removed = await stores.sweep.batch(fresh.clock.now())

    assert removed["interactions"] == 50


async def test_az46_an_expired_interaction_offers_a_new_start(
    provider: Target, rp: RelyingParty, person: Person, browser: HtmlBrowser
) -> None:
    page = await browser.open((await rp.authorization_request()).url)
    provider.clock.advance(30 * MINUTE)

    answer = await browser.sign_in()

    assert (answer.status, answer.location) == (400, None)
    assert any(link.get("href", "").startswith(f"{provider.issuer}/authorize?") for link in answer.document.links)
    assert (await browser.open(page.url)).status == 400
