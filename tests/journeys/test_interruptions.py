"""What people do to a sign-in: back, reload, leave it open, open it twice, click twice, pass its link on.

Each ends in the right place, or on a page that says what to do.
"""

from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect
from sqlalchemy import update

from idp.storage.interactions import interactions
from tests.support.back_office import BackOffice, Person
from tests.support.browser import newly_opened
from tests.support.journey import ON_BOTH_DATABASES, ON_SQLITE, agree, shows, sign_in
from tests.support.website import Website

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


async def expire(office: BackOffice, page: Page) -> None:
    """Let the time of the interaction that the page shows be over."""
    interaction_id = page.url.rpartition("/")[2]
    async with office.site.database.transaction(write=True) as transaction:
        await transaction.execute(
            update(interactions).where(interactions.c.id == interaction_id).values(expires_at=LONG_AGO)
        )


async def notice(page: Page) -> str | None:
    """Return what the notice that is shown is about."""
    await shows(page, "notice")
    return await page.locator("#notice").get_attribute("data-kind")


@ON_BOTH_DATABASES
async def test_two_websites_in_two_tabs_finish_in_any_order(
    context: BrowserContext, books: Website, mail: Website, person: Person
) -> None:
    one, two = await context.new_page(), await context.new_page()
    await books.send(one)
    await mail.send(two)

    await sign_in(two, person)
    await agree(two)
    assert (await mail.welcome(two))["sub"] == person.sub
    await sign_in(one, person)
    await agree(one)
    assert (await books.welcome(one))["sub"] == person.sub


@ON_SQLITE
async def test_one_website_in_two_tabs_gets_two_answers(
    context: BrowserContext, books: Website, person: Person
) -> None:
    one, two = await context.new_page(), await context.new_page()
    first, second = await books.send(one), await books.send(two)

    await sign_in(one, person)
    await agree(one)
    assert (await books.answer(one)).state == first.parameters["state"]
    await sign_in(two, person)  # a consent given in the other tab counts here too
    assert (await books.answer(two)).state == second.parameters["state"]


@ON_SQLITE
async def test_a_tab_that_waited_goes_on_when_it_is_reloaded(
    context: BrowserContext, books: Website, mail: Website, person: Person
) -> None:
    one, two = await context.new_page(), await context.new_page()
    await books.send(one)
    await mail.send(two)
    await sign_in(two, person)
    await agree(two)
    await mail.answer(two)

    await one.reload()

    await agree(one)
    assert (await books.welcome(one))["sub"] == person.sub


@ON_SQLITE
async def test_cancelling_in_one_tab_leaves_the_other_alone(
    context: BrowserContext, books: Website, mail: Website, person: Person
) -> None:
    one, two = await context.new_page(), await context.new_page()
    await books.send(one)
    await mail.send(two)

    await two.click("#login-cancel")
    assert (await mail.answer(two)).error == "access_denied"

    await sign_in(one, person)
    await agree(one)
    assert (await books.welcome(one))["sub"] == person.sub


@ON_SQLITE
async def test_back_to_the_sign_in_page_leads_forward_again(page: Page, books: Website, person: Person) -> None:
    await books.send(page)
    await sign_in(page, person)
    await shows(page, "consent")

    await page.go_back()

    await agree(page)
    assert (await books.welcome(page))["sub"] == person.sub


@ON_SQLITE
async def test_back_from_the_website_says_that_all_is_done_and_leads_there_again(
    page: Page, books: Website, person: Person
) -> None:
    """So does a second, slower click on a button: the browser drops the first answer, with the code in it."""
    await books.send(page)
    await sign_in(page, person)
    await agree(page)
    first = await books.answer(page)

    await page.go_back()

    assert await notice(page) == "interaction_done"
    await page.click("#notice-retry")
    second = await books.answer(page)
    assert second.code != first.code
    assert second.state == first.state


