"""LO01–LO08: signing others out, and what must be dead afterwards (RP-Initiated Logout 1.0 §2, §3, §6)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from idp.flows.logout_worker import PLACES_OF_ONE
from tests.support.attacker import assert_error_page, is_signed_in, post_form, signed_in, through, tokens_for
from tests.support.client_auth import ASSERTION_TYPE
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.logouts import Logouts, logouts
from tests.support.provider import DAY, Person, at_once
from tests.support.relying_party import RelyingParty
from tests.support.signals import claims_of
from tests.support.target import Target
from tests.support.webhooks import RESET, saying

SIGNED_OUT = "https://rp.example/signed-out"
EARS = 5


async def end_session(browser: HtmlBrowser, **fields: str) -> Page:
    url = f"{browser._origin}/end_session"
    return await browser.open(f"{url}?{urlencode(fields)}" if fields else url, came_from_elsewhere=True)


@pytest.fixture
async def inside(provider: Target, person: Person) -> HtmlBrowser:
    """A browser in which the person is signed in."""
    return await signed_in(provider, person)


@pytest.fixture
async def rp(provider: Target) -> RelyingParty:
    """A client that may be returned to after signing out."""
    return await provider.client(post_logout_redirect_uris=[SIGNED_OUT])


@pytest.mark.parametrize("how", ["get", "post"])
async def test_lo01_another_site_cannot_sign_anybody_out(provider: Target, inside: HtmlBrowser, how: str) -> None:
    if how == "get":
        page = await end_session(inside)
    else:
        page = await inside.post_from_elsewhere(f"{provider.issuer}/end_session", {"state": "x"})

    assert page.name == "logout"
    assert await is_signed_in(inside)


@pytest.mark.parametrize("token", ["", "x", "another browser's"])
async def test_lo01_the_confirmation_needs_its_token(provider: Target, inside: HtmlBrowser, token: str) -> None:
    other = await signed_in(provider, await provider.person())
    foreign = (await end_session(other)).document.forms[0].hidden["csrf"]
    await end_session(inside)

    answer = await post_form(
        inside,
        f"{provider.issuer}/end_session/confirm",
        {"logout-yes": "", "csrf": token and token.replace("another browser's", foreign)},
    )

    assert answer.status == 403
    assert await is_signed_in(inside)


async def test_lo01_the_confirmation_from_another_site_is_refused(provider: Target, inside: HtmlBrowser) -> None:
    token = (await end_session(inside)).document.forms[0].hidden["csrf"]
    fields = {"logout-yes": "", "csrf": token}
    url = f"{provider.issuer}/end_session/confirm"

    answer = await post_form(inside, url, fields, Origin="https://evil.example", Sec_Fetch_Site="cross-site")

    assert answer.status == 403
    assert await is_signed_in(inside)


async def test_lo01_no_answer_leaves_everything_as_it_was(provider: Target, inside: HtmlBrowser) -> None:
    await end_session(inside)

    await inside.submit("logout-no")

    assert await is_signed_in(inside)


async def test_lo02_an_attackers_own_hint_signs_nobody_else_out(
    provider: Target, rp: RelyingParty, inside: HtmlBrowser
) -> None:
    hint = (await tokens_for(provider, rp, await provider.person())).id_token

    page = await end_session(inside, id_token_hint=hint, post_logout_redirect_uri=SIGNED_OUT)

    assert (page.name, page.location) == ("logout", None)
    assert await is_signed_in(inside)


async def test_lo02_a_hint_of_the_same_person_in_another_browser_asks_too(
    provider: Target, rp: RelyingParty, person: Person, inside: HtmlBrowser
) -> None:
    hint = (await tokens_for(provider, rp, person)).id_token

    assert (await end_session(inside, id_token_hint=hint)).name == "logout"
    assert await is_signed_in(inside)


async def test_lo02_the_right_hint_signs_out_at_once_even_when_it_has_expired(
    provider: Target, rp: RelyingParty, inside: HtmlBrowser
) -> None:
    hint = (await rp.redeem(await inside.authorize(rp))).id_token
    provider.clock.advance(DAY)

    page = await end_session(inside, id_token_hint=hint, post_logout_redirect_uri=SIGNED_OUT, state="a b")

    assert page.location == f"{SIGNED_OUT}?state=a+b"
    assert not await is_signed_in(inside)


async def test_lo02_a_clients_own_form_with_the_right_hint_signs_out(
    provider: Target, rp: RelyingParty, inside: HtmlBrowser
) -> None:
    """RP-Initiated Logout §2 asks for POST; no Lax cookie comes with it, so it must not be answered as nobody's."""
    hint = (await rp.redeem(await inside.authorize(rp))).id_token
    fields = {"id_token_hint": hint, "post_logout_redirect_uri": SIGNED_OUT}

    page = await inside.post_from_elsewhere(f"{provider.issuer}/end_session", fields)

    assert page.location == SIGNED_OUT
    assert not await is_signed_in(inside)


