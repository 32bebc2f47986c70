"""An issuer may have a path: then everything is below it, as a proxy expects that forwards nothing else."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, Response, expect

from tests.support.back_office import BackOffice, Person, open_back_office
from tests.support.journey import agree, shows, sign_in
from tests.support.server import ServerProcess
from tests.support.website import Website

pytestmark = pytest.mark.xdist_group("journeys-sqlite")


@pytest.fixture
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackOffice]:
    """A provider at /sign-in/v1 of its host, in colours of its own."""
    folder = tmp_path_factory.mktemp("provider")
    settings = {"IDP_BRAND_COLOR": "#aa3300", "IDP_RATE_LIMITS": "off"}
    async with (
        ServerProcess(folder, settings=settings, path="/sign-in/v1") as server,
        open_back_office(server) as office,
    ):
        yield office


async def test_every_page_style_and_form_is_below_the_issuer(
    page: Page, books: Website, person: Person, office: BackOffice
) -> None:
    answered: list[Response] = []
    page.on("response", lambda answer: answered.append(answer))

    await books.send(page)
    await sign_in(page, person, "not this one")
    await sign_in(page, person)
    await agree(page)
    assert (await books.welcome(page))["sub"] == person.sub
    await page.goto(f"{office.server.issuer}/admin/first/{await office.site.users.administrator_link()}")
    await page.click("#admin-confirm")
    await page.get_by_role("link", name="Your applications").click()
    await expect(page.locator("main")).to_contain_text("Harbour Books")
    await page.get_by_role("link", name="Overview").click()
    await page.get_by_role("link", name="Sign out").click()
    await page.click("#logout-yes")
    await shows(page, "signed-out")

    host = f"http://localhost:{office.server.port}/"
    ours = [answer for answer in answered if answer.url.startswith(host)]
    assert ours
    assert [answer.url for answer in ours if not answer.url.startswith(f"{office.server.issuer}/")] == []
    assert [answer.url for answer in ours if answer.status >= 400 and answer.request.method == "GET"] == []
