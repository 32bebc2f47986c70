"""Consent – OIDC Core §3.1.2.4, §11; RFC 8252 §8.6: who is asked what, when, and what a no does."""

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.html_page import Control
from tests.support.provider import CALLBACK, Person, Provider, ask, at_once
from tests.support.relying_party import AuthorizationAnswer, RelyingParty


async def consent_page(browser: HtmlBrowser, rp: RelyingParty, **changes: str | None) -> None:
    """Bring the browser to the consent page."""
    page = await ask(browser, rp, **changes)
    if page.name == "login":
        page = await browser.sign_in()
    assert page.name == "consent", page.describe()


async def test_the_page_says_who_asks_for_what(person: Person, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.4: the client and each scope."""
    await consent_page(browser, rp, scope="openid email phone")

    assert browser.page.text("consent-client") == "Harbour Books"
    assert "email" in browser.page.text("consent-scopes")
    assert "phone" in browser.page.text("consent-scopes")
    assert "postal" not in browser.page.text("consent-scopes")
    assert person.user.email in browser.page.response.text


async def test_a_no_is_access_denied_and_nothing_else(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.6, RFC 6749 §4.1.2.1: with state and iss; and the question stays open."""
    await consent_page(browser, rp)

    page = await browser.submit("consent-deny")

    answer = rp.receive(AuthorizationAnswer.from_url(page.location or ""))
    assert answer.error == "access_denied"
    assert answer.parameters.keys() == {"error", "error_description", "iss", "state"}
    assert (await at_once(browser, rp, prompt="none")).error == "consent_required"


async def test_a_yes_is_remembered_for_the_same_and_for_less(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.4: obtained by a previous one."""
    await browser.authorize(rp, scope="openid profile email")

    assert (await at_once(browser, rp, scope="openid profile email")).code
    assert (await at_once(browser, rp, scope="email openid")).code


async def test_more_is_asked_for_anew_and_adds_up(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.4."""
    await browser.authorize(rp, scope="openid email")

    await consent_page(browser, rp, scope="openid phone")
    await browser.submit("consent-allow")

    assert (await at_once(browser, rp, scope="openid email phone")).code
    assert (await at_once(browser, rp, prompt="none", scope="openid address")).error == "consent_required"


async def test_a_yes_is_for_one_client_and_one_person(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §3.1.2.4."""
    await browser.authorize(rp)
    other = await provider.client()

    assert (await at_once(browser, other, prompt="none")).error == "consent_required"
    async with provider.browser(await provider.person()) as somebody:
        await consent_page(somebody, rp)


async def test_a_first_party_client_asks_nobody(provider: Provider, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.4: by other means, here an operator's word."""
    own = await provider.client(is_first_party=True)
    await ask(browser, own)

    page = await browser.sign_in()

    assert page.location is not None
    assert "code=" in page.location


@pytest.mark.parametrize(("uri", "is_remembered"), [("http://127.0.0.1:8080/cb", False), (CALLBACK, True)])
async def test_a_public_client_without_a_claimed_redirect_asks_each_time(
    provider: Provider, browser: HtmlBrowser, uri: str, is_remembered: bool
) -> None:
    """RFC 8252 §8.6: any program on the machine could be it."""
    public = await provider.client(method="none", redirect_uris=[uri])
    await browser.authorize(public)

    assert ((await at_once(browser, public, prompt="none")).error is None) is is_remembered


async def test_what_is_granted_is_what_was_shown(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9700 §4.7: the stored request, whatever fields a form brings along."""
    await consent_page(browser, rp, scope="openid")
    form, _ = browser.page.document.form_with_button("consent-allow")
    forged = {"scope": "openid email phone", "client_id": "other", "redirect_uri": "https://evil.example"}
    form.controls += [Control("hidden", {"name": name}, value) for name, value in forged.items()]

    page = await browser.submit("consent-allow")

    answer = rp.receive(AuthorizationAnswer.from_url(page.location or ""))
    assert (page.location or "").startswith(CALLBACK)
    assert (await rp.redeem(answer.code)).body["scope"] == "openid"


async def test_offline_access_is_agreed_to_once(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §11: consent is needed, and asked again with prompt=consent."""
    await browser.authorize(rp, scope="openid")
    assert (await at_once(browser, rp, prompt="none", scope="openid offline_access")).error == "consent_required"

    await browser.authorize(rp, scope="openid offline_access")

    assert (await at_once(browser, rp, prompt="none", scope="openid offline_access")).code
    assert (await ask(browser, rp, prompt="consent", scope="openid offline_access")).name == "consent"
