"""LG30–LG38, LG45: factors that are skipped, weakened, replayed, or proved by somebody who is shut out (RFC 9470)."""

import json
from typing import Any

import pytest

from idp.domain.user import UserStatus
from tests.support.attacker import is_signed_in, post_form, signed_in
from tests.support.factors import (
    answer_passkey,
    by_method,
    passkey_options,
    to_step_up,
    with_passkey,
    with_phone,
    with_recovery_codes,
    with_totp,
)
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import HOUR, MINUTE, Person, ask
from tests.support.relying_party import RelyingParty
from tests.support.target import Target

SESSION = "__Host-idp_session"


def demand(*acrs: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": list(acrs)}}})


async def claims_of(rp: RelyingParty, browser: HtmlBrowser, page: Any) -> dict[str, Any]:
    tokens = await rp.redeem((await browser.finish(rp, page)).code)
    return dict((await rp.decode(tokens.id_token)).claims)


async def signed_in_with_totp(provider: Target, person: Person) -> HtmlBrowser:
    app = await with_totp(provider, person)
    browser = provider.browser(person)
    await to_step_up(browser, f"{provider.issuer}/account/sign-in")
    page = await browser.submit("otp-submit", otp_code=app.code(provider.clock.now()))
    assert SESSION in browser.cookies, page.describe()
    provider.clock.advance(MINUTE)
    return browser


@pytest.mark.parametrize("path", ["account/profile", "account/security", "account/sessions", "account/security/totp"])
async def test_lg30_the_password_alone_opens_no_page(provider: Target, rp: RelyingParty, path: str) -> None:
    person = await provider.person()
    await with_totp(provider, person)
    browser = provider.browser(person)
    await to_step_up(browser, (await rp.authorization_request()).url)

    page = await browser.open(f"{provider.issuer}/{path}")

    assert page.name in ("login", "step-up")
    assert SESSION not in browser.cookies


@pytest.mark.parametrize("step", ["consent", "accounts", "enrol", "login"])
async def test_lg30_no_other_step_leads_past_the_second_factor(provider: Target, rp: RelyingParty, step: str) -> None:
    person = await provider.person()
    await with_totp(provider, person)
    browser = provider.browser(person)
    page = await to_step_up(browser, (await rp.authorization_request()).url)
    url, token = page.url.replace("/step-up/", f"/{step}/"), page.document.forms[0].hidden["csrf"]

    shown = await browser.open(url)
    posted = [
        await post_form(browser, url, {"csrf": token, **fields})
        for fields in (
            {"consent-allow": ""}, {"account-continue": ""}, {"enrol-later": ""}, {"method": "totp"},
            {"username": person.username, "password": person.password},
        )
    ]  # fmt: skip

    assert shown.name == "step-up"
    assert {(each.name, each.location) for each in posted} == {("step-up", None)}
    assert SESSION not in browser.cookies
    assert not await is_signed_in(browser)


async def test_lg30_a_second_factor_alone_proves_nothing(provider: Target, rp: RelyingParty) -> None:
    person = await provider.person()
    app = await with_totp(provider, person)
    browser = provider.browser(person)
    page = await ask(browser, rp)
    url, token = page.url.replace("/login/", "/step-up/"), page.document.forms[0].hidden["csrf"]

    answer = await post_form(browser, url, {"csrf": token, "otp-code": app.code(provider.clock.now())})

    assert answer.name == "login"
    assert SESSION not in browser.cookies


async def test_lg30_the_token_endpoint_and_a_silent_request_give_nothing(provider: Target, rp: RelyingParty) -> None:
    person = await provider.person()
    await with_totp(provider, person)
    browser = provider.browser(person)
    await to_step_up(browser, (await rp.authorization_request()).url)

    silent = await browser.answer(rp, prompt="none")

    assert silent.error == "login_required"


@pytest.mark.parametrize("method", ["email_otp", "recovery_code", "sms_otp", "totp", "password"])
async def test_lg33_no_parameter_chooses_a_weaker_factor(provider: Target, rp: RelyingParty, method: str) -> None:
    """Case LG36 too: a passkey is asked for, and nothing else is taken."""
    person = await provider.person()
    await with_passkey(provider, person)
    app = await with_totp(provider, person)
    codes = await with_recovery_codes(provider, person)
    await with_phone(provider, person, "+4915123456010")
    browser = provider.browser(person)
    page = await to_step_up(browser, (await rp.authorization_request(claims=demand("phr"))).url)
    token = page.document.forms[0].hidden["csrf"]
    assert page.document.attributes["step-up-ask"]["data-factor"] == "webauthn"

    for answer in (app.code(provider.clock.now()), codes[0], person.password):
        posted = await post_form(browser, page.url, {"csrf": token, "method": method})
        assert posted.document.attributes["step-up-ask"]["data-factor"] == "webauthn"
        posted = await post_form(
            browser, page.url, {"csrf": token, "otp-code": answer, "factor": method, "amr": "hwk", "acr": "phr"}
        )
        assert posted.name == "step-up"

    assert SESSION not in browser.cookies
    assert not page.has("other-method")


@pytest.mark.parametrize("acr", ["phr", "phrh"])
async def test_lg33_a_recovery_code_never_reaches_phishing_resistance(
    provider: Target, rp: RelyingParty, acr: str
) -> None:
    person = await provider.person()
    await with_totp(provider, person)
    codes = await with_recovery_codes(provider, person)
    browser = provider.browser(person)
    await to_step_up(browser, f"{provider.issuer}/account/sign-in")
    await by_method(browser, "recovery_code")
    await browser.submit("otp-submit", otp_code=codes[0])
    assert SESSION in browser.cookies

    page = await ask(browser, rp, claims=demand(acr))

    assert page.name in ("enrol", None)
    if page.name is None:
        assert rp.receive(page.answer()).error == "unmet_authentication_requirements"


async def test_lg33_mail_is_no_second_factor(provider: Target, rp: RelyingParty) -> None:
    person = await provider.person()
    browser = provider.browser(person)
    await browser.open((await rp.authorization_request(claims=demand("urn:idp:loa:2"))).url)

    assert (await browser.sign_in()).name == "enrol"


async def test_lg36_another_sessions_proof_does_not_count(provider: Target, rp: RelyingParty) -> None:
    person = await provider.person()
    device = await with_passkey(provider, person)
    strong, weak = provider.browser(person), provider.browser(person)
    url = (await rp.authorization_request(claims=demand("phr"))).url
    await to_step_up(strong, url)
    await to_step_up(weak, url)
    answer = device.prove(passkey_options(strong.page))

    refused = await answer_passkey(weak, answer)
    accepted = await answer_passkey(strong, answer)

    assert refused.name == "step-up"
    assert refused.status >= 400
    assert SESSION not in weak.cookies
    assert (await claims_of(rp, strong, accepted))["acr"] == "phr"


async def test_lg37_acr_and_amr_are_of_stored_proofs_only(provider: Target, rp: RelyingParty) -> None:
    person = await provider.person()
    browser = await signed_in_with_totp(provider, person)
    page = await ask(browser, rp, acr_values="phr phrh urn:idp:loa:2", acr="phrh", amr="hwk user mfa")

    claims = await claims_of(rp, browser, page)

    assert (claims["acr"], claims["amr"]) == ("urn:idp:loa:2", ["pwd", "otp", "mfa"])


async def test_lg37_a_refresh_raises_nothing(provider: Target, rp: RelyingParty) -> None:
    """acr and auth_time of a grant stay those of its sign-in, whatever the session proves later."""
    person = await provider.person()
    browser = await signed_in(provider, person)
    tokens = await rp.redeem(await browser.authorize(rp))
    app = await with_totp(provider, person)
    page = await ask(browser, rp, claims=demand("urn:idp:loa:2"))
    assert page.name == "step-up", page.describe()
    raised = await browser.submit("otp-submit", otp_code=app.code(provider.clock.now()))

    stronger = await claims_of(rp, browser, raised)
    refreshed = (await rp.decode((await rp.refresh(tokens.refresh_token)).id_token)).claims

    assert stronger["acr"] == "urn:idp:loa:2"
    assert (refreshed["acr"], refreshed["amr"]) == ("urn:idp:loa:1", ["pwd"])


async def test_lg37_the_old_interaction_gives_nothing_after_a_step_up(provider: Target, rp: RelyingParty) -> None:
    person = await provider.person()
    app = await with_totp(provider, person)
    browser = provider.browser(person)
    page = await to_step_up(browser, (await rp.authorization_request()).url)
    used = app.code(provider.clock.now())
    done = await browser.submit("otp-submit", otp_code=used)
    await browser.finish(rp, done)

    replay = await post_form(
        browser, page.url, {"csrf": page.document.forms[0].hidden["csrf"], "otp-code": used}
    )  # fmt: skip

    assert replay.status in (400, 410)
    assert replay.location is None


async def test_lg37_a_remembered_browser_is_no_part_of_acr(provider: Target, rp: RelyingParty) -> None:
    """NIST SP 800-63B-4 §5.1.1: it eases, never proves."""
    person = await provider.person()
    app = await with_totp(provider, person)
    browser = provider.browser(person)
    page = await to_step_up(browser, (await rp.authorization_request()).url)
    page = await browser.submit("otp-submit", otp_code=app.code(provider.clock.now()), remember=True)
    await browser.finish(rp, page)
    await browser.open(f"{provider.issuer}/end_session")
    await browser.submit("logout-yes")
    provider.clock.advance(HOUR)

    eased = await claims_of(rp, browser, await ask(browser, rp))
    demanded = await ask(browser, rp, claims=demand("urn:idp:loa:2"))

    assert (eased["acr"], eased["amr"]) == ("urn:idp:loa:1", ["pwd"])
    assert demanded.name == "step-up"
    stranger = provider.browser(person)
    assert (await to_step_up(stranger, f"{provider.issuer}/account/sign-in")).name == "step-up"


async def test_lg38_somebody_who_is_disabled_gets_in_by_no_passkey(provider: Target) -> None:
    person = await provider.person()
    device = await with_passkey(provider, person)
    await provider.site.users.set_status(person.user, UserStatus.DISABLED)
    browser = provider.browser()
    page = await browser.open(f"{provider.issuer}/account/sign-in")

    refused = await answer_passkey(browser, device.prove(passkey_options(page)))

    assert (refused.status, refused.name) == (400, "login")
    assert SESSION not in browser.cookies


@pytest.mark.parametrize("factor", ["totp", "webauthn"])
async def test_lg38_somebody_who_is_disabled_between_two_factors_gets_no_further(
    provider: Target, rp: RelyingParty, factor: str
) -> None:
    person = await provider.person()
    device, app = await with_passkey(provider, person), await with_totp(provider, person)
    browser = provider.browser(person)
    page = await to_step_up(browser, (await rp.authorization_request()).url)
    options = passkey_options(page)
    if factor == "totp":
        await by_method(browser, "totp")
    await provider.site.users.set_status(person.user, UserStatus.DISABLED)

    if factor == "totp":
        answer = await browser.submit("otp-submit", otp_code=app.code(provider.clock.now()))
    else:
        answer = await answer_passkey(browser, device.prove(options))

    assert answer.name == "login"
    assert SESSION not in browser.cookies


async def test_lg45_every_factor_changes_the_secret(provider: Target, rp: RelyingParty) -> None:
    """At sign-in with two factors, at step-up, and the old one is dead."""
    person = await provider.person()
    device = await with_passkey(provider, person)
    planted = (await signed_in(provider, await provider.person())).cookies[SESSION]
    browser = provider.browser(person)
    browser.cookies.set(SESSION, planted, domain="id.example", path="/")
    url = (await rp.authorization_request(prompt="login")).url
    secrets = [planted]
    for _ in range(2):
        await to_step_up(browser, url)
        assert browser.cookies[SESSION] == secrets[-1]
        await answer_passkey(browser, device.prove(passkey_options(browser.page)))
        secrets.append(browser.cookies[SESSION])
        url = (await rp.authorization_request(prompt="login", claims=demand("phr"))).url

    assert len(set(secrets)) == 3
    assert await is_signed_in(browser)
    for old in secrets[:2]:
        thief = provider.browser()
        thief.cookies.set(SESSION, old, domain="id.example", path="/")
        assert not await is_signed_in(thief)
