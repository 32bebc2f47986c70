"""Somebody thinks of a password and is told, while they type, whether it will do; forms work without that, too."""

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.back_office import BackOffice
from tests.support.journey import ON_SQLITE, shows
from tests.support.website import Website

pytestmark = ON_SQLITE
PHRASE = "nine green lamps at sea"
METER, SAID = "#new-password-strength", "#new-password-strength [role=status]"


@pytest.fixture
async def signup(page: Page, books: Website, office: BackOffice) -> Page:
    """The form of a new account."""
    await books.send(page)
    await page.click("#sign-up")
    await shows(page, "signup")
    return page


async def test_a_person_is_told_why_and_finds_a_better_one(signup: Page) -> None:
    await expect(signup.locator(METER)).to_be_hidden()

    await signup.fill("#name", "Wilhelmina Quist")
    await signup.fill("#new-password", "Wilhelmina Quist 1")
    await expect(signup.locator(SAID)).to_contain_text("“Wilhelmina Quist”")
    await expect(signup.locator(METER)).to_have_attribute("data-acceptable", "false")

    await signup.fill("#new-password", PHRASE)
    await expect(signup.locator(SAID)).to_have_text("This password is hard to guess.")
    await expect(signup.locator(METER)).to_have_attribute("data-acceptable", "true")
    assert await signup.locator(f"{METER} meter").evaluate("meter => meter.value") == 4

    await signup.fill("#new-password", "")
    await expect(signup.locator(METER)).to_be_hidden()


async def test_only_the_last_of_many_keys_is_asked_about(signup: Page) -> None:
    asked = []
    signup.on("request", lambda request: asked.append(request.url) if "/password/" in request.url else None)

    await signup.locator("#new-password").press_sequentially(PHRASE, delay=5)
    await expect(signup.locator(SAID)).to_have_text("This password is hard to guess.")

    assert len(asked) == 1


async def test_what_was_typed_can_be_looked_at(signup: Page) -> None:
    field, button = signup.locator("#new-password"), signup.locator("button[data-reveals]")
    await field.fill(PHRASE)

    await button.click()
    await expect(field).to_have_attribute("type", "text")
    await expect(button).to_have_text("Hide")
    await button.click()
    await expect(field).to_have_attribute("type", "password")
    await expect(button).to_have_text("Show")


async def test_a_server_that_is_busy_is_not_mentioned(signup: Page) -> None:
    async def busy(route: Route) -> None:
        await route.fulfill(status=503, json={"error": "temporarily_unavailable"})

    await signup.fill("#new-password", "too short")
    await expect(signup.locator(METER)).to_be_visible()
    await signup.route("**/password/strength", busy)
    await signup.fill("#new-password", PHRASE)

    await expect(signup.locator(METER)).to_be_hidden()
