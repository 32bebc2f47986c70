"""Websites that want the answer in a form: the page between posts itself, or offers a button."""

from playwright.async_api import Browser, Page

from tests.support.back_office import Person
from tests.support.browser import newly_opened
from tests.support.journey import ON_SQLITE, agree, shows, sign_in
from tests.support.website import Website

pytestmark = ON_SQLITE


async def test_the_answer_arrives_in_a_form(page: Page, books: Website, person: Person) -> None:
    """OAuth 2.0 Form Post Response Mode §2."""
    await books.send(page, response_mode="form_post", state='"><script>alert(1)</script>')
    await sign_in(page, person)
    await agree(page)

    answer = await books.answer(page)

    assert answer.mode == "form_post"
    assert answer.state == '"><script>alert(1)</script>'
    assert "code=" not in page.url


async def test_refusals_arrive_in_a_form_too(page: Page, books: Website) -> None:
    await books.send(page, response_mode="form_post")
    await page.click("#login-cancel")

    answer = await books.answer(page)

    assert (answer.mode, answer.error) == ("form_post", "access_denied")


async def test_a_silent_answer_arrives_in_a_form_too(page: Page, books: Website, person: Person) -> None:
    await books.send(page, response_mode="form_post")
    await sign_in(page, person)
    await agree(page)
    await books.answer(page)

    await books.send(page, response_mode="form_post")

    assert (await books.welcome(page))["sub"] == person.sub


async def test_without_script_a_button_sends_the_form(chromium: Browser, books: Website, person: Person) -> None:
    async with newly_opened(chromium, java_script_enabled=False) as context:
        page = await context.new_page()
        await books.send(page, response_mode="form_post")
        await sign_in(page, person)
        await agree(page)
        await shows(page, "form-post")
        await page.click("#form-post-submit")

        assert (await books.welcome(page))["sub"] == person.sub
