"""What a refresh looks at again – RFC 6749 §6, §10.4; OIDC Core §12.2: consent, login, and what never rises."""

from datetime import timedelta

from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import HandClock, Provider
from tests.support.relying_party import Answer, RelyingParty

PASSWORD_ONLY = "urn:idp:loa:1"


async def take_back(browser: HtmlBrowser, rp: RelyingParty) -> Page:
    """Take back what a client may do, on the person's own page."""
    page = await browser.open(f"{rp.issuer}/account/apps")
    for form in page.document.forms:
        for control in form.controls:
            if control.name == "app-remove":
                assert control.value == rp.client_id
                control.attributes["id"] = "remove"
                return await browser.submit("remove")
    raise AssertionError(page.describe())


async def test_a_consent_that_was_taken_back_ends_everything_that_came_of_it(
    rp: RelyingParty, browser: HtmlBrowser, tokens: Answer
) -> None:
    """RFC 6749 §10.4: refresh and access tokens, and codes on their way; the next request asks anew."""
    code = await browser.authorize(rp, scope="openid")
    assert (await rp.userinfo(tokens.access_token)).status == 200

    await take_back(browser, rp)

    refused = [await rp.refresh(tokens.refresh_token), await rp.redeem(code)]
    assert [(answer.status, answer.error) for answer in refused] == [(400, "invalid_grant")] * 2
    assert (await rp.userinfo(tokens.access_token)).status == 401
    assert not await rp.is_active(tokens.access_token)
    assert (await browser.answer(rp, prompt="none")).error == "consent_required"


async def test_what_one_client_lost_the_other_keeps(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §10.4: a grant is one client's."""
    own = await rp.redeem(await browser.authorize(rp))
    await take_back(browser, rp)
    other = await provider.client()
    kept = await other.redeem(await browser.authorize(other))

    assert (await rp.refresh(own.refresh_token)).error == "invalid_grant"
    assert (await other.refresh(kept.refresh_token)).status == 200


async def test_a_later_login_makes_no_older_grant_fresher(
    rp: RelyingParty, browser: HtmlBrowser, tokens: Answer, clock: HandClock
) -> None:
    """OIDC Core §12.2, RFC 9470 §5: auth_time and acr are those of the grant, also in the access token."""
    before = (await rp.decode(tokens.id_token)).claims
    clock.advance(timedelta(hours=2))
    again = await rp.redeem(await browser.authorize(rp, prompt="login"))

    refreshed = await rp.refresh(tokens.refresh_token)

    fresh = (await rp.decode(again.id_token)).claims
    assert fresh["auth_time"] == before["auth_time"] + 2 * 3600
    for token in (refreshed.id_token, refreshed.access_token):
        claims = (await rp.decode(token)).claims
        assert (claims["auth_time"], claims["acr"]) == (before["auth_time"], PASSWORD_ONLY)
    assert (await rp.introspect(refreshed.access_token)).body["auth_time"] == before["auth_time"]


async def test_a_grant_type_that_the_client_lost_is_over(provider: Provider, rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §5.2: unauthorized_client, from the next request on; what was given lives to its own end."""
    registered = await provider.registration(rp)
    await provider.site.clients.update(registered, {"grant_types": ["authorization_code"]})
    await provider.settle()

    answer = await rp.refresh(tokens.refresh_token)

    assert (answer.status, answer.error) == (400, "unauthorized_client")
    assert (await rp.userinfo(tokens.access_token)).status == 200
