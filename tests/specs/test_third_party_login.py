"""Third-party-initiated login – OIDC Core §4: people start with us, and go to registered addresses only."""

import pytest

from idp.domain.client import BadClient
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider
from tests.support.relying_party import RelyingParty

START = "https://rp.example/start"


@pytest.fixture
async def starting(provider: Provider) -> RelyingParty:
    """A client whose sign-in can begin with us."""
    return await provider.client(client_name="Harbour Start", initiate_login_uri=START)


async def links(browser: HtmlBrowser, rp: RelyingParty) -> list[str]:
    """Return where the list of applications leads away from us."""
    page = await browser.open(f"{rp.issuer}/account/apps")
    hrefs = [link.get("href", "") for link in page.document.links]
    return [href for href in hrefs if href.startswith("http") and not href.startswith(rp.issuer)]


async def test_the_list_of_applications_opens_the_registered_address_with_our_issuer(
    starting: RelyingParty, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §4: `iss` says who sends the person."""
    await browser.authorize(rp)

    assert f"{START}?iss=https%3A%2F%2Fid.example" in await links(browser, starting)


async def test_a_query_of_the_address_is_kept(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §4."""
    other = await provider.client(initiate_login_uri="https://kept.example/start?tenant=a")
    await browser.authorize(rp)

    assert "https://kept.example/start?tenant=a&iss=https%3A%2F%2Fid.example" in await links(browser, other)


@pytest.mark.parametrize(
    "uri", ["http://rp.example/start", "javascript:alert(1)", "//rp.example", "", "https://*.example/"]
)
async def test_only_https_addresses_are_registered(provider: Provider, uri: str) -> None:
    """OIDC Registration §2: initiate_login_uri must use the https scheme."""
    with pytest.raises(BadClient) as refused:
        await provider.client(initiate_login_uri=uri)

    assert refused.value.code == "invalid_client_metadata"


async def test_a_client_without_the_address_is_named_but_not_opened(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §4: we never make addresses up."""
    await browser.authorize(rp)

    page = await browser.open(f"{rp.issuer}/account/apps")

    assert "Harbour Books" in page.response.text
    assert not [href for href in await links(browser, rp) if href.startswith(rp.redirect_uri)]


async def test_a_disabled_client_is_not_opened(
    provider: Provider, starting: RelyingParty, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """Whoever is off, is off at every door."""
    await browser.authorize(rp)
    gone = await provider.client(initiate_login_uri="https://gone.example/start")
    await provider.site.clients.set_active(await provider.registration(gone), is_active=False)

    assert not [href for href in await links(browser, starting) if "gone.example" in href]


async def test_whoever_is_not_signed_in_signs_in_first(provider: Provider, starting: RelyingParty) -> None:
    """OIDC Core §4: the list is a person's own page."""
    async with provider.browser() as nobody:
        page = await nobody.open(f"{starting.issuer}/account/apps")

        assert (page.status, page.name) == (200, "login")


async def test_nobody_else_chooses_where_it_leads(
    starting: RelyingParty, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §4.1: no open redirector; parameters of the page change no address."""
    await browser.authorize(rp)
    url = f"{rp.issuer}/account/apps?iss=https://evil.example&target_link_uri=https://evil.example"

    page = await browser.open(url)

    assert "evil.example" not in page.response.text
    assert starting.client_id


async def test_the_sign_in_that_follows_is_an_ordinary_one(starting: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §4: the client then sends an authentication request of its own."""
    await browser.open(f"{starting.issuer}/account/sign-in")
    await browser.sign_in()

    answer = await browser.answer(starting)

    assert (await starting.redeem(answer.code)).status == 200