@ON_SQLITE
async def test_who_clicks_twice_arrives_all_the_same(page: Page, books: Website, person: Person) -> None:
    await books.send(page)
    await page.fill("#username", person.username)
    await page.fill("#password", person.password)
    await page.dblclick("#login-submit")
    await shows(page, "consent")

    await page.dblclick("#consent-allow")

    assert (await books.welcome(page))["sub"] == person.sub


@ON_SQLITE
async def test_every_page_may_be_reloaded(page: Page, books: Website, person: Person) -> None:
    await books.send(page)
    await page.reload()
    await sign_in(page, person)
    await shows(page, "consent")
    await page.reload()
    await agree(page)
    await books.answer(page)

    await books.send(page, prompt="select_account")
    await shows(page, "accounts")
    await page.reload()
    await page.click("#account-continue")

    assert (await books.welcome(page))["sub"] == person.sub


@ON_SQLITE
async def test_a_reload_after_a_wrong_password_shows_the_page_again(page: Page, books: Website, person: Person) -> None:
    await books.send(page)
    await sign_in(page, person, "not this one")
    await expect(page.locator("#login-error")).to_be_visible()

    await page.reload()

    await sign_in(page, person)
    await agree(page)
    assert (await books.welcome(page))["sub"] == person.sub


@ON_BOTH_DATABASES
async def test_a_sign_in_left_open_too_long_can_be_started_again(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    await books.send(page)
    await shows(page, "login")
    await expire(office, page)

    await sign_in(page, person)

    assert await notice(page) == "interaction_expired"
    await page.click("#notice-retry")
    await sign_in(page, person)
    await agree(page)
    assert (await books.welcome(page))["sub"] == person.sub


@ON_SQLITE
async def test_a_consent_left_open_too_long_can_be_started_again(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    await books.send(page)
    await sign_in(page, person)
    await shows(page, "consent")
    await expire(office, page)

    await page.click("#consent-allow")

    assert await notice(page) == "interaction_expired"
    await page.click("#notice-retry")
    await agree(page)
    assert (await books.welcome(page))["sub"] == person.sub


@ON_BOTH_DATABASES
async def test_a_restart_between_two_pages_changes_nothing(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    await books.send(page)
    await sign_in(page, person)
    await shows(page, "consent")

    await office.server.stop()
    await office.server.start()

    await agree(page)
    assert (await books.welcome(page))["sub"] == person.sub


@ON_SQLITE
@pytest.mark.parametrize("step", ["login", "consent"])
async def test_a_link_passed_on_gives_the_other_browser_nothing(
    step: str, page: Page, chromium: Browser, books: Website, person: Person, office: BackOffice
) -> None:
    """RFC 9700 §4.7: an interaction belongs to the browser that began it."""
    stranger = await office.person()
    await books.send(page)
    if step == "consent":
        await sign_in(page, person)
    await shows(page, step)

    async with newly_opened(chromium) as elsewhere:
        other = await elsewhere.new_page()
        await other.goto(page.url)
        assert await notice(other) == "interaction_foreign"
        assert person.username not in await other.content()
        await books.send(other)
        await sign_in(other, stranger)
        await agree(other)
        assert (await books.welcome(other))["sub"] == stranger.sub

    if step == "login":
        await sign_in(page, person)
    await agree(page)
    assert (await books.welcome(page))["sub"] == person.sub


@ON_SQLITE
async def test_losing_the_cookies_in_the_middle_is_explained(page: Page, books: Website, person: Person) -> None:
    await books.send(page)
    await shows(page, "login")
    await page.context.clear_cookies()

    await sign_in(page, person)

    assert await notice(page) == "interaction_foreign"
    await books.send(page)
    await sign_in(page, person)
    await agree(page)
    assert (await books.welcome(page))["sub"] == person.sub


@ON_SQLITE
async def test_an_invented_link_is_explained(page: Page, office: BackOffice) -> None:
    await page.goto(f"{office.server.issuer}/login/AAAAAAAAAAAAAAAAAAAAAA")

    assert await notice(page) == "interaction_expired"
