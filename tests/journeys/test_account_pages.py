"""The pages that belong to a person, and the one that makes the first administrator."""

from playwright.async_api import Page, expect

from idp.domain.user import Role
from tests.support.back_office import BackOffice, Person
from tests.support.journey import ON_BOTH_DATABASES, agree, shows, sign_in
from tests.support.website import Website

pytestmark = ON_BOTH_DATABASES

ADMINISTRATOR = Person("", "root", "Margaret Hamilton", "software engineering 1969")


async def role_of(office: BackOffice, name: str) -> Role | None:
    """Return what somebody may do here."""
    found = await office.site.users.find(name)
    return found.role if found else None


async def test_a_person_signs_in_to_their_own_account(page: Page, person: Person, office: BackOffice) -> None:
    await page.goto(f"{office.server.issuer}/account")
    await page.get_by_role("link", name="Sign in").click()
    await sign_in(page, person)

    await shows(page, "home")
    await expect(page.locator("h1")).to_have_text(person.name)


async def test_cancelling_there_leads_back_to_the_account_page(page: Page, office: BackOffice) -> None:
    await page.goto(f"{office.server.issuer}/account/sign-in")

    await page.click("#login-cancel")

    await shows(page, "home")


async def test_a_website_that_was_allowed_is_listed(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    await books.send(page)
    await sign_in(page, person)
    await agree(page)
    await books.answer(page)

    await page.goto(f"{office.server.issuer}/account")
    await page.get_by_role("link", name="Your applications").click()

    await expect(page.locator("main")).to_contain_text("Harbour Books")


async def test_whoever_has_the_link_becomes_the_first_administrator_once(page: Page, office: BackOffice) -> None:
    url = (await office.server.command("admin", "link"))["url"]
    email = f"root-{office.server.port}@example.org"
    await page.goto(url)
    await shows(page, "first-administrator")
    await page.fill("#email", email)
    await page.fill("#name", ADMINISTRATOR.name)
    await page.fill("#new-password", "password1234567")
    await page.click("#admin-submit")
    await expect(page.locator("#admin-error")).to_contain_text("password")
    await expect(page.locator("#email")).to_have_value(email)

    await page.fill("#new-password", ADMINISTRATOR.password)
    await page.click("#admin-submit")
    await shows(page, "login")
    await page.fill("#username", email)
    await page.fill("#password", ADMINISTRATOR.password)
    await page.click("#login-submit")

    await expect(page.locator("h1")).to_have_text(ADMINISTRATOR.name)
    assert await role_of(office, email) is Role.OWNER
    await page.goto(url)
    await expect(page.locator("#admin-error")).to_contain_text("used")


async def test_a_person_who_is_signed_in_may_take_the_link_for_their_account(
    page: Page, person: Person, office: BackOffice
) -> None:
    await page.goto(f"{office.server.issuer}/account/sign-in")
    await sign_in(page, person)
    await shows(page, "home")

    await page.goto(f"{office.server.issuer}/admin/first/{await office.site.users.administrator_link()}")
    await expect(page.locator("main")).to_contain_text(person.email)
    await page.click("#admin-confirm")

    await shows(page, "home")
    assert await role_of(office, person.sub) is Role.OWNER
