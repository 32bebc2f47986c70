"""RP-Initiated Logout 1.0 §2, §3, §4: who may end a session, when a person is asked, and where it may lead."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from tests.support.html_browser import HtmlBrowser, Page
from tests.support.jose import forge, parts
from tests.support.provider import SIGNED_OUT, HandClock, Person, Provider, at_once
from tests.support.relying_party import Answer, RelyingParty


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    """A client with an address to come back to."""
    return await provider.client(post_logout_redirect_uris=[SIGNED_OUT, SIGNED_OUT + "?a=b"])


async def leave(browser: HtmlBrowser, rp: RelyingParty, **parameters: str) -> Page:
    """Send the browser to the end_session endpoint."""
    endpoint = (await rp.metadata())["end_session_endpoint"]
    return await browser.open(f"{endpoint}?{urlencode(parameters)}", came_from_elsewhere=True)


async def is_signed_in(browser: HtmlBrowser, rp: RelyingParty) -> bool:
    return (await at_once(browser, rp, prompt="none")).error != "login_required"


async def test_a_proven_request_signs_out_at_once_and_leads_back(
    rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """§2, §3: by the ID token of this very session; `state` comes along, and nothing else."""
    page = await leave(browser, rp, id_token_hint=tokens.id_token, post_logout_redirect_uri=SIGNED_OUT, state="a b&c")

    assert (page.status, page.location) == (303, SIGNED_OUT + "?state=a+b%26c")
    assert page.response.headers["clear-site-data"] == '"cache", "storage"'
    assert not await is_signed_in(browser, rp)


@pytest.mark.parametrize(
    ("more", "location"),
    [
        ({}, SIGNED_OUT),
        ({"state": ""}, SIGNED_OUT),
        ({"post_logout_redirect_uri": SIGNED_OUT + "?a=b", "state": "x"}, SIGNED_OUT + "?a=b&state=x"),
    ],
)
async def test_what_was_not_sent_is_not_added(
    rp: RelyingParty, browser: HtmlBrowser, tokens: Answer, more: Mapping[str, str], location: str
) -> None:
    """§3."""
    asked = {"id_token_hint": tokens.id_token, "post_logout_redirect_uri": SIGNED_OUT, **more}

    assert (await leave(browser, rp, **asked)).location == location


async def test_a_hint_may_be_expired(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer, clock: HandClock) -> None:
    """§2: the server should accept ID tokens whose time is over."""
    clock.advance(timedelta(days=3))

    page = await leave(browser, rp, id_token_hint=tokens.id_token, post_logout_redirect_uri=SIGNED_OUT)

    assert page.location == SIGNED_OUT
    assert not await is_signed_in(browser, rp)


async def test_without_an_address_there_is_a_page(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """§2: post_logout_redirect_uri is optional."""
    page = await leave(browser, rp, id_token_hint=tokens.id_token)

    assert (page.status, page.name, page.location) == (200, "signed-out", None)
    assert not await is_signed_in(browser, rp)


@pytest.mark.parametrize("parameters", [{}, {"state": "x"}, {"ui_locales": "de"}, {"logout_hint": "ada"}], ids=str)
async def test_without_proof_the_person_is_asked(
    rp: RelyingParty, browser: HtmlBrowser, tokens: Answer, parameters: Mapping[str, str]
) -> None:
    """§2, §6: anybody's page could have sent the browser here."""
    page = await leave(browser, rp, **parameters)
    still = await is_signed_in(browser, rp)
    browser.show(page)
    end = await browser.submit("logout-yes")

    assert (page.name, still) == ("logout", True)
    assert (end.name, end.location) == ("signed-out", None)
    assert not await is_signed_in(browser, rp)
    assert tokens.status == 200


