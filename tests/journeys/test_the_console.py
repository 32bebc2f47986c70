"""An administrator reads decisions and moves a policy: in a real browser, light and dark, on a phone, right to left."""

import pytest
from playwright.async_api import Browser, expect

from tests.journeys.test_accessibility import PHONE, look
from tests.support.back_office import BackOffice
from tests.support.browser import newly_opened
from tests.support.journey import ON_SQLITE, sign_in
from tests.support.policy_past import PASSKEYS_ONLY, harmless


@ON_SQLITE
@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["desktop", "phone", "right to left"])
async def test_the_console_is_for_everybody_who_administers(chromium: Browser, office: BackOffice, kind: str) -> None:
    issuer, keeper = office.server.issuer, await office.administrator()
    options: dict[str, object] = {"viewport": PHONE} if kind == "phone" else {}
    async with newly_opened(chromium, locale="ar" if kind == "right to left" else "en", **options) as context:
        page = await context.new_page()

        await page.goto(f"{issuer}/admin/decisions")
        await sign_in(page, keeper)
        await look(page, "decisions")
        await page.fill("#person", keeper.username)
        await page.click("#decisions-show")
        await page.locator("#decisions-list a").first.click()
        await look(page, "decision")
        await page.click("#label-owner")
        await expect(page.locator("#decision-label")).to_contain_text("owner")
        await page.goto(f"{issuer}/admin/decisions/countries")
        await look(page, "countries")

        await page.goto(f"{issuer}/admin/policies/new")
        await page.fill("#text", "schema = 2")
        await page.click("#policy-store")
        await look(page, "policy-new")
        assert await page.input_value("#text") == "schema = 2"
        await page.fill("#text", f"{PASSKEYS_ONLY}# {keeper.username}\n")
        await page.click("#policy-store")
        await look(page, "policy")
        await page.click("#policy-enforce")
        await expect(page.locator("#policy-refused")).to_be_visible()
        await look(page, "policy")
        await page.goto(f"{issuer}/admin/policies/new")
        await page.fill("#text", harmless(int(keeper.username[-8:], 16)))
        await page.click("#policy-store")
        await page.click("#policy-shadow")
        await expect(page.locator("#policy-state")).to_have_text("shadow")
        await page.click("#policy-simulation")
        await look(page, "policy-simulation")
        await page.goto(f"{issuer}/admin/policies")
        await look(page, "policies")
