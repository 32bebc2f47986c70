"""The main job as a person meets it: from the demo to the provider and back, in a real browser."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Page, expect

from tests.support.demo_process import running_demo
from tests.support.server import ServerProcess

USERNAME, PASSWORD = "ada", "an engine of numbers"


@dataclass(frozen=True)
class Running:
    """The provider and the demo."""

    server: ServerProcess
    home: str


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One provider with one person, and the demo beside it."""
    async with ServerProcess(tmp_path_factory.mktemp("provider")) as server:
        await server.create_user(USERNAME, PASSWORD, "--name", "Ada Lovelace")
        async with running_demo(server) as home:
            yield Running(server, home)


async def sign_in(page: Page) -> None:
    """Type name and password into the hosted page."""
    await page.fill("#username", USERNAME)
    await page.fill("#password", PASSWORD)
    await page.click("#login-submit")


async def agree(page: Page) -> None:
    """Press "allow" if the consent page is shown; it is not, once it was remembered."""
    await expect(page.locator("body[data-page=consent], body[data-page=signed-in]")).to_be_attached()
    if await page.locator("#consent-allow").count():
        await page.click("#consent-allow")


async def arrive(page: Page, home: str) -> None:
    """Sign in from the demo's home page and be greeted."""
    await page.goto(home)
    await page.click("#sign-in")
    await sign_in(page)
    await agree(page)
    await expect(page.locator("#name")).to_have_text("Ada Lovelace")


async def test_a_person_signs_in_looks_around_and_signs_out(page: Page, running: Running) -> None:
    await arrive(page, running.home)

    await page.click("#refresh")
    await expect(page.locator("#answer-changes")).to_contain_text("Rotated")
    await page.click("#userinfo")
    await expect(page.locator("#answer-document")).to_contain_text("ada@example.org")
    await page.click("#introspect")
    await expect(page.locator("#answer-document")).to_contain_text('"active": true')
    await page.click("#sign-out")

    await expect(page.locator("#signed-out")).to_be_visible()
    assert page.url.startswith(running.home)


async def test_after_signing_out_the_provider_asks_again(page: Page, running: Running) -> None:
    await arrive(page, running.home)
    await page.click("#sign-out")
    await expect(page.locator("#signed-out")).to_be_visible()

    await page.goto(running.home + "/login?prompt=none")

    await expect(page.locator("#error-code")).to_have_text("login_required")


async def test_who_is_signed_in_comes_back_without_being_asked(page: Page, running: Running) -> None:
    """OIDC Core §3.1.2.3: a session at the provider is enough."""
    await arrive(page, running.home)

    await page.goto(running.home + "/login?prompt=none")

    await expect(page.locator("#name")).to_have_text("Ada Lovelace")


async def test_prompt_login_asks_for_the_password_again(page: Page, running: Running) -> None:
    await arrive(page, running.home)

    await page.click("#prompt-login")
    await expect(page.locator("body[data-page=login]")).to_be_attached()
    await page.fill("#password", PASSWORD)
    await page.click("#login-submit")

    await expect(page.locator("#name")).to_have_text("Ada Lovelace")


async def test_prompt_consent_shows_the_consent_page_again(page: Page, running: Running) -> None:
    await arrive(page, running.home)

    await page.click("#prompt-consent")
    await page.click("#consent-allow")

    await expect(page.locator("#name")).to_have_text("Ada Lovelace")


async def test_prompt_select_account_lets_the_person_choose(page: Page, running: Running) -> None:
    await arrive(page, running.home)

    await page.click("#prompt-select-account")
    await page.click("#account-continue")

    await expect(page.locator("#name")).to_have_text("Ada Lovelace")


async def test_a_recent_sign_in_satisfies_max_age(page: Page, running: Running) -> None:
    await arrive(page, running.home)

    await page.click("#max-age")

    await expect(page.locator("#name")).to_have_text("Ada Lovelace")


async def test_cancelling_leads_back_with_access_denied(page: Page, running: Running) -> None:
    await page.goto(running.home)
    await page.click("#sign-in")
    await page.click("#login-cancel")

    await expect(page.locator("#error-code")).to_have_text("access_denied")
    await page.click("#try-again")
    await expect(page.locator("#login-submit")).to_be_visible()


async def test_refusing_consent_leads_back_with_access_denied(page: Page, running: Running) -> None:
    await page.goto(running.home + "/login?prompt=consent")
    await sign_in(page)
    await page.click("#consent-deny")

    await expect(page.locator("#error-code")).to_have_text("access_denied")


async def test_a_wrong_password_stays_on_the_sign_in_page(page: Page, running: Running) -> None:
    await page.goto(running.home)
    await page.click("#sign-in")
    await page.fill("#username", USERNAME)
    await page.fill("#password", "not this one")
    await page.click("#login-submit")

    await expect(page.locator("#login-error")).to_be_visible()
    await sign_in(page)
    await agree(page)
    await expect(page.locator("#name")).to_have_text("Ada Lovelace")


async def test_the_provider_may_start_the_sign_in(page: Page, running: Running) -> None:
    """OIDC Core §4."""
    await page.goto(f"{running.home}/login?iss={running.server.issuer}&login_hint={USERNAME}")

    await expect(page.locator("#username")).to_have_value(USERNAME)


async def test_a_restart_of_the_provider_in_the_middle_changes_nothing(page: Page, running: Running) -> None:
    await page.goto(running.home)
    await page.click("#sign-in")
    await expect(page.locator("#login-submit")).to_be_visible()

    await running.server.stop()
    await running.server.start()

    await sign_in(page)
    await agree(page)
    await expect(page.locator("#name")).to_have_text("Ada Lovelace")
