"""A browser calculates where the policy wants it before a password is looked at; and a password is replaced."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from idp.flows.work import answers
from tests.journeys.test_accessibility import look
from tests.support.back_office import BackOffice, Person, open_back_office
from tests.support.browser import newly_opened
from tests.support.journey import agree, shows, sign_in
from tests.support.server import ServerProcess
from tests.support.website import Website

pytestmark = pytest.mark.xdist_group("journeys-sqlite")
POLICY = """
schema = 1
break_glass = { group = "break-glass" }
[[rule]]
id = "work"
when = { event = "login", device.known = false }
effects = ["proof_of_work", "change_password"]
"""


@pytest.fixture
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackOffice]:
    """A provider that always wants the calculation, and a new password."""
    folder = tmp_path_factory.mktemp("provider")
    (folder / "work.toml").write_text(POLICY)
    settings = {"IDP_RATE_LIMITS": "off", "IDP_POLICY_FILE": str(folder / "work.toml")}
    async with ServerProcess(folder, settings=settings) as server, open_back_office(server) as office:
        yield office


async def test_the_page_says_so_then_the_script_finds_the_number_and_a_new_password_is_chosen(
    page: Page, books: Website, person: Person
) -> None:
    await books.send(page)
    await sign_in(page, person)
    await shows(page, "login")
    await expect(page.locator("#login-error")).to_contain_text("short calculation")
    await expect(page.locator("#username")).to_have_value(person.username)
    await look(page, "login")
    challenge = await page.locator("#work-challenge").input_value()

    async with page.expect_request(lambda sent: sent.method == "POST") as posted:
        await sign_in(page, person)

    sent = (await posted.value).post_data_json
    assert sent["work-challenge"] == challenge
    assert answers(challenge, person.username, sent["work-answer"])
    await look(page, "new-password")
    await page.fill("#new-password", "seven lamps above the harbour")
    await page.click("#new-password-submit")
    await agree(page)
    assert (await books.welcome(page))["sub"] == person.sub


async def test_without_scripts_the_page_says_how_long_to_wait(
    chromium: Browser, books: Website, person: Person
) -> None:
    async with newly_opened(chromium, java_script_enabled=False) as context:
        page = await context.new_page()
        await books.send(page)
        await sign_in(page, person)

        await shows(page, "login")
        await expect(page.locator("#work-status")).to_contain_text("wait 20 seconds")
