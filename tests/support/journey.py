"""What a person does at the hosted pages, in a real browser; and which databases a journey runs on."""

import pytest
from playwright.async_api import Page, expect

from tests.support.back_office import Person

_KINDS = [pytest.param(kind, marks=pytest.mark.xdist_group(f"journeys-{kind}")) for kind in ("sqlite", "postgresql")]
#: For journeys in which the database has a part: each runs on both.
ON_BOTH_DATABASES = pytest.mark.parametrize("office", _KINDS, indirect=True)
#: For journeys that are about pages and browsers.
ON_SQLITE = pytest.mark.parametrize("office", _KINDS[:1], indirect=True)


async def shows(page: Page, name: str) -> None:
    """Wait until the page of this kind is shown, and check that it has a title, a language and one heading."""
    await expect(page.locator("body")).to_have_attribute("data-page", name)
    assert await page.title()
    if name != "form-post":
        await expect(page.locator("h1")).to_have_count(1)


async def sign_in(page: Page, person: Person, password: str | None = None) -> None:
    """Type name and password into the sign-in page."""
    await shows(page, "login")
    if await page.locator("#username").is_editable():
        await page.fill("#username", person.username)
    await page.fill("#password", password or person.password)
    await page.click("#login-submit")


async def agree(page: Page) -> None:
    """Press "allow" on the consent page."""
    await shows(page, "consent")
    await page.click("#consent-allow")
