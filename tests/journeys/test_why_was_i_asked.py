"""Whoever was asked for more reads why, and answers: with a keyboard alone, and without any script."""

from playwright.async_api import Browser, Page, expect

from tests.journeys.test_accessibility import PHONE, look
from tests.journeys.test_keyboard_alone import go_to, press
from tests.support.back_office import BackOffice, Person
from tests.support.browser import newly_opened
from tests.support.journey import ON_SQLITE, shows, sign_in
from tests.support.own_account import add_totp, open_account, sign_out
from tests.support.phone import AuthenticatorApp, link_sent

pytestmark = ON_SQLITE


async def asked_once(page: Page, issuer: str, person: Person) -> AuthenticatorApp:
    """Set up an authenticator, sign in with it, and sign out again: a sign-in that is over."""
    await open_account(page, issuer, person)
    app, _ = await add_totp(page, issuer)
    await sign_out(page, issuer)
    await page.goto(f"{issuer}/account/sign-in")
    await give_both(page, person, app)
    await sign_out(page, issuer)
    return app


async def give_both(page: Page, person: Person, app: AuthenticatorApp) -> None:
    """Type the password, then the code."""
    await sign_in(page, person)
    await shows(page, "step-up")
    await page.fill("#otp-code", app.code())
    await page.click("#otp-submit")
    await shows(page, "home")


async def test_reading_and_answering_by_keyboard_without_script(
    page: Page, chromium: Browser, office: BackOffice, person: Person
) -> None:
    issuer = office.server.issuer
    app = await asked_once(page, issuer, person)
    async with newly_opened(chromium, java_script_enabled=False) as context:
        plain = await context.new_page()
        await plain.goto(f"{issuer}/account/sign-in")
        await sign_in(plain, person)
        await go_to(plain, "#why summary")
        await plain.keyboard.press("Enter")
        await expect(plain.locator("#why p").first).to_be_visible()
        await plain.fill("#otp-code", app.code())
        await plain.click("#otp-submit")
        await plain.goto(f"{issuer}/account/activity")
        older = plain.locator("a[href$='/why']").last
        href = await older.get_attribute("href")
        await press(plain, f"a[href='{href}']")
        await shows(plain, "why")
        await expect(plain.locator("main")).to_contain_text("Authenticator app")

        await press(plain, "#was-not-me", "Space")

        await expect(plain.locator("#link-done")).to_be_visible()
        await plain.goto(f"{issuer}{href}")
        await shows(plain, "login")
    assert await link_sent(issuer, person.email, "reset/")


async def test_the_page_passes_the_checks_of_every_page(
    page: Page, chromium: Browser, office: BackOffice, person: Person
) -> None:
    issuer = office.server.issuer
    app = await asked_once(page, issuer, person)
    await page.goto(f"{issuer}/account/sign-in")
    await give_both(page, person, app)
    await page.goto(f"{issuer}/account/activity")
    hrefs = [await each.get_attribute("href") for each in await page.locator("a[href$='/why']").all()]
    for href in (hrefs[0], hrefs[-1]):
        await page.goto(f"{issuer}{href}")
        await look(page, "why")
    state = await page.context.storage_state()
    async with newly_opened(chromium, locale="ar", viewport=PHONE, storage_state=state) as context:
        phone = await context.new_page()
        await phone.goto(f"{issuer}{hrefs[-1]}")
        await look(phone, "why")
        await phone.click("#was-me")
        await look(phone, "why")
        await expect(phone.locator("#label")).to_be_visible()