BAD_URIS = ["https://evil.example", f"{SIGNED_OUT}/", f"{SIGNED_OUT}?x=1", "javascript:alert(1)", "//evil.example"]


@pytest.mark.parametrize("uri", BAD_URIS)
async def test_lo02_no_redirect_but_to_a_registered_uri(rp: RelyingParty, inside: HtmlBrowser, uri: str) -> None:
    hint = (await rp.redeem(await inside.authorize(rp))).id_token

    assert_error_page((await end_session(inside, id_token_hint=hint, post_logout_redirect_uri=uri)).response)
    assert_error_page((await end_session(inside, client_id=rp.client_id, post_logout_redirect_uri=uri)).response)
    assert await is_signed_in(inside)


async def test_lo02_without_a_hint_there_is_no_redirect(rp: RelyingParty, inside: HtmlBrowser) -> None:
    await end_session(inside, client_id=rp.client_id, post_logout_redirect_uri=SIGNED_OUT)

    page = await inside.submit("logout-yes")

    assert (page.name, page.location) == ("signed-out", None)
    assert not await is_signed_in(inside)


@pytest.mark.parametrize("fault", ["unsigned", "changed", "garbage", "access token", "other client_id", "twice"])
async def test_lo02_a_faulty_hint_is_shown_a_page(rp: RelyingParty, inside: HtmlBrowser, fault: str) -> None:
    tokens = await rp.redeem(await inside.authorize(rp))
    hint = {
        "unsigned": tokens.id_token.rpartition(".")[0] + ".",
        "changed": tokens.id_token[:-8] + "AAAAAAAA",
        "garbage": "x",
        "access token": tokens.access_token,
    }.get(fault, tokens.id_token)
    query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": SIGNED_OUT})
    extra = {"other client_id": "&client_id=c-other", "twice": f"&id_token_hint={hint}"}.get(fault, "")

    page = await inside.open(f"{rp.issuer}/end_session?{query}{extra}")

    assert_error_page(page.response)
    assert await is_signed_in(inside)


async def test_lo07_tokens_in_each_others_place_are_refused(rp: RelyingParty, inside: HtmlBrowser) -> None:
    """An ID token opens no door, and neither token is a client assertion."""
    tokens = await rp.redeem(await inside.authorize(rp))

    assert (await rp.userinfo(tokens.id_token)).status == 401
    for text in (tokens.id_token, tokens.access_token):
        fields = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": text}
        answer = await rp.http.post(f"{rp.issuer}/token", data=fields)
        assert answer.json()["error"] == "invalid_client"


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Logouts]:
    """A provider with clients that are told when a session ends."""
    async with logouts("sqlite", tmp_path, ears=EARS) as here:
        yield here


