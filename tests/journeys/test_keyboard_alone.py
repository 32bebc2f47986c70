"""Whoever has no mouse does everything with Tab, Enter and Space, and always sees where they are (SC 2.1.1, 2.4.7)."""

from playwright.async_api import Page, expect

from tests.support.back_office import BackOffice, Person
from tests.support.journey import ON_SQLITE, shows
from tests.support.phone import AuthenticatorApp, code_sent, link_sent
from tests.support.website import Website

pytestmark = ON_SQLITE
MOST_STOPS = 60


async def go_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there, and check that it can be seen."""
    for _ in range(MOST_STOPS):
        if await page.evaluate("wanted => document.activeElement?.matches(wanted)", selector):
            break
        await page.keyboard.press("Tab")
    else:
        raise AssertionError(f"Tab never reaches {selector} on {page.url}")
    ring = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring != "none", f"nothing shows that {selector} has the focus"


async def type_into(page: Page, selector: str, text: str) -> None:
    """Reach a field and type, over what was in it."""
    await go_to(page, selector)
    await page.keyboard.press("Control+A")
    await page.keyboard.type(text)


async def enter(page: Page) -> None:
    """Send the form in which the focus is, and wait for what comes."""
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def press(page: Page, selector: str, key: str = "Enter") -> None:
    """Reach a control that leads on, and press a key on it."""
    await go_to(page, selector)
    async with page.expect_navigation():
        await page.keyboard.press(key)


async def test_signing_in_choosing_another_way_and_agreeing(
    page: Page, books: Website, office: BackOffice, person: Person
) -> None:
    issuer = office.server.issuer
    await page.goto(f"{issuer}/account/sign-in")
    await type_into(page, "#username", person.username)
    await type_into(page, "#password", person.password)
    await enter(page)
    await shows(page, "home")
    await press(page, "a[href$='/account/security']")
    await shows(page, "security")
    await press(page, "#add-totp")
    await shows(page, "totp")
    app = AuthenticatorApp((await page.inner_text("#totp-secret")).replace(" ", ""))
    await type_into(page, "#otp-code", app.code())
    await enter(page)
    await shows(page, "recovery-codes")
    code = (await page.inner_text("#recovery-code-list")).split()[0]
    await press(page, "#codes-kept")
    await page.goto(f"{issuer}/end_session")
    await press(page, "#logout-yes", "Space")

    await books.send(page)
    await type_into(page, "#username", person.username)
    await type_into(page, "#password", person.password)
    await enter(page)
    await shows(page, "step-up")
    await press(page, "#other-method")
    await press(page, "#method-recovery_code")
    await type_into(page, "#otp-code", code)
    await go_to(page, "#remember")
    await page.keyboard.press("Space")
    await press(page, "#otp-submit")
    await shows(page, "consent")
    await press(page, "#consent-allow")
    assert (await books.welcome(page))["acr"] == "urn:idp:loa:2"


async def test_making_an_account(page: Page, office: BackOffice) -> None:
    issuer, email = office.server.issuer, "keyboard@example.org"
    await page.goto(f"{issuer}/account/sign-in")
    await press(page, "#sign-up")
    await type_into(page, "#email", email)
    await type_into(page, "#name", "Kay")
    await type_into(page, "#new-password", "nine green lamps at sea")
    await press(page, "#signup-submit")
    await shows(page, "signup-code")
    await type_into(page, "#otp-code", await code_sent(issuer, email))
    await enter(page)

    await shows(page, "home")


async def test_changing_what_one_must_and_ending_what_one_may(page: Page, office: BackOffice, person: Person) -> None:
    issuer = office.server.issuer
    await page.goto(f"{issuer}/account/profile")
    await type_into(page, "#username", person.username)
    await type_into(page, "#password", person.password)
    await enter(page)
    await shows(page, "profile")
    await type_into(page, "#name", "Ada King")
    await enter(page)
    await expect(page.locator("#saved")).to_be_visible()
    await press(page, "#change-email")
    await type_into(page, "#email", f"key-{person.username}@example.org")
    await enter(page)
    await type_into(page, "#otp-code", await code_sent(issuer, f"key-{person.username}@example.org"))
    await enter(page)
    await shows(page, "profile")
    await press(page, "a[href$='/account/data']")
    await press(page, "#delete-account")
    await press(page, "#delete-confirm")
    await expect(page.locator("#deletion-notice")).to_be_visible()
    await press(page, "#deletion-undo")
    await expect(page.locator("#deletion-notice")).to_have_count(0)


async def test_getting_back_in_and_ending_what_one_does_not_know(
    page: Page, books: Website, office: BackOffice, person: Person
) -> None:
    issuer = office.server.issuer
    await page.goto(f"{issuer}/account/sign-in")
    await press(page, "#forgot-password")
    await type_into(page, "#username", person.username)
    await enter(page)
    await page.goto(await link_sent(issuer, person.email, "reset/"))
    await type_into(page, "#new-password", "nine green lamps at sea")
    await press(page, "#reset-submit")
    await type_into(page, "#username", person.username)
    await type_into(page, "#password", "nine green lamps at sea")
    await enter(page)
    await shows(page, "home")
    await books.send(page)
    await press(page, "#consent-allow")
    await books.answer(page)
    await page.goto(f"{issuer}/account/apps")
    await go_to(page, "summary")
    await page.keyboard.press("Enter")
    await press(page, "button[name=app-remove]")
    await expect(page.locator("#saved")).to_be_visible()
    await page.goto(await link_sent(issuer, person.email, "secure/"))
    await press(page, "#link-confirm")
    await expect(page.locator("#link-done")).to_be_visible()
