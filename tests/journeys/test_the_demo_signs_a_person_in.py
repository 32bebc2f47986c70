"""The main job as a person meets it: from the demo to the provider and back, in a real browser."""

from dataclasses import dataclass

import pytest
from playwright.async_api import Page, expect

from tests.support.back_office import BackOffice, Person
from tests.support.journey import ON_BOTH_DATABASES, agree, sign_in
from tests.support.phone import code_sent

pytestmark = ON_BOTH_DATABASES


@dataclass(frozen=True)
class Demo:
    """The demo relying party beside a provider, and somebody who has an account there."""

    home: str
    office: BackOffice
    person: Person


@pytest.fixture
def demo(request: pytest.FixtureRequest, office: BackOffice, person: Person) -> Demo:
    """The demo at the provider that the journey names."""
    kind = "sqlite" if office.site.database.is_sqlite else "postgresql"
    return Demo(request.getfixturevalue(f"{kind}_demo"), office, person)


async def arrive(page: Page, demo: Demo) -> None:
    """Sign in from the demo's home page and be greeted."""
    await page.goto(demo.home)
    await page.click("#sign-in")
    await sign_in(page, demo.person)
    await agree(page)
    await expect(page.locator("#name")).to_have_text(demo.person.name)


async def test_a_person_signs_in_looks_around_and_signs_out(page: Page, demo: Demo) -> None:
    await arrive(page, demo)

    await page.click("#refresh")
    await expect(page.locator("#answer-changes")).to_contain_text("Rotated")
    await page.click("#userinfo")
    await expect(page.locator("#answer-document")).to_contain_text(demo.person.email)
    await page.click("#introspect")
    await expect(page.locator("#answer-document")).to_contain_text('"active": true')
    await page.click("#sign-out")

    await expect(page.locator("#signed-out")).to_be_visible()
    assert page.url.startswith(demo.home)


async def test_after_signing_out_the_provider_asks_again(page: Page, demo: Demo) -> None:
    await arrive(page, demo)
    await page.click("#sign-out")
    await expect(page.locator("#signed-out")).to_be_visible()

    await page.goto(demo.home + "/login?prompt=none")

    await expect(page.locator("#error-code")).to_have_text("login_required")


async def test_who_is_signed_in_comes_back_without_being_asked(page: Page, demo: Demo) -> None:
    """OIDC Core §3.1.2.3: a session at the provider is enough."""
    await arrive(page, demo)

    await page.goto(demo.home + "/login?prompt=none")

    await expect(page.locator("#name")).to_have_text(demo.person.name)


async def test_prompt_login_asks_for_the_password_again(page: Page, demo: Demo) -> None:
    await arrive(page, demo)

    await page.click("#prompt-login")
    await expect(page.locator("body[data-page=login]")).to_be_attached()
    await page.fill("#password", demo.person.password)
    await page.click("#login-submit")

    await expect(page.locator("#name")).to_have_text(demo.person.name)


async def test_prompt_consent_shows_the_consent_page_again(page: Page, demo: Demo) -> None:
    await arrive(page, demo)

    await page.click("#prompt-consent")
    await page.click("#consent-allow")

    await expect(page.locator("#name")).to_have_text(demo.person.name)


async def test_prompt_select_account_lets_the_person_choose(page: Page, demo: Demo) -> None:
    await arrive(page, demo)

    await page.click("#prompt-select-account")
    await page.click("#account-continue")

    await expect(page.locator("#name")).to_have_text(demo.person.name)


async def test_a_recent_sign_in_satisfies_max_age(page: Page, demo: Demo) -> None:
    await arrive(page, demo)

    await page.click("#max-age")

    await expect(page.locator("#name")).to_have_text(demo.person.name)


async def test_cancelling_leads_back_with_access_denied(page: Page, demo: Demo) -> None:
    await page.goto(demo.home)
    await page.click("#sign-in")
    await page.click("#login-cancel")

    await expect(page.locator("#error-code")).to_have_text("access_denied")
    await page.click("#try-again")
    await expect(page.locator("#login-submit")).to_be_visible()


async def test_refusing_consent_leads_back_with_access_denied(page: Page, demo: Demo) -> None:
    await page.goto(demo.home + "/login?prompt=consent")
    await sign_in(page, demo.person)
    await page.click("#consent-deny")

    await expect(page.locator("#error-code")).to_have_text("access_denied")


async def test_a_wrong_password_stays_on_the_sign_in_page(page: Page, demo: Demo) -> None:
    await page.goto(demo.home)
    await page.click("#sign-in")
    await sign_in(page, demo.person, "not this one")

    await expect(page.locator("#login-error")).to_be_visible()
    await sign_in(page, demo.person)
    await agree(page)
    await expect(page.locator("#name")).to_have_text(demo.person.name)


async def test_the_provider_may_start_the_sign_in(page: Page, demo: Demo) -> None:
    """OIDC Core §4."""
    await page.goto(f"{demo.home}/login?iss={demo.office.server.issuer}&login_hint={demo.person.username}")

    await expect(page.locator("#username")).to_have_value(demo.person.username)


async def test_a_restart_of_the_provider_in_the_middle_changes_nothing(page: Page, demo: Demo) -> None:
    await page.goto(demo.home)
    await page.click("#sign-in")
    await expect(page.locator("#login-submit")).to_be_visible()

    await demo.office.server.stop()
    await demo.office.server.start()

    await sign_in(page, demo.person)
    await agree(page)
    await expect(page.locator("#name")).to_have_text(demo.person.name)


async def test_money_is_sent_only_after_a_code(page: Page, demo: Demo) -> None:
    """RFC 9470: the bank's challenge becomes a step-up, and the token that comes back is enough."""
    await arrive(page, demo)
    await page.click("#send")
    await expect(page.locator("#challenge")).to_contain_text("insufficient_user_authentication")

    await page.click("#prove")
    await page.fill("#otp-code", await code_sent(demo.office.server.issuer, demo.person.email, subject="sign-in code"))
    await page.keyboard.press("Enter")
    await expect(page.locator("#acr")).to_have_text("urn:idp:loa:1v")
    await page.click("#send-now")

    await expect(page.locator("#answer-title")).to_contain_text("25.00 € were sent to Grandmother")
