"""The pages for people with other browsers: in German, without a mouse, without script, on a phone."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.back_office import BackOffice, Person
from tests.support.browser import newly_opened
from tests.support.journey import ON_SQLITE, agree, shows, sign_in
from tests.support.website import Website

pytestmark = ON_SQLITE

MOST_TABS = 12


async def speaks(page: Page, language: str, words: str) -> None:
    """Check that a page is in a language, by its markup and by a word on it."""
    await expect(page.locator("html")).to_have_attribute("lang", language)
    await expect(page.locator("body")).to_contain_text(words)


async def test_a_german_browser_gets_german_pages(
    chromium: Browser, books: Website, person: Person, office: BackOffice
) -> None:
    async with newly_opened(chromium, locale="de-DE") as context:
        page = await context.new_page()
        await books.send(page)
        await speaks(page, "de", "Passwort")
        await sign_in(page, person, "not this one")
        await speaks(page, "de", "passen nicht zusammen")
        await sign_in(page, person)
        await shows(page, "consent")
        await speaks(page, "de", "Erlauben")
        await agree(page)
        await books.answer(page)

        await page.goto(f"{office.server.issuer}/end_session")
        await speaks(page, "de", "Abmelden")
        await page.goto(f"{office.server.issuer}/authorize")
        await speaks(page, "de", "abgelehnt")


async def test_the_website_s_language_wins_over_the_browser_s(page: Page, books: Website) -> None:
    """OIDC Core §3.1.2.1, ui_locales."""
    await books.send(page, ui_locales="de-CH en")

    await speaks(page, "de", "Passwort")


async def test_a_language_that_nobody_speaks_here_is_no_obstacle(page: Page, books: Website) -> None:
    await books.send(page, ui_locales="tlh")

    await speaks(page, "en", "Password")


async def tab_to(page: Page, id: str) -> None:
    """Press Tab until the control has the focus, and check that it can be seen."""
    for _ in range(MOST_TABS):
        if await page.evaluate("document.activeElement.id") == id:
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {id} cannot be seen"
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{id} cannot be reached by Tab on {page.url}")


async def test_everything_can_be_done_with_the_keyboard_alone(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    """WCAG 2.2 SC 2.1.1, 2.4.3, 2.4.7."""
    await books.send(page)
    await expect(page.locator("#username")).to_be_focused()
    await page.keyboard.type(person.username)
    await tab_to(page, "password")
    await page.keyboard.type("not this one")
    await page.keyboard.press("Enter")
    await expect(page.locator("#login-error")).to_be_visible()
    await expect(page.locator("#password")).to_be_focused()
    await page.keyboard.type(person.password)
    await page.keyboard.press("Enter")
    await shows(page, "consent")
    await tab_to(page, "consent-allow")
    await page.keyboard.press("Enter")
    await books.answer(page)

    await books.send(page, prompt="select_account")
    await shows(page, "accounts")
    await tab_to(page, "account-continue")
    await page.keyboard.press("Enter")
    await books.answer(page)

    await page.goto(f"{office.server.issuer}/end_session")
    await tab_to(page, "logout-yes")
    await page.keyboard.press("Space")
    await shows(page, "signed-out")


async def test_without_script_nothing_is_missing(
    chromium: Browser, books: Website, person: Person, office: BackOffice
) -> None:
    async with newly_opened(chromium, java_script_enabled=False) as context:
        page = await context.new_page()
        await books.send(page)
        await sign_in(page, person, "not this one")
        await expect(page.locator("#login-error")).to_be_visible()
        await sign_in(page, person)
        await agree(page)
        assert (await books.welcome(page))["sub"] == person.sub

        await books.send(page, prompt="select_account")
        await page.click("#account-continue")
        await books.answer(page)
        await page.goto(f"{office.server.issuer}/end_session")
        await page.click("#logout-yes")
        await shows(page, "signed-out")


@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_no_page_is_wider_than_the_screen(
    width: int, chromium: Browser, books: Website, office: BackOffice
) -> None:
    """WCAG 2.2 SC 1.4.10: 320 CSS pixels without scrolling sideways, whatever a person is called."""
    long = await office.person(name="Wolfeschlegelsteinhausenbergerdorff" * 3)
    async with newly_opened(chromium, viewport={"width": width, "height": 844}) as context:
        page = await context.new_page()
        await books.send(page, claims='{"userinfo":{"zoneinfo":null,"updated_at":null,"phone_number_verified":null}}')
        assert await fits(page)
        await sign_in(page, long)
        await shows(page, "consent")
        assert await fits(page)
        await agree(page)
        await books.answer(page)
        await books.send(page, prompt="select_account")
        assert await fits(page)
        for path in ("account", "account/apps", "end_session", "nowhere", "authorize"):
            await page.goto(f"{office.server.issuer}/{path}")
            assert await fits(page), path


async def fits(page: Page) -> bool:
    """Say whether nothing makes the page scroll sideways."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
