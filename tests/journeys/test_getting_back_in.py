"""People who forgot, lost or were robbed get back in; whoever should not stays out."""

from playwright.async_api import Page, expect

from tests.support.back_office import BackOffice, Person
from tests.support.journey import ON_BOTH_DATABASES, agree, shows, sign_in
from tests.support.own_account import add_totp, open_account, sign_out
from tests.support.phone import code_sent, link_sent, received
from tests.support.website import Website

pytestmark = ON_BOTH_DATABASES
NEW = "nine green lamps at sea"


async def test_a_forgotten_password_is_replaced_and_leads_back_to_the_website(
    page: Page, books: Website, office: BackOffice, person: Person
) -> None:
    issuer = office.server.issuer
    await books.send(page)
    await page.click("#forgot-password")
    await page.fill("#username", person.username)
    await page.click("#forgot-submit")
    await expect(page.locator("#forgot-sent")).to_be_visible()
    link = await link_sent(issuer, person.email, "reset/")

    await page.goto(link)
    await page.fill("#new-password", "short")
    await page.click("#reset-submit")
    await expect(page.locator("#new-password-error")).to_be_visible()
    await page.fill("#new-password", NEW)
    await page.click("#reset-submit")
    await sign_in(page, Person(person.sub, person.username, person.name, NEW))
    await agree(page)

    assert (await books.welcome(page))["sub"] == person.sub
    await page.goto(link)
    await shows(page, "notice")
    await received(issuer, person.email, subject="Your password was changed")


async def test_a_reset_leaves_the_second_factor_where_it_is(page: Page, office: BackOffice, person: Person) -> None:
    issuer = office.server.issuer
    await open_account(page, issuer, person)
    app, _codes = await add_totp(page, issuer)
    await sign_out(page, issuer)
    await page.goto(f"{issuer}/account/forgot")
    await page.fill("#username", person.email)
    await page.click("#forgot-submit")
    await page.goto(await link_sent(issuer, person.email, "reset/"))
    await page.fill("#new-password", NEW)
    await page.click("#reset-submit")
    await sign_in(page, Person(person.sub, person.username, person.name, NEW))

    await shows(page, "step-up")
    await page.fill("#otp-code", app.code())
    await page.click("#otp-submit")
    await shows(page, "home")


async def test_a_name_that_nobody_has_gets_the_same_answer(page: Page, office: BackOffice) -> None:
    await page.goto(f"{office.server.issuer}/account/forgot")
    await page.fill("#username", "nobody-at-all@example.org")
    await page.click("#forgot-submit")

    await expect(page.locator("#forgot-sent")).to_be_visible()


async def test_who_lost_the_second_factor_starts_a_wait_that_the_owner_can_stop(
    page: Page, office: BackOffice, person: Person
) -> None:
    issuer = office.server.issuer
    await open_account(page, issuer, person)
    await add_totp(page, issuer)
    await sign_out(page, issuer)
    await page.goto(f"{issuer}/account/sign-in")
    await sign_in(page, person)
    await page.click("#other-method")
    await page.click("#lost-factor")
    await shows(page, "lost")
    await page.click("#lost-start")
    await expect(page.locator("#lost-due")).to_be_visible()

    await page.goto(await link_sent(issuer, person.email, "lost/cancel/"))
    await page.click("#link-confirm")
    await expect(page.locator("#link-done")).to_be_visible()
    await page.goto(f"{issuer}/account/sign-in")
    await sign_in(page, person)
    await page.click("#other-method")
    await page.click("#lost-factor")
    await expect(page.locator("#lost-start")).to_be_visible()


async def test_the_link_of_a_notice_secures_the_account(page: Page, office: BackOffice, person: Person) -> None:
    issuer = office.server.issuer
    await open_account(page, issuer, person)
    await add_totp(page, issuer)
    link = await link_sent(issuer, person.email, "secure/")
    await page.goto(link)
    await expect(page.locator("#link-ask")).to_be_visible()
    await page.goto(f"{issuer}/account/security")
    await shows(page, "security")  # looking at the link changed nothing
    await page.goto(link)
    await page.click("#link-confirm")
    await expect(page.locator("#link-done")).to_be_visible()

    await page.goto(f"{issuer}/account/security")
    await sign_in(page, person)
    await expect(page.locator("#login-error")).to_be_visible()
    await page.goto(await link_sent(issuer, person.email, "reset/"))
    await page.fill("#new-password", NEW)
    await page.click("#reset-submit")
    await sign_in(page, Person(person.sub, person.username, person.name, NEW))
    await shows(page, "step-up")


async def test_a_changed_address_is_told_to_the_old_one_which_takes_it_back(
    page: Page, office: BackOffice, person: Person
) -> None:
    issuer, new = office.server.issuer, f"new-{person.username}@example.org"
    await open_account(page, issuer, person, "/account/email")
    await page.fill("#email", new)
    await page.click("#email-submit")
    await page.fill("#otp-code", await code_sent(issuer, new))
    await page.click("#otp-submit")
    await shows(page, "profile")
    await expect(page.locator("main")).to_contain_text(new)

    await page.goto(await link_sent(issuer, person.email, "email/undo/"))
    await page.click("#link-confirm")
    await expect(page.locator("#link-done")).to_be_visible()
    user = await office.site.users.find(person.sub)
    assert user is not None
    assert (user.email, user.email_verified) == (person.email, True)
    await page.goto(f"{issuer}/account/profile")
    await shows(page, "login")