async def test_a_no_changes_nothing(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """§2: the person decides."""
    await leave(browser, rp)

    await browser.submit("logout-no")

    assert await is_signed_in(browser, rp)
    assert (await rp.refresh(tokens.refresh_token)).status == 200


async def test_a_hint_of_somebody_else_asks_first(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """§2: an attacker's own, valid ID token must sign nobody else out."""
    async with provider.browser(await provider.person()) as victim:
        await victim.authorize(rp)

        page = await leave(victim, rp, id_token_hint=tokens.id_token, post_logout_redirect_uri=SIGNED_OUT)

        assert (page.name, page.location) == ("logout", None)
        assert await is_signed_in(victim, rp)


async def test_a_hint_of_another_session_asks_first(
    provider: Provider, person: Person, rp: RelyingParty, tokens: Answer
) -> None:
    """§2: the same person elsewhere; sid tells the sessions apart."""
    async with provider.browser(person) as elsewhere:
        await elsewhere.authorize(rp)

        assert (await leave(elsewhere, rp, id_token_hint=tokens.id_token)).name == "logout"


async def test_a_hint_that_proves_nothing_is_a_page_and_no_sign_out(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """§4: never unsigned, changed, or another kind of token; no redirect."""
    header, claims = parts(tokens.id_token)
    head, body, signature = tokens.id_token.split(".")
    bad = [
        "x", f"{head}.{body}.", f"{head}.{body}.{signature[:-3]}AAA", tokens.access_token,
        forge({"alg": "none"}, claims, None, "none"), forge({**header, "alg": "HS256"}, claims, b"x", "HS256"),
    ]  # fmt: skip

    for hint in bad:
        page = await leave(browser, rp, id_token_hint=hint, post_logout_redirect_uri=SIGNED_OUT)

        assert (page.status, page.name, page.location) == (400, "error", None)
    assert await is_signed_in(browser, rp)


@pytest.mark.parametrize(
    "uri", ["https://evil.example/", SIGNED_OUT + "/", SIGNED_OUT + "?x=y", SIGNED_OUT + "#x", "javascript:alert(1)",
            SIGNED_OUT.replace("https", "http"), "//evil.example", "https://rp.example/callback"]
)  # fmt: skip
async def test_an_address_that_is_not_registered_is_a_page_and_no_sign_out(
    rp: RelyingParty, browser: HtmlBrowser, tokens: Answer, uri: str
) -> None:
    """§3, §4: compared exactly; a redirect URI of sign-in is none of sign-out."""
    page = await leave(browser, rp, id_token_hint=tokens.id_token, post_logout_redirect_uri=uri, state="x")

    assert (page.status, page.name, page.location) == (400, "error", None)
    assert await is_signed_in(browser, rp)


async def test_an_address_without_any_client_is_a_page(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """§3: nobody vouches for it."""
    page = await leave(browser, rp, post_logout_redirect_uri=SIGNED_OUT)

    assert (page.status, page.location) == (400, None)
    assert await is_signed_in(browser, rp)
    assert tokens.status == 200


async def test_a_client_id_alone_gives_a_link_and_no_redirect(
    rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """§2, §3: named, but not proved; the person may follow the link, the browser does not by itself."""
    await leave(browser, rp, client_id=rp.client_id, post_logout_redirect_uri=SIGNED_OUT, state="x")

    page = await browser.submit("logout-yes")

    assert (page.name, page.location) == ("signed-out", None)
    assert page.document.attributes["logout-continue"]["href"] == SIGNED_OUT + "?state=x"
    assert tokens.status == 200


async def test_a_client_id_must_be_the_hints_audience(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """§2: otherwise an error."""
    other = await provider.client(post_logout_redirect_uris=[SIGNED_OUT])

    same = await leave(browser, rp, id_token_hint=tokens.id_token, client_id=other.client_id)
    fine = await leave(browser, rp, id_token_hint=tokens.id_token, client_id=rp.client_id)

    assert (same.status, same.name) == (400, "error")
    assert fine.name == "signed-out"


async def test_an_unknown_client_is_a_page(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """§4."""
    assert (await leave(browser, rp, client_id="nobody")).status == 400
    assert await is_signed_in(browser, rp)
    assert tokens.status == 200


async def test_nobody_signed_in_is_led_back_all_the_same(
    rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """§2: the second time too; with a proof the redirect, without it the page."""
    asked = {"id_token_hint": tokens.id_token, "post_logout_redirect_uri": SIGNED_OUT}
    await leave(browser, rp, **asked)

    assert (await leave(browser, rp, **asked)).location == SIGNED_OUT
    assert (await leave(browser, rp)).name == "signed-out"


async def test_a_post_works_like_a_get(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """§2: both methods must be supported; from another site too."""
    endpoint = (await rp.metadata())["end_session_endpoint"]
    fields = {"id_token_hint": tokens.id_token, "post_logout_redirect_uri": SIGNED_OUT, "state": "x"}

    page = await browser.post_from_elsewhere(endpoint, fields)

    assert page.location == SIGNED_OUT + "?state=x"
    assert not await is_signed_in(browser, rp)


@pytest.mark.parametrize("name", ["id_token_hint", "post_logout_redirect_uri", "state", "client_id", "extra"])
async def test_a_repeated_parameter_is_refused(
    rp: RelyingParty, browser: HtmlBrowser, tokens: Answer, name: str
) -> None:
    """§2 with RFC 6749 §3.1."""
    asked = urlencode({"id_token_hint": tokens.id_token, "post_logout_redirect_uri": SIGNED_OUT})

    page = await browser.open(f"{rp.issuer}/end_session?{asked}&{name}=x&{name}=x")

    assert (page.status, page.name, page.location) == (400, "error", None)
    assert await is_signed_in(browser, rp)


async def test_pages_speak_the_language_that_was_asked_for(
    rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """§2, ui_locales."""
    page = await leave(browser, rp, ui_locales="de")
    end = await browser.submit("logout-yes")

    assert (page.document.language, end.document.language) == ("de", "de")
    assert tokens.status == 200


async def test_the_session_ends_for_every_client(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """§2: it is the provider's own session that ends; online tokens of all clients with it."""
    other = await provider.client(scope="openid email")
    theirs = await other.redeem(await browser.authorize(other))
    tokens = await rp.redeem(await browser.authorize(rp))

    await leave(browser, rp, id_token_hint=tokens.id_token)

    assert not await is_signed_in(browser, other)
    assert not await other.is_active(theirs.access_token)
    assert (await other.refresh(theirs.refresh_token)).error == "invalid_grant"


async def test_an_old_cookie_opens_nothing(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """§2: the session ends at the server, not only in the browser."""
    async with provider.browser() as copy:
        copy.cookies.update(browser.cookies)
        await leave(browser, rp, id_token_hint=tokens.id_token)

        assert not await is_signed_in(copy, rp)


async def test_a_sign_out_begun_twice_ends_once(rp: RelyingParty, browser: HtmlBrowser, tokens: Answer) -> None:
    """§2: the confirmation page of a session that is over leads to the same end."""
    asking = await leave(browser, rp)
    await browser.submit("logout-yes")
    browser.show(asking)

    page = await browser.submit("logout-yes")

    assert (page.status, page.name) == (200, "signed-out")
    assert tokens.status == 200
