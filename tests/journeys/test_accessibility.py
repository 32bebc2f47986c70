"""Every page, light and dark, on a phone and right to left, has nothing that axe-core finds (WCAG 2.2 A and AA).

docs/accessibility.md lists the criteria and how each is checked; the journeys by keyboard are in
test_keyboard_alone.py.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from tests.support.back_office import BackOffice, Person
from tests.support.browser import newly_opened
from tests.support.journey import ON_SQLITE, shows, sign_in
from tests.support.own_account import add_passkey, add_totp, open_account, sign_out
from tests.support.phone import authenticator, code_sent, link_sent
from tests.support.website import Website

SOURCE = Axe().axe_script
OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
#: What depends on colours. The dark scheme changes nothing else (test_stylesheet.py), so all the rest was looked at.
OF_COLOURS = OPTIONS | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
SCHEMES: Mapping[Literal["light", "dark"], Mapping[str, Any]] = {"light": OPTIONS, "dark": OF_COLOURS}
#: Returns what was found and no more: results are long, and most are about what is well.
RUN = "options => axe.run(document, options).then(found => found.violations)"
PHONE = {"width": 360, "height": 740}
Look = Callable[[str], Awaitable[None]]
ACCOUNT_PAGES = {
    "profile": "profile", "security": "security", "sessions": "sessions", "apps": "apps", "activity": "activity",
    "data": "data", "delete": "delete", "email": "email", "password": "password", "security/phone": "phone",
    "security/totp": "totp", "security/passkey": "passkey", "security/recovery-codes": "recovery-codes",
    "security/sign-ins": "sign-ins",
}  # fmt: skip


async def look(page: Page, name: str) -> None:
    """Fail with what axe-core finds on the page of this kind, in both colour schemes."""
    await shows(page, name)
    await look_as_it_is(page, name)


async def look_as_it_is(page: Page, name: str) -> None:
    """Fail with what axe-core finds on the page that is shown, whatever kind it is."""
    await page.evaluate(SOURCE)
    for scheme, options in SCHEMES.items():
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = await page.evaluate(RUN, options)
        told = [f"{each['id']}: {node['html']} {node['failureSummary']}" for each in found for node in each["nodes"]]
        assert not told, f"{name}, {scheme}:\n" + "\n".join(told)
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{name} scrolls sideways by {overflow}"


async def of_a_sign_in(page: Page, books: Website, person: Person) -> None:
    """Look at the pages between a website and its answer."""
    await books.send(page)
    await look(page, "login")
    await sign_in(page, person, "not this one")
    await look(page, "login")
    await sign_in(page, person)
    await look(page, "consent")
    await page.click("#consent-allow")
    await books.answer(page)
    await books.send(page, prompt="select_account")
    await look(page, "accounts")


async def of_a_sign_up(page: Page, issuer: str, email: str) -> None:
    """Look at the pages of a new account."""
    await page.goto(f"{issuer}/account/sign-in")
    await page.click("#sign-up")
    await look(page, "signup")
    await page.fill("#email", email)
    await page.fill("#name", "Dora")
    await page.fill("#new-password", "short")
    await page.click("#signup-submit")
    await look(page, "signup")
    await page.fill("#new-password", "nine green lamps at sea")
    await page.click("#signup-submit")
    await look(page, "signup-code")
    await page.goto(await link_sent(issuer, email, "signup/confirm/"))
    await look(page, "signup-link")


async def of_an_account(page: Page, issuer: str, person: Person) -> list[str]:
    """Look at every page of an account; return its recovery codes."""
    await open_account(page, issuer, person)
    await look(page, "home")
    await page.goto(f"{issuer}/account/security/totp")
    await page.fill("#otp-code", "000000")
    await page.click("#otp-submit")
    await look(page, "totp")
    _app, codes = await add_totp(page, issuer)
    await add_passkey(page, issuer)
    for path, name in ACCOUNT_PAGES.items():
        await page.goto(f"{issuer}/account/{path}")
        await look(page, name)
    await page.goto(f"{issuer}/account/security")
    await page.locator("a[href*='/security/factor/']").first.click()
    await look(page, "factor")
    await page.goto(f"{issuer}/account/email")
    await page.fill("#email", f"new-{person.username}@example.org")
    await page.click("#email-submit")
    await look(page, "email")
    await page.goto(f"{issuer}/account/security/recovery-codes")
    await page.click("#codes-make")
    await look(page, "recovery-codes")
    return (await page.inner_text("#recovery-code-list")).split() or codes


async def of_a_second_step(page: Page, issuer: str, person: Person) -> None:
    """Look at the pages after the password, and at those for whoever lost a factor."""
    await page.goto(f"{issuer}/account/sign-in")
    await sign_in(page, person)
    await look(page, "step-up")
    await page.click("#other-method")
    await look(page, "step-up")
    await page.click("#method-totp")
    await page.fill("#otp-code", "000000")
    await page.click("#otp-submit")
    await look(page, "step-up")
    await page.click("#other-method")
    await page.click("#lost-factor")
    await look(page, "lost")
    await page.click("#lost-start")
    await look(page, "lost")
    await page.goto(await link_sent(issuer, person.email, "lost/cancel/"))
    await look(page, "link")
    await page.click("#link-confirm")
    await look(page, "link")
    await page.goto(f"{issuer}/account/forgot")
    await look(page, "forgot")
    await page.fill("#username", person.username)
    await page.click("#forgot-submit")
    await look(page, "forgot")
    await page.goto(await link_sent(issuer, person.email, "reset/"))
    await look(page, "reset")


async def of_the_rest(page: Page, books: Website, issuer: str) -> None:
    """Look at what is shown when something is over, missing or refused."""
    for path, name in (
        ("reset/nothing", "notice"), ("no/such/page", "notice"), ("authorize", "error"), ("signed-out", "signed-out"),
        ("dev/mailbox", "mailbox"), ("admin/first/nothing", "first-administrator"),
    ):  # fmt: skip
        await page.goto(f"{issuer}/{path}")
        await look(page, name)
    await books.send(page, claims='{"id_token":{"acr":{"essential":true,"value":"urn:idp:loa:2"}}}')


@ON_SQLITE
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["desktop", "phone", "right to left"])
async def test_axe_finds_nothing_on_any_page(
    chromium: Browser, books: Website, office: BackOffice, person: Person, kind: str
) -> None:
    issuer = office.server.issuer
    options: dict[str, object] = {"viewport": PHONE} if kind == "phone" else {}
    async with newly_opened(chromium, locale="ar" if kind == "right to left" else "en", **options) as context:
        page = await context.new_page()
        await of_a_sign_in(page, books, person)
    async with newly_opened(chromium, locale="ar" if kind == "right to left" else "en", **options) as context:
        page = await context.new_page()
        await of_a_sign_up(page, issuer, f"axe-{person.username}@example.org")
        await authenticator(page)
        await of_an_account(page, issuer, person)
        await sign_out(page, issuer)
    async with newly_opened(chromium, locale="ar" if kind == "right to left" else "en", **options) as context:
        page = await context.new_page()
        await of_a_second_step(page, issuer, person)
        await of_the_rest(page, books, issuer)
        other = await office.person()
        await sign_in(page, other)
        await look(page, "enrol")
        await page.click("#enrol-totp")
        await look(page, "enrol")
        await page.goto(page.url.replace("totp", "sms_otp"))
        await look(page, "enrol")
        number = f"+49151{abs(hash(other.sub)) % 10**8:08}"
        await page.fill("#phone", number)
        await page.click("#otp-submit")
        await look(page, "enrol")
        await page.fill("#otp-code", await code_sent(issuer, number))
        await page.click("#otp-submit")
        await look(page, "enrol-codes")
