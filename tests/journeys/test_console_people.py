"""An owner looks after people and the provider: in a real browser, on a phone, right to left, by keyboard."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.journeys.test_accessibility import PHONE, look_as_it_is
from tests.support.back_office import BackOffice, Person
from tests.support.browser import newly_opened
from tests.support.console_walk import walk
from tests.support.journey import ON_BOTH_DATABASES, ON_SQLITE, shows, sign_in


async def enter(page: Page, issuer: str, keeper: Person) -> None:
    """Sign in on the way to a page that asks for a fresh proof."""
    await page.goto(f"{issuer}/admin/policies")
    await sign_in(page, keeper)
    await shows(page, "policies")


@ON_SQLITE
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["desktop", "phone", "right to left"])
async def test_axe_finds_nothing_on_the_pages_of_people_and_of_the_provider(
    chromium: Browser, office: BackOffice, person: Person, kind: str
) -> None:
    keeper = await office.administrator()
    options: dict[str, object] = {"viewport": PHONE} if kind == "phone" else {}
    async with newly_opened(chromium, locale="ar" if kind == "right to left" else "en", **options) as context:
        page = await context.new_page()
        await enter(page, office.server.issuer, keeper)

        await walk(page, office, person, look_as_it_is)


@ON_BOTH_DATABASES
async def test_a_person_is_found_changed_shut_out_and_let_in_again(
    chromium: Browser, office: BackOffice, person: Person
) -> None:
    issuer, keeper = office.server.issuer, await office.administrator()
    async with newly_opened(chromium) as context:
        page = await context.new_page()
        await enter(page, issuer, keeper)
        await page.goto(f"{issuer}/admin/users")
        await page.fill("#find", person.email)
        await page.click("#users-show")
        await page.fill("#name", "Ada King")
        await page.click("#user-save")
        await expect(page.locator("#notice")).to_contain_text("Saved.")
        await page.click("#user-disable")
        await expect(page.locator("#user-status")).to_have_text("Disabled")
        await page.click("#undo")
        await expect(page.locator("#user-status")).to_have_text("Active")
        assert await page.input_value("#name") == "Ada King"


@ON_SQLITE
async def test_the_keyboard_alone_reaches_and_works_the_console(
    chromium: Browser, office: BackOffice, person: Person
) -> None:
    issuer, keeper = office.server.issuer, await office.administrator()
    async with newly_opened(chromium) as context:
        page = await context.new_page()
        await enter(page, issuer, keeper)
        await page.goto(f"{issuer}/admin/users")

        await press_until(page, "find")
        await page.keyboard.type(person.email)
        await page.keyboard.press("Enter")
        await shows(page, "user")
        await press_until(page, "user-disable")
        await page.keyboard.press("Enter")
        await expect(page.locator("#user-status")).to_have_text("Disabled")
        await press_until(page, "undo")
        await page.keyboard.press("Enter")
        await expect(page.locator("#user-status")).to_have_text("Active")


@ON_SQLITE
async def test_the_enter_key_at_a_box_that_is_ticked_shuts_nobody_out(chromium: Browser, office: BackOffice) -> None:
    issuer, keeper = office.server.issuer, await office.administrator()
    async with newly_opened(chromium) as context:
        page = await context.new_page()
        await enter(page, issuer, keeper)
        await page.goto(f"{issuer}/admin/users")
        await page.locator("#users-list input").first.check()

        await page.locator("#users-list input").first.press("Enter")

        await expect(page.locator("#users-list input:checked")).to_have_count(0)
        await shows(page, "users")


async def press_until(page: Page, wanted: str) -> None:
    """Press Tab until a control has the focus, and check that it can be seen."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == wanted:
            await expect(page.locator(f"#{wanted}")).to_be_in_viewport()
            return
    raise AssertionError(f"no way to {wanted}")
