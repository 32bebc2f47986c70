"""Another provider as a way to sign in: one of ours behind another of ours, and in a real browser."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.journeys.test_accessibility import look
from tests.support.back_office import Person
from tests.support.factors import STEP, App, attempt_of, catalog, set_up_totp
from tests.support.fake_provider import FakeProvider
from tests.support.html_browser import HtmlBrowser
from tests.support.journey import sign_in
from tests.support.served import Served, served
from tests.support.serving import listening
from tests.support.serving import served as at_a_port
from tests.support.website import landing, website

LOA2 = "urn:idp:loa:2"


@dataclass
class Both:
    """A provider that people sign in to at applications, and one behind it that has their passwords."""

    front: Served
    behind: Served
    person: Person  #: who is known behind
    account: Person  #: who that is at the front
    app: App  #: their authenticator behind

    async def through(self, browser: HtmlBrowser, upstream: str) -> None:
        """Go from the sign-in page in front to the one behind, sign in there with two factors, and come back."""
        page = await browser.submit(f"upstream-{upstream}")
        behind = self.behind.browser(self.person)
        page = await behind.open(str(page.document.attributes["upstream-continue"]["href"]), came_from_elsewhere=True)
        page = await behind.sign_in()
        assert page.name == "step-up", page.describe()
        page = await behind.submit("otp-submit", otp_code=self.app.code(datetime.now(UTC)))
        assert page.location is not None, page.describe()
        await browser.open(page.location, came_from_elsewhere=True)


@pytest.fixture(scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    async with served("sqlite", tmp_path_factory.mktemp("behind")) as behind:
        place = urlsplit(behind.issuer).netloc
        async with served("sqlite", tmp_path_factory.mktemp("front"), outbound_allow=place) as front:
            person, account = await behind.office.person(), await front.office.person()
            apps = [await _authenticator(each, who) for each, who in ((behind, person), (front, account))]
            yield Both(front, behind, person, account, apps[0])


async def _authenticator(at: Served, person: Person) -> App:
    site = at.office.site
    async with site.transactions.open(write=True) as stores:
        user = await stores.users.find(person.sub)
        assert user is not None
        attempt = attempt_of(stores, user, datetime.now(UTC) - 3 * STEP)  # so that the code of now is not spent
        return await set_up_totp(catalog(site.digester), attempt)


async def _set_up(both: Both, upstream: str, **members: object) -> None:
    """Register the front behind, and set the one behind up in front, by the commands that operators use."""
    callback = f"{both.front.issuer}/upstream/{upstream}/callback"
    made = await both.behind.office.client([callback], first_party=True, grant_types=["authorization_code"])
    given = {
        "id": upstream, "name": "Works", "issuer": both.behind.issuer, "client_id": made.client_id,
        "client_secret": made.client_secret, "scopes": ["openid", "profile", "email"], **members,
    }  # fmt: skip
    shown = await both.front.server.command("admin", "do", "upstreams.create", "--input", "-", stdin=json.dumps(given))
    assert shown["redirect_uri"] == callback
    tested = await both.front.server.command("admin", "do", "upstreams.test", f"id={upstream}")
    assert tested["problem"] is None
    assert tested["sends_iss"] is True


async def test_one_of_our_providers_behind_another_with_what_it_proved_trusted(both: Both) -> None:
    """Linked once with credentials of the front; then two factors behind spare the second one in front."""
    await _set_up(
        both, "works", link_by_email=True, trusted_acr={f"acr:{LOA2}": ["password", "totp"]}, userinfo=True
    )  # fmt: skip
    rp, browser = await both.front.client(), both.front.browser(both.account)
    await browser.open((await rp.authorization_request()).url, came_from_elsewhere=True)
    await both.through(browser, "works")
    assert browser.page.name == "upstream-new", browser.page.describe()
    await browser.submit("upstream-link")
    await browser.sign_in()
    assert browser.page.name == "step-up", browser.page.describe()
    own = await _own_code(both)
    await browser.submit("otp-submit", otp_code=own)
    assert browser.page.name == "upstream-link", browser.page.describe()
    await browser.submit("link-yes")
    assert rp.receive(browser.page.answer()).code

    again = both.front.browser(both.account)
    await again.open((await rp.authorization_request(acr_values=LOA2)).url, came_from_elsewhere=True)
    both.app = await _authenticator(both.behind, both.person)
    await both.through(again, "works")
    answer = rp.receive(again.page.answer())
    claims = await rp.check_id_token(await rp.redeem(answer.code), rp.requests[answer.state or ""])

    assert claims["sub"] == both.account.sub
    assert claims["acr"] == LOA2
    assert set(claims["amr"]) == {"pwd", "otp", "mfa"}


async def _own_code(both: Both) -> str:
    """Return the code of a new authenticator of the account in front."""
    return (await _authenticator(both.front, both.account)).code(datetime.now(UTC))


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    listener, origin = listening()
    provider = FakeProvider(origin.replace("localhost", "127.0.0.1"))
    async with at_a_port(provider.app, listener):
        yield provider


async def test_a_person_presses_a_button_and_is_back_without_script(
    page: Page, fake: FakeProvider, tmp_path: Path
) -> None:
    """The policy of the sign-in page lets nobody be redirected to a stranger; the page in between does."""
    place = urlsplit(fake.issuer).netloc
    async with (
        landing() as origin, served("sqlite", tmp_path, outbound_allow=place) as front,
        website(front.office, origin, first_party=True) as books,
    ):  # fmt: skip
        given = {
            "id": "works",
            "name": "Works",
            "issuer": fake.issuer,
            "client_id": "us",
            "client_secret": "between us",
        }
        given |= {"link_by_email": True}
        await front.server.command("admin", "do", "upstreams.create", "--input", "-", stdin=json.dumps(given))
        person = await front.office.person()

        await books.send(page)
        await look(page, "login")
        await page.click("#upstream-works")
        await look(page, "upstream-new")
        await page.click("#upstream-link")
        await expect(page.locator("#login-linking")).to_contain_text("Works")
        await sign_in(page, person)
        await look(page, "upstream-link")
        await page.click("#link-yes")
        assert (await books.welcome(page))["sub"] == person.sub

        await page.context.clear_cookies()
        await books.send(page)
        await page.click("#upstream-works")
        assert (await books.welcome(page))["sub"] == person.sub
