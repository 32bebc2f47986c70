"""Front-Channel Logout 1.0: the page that loads every application's address, and goes on."""

import re
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from idp.domain.client import BadClient, Profile
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import CALLBACK, SIGNED_OUT, Provider, at_once
from tests.support.relying_party import RelyingParty
from tests.support.signals import claims_of

FRAME = "https://rp.example/front-channel"


async def party(provider: Provider, **members: object) -> RelyingParty:
    given = {"frontchannel_logout_uri": FRAME, "post_logout_redirect_uris": [SIGNED_OUT], **members}
    return await provider.client(is_first_party=True, **given)


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    """A client with an address to load."""
    return await party(provider)


async def sign_in(browser: HtmlBrowser, rp: RelyingParty) -> str:
    """Sign in to a client and return the ID token."""
    return (await rp.redeem(await browser.authorize(rp))).id_token


async def leave(browser: HtmlBrowser, issuer: str, **parameters: str) -> Page:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    page = await browser.open(f"{issuer}/end_session?{query}", came_from_elsewhere=True)
    return await browser.submit("logout-yes") if page.name == "logout" else page


def frames(page: Page) -> list[str]:
    return [frame["src"] for frame in page.document.frames]


async def test_the_address_carries_issuer_and_session_and_no_more(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """§2, §3: `sid` is that of the ID token."""
    token = await sign_in(browser, rp)

    page = await leave(browser, rp.issuer, id_token_hint=token, post_logout_redirect_uri=SIGNED_OUT)

    [address] = frames(page)
    assert address.partition("?")[0] == FRAME
    assert parse_qs(urlsplit(address).query) == {"iss": [rp.issuer], "sid": [claims_of(token)["sid"]]}
    assert (page.status, page.name) == (200, "signed-out")
    assert (await at_once(browser, rp, prompt="none")).error == "login_required"


async def test_a_query_of_the_address_stays(provider: Provider, browser: HtmlBrowser) -> None:
    """§2: the parameters are added to it."""
    rp = await party(provider, frontchannel_logout_uri=f"{FRAME}?tenant=a%26b")
    await sign_in(browser, rp)

    [address] = frames(await leave(browser, rp.issuer))

    assert address.startswith(f"{FRAME}?tenant=a%26b&iss=")
    assert [name for name, _value in parse_qsl(urlsplit(address).query)] == ["tenant", "iss", "sid"]


async def test_the_page_goes_on_without_script_and_shows_where(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """§5: combined with RP-Initiated Logout; the state comes along."""
    token = await sign_in(browser, rp)

    page = await leave(browser, rp.issuer, id_token_hint=token, post_logout_redirect_uri=SIGNED_OUT, state="a%20%22b")

    target = f"{SIGNED_OUT}?state=a+%22b"
    assert page.document.refresh == f"3;url={target}"
    assert page.document.attributes["logout-continue"]["href"] == target


async def test_with_nowhere_to_go_the_page_stays(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RP-Initiated Logout §2: without an address to go to."""
    await sign_in(browser, rp)

    page = await leave(browser, rp.issuer)

    assert len(frames(page)) == 1
    assert page.document.refresh is None
    assert not page.has("logout-continue")


async def test_a_link_that_is_not_proven_is_shown_and_not_followed(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RP-Initiated Logout §3."""
    await sign_in(browser, rp)

    page = await leave(browser, rp.issuer, client_id=rp.client_id, post_logout_redirect_uri=SIGNED_OUT)

    assert len(frames(page)) == 1
    assert page.document.refresh is None
    assert page.document.attributes["logout-continue"]["href"] == SIGNED_OUT


async def test_every_application_of_the_session_is_loaded_once(provider: Provider, browser: HtmlBrowser) -> None:
    """§2: those that signed in here and registered an address; each with a `sid` of its own."""
    first, second = await party(provider), await party(provider)
    silent, elsewhere = await party(provider, frontchannel_logout_uri=None), await party(provider)
    for rp in (first, second, silent, first):
        await sign_in(browser, rp)

    page = await leave(browser, provider.issuer)

    sids = [parse_qs(urlsplit(address).query)["sid"][0] for address in frames(page)]
    assert len(sids) == len(set(sids)) == 2
    assert elsewhere.client_id not in page.response.text


async def test_a_disabled_application_is_not_loaded(rp: RelyingParty, provider: Provider, browser: HtmlBrowser) -> None:
    """§2: it is no application of ours any more."""
    await sign_in(browser, rp)
    await provider.site.clients.set_active(await provider.registration(rp), is_active=False)
    await provider.settle()

    assert frames(await leave(browser, provider.issuer)) == []


async def test_without_such_applications_the_browser_is_sent_on_at_once(
    provider: Provider, browser: HtmlBrowser
) -> None:
    """RP-Initiated Logout §3."""
    rp = await party(provider, frontchannel_logout_uri=None)
    token = await sign_in(browser, rp)

    page = await leave(browser, rp.issuer, id_token_hint=token, post_logout_redirect_uri=SIGNED_OUT)

    assert page.location == SIGNED_OUT


async def test_the_page_may_frame_those_places_and_no_others(provider: Provider, browser: HtmlBrowser) -> None:
    """CSP frame-src; a frame may not take the page away (sandbox), and nobody frames ours."""
    other = "https://other.example:8443"
    for members in ({}, {"redirect_uris": [f"{other}/cb"], "frontchannel_logout_uri": f"{other}/out"}):
        await sign_in(browser, await party(provider, **members))

    page = await leave(browser, provider.issuer)

    policy = page.response.headers["content-security-policy"]
    sources = re.search("frame-src ([^;]*)", policy)
    assert sources is not None
    assert set(sources[1].split()) == {"https://rp.example", other}
    assert "frame-ancestors 'none'" in policy
    for frame in page.document.frames:
        assert "allow-top-navigation" not in frame["sandbox"]
    assert page.response.headers["clear-site-data"] == '"cache", "storage"'


async def test_a_page_without_frames_may_have_none(browser: HtmlBrowser, provider: Provider) -> None:
    """CSP frame-src falls back to none."""
    page = await browser.open(f"{provider.issuer}/signed-out")

    assert "frame-src" not in page.response.headers["content-security-policy"]


@pytest.mark.parametrize(
    "address",
    [
        "https://other.example/out", "https://rp.example:8443/out", "http://rp.example/out", "https://www.rp.example/",
        "https://rp.example@evil.example/", "javascript:alert(1)", "/out", "https://rp.example/out#x",
    ],
)  # fmt: skip
async def test_the_address_is_where_people_are_sent_back_to(provider: Provider, address: str) -> None:
    """§2: scheme, host and port of a redirect URI."""
    with pytest.raises(BadClient) as refused:
        await party(provider, frontchannel_logout_uri=address, redirect_uris=[CALLBACK])

    assert refused.value.code == "invalid_client_metadata"


async def test_a_native_application_keeps_its_way_back(provider: Provider, browser: HtmlBrowser) -> None:
    """A private-use scheme is followed too (RFC 8252 §7.1)."""
    back = "com.example.app:/bye"
    app = await party(
        provider, profile=Profile.NATIVE, redirect_uris=[CALLBACK], post_logout_redirect_uris=[back],
    )  # fmt: skip
    token = await sign_in(browser, app)

    page = await leave(browser, app.issuer, id_token_hint=token, post_logout_redirect_uri=back)

    assert page.document.refresh == f"3;url={back}"
