"""AD02, AD03, AD15, AD18, LG34, LG50, WA15: what people reach at their own account pages, and nobody else's."""

from datetime import timedelta

import pytest

from idp.domain.assurance import Factor
from idp.flows.housekeeping import delete_due
from idp.oauth.context import Context
from idp.oauth.request import HttpRequest
from tests.support.attacker import is_signed_in, post_form, signed_in, tokens_for, try_in
from tests.support.factors import App, with_passkey, with_totp
from tests.support.html_browser import HtmlBrowser
from tests.support.letters import links, subjects
from tests.support.provider import MINUTE, SECOND, Person
from tests.support.relying_party import RelyingParty
from tests.support.target import Target

FRESH_PAGES = (
    "/account/email", "/account/password", "/account/security/totp", "/account/security/passkey",
    "/account/security/phone", "/account/security/recovery-codes", "/account/data", "/account/delete",
)  # fmt: skip
PAGES = (
    "/account/profile", "/account/security", "/account/sessions", "/account/apps", "/account/activity", *FRESH_PAGES,
)  # fmt: skip


async def token_of(browser: HtmlBrowser, path: str) -> str:
    """Return the form token of an account page."""
    page = await browser.open(f"{browser._origin}{path}")
    return next(form.hidden["csrf"] for form in page.document.forms if "csrf" in form.hidden)


@pytest.mark.parametrize("path", PAGES)
async def test_every_account_page_leads_a_stranger_to_the_sign_in_and_back(provider: Target, path: str) -> None:
    person = await provider.person()
    browser = provider.browser(person)

    assert (await browser.open(provider.issuer + path)).name == "login"
    assert (await browser.sign_in()).url == provider.issuer + path


@pytest.mark.parametrize("path", FRESH_PAGES)
async def test_ad11_a_sensitive_page_asks_again_after_five_minutes(provider: Target, path: str) -> None:
    """ASVS 7.5.1: both sides of the moment."""
    person = await provider.person()
    browser = await signed_in(provider, person)

    provider.clock.advance(5 * MINUTE)
    assert (await browser.open(provider.issuer + path)).name != "login"
    provider.clock.advance(SECOND)
    assert (await browser.open(provider.issuer + path)).name == "login"
    assert (await browser.sign_in()).url == provider.issuer + path


async def test_lg34_who_has_a_second_factor_proves_it_again_before_a_change(provider: Target) -> None:
    person = await provider.person()
    app = await with_totp(provider, person)
    browser = provider.browser(person)
    await browser.open(f"{provider.issuer}/account/sign-in")
    await browser.sign_in()
    for path in FRESH_PAGES:  # the password alone opens none of them
        other = await browser.open(provider.issuer + path)
        assert other.name in ("login", "step-up"), path
    await browser.open(f"{provider.issuer}/account/sign-in")
    await browser.sign_in()
    assert (await browser.submit("otp-submit", otp_code=app.code(provider.clock.now()))).name == "home"

    provider.clock.advance(6 * MINUTE)
    await browser.open(f"{provider.issuer}/account/security/passkey")
    page = await browser.sign_in()

    assert page.name == "step-up"
    assert not page.has("remember")


async def test_ad02_another_persons_session_factor_browser_or_application_is_unknown(provider: Target) -> None:
    victim, thief = await provider.person(), await provider.person()
    app = await with_totp(provider, victim)
    inside = provider.browser(victim)
    await inside.open(f"{provider.issuer}/account/sign-in")
    await inside.sign_in()
    await inside.submit("otp-submit", remember=True, otp_code=app.code(provider.clock.now()))
    rows = {table: [row for row in await provider.rows(table) if row["user_id"] == victim.user.id]
            for table in ("sessions", "credentials", "remembered_browsers")}  # fmt: skip
    browser = await signed_in(provider, thief)
    csrf = await token_of(browser, "/account/profile")

    session = await post_form(
        browser, f"{provider.issuer}/account/sessions", {"csrf": csrf, "session": rows["sessions"][-1]["id"]}
    )
    for row in rows["credentials"]:
        factor = await browser.open(f"{provider.issuer}/account/security/factor/{row['id']}")
        removed = await post_form(
            browser, f"{provider.issuer}/account/security/factor/{row['id']}", {"csrf": csrf, "factor-remove": "1"}
        )
        assert (factor.status, removed.status) == (404, 404)
    await post_form(
        browser, f"{provider.issuer}/account/security/browsers",
        {"csrf": csrf, "browser": rows["remembered_browsers"][0]["id"]},
    )  # fmt: skip

    assert session.status == 404
    assert await is_signed_in(inside)
    for table, before in rows.items():
        after = [row for row in await provider.rows(table) if row["user_id"] == victim.user.id]
        assert [row["id"] for row in after] == [row["id"] for row in before], table


async def test_ad03_fields_that_are_not_ones_own_are_ignored(provider: Target) -> None:
    person = await provider.person()
    browser = await signed_in(provider, person)
    csrf = await token_of(browser, "/account/profile")

    await post_form(
        browser, f"{provider.issuer}/account/profile",
        {"csrf": csrf, "name": "Ada", "role": "owner", "is_admin": "true", "email_verified": "true", "status": "active",
         "email": "x@evil.example", "groups": "admins", "phone_number": "+491", "sub": "x", "password_hash": "x"},
    )  # fmt: skip

    user = await provider.site.users.find(person.user.id)
    assert user is not None
    assert user.claims["name"] == "Ada"
    assert (user.role, user.email, user.id) == (person.user.role, person.user.email, person.user.id)
    assert not {"groups", "phone_number", "is_admin", "role", "sub"} & set(user.claims)


