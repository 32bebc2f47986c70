"""A person comes from a website, proves who they are, agrees, and is back; or does not."""

from playwright.async_api import Page, expect

from tests.support.back_office import BackOffice, Person
from tests.support.journey import ON_BOTH_DATABASES, agree, shows, sign_in
from tests.support.website import Website

pytestmark = ON_BOTH_DATABASES


async def test_the_first_visit_asks_for_the_password_and_for_consent(
    page: Page, books: Website, person: Person
) -> None:
    await books.send(page)
    await expect(page.locator("main")).to_contain_text("Harbour Books")
    await sign_in(page, person)
    await expect(page.locator("#consent-client")).to_have_text("Harbour Books")
    await agree(page)

    assert (await books.welcome(page))["sub"] == person.sub


async def test_the_second_visit_asks_nothing(page: Page, books: Website, person: Person) -> None:
    await books.send(page)
    await sign_in(page, person)
    await agree(page)
    first = await books.welcome(page)

    await books.send(page)

    second = await books.welcome(page)
    assert (second["sub"], second["auth_time"]) == (person.sub, first["auth_time"])


async def test_another_website_asks_only_for_consent(page: Page, books: Website, mail: Website, person: Person) -> None:
    await books.send(page)
    await sign_in(page, person)
    await agree(page)
    await books.answer(page)

    await mail.send(page)
    await agree(page)

    assert (await mail.welcome(page))["sub"] == person.sub


async def test_a_wrong_password_can_be_corrected(page: Page, books: Website, person: Person) -> None:
    await books.send(page)
    await sign_in(page, person, "not this one")

    await expect(page.locator("#login-error")).to_be_visible()
    await expect(page.locator("#username")).to_have_value(person.username)
    await expect(page.locator("#password")).to_be_focused()
    await expect(page.locator("#password")).to_have_attribute("aria-describedby", "login-error")
    await sign_in(page, person)
    await agree(page)
    assert (await books.welcome(page))["sub"] == person.sub


async def test_an_unknown_name_looks_like_a_wrong_password(page: Page, books: Website, person: Person) -> None:
    await books.send(page)
    await sign_in(page, person, "not this one")
    known = await page.locator("#login-error").inner_text()

    await page.fill("#username", "nobody-of-that-name")
    await page.fill("#password", "not this one")
    await page.click("#login-submit")

    await expect(page.locator("#login-error")).to_have_text(known)


async def test_too_many_wrong_passwords_make_even_the_right_one_wait(
    page: Page, books: Website, person: Person
) -> None:
    await books.send(page)
    for _ in range(5):
        await sign_in(page, person, "not this one")
        await expect(page.locator("#login-error")).to_be_visible()

    await sign_in(page, person)

    await expect(page.locator("#login-error")).to_contain_text("too many attempts")
    await expect(page.locator("#login-error")).to_contain_text("seconds")
    await books.send(page, prompt="none")
    assert (await books.answer(page)).error == "login_required"


async def test_cancelling_tells_the_website(page: Page, books: Website) -> None:
    """OIDC Core §3.1.2.6."""
    await books.send(page)

    await page.click("#login-cancel")

    assert (await books.answer(page)).error == "access_denied"


async def test_who_does_not_agree_is_asked_again_next_time(page: Page, books: Website, person: Person) -> None:
    await books.send(page)
    await sign_in(page, person)
    await page.click("#consent-deny")
    assert (await books.answer(page)).error == "access_denied"

    await books.send(page)

    await shows(page, "consent")


async def test_prompt_login_asks_again_and_says_when(page: Page, books: Website, person: Person) -> None:
    """OIDC Core §3.1.2.1: the ID token's auth_time is the new sign-in's."""
    await books.send(page)
    await sign_in(page, person)
    await agree(page)
    first = await books.welcome(page)

    await books.send(page, prompt="login")
    await expect(page.locator("#username")).not_to_be_editable()
    await sign_in(page, person)

    assert (await books.welcome(page))["auth_time"] >= first["auth_time"]


async def test_another_account_can_be_chosen(page: Page, books: Website, person: Person, office: BackOffice) -> None:
    other = await office.person(name="Grace Hopper")
    await books.send(page)
    await sign_in(page, person)
    await agree(page)
    await books.answer(page)

    await books.send(page, prompt="select_account")
    await shows(page, "accounts")
    await page.click("#account-other")
    await expect(page.locator("#username")).to_have_value("")
    await sign_in(page, other)
    await agree(page)

    assert (await books.welcome(page))["sub"] == other.sub


async def test_the_account_in_use_can_be_kept(page: Page, books: Website, person: Person) -> None:
    await books.send(page)
    await sign_in(page, person)
    await agree(page)
    await books.answer(page)

    await books.send(page, prompt="select_account")
    await expect(page.locator("#account-continue")).to_contain_text(person.name)
    await page.click("#account-continue")

    assert (await books.welcome(page))["sub"] == person.sub
