"""An administrator connects an application, changes it, tests it and ends it: in a real browser, for everybody."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.journeys.test_accessibility import PHONE, look
from tests.support.back_office import BackOffice
from tests.support.browser import newly_opened
from tests.support.journey import ON_SQLITE, sign_in

CALLBACK = "https://shop.example/callback"


async def register(page: Page, issuer: str, name: str) -> str:
    """Connect a web application by its first page, with a mistake on the way; return its id."""
    await page.goto(f"{issuer}/admin/clients")
    await look(page, "clients")
    await page.click("#client-new")
    await look(page, "client-new")
    await page.click("#kind-web")
    await page.fill("#client-name", name)
    await page.fill("#redirect-uris", f"{CALLBACK}\nhttps://*.shop.example/callback")
    await look(page, "client-form")
    await page.click("#client-create")
    await expect(page.locator("#redirect-uris-refused li")).to_have_count(1)
    await look(page, "client-form")
    await page.fill("#redirect-uris", CALLBACK)
    await page.click("#client-create")
    await look(page, "client-made")
    await expect(page.locator("#client-secret")).not_to_be_empty()
    return await page.inner_text("#client-id")


@ON_SQLITE
@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["desktop", "phone", "right to left"])
async def test_an_application_is_connected_tested_and_ended(chromium: Browser, office: BackOffice, kind: str) -> None:
    issuer, keeper = office.server.issuer, await office.administrator()
    options: dict[str, object] = {"viewport": PHONE} if kind == "phone" else {}
    async with newly_opened(chromium, locale="ar" if kind == "right to left" else "en", **options) as context:
        page = await context.new_page()
        await page.goto(f"{issuer}/admin/clients")
        await sign_in(page, keeper)
        client_id = await register(page, issuer, f"Corner shop {keeper.username}")

        await page.click("#client-open")
        await look(page, "client")
        await page.fill("#redirect-uris", "http://shop.example/callback")
        await page.click("#client-save")
        await look(page, "client")
        await page.goto(f"{issuer}/admin/clients/{client_id}")
        await page.click("#client-test")
        await look(page, "client-test")
        await page.click("#test-begin")
        await page.click("#consent-allow")
        await expect(page.locator("#test-id-token")).to_contain_text(client_id)
        await look(page, "client-test")
        await page.reload()
        await expect(page.locator("#test-over")).to_be_visible()
        await look(page, "client-test")

        await page.click("#test-back")
        await page.click("#client-rotate")
        await look(page, "client-rotate")
        await page.click("#rotate-confirm")
        await look(page, "client-made")
        await page.click("#client-open")
        await page.click("#client-disable")
        await expect(page.locator("#client-disabled")).to_be_visible()
        await look(page, "client")
        await page.click("#client-delete")
        await look(page, "client-delete")
        await page.click("#delete-confirm")
        await look(page, "clients")
