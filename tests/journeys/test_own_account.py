"""People see what is held about them, change it, take it along, and leave."""

import json

from playwright.async_api import Browser, Page, expect

from tests.support.back_office import BackOffice, Person
from tests.support.browser import newly_opened
from tests.support.journey import ON_BOTH_DATABASES, agree, shows, sign_in
from tests.support.own_account import add_totp, open_account
from tests.support.phone import link_sent
from tests.support.website import Website

pytestmark = ON_BOTH_DATABASES
NEW = "nine green lamps at sea"


async def test_the_profile_is_changed(page: Page, office: BackOffice, person: Person) -> None:
    await open_account(page, office.server.issuer, person, "/account/profile")
    await page.fill("#name", "Ada King")
    await page.fill("#birthdate", "1815-12-10")
    await page.select_option("#locale", "de")
    await page.click("#profile-submit")

    await expect(page.locator("#saved")).to_be_visible()
    user = await office.site.users.find(person.sub)
    assert user is not None
    assert (user.claims["name"], user.claims["birthdate"], user.claims["locale"]) == ("Ada King", "1815-12-10", "de")


async def test_a_new_password_ends_every_other_session(
    page: Page, office: BackOffice, person: Person, chromium: Browser
) -> None:
    issuer = office.server.issuer
    async with newly_opened(chromium) as context:
        elsewhere = await context.new_page()
        await open_account(elsewhere, issuer, person)
        await open_account(page, issuer, person, "/account/password")
        await page.fill("#new-password", person.password)
        await page.click("#password-submit")
        await expect(page.locator("#new-password-error")).to_be_visible()  # the same one again
        await page.fill("#new-password", NEW)
        await page.click("#password-submit")
        await shows(page, "security")

        await elsewhere.goto(f"{issuer}/account/security")
        await shows(elsewhere, "login")
        await page.goto(f"{issuer}/account/security")
        await shows(page, "security")


async def test_a_session_elsewhere_is_seen_and_ended(
    page: Page, office: BackOffice, person: Person, chromium: Browser
) -> None:
    issuer = office.server.issuer
    async with newly_opened(chromium) as context:
        elsewhere = await context.new_page()
        await open_account(elsewhere, issuer, person)
        await open_account(page, issuer, person, "/account/sessions")
        await expect(page.locator(".lines li")).to_have_count(2)
        await expect(page.locator(".lines li").first).to_contain_text("This browser")
        await page.locator("button[name=session]").click()
        await expect(page.locator(".lines li")).to_have_count(1)

        await elsewhere.goto(f"{issuer}/account/profile")
        await shows(elsewhere, "login")


async def test_an_application_loses_its_access(page: Page, books: Website, office: BackOffice, person: Person) -> None:
    """UI15: access tokens, refresh tokens and codes are dead."""
    await books.send(page)
    await sign_in(page, person)
    await agree(page)
    answer = await books.answer(page)
    tokens = await books.rp.redeem(answer.code)
    assert (await books.rp.userinfo(tokens.access_token)).status == 200

    await page.goto(f"{office.server.issuer}/account/apps")
    await page.get_by_text("What it may do").click()
    await page.locator("button[name=app-remove]").click()
    await expect(page.locator("#saved")).to_be_visible()

    assert (await books.rp.userinfo(tokens.access_token)).status == 401
    assert (await books.rp.refresh(tokens.refresh_token)).error == "invalid_grant"
    await books.send(page)
    await shows(page, "consent")


async def test_activity_tells_in_plain_words(page: Page, office: BackOffice, person: Person) -> None:
    await open_account(page, office.server.issuer, person)
    await add_totp(page, office.server.issuer)
    await page.goto(f"{office.server.issuer}/account/activity")

    await expect(page.locator("main")).to_contain_text("You signed in.")
    await expect(page.locator("main")).to_contain_text("Added: Authenticator app")
    await expect(page.locator("main")).not_to_contain_text("Something else happened")


async def test_all_data_is_taken_along(page: Page, office: BackOffice, person: Person) -> None:
    await open_account(page, office.server.issuer, person)
    _app, codes = await add_totp(page, office.server.issuer)
    await page.goto(f"{office.server.issuer}/account/data")
    async with page.expect_download() as download:
        await page.click("#data-download")

    text = (await (await download.value).path()).read_text()
    document = json.loads(text)
    assert document["account"]["sub"] == person.sub
    assert document["account"]["claims"]["email"] == person.email
    assert {factor["factor"] for factor in document["factors"]} == {"password", "totp"}
    assert document["recovery_codes_left"] == 10
    assert document["sessions"]
    assert document["activity"]
    assert not any(code in text for code in codes)
    assert "$2b$" not in text


async def test_a_deleted_account_can_be_kept_by_its_owner(page: Page, office: BackOffice, person: Person) -> None:
    issuer = office.server.issuer
    await open_account(page, issuer, person, "/account/delete")
    await page.click("#delete-confirm")
    await expect(page.locator("#deletion-notice")).to_be_visible()

    await page.goto(await link_sent(issuer, person.email, "account-keep/"))
    await page.click("#link-confirm")
    await expect(page.locator("#link-done")).to_be_visible()
    await page.goto(f"{issuer}/account")
    await expect(page.locator("#deletion-notice")).to_have_count(0)
