"""A person signs out: at the website's wish, or here; sure, or after being asked."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.back_office import BackOffice, Person
from tests.support.browser import newly_opened
from tests.support.journey import ON_BOTH_DATABASES, agree, shows, sign_in
from tests.support.website import Website, website

pytestmark = ON_BOTH_DATABASES


async def come_in(page: Page, website: Website, person: Person) -> str:
    """Sign in through the website and return the ID token."""
    await website.send(page)
    await sign_in(page, person)
    await agree(page)
    return str((await website.welcome(page))["id_token"])


async def ask_to_sign_out(page: Page, office: BackOffice, **parameters: str) -> None:
    """Send the browser to /end_session."""
    await page.goto(f"{office.server.issuer}/end_session?{urlencode(parameters)}")


async def is_signed_in(page: Page, website: Website) -> bool:
    """Ask the provider silently."""
    await website.send(page, prompt="none")
    return (await website.answer(page)).error is None


async def test_the_website_that_knows_the_session_signs_out_at_once(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    """RP-Initiated Logout §2."""
    id_token = await come_in(page, books, person)

    await ask_to_sign_out(
        page, office, id_token_hint=id_token, post_logout_redirect_uri=books.goodbye, state="bye & bye"
    )

    await expect(page.locator("#state")).to_have_text("bye & bye")
    assert not await is_signed_in(page, books)


@pytest.mark.parametrize("with_script", [True, False], ids=["script", "no script"])
async def test_websites_are_told_in_the_browser_before_it_goes_on(
    chromium: Browser, person: Person, office: BackOffice, origin: str, with_script: bool
) -> None:
    """Front-Channel Logout §3: with script as soon as all frames are there, without it after three seconds."""
    async with (
        website(office, origin, is_framed=True) as books,
        website(office, origin, name="Films", is_framed=True) as films,
        newly_opened(chromium, java_script_enabled=with_script) as context,
    ):
        page = await context.new_page()
        await come_in(page, films, person)
        await books.send(page)
        await agree(page)
        claims = await books.welcome(page)
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))

        await ask_to_sign_out(
            page, office, id_token_hint=str(claims["id_token"]), post_logout_redirect_uri=books.goodbye, state="bye"
        )

        await expect(page.locator("#state")).to_have_text("bye")
        framed = [urlsplit(url) for url in loaded if "/left?" in url]
        assert {f"{each.scheme}://{each.netloc}{each.path}" for each in framed} == {books.left, films.left}
        assert parse_qs(next(each.query for each in framed if books.left.endswith(each.path))) == {
            "iss": [office.server.issuer], "sid": [claims["sid"]],
        }  # fmt: skip


async def test_without_a_hint_the_person_is_asked_and_may_stay(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    await come_in(page, books, person)

    await ask_to_sign_out(page, office)
    await shows(page, "logout")
    await expect(page.locator("main")).to_contain_text(person.email)
    await page.reload()
    await page.click("#logout-no")

    await expect(page.locator("main")).to_contain_text(person.name)
    assert await is_signed_in(page, books)


async def test_without_a_hint_the_person_is_asked_and_may_go(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    await come_in(page, books, person)

    await ask_to_sign_out(page, office)
    await page.click("#logout-yes")

    await shows(page, "signed-out")
    await expect(page.locator("#signed-out")).to_be_visible()
    await expect(page.locator("#logout-continue")).to_have_count(0)
    assert not await is_signed_in(page, books)


async def test_a_client_id_alone_earns_a_link_but_no_redirect(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    await come_in(page, books, person)

    await ask_to_sign_out(page, office, client_id=books.rp.client_id, post_logout_redirect_uri=books.goodbye)
    await expect(page.locator("main")).to_contain_text("Harbour Books")
    await page.click("#logout-yes")
    await shows(page, "signed-out")
    await page.click("#logout-continue")

    await expect(page.locator("body")).to_have_attribute("data-page", "goodbye")


async def test_the_hint_of_an_earlier_session_asks_first(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    """A hint that was not issued for this session could be anybody's."""
    old = await come_in(page, books, person)
    await ask_to_sign_out(page, office, id_token_hint=old)
    await books.send(page)
    await sign_in(page, person)
    await books.answer(page)

    await ask_to_sign_out(page, office, id_token_hint=old, post_logout_redirect_uri=books.goodbye)
    await shows(page, "logout")
    await page.click("#logout-yes")

    await expect(page.locator("body")).to_have_attribute("data-page", "goodbye")
    assert not await is_signed_in(page, books)


async def test_whom_nobody_knows_is_signed_out_already(page: Page, office: BackOffice) -> None:
    await ask_to_sign_out(page, office)

    await shows(page, "signed-out")
    await page.reload()
    await shows(page, "signed-out")


async def test_a_forged_hint_and_a_foreign_address_change_nothing(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    id_token = await come_in(page, books, person)

    await ask_to_sign_out(page, office, id_token_hint=id_token[:-8] + "AAAAAAAA")
    await shows(page, "error")
    await ask_to_sign_out(page, office, id_token_hint=id_token, post_logout_redirect_uri="https://evil.example/")
    await shows(page, "error")
    await expect(page.locator("#error-code")).to_have_text("invalid_request")

    assert await is_signed_in(page, books)


async def test_back_after_signing_out_shows_nothing_of_the_person(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    await come_in(page, books, person)
    await page.goto(f"{office.server.issuer}/account")
    await expect(page.locator("h1")).to_have_text(person.name)
    await ask_to_sign_out(page, office)
    await page.click("#logout-yes")
    await shows(page, "signed-out")

    await page.go_back()
    await page.go_back()

    await expect(page.locator("body")).not_to_contain_text(person.name)


async def test_signing_out_in_one_tab_ends_the_other_tab_s_sign_in_page_well(
    page: Page, books: Website, mail: Website, person: Person, office: BackOffice
) -> None:
    id_token = await come_in(page, books, person)
    other = await page.context.new_page()
    await mail.send(other)
    await shows(other, "consent")
    await ask_to_sign_out(page, office, id_token_hint=id_token)

    await other.click("#consent-allow")

    await sign_in(other, person)
    await agree(other)
    assert (await mail.welcome(other))["sub"] == person.sub
