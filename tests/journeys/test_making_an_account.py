"""Somebody new comes from a website, makes an account, and is back there signed in."""

from playwright.async_api import Browser, Page, expect

from tests.support.back_office import BackOffice, Person
from tests.support.browser import newly_opened
from tests.support.journey import ON_BOTH_DATABASES, agree, shows, sign_in
from tests.support.phone import code_sent, link_sent, received
from tests.support.website import Website

pytestmark = ON_BOTH_DATABASES
PHRASE = "nine green lamps at sea"


async def ask(page: Page, email: str, *, name: str = "Dora Delta", password: str = PHRASE) -> None:
    """Fill in the form of a new account."""
    await shows(page, "signup")
    await page.fill("#email", email)
    await page.fill("#name", name)
    await page.fill("#new-password", password)
    await page.click("#signup-submit")


async def test_an_account_is_made_by_the_code_and_leads_back_to_the_website(
    page: Page, books: Website, office: BackOffice
) -> None:
    issuer, email = office.server.issuer, f"dora-{books.rp.client_id}@example.org".lower()
    await books.send(page)
    await page.click("#sign-up")
    await ask(page, email, password="short")
    await expect(page.locator("#new-password-error")).to_be_visible()
    await expect(page.locator("#email")).to_have_value(email)
    await ask(page, email)

    await shows(page, "signup-code")
    code = await code_sent(issuer, email)
    await page.fill("#otp-code", "000000" if code != "000000" else "000001")
    await page.click("#otp-submit")
    await expect(page.locator("#step-up-error")).to_be_visible()
    await page.fill("#otp-code", code)
    await page.click("#otp-submit")
    await agree(page)

    claims = await books.welcome(page)
    assert (claims["acr"], claims["amr"]) == ("urn:idp:loa:1v", ["pwd", "otp", "mca"])


async def test_the_link_finishes_in_the_browser_where_it_was_begun(page: Page, office: BackOffice) -> None:
    issuer, email = office.server.issuer, "link-here@example.org"
    await page.goto(f"{issuer}/account/sign-in")
    await page.click("#sign-up")
    await ask(page, email)

    await page.goto(await link_sent(issuer, email, "signup/confirm/"))
    await shows(page, "signup-link")
    await page.click("#signup-submit")

    await shows(page, "home")
    await expect(page.locator("h1")).to_have_text("Dora Delta")


async def test_the_link_elsewhere_makes_the_account_with_what_is_typed_there(
    page: Page, office: BackOffice, chromium: Browser
) -> None:
    """LG66: who begins with a foreign address keeps nothing of the account that its owner makes."""
    issuer, email = office.server.issuer, "link-elsewhere@example.org"
    await page.goto(f"{issuer}/account/sign-in")
    await page.click("#sign-up")
    await ask(page, email, password="what the attacker typed")
    async with newly_opened(chromium) as context:
        owner = await context.new_page()
        await owner.goto(await link_sent(issuer, email, "signup/confirm/"))
        await shows(owner, "signup-link")
        await owner.fill("#name", "The Owner")
        await owner.fill("#new-password", PHRASE)
        await owner.click("#signup-submit")
        await sign_in(owner, Person("", email, "The Owner", PHRASE))
        await shows(owner, "home")

    await page.goto(f"{issuer}/account/sign-in")
    await sign_in(page, Person("", email, "", "what the attacker typed"))
    await expect(page.locator("#login-error")).to_be_visible()


async def test_an_address_that_has_an_account_looks_the_same_and_its_owner_is_told(
    page: Page, office: BackOffice, person: Person
) -> None:
    issuer = office.server.issuer
    await page.goto(f"{issuer}/account/sign-in")
    await page.click("#sign-up")
    await ask(page, person.email)

    await shows(page, "signup-code")
    await expect(page.locator("#signup-sent")).to_contain_text(person.email)
    told = await received(issuer, person.email, subject="You have an account already")
    assert "000000" not in told[0]["text"]