async def test_every_account_form_needs_its_token_and_our_origin(provider: Target, person: Person) -> None:
    browser = await signed_in(provider, person)
    csrf = await token_of(browser, "/account/profile")

    for path in ("/account/profile", "/account/email", "/account/password", "/account/sessions", "/account/apps",
                 "/account/security/browsers", "/account/delete", "/account/keep", "/account/data"):  # fmt: skip
        url = provider.issuer + path
        assert (await post_form(browser, url, {"name": "x"})).status == 403, path
        assert (await post_form(browser, url, {"csrf": csrf}, Sec_Fetch_Site="cross-site")).status == 403, path


async def test_lg50_a_new_factor_ends_the_other_sessions_and_tokens(provider: Target, rp: RelyingParty) -> None:
    person = await provider.person()
    tokens = await tokens_for(provider, rp, person)
    elsewhere, here = await signed_in(provider, person), await signed_in(provider, person)
    await here.open(f"{provider.issuer}/account/security/totp")
    app = App(here.page.text("totp-secret").replace(" ", ""))
    page = await here.submit("otp-submit", otp_code=app.code(provider.clock.now()))
    assert page.name == "recovery-codes"

    assert await is_signed_in(here)
    assert not await is_signed_in(elsewhere)
    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert "A new way to sign in was added" in await subjects(provider, person.user.email or "")


async def test_wa15_the_last_way_in_cannot_be_removed(provider: Target) -> None:
    person = await provider.person()
    await with_passkey(provider, person)
    async with provider.site.transactions.open(write=True) as stores:
        await stores.credentials.remove_all(person.user.id, factor=Factor.PASSWORD, keep_password=False)
        (passkey,) = await stores.credentials.of_user(person.user.id)
        context = Context(provider.site.engine, stores, HttpRequest("GET", {}, [], [], "x"), provider.clock.now())
        refused = await provider.site.accounts.enrolment.remove(context, person.user, passkey.id, session_id="s")

        assert refused is not None
        assert refused.reason.value == "last_way_in"
        assert await stores.credentials.of_user(person.user.id)


async def test_ad18_changes_are_told_without_secrets(provider: Target, person: Person) -> None:
    browser = await signed_in(provider, person)
    await browser.open(f"{provider.issuer}/account/password")
    await browser.submit("password-submit", new_password="nine green lamps at sea")

    told = await subjects(provider, person.user.email or "")
    assert {"New sign-in to your account", "Your password was changed"} <= set(told)
    await provider.deliver()
    for mail in (await provider.http.get(f"{provider.issuer}/dev/mailbox.json")).json():
        assert "nine green lamps" not in mail["text"] + (mail["html"] or "")


async def test_the_secure_link_ends_everything_and_signs_nobody_in(provider: Target, rp: RelyingParty) -> None:
    person = await provider.person()
    tokens = await tokens_for(provider, rp, person)
    inside = await signed_in(provider, person)
    link = (await links(provider, person.user.email or "", "secure/"))[0]
    helper = provider.browser()
    await helper.open(link)
    assert (await helper.submit("link-confirm")).has("link-done")

    assert not await is_signed_in(inside)
    assert not await is_signed_in(helper)
    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert (await try_in(provider, person.username, person.password)).status == 403
    assert (await helper.open(link)).status == 410


async def test_ad15_a_deleted_account_goes_after_its_delay_and_its_name_brings_nothing_back(fresh: Target) -> None:
    person = await fresh.person()
    rp = await fresh.client()
    tokens = await tokens_for(fresh, rp, person)
    browser = await signed_in(fresh, person)
    await browser.open(f"{fresh.issuer}/account/delete")
    await browser.submit("delete-confirm")

    fresh.clock.advance(timedelta(days=14) - SECOND)
    assert await delete_due(fresh.site.transactions, fresh.clock) == 0
    fresh.clock.advance(SECOND)
    assert await delete_due(fresh.site.transactions, fresh.clock) == 1
    assert await delete_due(fresh.site.transactions, fresh.clock) == 0
    again = await fresh.account(email=person.user.email, username=person.username)

    assert again.user.id != person.user.id
    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"
    assert len(await fresh.events("account_deleted")) == 1
    for table in ("credentials", "sessions", "grants", "consents", "recovery_codes", "remembered_browsers"):
        assert not [row for row in await fresh.rows(table) if row["user_id"] == person.user.id], table


async def test_a_person_who_changes_their_mind_is_kept(provider: Target) -> None:
    person = await provider.person()
    browser = await signed_in(provider, person)
    await browser.open(f"{provider.issuer}/account/delete")
    page = await browser.submit("delete-confirm")
    assert page.has("deletion-notice")
    assert not (await browser.submit("deletion-undo")).has("deletion-notice")

    provider.clock.advance(timedelta(days=15))

    await delete_due(provider.site.transactions, provider.clock)
    assert await provider.site.users.find(person.user.id) is not None
