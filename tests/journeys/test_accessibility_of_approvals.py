"""Pages of requests that other devices and applications wait for, and of telling websites of a sign-out, under axe."""

import httpx2
import pytest
from playwright.async_api import Browser, Page

from tests.journeys.test_accessibility import PHONE, look
from tests.support.back_office import BackOffice, Person
from tests.support.browser import newly_opened
from tests.support.journey import ON_SQLITE, agree, sign_in
from tests.support.website import website

DEVICE, CIBA = "urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba"
SCOPE = "openid email"


async def of_a_device(page: Page, office: BackOffice, person: Person) -> None:
    """Look at where a code is typed, at a wrong one, at the question and at what is said in the end."""
    issuer = office.server.issuer
    radio = await office.client(
        [], name="Radio", profile="native", token_endpoint_auth_method="none", grant_types=[DEVICE]
    )
    async with httpx2.AsyncClient(trust_env=False) as http:
        fields = {"client_id": radio.client_id, "scope": SCOPE}
        shown = (await http.post(f"{issuer}/device_authorization", data=fields)).json()
    await page.goto(f"{issuer}/device")
    await sign_in(page, person)
    await look(page, "device")
    await page.fill("#user-code", "BBBB-BBBB")
    await page.click("#user-code-submit")
    await look(page, "device")
    await page.fill("#user-code", shown["user_code"])
    await page.click("#user-code-submit")
    await look(page, "consent")
    await page.click("#consent-allow")
    await look(page, "answered")


async def of_a_request(page: Page, office: BackOffice, person: Person) -> None:
    """Look at the notice in the account, at the question and at what is said in the end."""
    issuer = office.server.issuer
    bank = await office.client([], name="Bank", grant_types=[CIBA], backchannel_token_delivery_mode="poll")
    async with httpx2.AsyncClient(trust_env=False, auth=(bank.client_id, str(bank.client_secret))) as http:
        fields = {"scope": SCOPE, "login_hint": person.username, "binding_message": "Table 7, 42.00"}
        assert (await http.post(f"{issuer}/ciba", data=fields)).status_code == 200
    await page.goto(f"{issuer}/account")
    await look(page, "home")
    await page.goto(f"{issuer}/ciba/approve/{await office.waiting_approval(person)}")
    await look(page, "ciba")
    await page.click("#consent-deny")
    await look(page, "answered")


@ON_SQLITE
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["desktop", "phone", "right to left"])
async def test_axe_finds_nothing_where_something_waits_for_an_answer(
    chromium: Browser, office: BackOffice, person: Person, origin: str, kind: str
) -> None:
    options: dict[str, object] = {"viewport": PHONE} if kind == "phone" else {}
    async with newly_opened(chromium, locale="ar" if kind == "right to left" else "en", **options) as context:
        page = await context.new_page()
        await of_a_device(page, office, person)
        await of_a_request(page, office, person)
    async with (
        website(office, origin, is_framed=True) as books,
        newly_opened(chromium, locale="ar" if kind == "right to left" else "en", **options) as context,
    ):
        page = await context.new_page()
        await books.send(page)
        await sign_in(page, person)
        await agree(page)
        await page.goto(f"{office.server.issuer}/end_session")
        await look(page, "logout")
        await page.click("#logout-yes")
        await look(page, "signed-out")