async def test_lo05_a_back_channel_token_says_for_whom_from_whom_and_how_long(told: Logouts) -> None:
    rp = await told.client()
    async with told.inside() as (browser, person):
        tokens = await told.visit(browser, rp)
        await told.leave(browser)
    [claims] = await told.told()

    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "events"}
    assert (claims["iss"], claims["aud"], claims["sub"]) == (rp.issuer, rp.client_id, person.id)
    assert claims["sid"] == claims_of(tokens.id_token)["sid"]
    assert 0 < claims["exp"] - claims["iat"] <= 120


async def test_lo06_clients_that_hang_or_fail_hold_up_neither_the_person_nor_others(told: Logouts) -> None:
    """Twenty are told: some hang, some answer 5xx, some reset the connection; who fails is tried three times."""
    hanging, failing, resetting = told.ears[0], told.ears[1], told.ears[2]
    hanging.hold, failing.usual, resetting.usual = asyncio.Event(), saying(503), RESET
    parties = [await told.client(told.ears[number % EARS]) for number in range(20)]
    async with told.inside(*parties) as (browser, _person):
        await told.leave(browser)  # the page is there, and nobody was told yet
        assert browser.page.name == "signed-out"
    assert sum(len(ear.received) for ear in told.ears) == 0

    work = asyncio.create_task(told.deliver())
    async with asyncio.timeout(10):
        while sum(len(ear.received) for ear in told.ears[3:]) < 8:
            await asyncio.sleep(0.01)
    assert not work.done()
    hanging.hold.set()
    await work

    for _ in range(5):
        told.provider.clock.advance(DAY / 24)
        await told.deliver()
    assert [len(ear.received) for ear in told.ears] == [4, 12, 12, 4, 4]


async def test_lo06_one_client_that_hangs_leaves_places_for_others(told: Logouts) -> None:
    slow, quick = await told.client(told.ears[0]), await told.client(told.ears[1])
    told.ears[0].hold = asyncio.Event()
    for parties in [(slow,)] * 20 + [(quick,)]:
        async with told.inside(*parties) as (browser, _person):
            await told.leave(browser)

    work = asyncio.create_task(told.deliver())
    async with asyncio.timeout(10):
        while not told.ears[1].received:
            await asyncio.sleep(0.01)

    assert len(told.ears[0].received) == PLACES_OF_ONE
    told.ears[0].hold.set()
    assert await work == 21


async def test_lo07_a_logout_token_opens_nothing(told: Logouts) -> None:
    rp = await told.client(grant_types=["authorization_code", "refresh_token", "client_credentials"])
    async with told.inside(rp) as (browser, _person):
        await told.leave(browser)
        await told.deliver()
        token = told.ears[0].received[0].body.decode().partition("=")[2]
        await told.visit(browser, rp)

        assert (await rp.userinfo(token)).status == 401
        assert not await rp.is_active(token)
        assert (await at_once(browser, rp, prompt="none", id_token_hint=token)).error == "invalid_request"
        assert_error_page((await end_session(browser, id_token_hint=token)).response)
    fields = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": token}
    answer = await rp.http.post(f"{rp.issuer}/token", data=fields)
    assert answer.json()["error"] == "invalid_client"


async def test_lo08_after_the_sign_out_everything_is_dead_on_every_worker(either: Target) -> None:
    rp, person = await either.client(), await either.person()
    inside = await signed_in(either, person)
    tied = await rp.redeem(await inside.authorize(rp, scope="openid"))
    offline = await rp.redeem(await inside.authorize(rp, scope="openid offline_access"))
    in_flight = await inside.authorize(rp)
    cookie = inside.cookies["__Host-idp_session"]
    async with either.twin() as twin:
        there = through(twin, rp)

        await end_session(inside)
        await inside.submit("logout-yes")

        elsewhere = twin.browser(person)
        elsewhere.cookies.set("__Host-idp_session", cookie, domain="id.example", path="/")
        assert not await is_signed_in(elsewhere)
        assert (await there.redeem(in_flight)).error == "invalid_grant"
        assert (await there.refresh(tied.refresh_token)).error == "invalid_grant"
        assert (await there.userinfo(tied.access_token)).status == 401
        assert (await there.refresh(offline.refresh_token)).status == 200
