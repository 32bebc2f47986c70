"""What a person does at their account pages, in a real browser."""

from playwright.async_api import Page, expect

from tests.support.back_office import Person
from tests.support.journey import shows, sign_in
from tests.support.phone import AuthenticatorApp


async def open_account(page: Page, issuer: str, person: Person, path: str = "/account") -> None:
    """Sign in with the password and open a page of the account."""
    await page.goto(f"{issuer}/account/sign-in")
    await sign_in(page, person)
    await shows(page, "home")
    if path != "/account":
        await page.goto(issuer + path)


async def add_totp(page: Page, issuer: str) -> tuple[AuthenticatorApp, list[str]]:
    """Set up an authenticator app; return it and the recovery codes that came with it."""
    await page.goto(f"{issuer}/account/security/totp")
    await shows(page, "totp")
    app = AuthenticatorApp((await page.inner_text("#totp-secret")).replace(" ", ""))
    await page.fill("#otp-code", app.code())
    await page.click("#otp-submit")
    await shows(page, "recovery-codes")
    codes = (await page.inner_text("#recovery-code-list")).split()
    await page.click("#codes-kept")
    await shows(page, "security")
    return app, codes


async def add_passkey(page: Page, issuer: str, name: str = "My key") -> None:
    """Make a passkey in this browser."""
    await page.goto(f"{issuer}/account/security/passkey")
    await shows(page, "passkey")
    await page.fill("#name", name)
    await page.click("#passkey-submit")
    await expect(page.locator("body")).not_to_have_attribute("data-page", "passkey")
    if await page.locator("#codes-kept").count():
        await page.click("#codes-kept")
    await shows(page, "security")
    await expect(page.locator("main")).to_contain_text(name)


async def sign_out(page: Page, issuer: str) -> None:
    """Sign out here."""
    await page.goto(f"{issuer}/end_session")
    await page.click("#logout-yes")
    await shows(page, "signed-out")
