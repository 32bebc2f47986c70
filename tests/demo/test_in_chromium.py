"""The demo in a real browser: policies do not get in its own way, and it fits a phone."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.demo.conftest import Stage, Visitor
from tests.support.browser import newly_opened

PHONE = {"width": 360, "height": 740}


async def test_a_visitor_clicks_from_sign_in_to_sign_out(page: Page, visitor: Visitor) -> None:
    """Forms that redirect to the provider and back pass the page's own form-action; the fixture fails on any breach."""
    await page.goto(visitor.base_url)
    await page.click("#sign-in")
    await expect(page.locator("#name")).to_have_text("Ada Lovelace")

    await page.click("#refresh")
    await expect(page.locator("#answer-changes")).to_contain_text("Rotated")
    await page.click("#userinfo")
    await expect(page.locator("#answer-document")).to_contain_text("Lovelace")
    await page.click("#introspect")
    await expect(page.locator("#answer-document")).to_contain_text("active")
    await page.click("#sign-out")

    await expect(page.locator("#signed-out")).to_be_visible()
    await page.goto(visitor.base_url)
    await expect(page.locator("#sign-in")).to_be_visible()


async def test_the_back_button_after_signing_out_shows_no_tokens(page: Page, visitor: Visitor) -> None:
    await page.goto(visitor.base_url)
    await page.click("#sign-in")
    await page.click("#sign-out")
    await expect(page.locator("#signed-out")).to_be_visible()

    await page.goto(visitor.base_url)
    await page.go_back()
    await page.go_back()

    assert "Ada" not in await page.content()


async def test_the_sign_in_button_is_reached_by_keyboard(page: Page, visitor: Visitor) -> None:
    await page.goto(visitor.base_url)

    for _ in range(3):  # the skip link, the name of the site, the button
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await expect(page.locator("#name")).to_be_visible()


@pytest.fixture(params=["light", "dark"])
async def phone(chromium: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    async with newly_opened(chromium, viewport=PHONE, color_scheme=request.param) as context:
        yield await context.new_page()


async def test_nothing_is_wider_than_a_phone(phone: Page, visitor: Visitor, demo_stage: Stage) -> None:
    for path in ("/", "/signed-out", "/callback?error=access_denied&error_description=" + "x" * 200, "/login"):
        await phone.goto(demo_stage.address + path)
        for details in await phone.locator("summary").all():
            await details.click()

        assert await phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    await phone.click("#refresh")

    assert await phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
