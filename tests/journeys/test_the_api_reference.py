"""The page that says what the administrators' API can do: by eye, by keyboard, on a phone, right to left."""

import pytest
from playwright.async_api import Browser

from tests.journeys.test_accessibility import PHONE, look
from tests.support.back_office import BackOffice
from tests.support.browser import newly_opened
from tests.support.journey import ON_SQLITE

PATH = "/api/admin/v1/docs"


@ON_SQLITE
@pytest.mark.parametrize("kind", ["desktop", "phone", "right to left"])
async def test_nothing_stands_in_the_way_of_reading_it(office: BackOffice, chromium: Browser, kind: str) -> None:
    options = {"viewport": PHONE} if kind == "phone" else {}
    async with newly_opened(chromium, locale="ar" if kind == "right to left" else "en", **options) as context:
        page = await context.new_page()
        await page.goto(f"{office.server.issuer}{PATH}")
        await look(page, "api-reference")
        for each in await page.query_selector_all("details"):
            await each.evaluate("one => { one.open = true }")
        await look(page, "api-reference")


@ON_SQLITE
async def test_an_operation_is_opened_by_keyboard(office: BackOffice, chromium: Browser) -> None:
    async with newly_opened(chromium) as context:
        page = await context.new_page()
        await page.goto(f"{office.server.issuer}{PATH}")
        entry = page.locator('[id="users.delete"]')

        await entry.locator("summary").focus()
        await page.keyboard.press("Enter")

        assert await entry.get_attribute("open") is not None
        assert await entry.get_by_text("admin:users.write").is_visible()
