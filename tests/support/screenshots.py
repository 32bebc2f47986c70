"""`python -m tests.support.screenshots DIR`: a picture of every page, as a real provider shows it in a real browser.

Each on a phone and on a desktop, light and dark: `DIR/phone-light/consent.png`; and once from right to left, in
`DIR/phone-light-arabic`. For looking at, not for comparing.
"""

import argparse
import asyncio
import base64
import struct
import sys
import tempfile
import zlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page

from idp.policy import shipped
from tests.support.back_office import BackOffice, Person, open_back_office
from tests.support.browser import launched, newly_opened
from tests.support.console_walk import walk
from tests.support.journey import agree, shows, sign_in
from tests.support.own_account import add_passkey, add_totp, open_account, sign_out
from tests.support.phone import authenticator, code_sent, link_sent
from tests.support.server import ServerProcess
from tests.support.website import Website, landing, website

SCREENS = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}
SCHEMES = ("light", "dark")
FOLDERS = (*(f"{screen}-{scheme}" for screen in SCREENS for scheme in SCHEMES), "phone-light-arabic")
SETTINGS = {"IDP_RATE_LIMITS": "off", "IDP_BRAND_NAME": "Northwind"}
CLAIMS = '{"userinfo":{"birthdate":null,"zoneinfo":null,"phone_number_verified":null,"level":null}}'
EVERYTHING = "openid profile email phone address offline_access"
TWO_FACTORS = '{"id_token":{"acr":{"essential":true,"value":"urn:idp:loa:2"}}}'
PASSWORD = "nine green lamps at sea"
SENTENCES = {"whole": "ask admins for a passkey outside Norway", "part": "deny tor on rainy days", "none": "be nice"}
OWN_PAGES = ("profile", "security", "sessions", "apps", "activity", "data", "delete", "email", "password")


@dataclass
class Studio:
    """A provider, two websites, somebody to be photographed, and where the pictures go."""

    office: BackOffice
    browser: Browser
    books: Website
    plain: Website
    person: Person
    folder: Path
    page: Page

    @property
    def issuer(self) -> str:
        """The provider's address."""
        return self.office.server.issuer

    async def shoot(self, name: str, page: Page | None = None) -> None:
        """Take a picture of the whole page."""
        await (page or self.page).screenshot(path=self.folder / f"{name}.png", full_page=True)

    async def visit(self, name: str, path: str) -> None:
        """Open a page of the provider and take its picture."""
        await self.page.goto(f"{self.issuer}/{path}")
        await self.shoot(name)


async def signing_in(studio: Studio) -> None:
    """The sign-in page in its states, up to the account chooser."""
    page, books, person = studio.page, studio.books, studio.person
    await studio.plain.send(page, ui_locales="de")
    await studio.shoot("login-german")
    await studio.plain.send(page)
    await studio.shoot("login-without-logo")
    await sign_in(page, person, "not this one")
    await studio.shoot("login-refused")
    for _ in range(5):
        await sign_in(page, person, "not this one")
    await studio.shoot("login-throttled")
    studio.person = person = await studio.office.person(name="Ada Lovelace")
    await books.send(page, scope=EVERYTHING, claims=CLAIMS)
    await studio.shoot("login")
    await sign_in(page, person)
    await studio.shoot("consent")
    await agree(page)
    await books.answer(page)
    await page.go_back()
    await studio.shoot("notice-done")
    await studio.plain.send(page, scope="openid", ui_locales="de")
    await studio.shoot("consent-german")
    await books.send(page, scope=EVERYTHING, prompt="select_account")
    await studio.shoot("accounts")
    await books.send(page, scope=EVERYTHING, prompt="login")
    await studio.shoot("login-again")


async def account(studio: Studio) -> None:
    """The pages of one's own account, and of the first administrator."""
    await studio.visit("home", "account")
    await studio.visit("apps", "account/apps")
    link = (await studio.office.server.command("admin", "link"))["url"].removeprefix(f"{studio.issuer}/")
    await studio.visit("first-administrator-signed-in", link)
    async with newly_opened(studio.browser, **_of(studio.folder)) as context:
        page = await context.new_page()
        await page.goto(f"{studio.issuer}/{link}")
        await studio.shoot("first-administrator", page)
        await page.fill("#email", "root@example.org")
        await page.fill("#name", "Margaret Hamilton")
        await page.fill("#new-password", "password1234567")
        await page.click("#admin-submit")
        await studio.shoot("first-administrator-refused", page)
        await page.goto(f"{studio.issuer}/admin/first/spent")
        await studio.shoot("first-administrator-spent", page)
        await page.goto(f"{studio.issuer}/account")
        await studio.shoot("home-signed-out", page)


async def signing_up(studio: Studio) -> None:
    """A new account: the form, the code, and the link of the mail in this browser and in another one."""
    email = f"dora-{studio.folder.name}@example.org"
    async with newly_opened(studio.browser, **_of(studio.folder)) as context:
        page = await context.new_page()
        await page.goto(f"{studio.issuer}/account/sign-in")
        await page.click("#sign-up")
        await studio.shoot("signup", page)
        await page.fill("#email", email)
        await page.fill("#name", "Dora")
        await page.fill("#new-password", "password1234567")
        await page.click("#signup-submit")
        await studio.shoot("signup-refused", page)
        await page.fill("#new-password", PASSWORD)
        await page.click("#signup-submit")
        await studio.shoot("signup-code", page)
        await page.fill("#otp-code", "000000")
        await page.click("#otp-submit")
        await studio.shoot("signup-code-refused", page)
        link = await link_sent(studio.issuer, email, "signup/confirm/")
        await page.goto(link)
        await studio.shoot("signup-link", page)
    async with newly_opened(studio.browser, **_of(studio.folder)) as context:
        page = await context.new_page()
        await page.goto(link)
        await studio.shoot("signup-link-elsewhere", page)


async def own_account(studio: Studio) -> None:
    """Every page of an account, first with a password only, then with further factors."""
    person, issuer = await studio.office.person(name="Ada Lovelace"), studio.issuer
    async with newly_opened(studio.browser, **_of(studio.folder)) as context:
        page = await context.new_page()
        await authenticator(page)
        await open_account(page, issuer, person)
        for name in ("security", "security/totp", "security/passkey", "security/phone"):
            await page.goto(f"{issuer}/account/{name}")
            await studio.shoot(f"account-bare-{name.replace('/', '-')}", page)
        await page.goto(f"{issuer}/account/security/totp")
        await page.fill("#otp-code", "000000")
        await page.click("#otp-submit")
        await studio.shoot("account-totp-refused", page)
        await add_totp(page, issuer)
        await add_passkey(page, issuer, "Ada's laptop")
        for name in OWN_PAGES:
            await page.goto(f"{issuer}/account/{name}")
            await studio.shoot(f"account-{name}", page)
        await page.fill("#new-password", "password1234567")
        await page.click("#password-submit")
        await studio.shoot("account-password-refused", page)
        await page.goto(f"{issuer}/account/email")
        await page.fill("#email", f"new-{person.email}")
        await page.click("#email-submit")
        await studio.shoot("account-email-code", page)
        await page.goto(f"{issuer}/account/security/recovery-codes")
        await studio.shoot("account-recovery-codes-left", page)
        await page.click("#codes-make")
        await studio.shoot("account-recovery-codes", page)
        await page.goto(f"{issuer}/account/security")
        await page.locator("a[href*='/security/factor/']").first.click()
        await studio.shoot("account-factor", page)
        await page.goto(f"{issuer}/account/delete")
        await page.click("#delete-confirm")
        await studio.shoot("account-leaving", page)
    async with newly_opened(studio.browser, **_of(studio.folder)) as context:
        await second_step(studio, person, await context.new_page())


async def second_step(studio: Studio, person: Person, page: Page) -> None:
    """What is asked after the password, and what helps who lost it."""
    issuer = studio.issuer
    await studio.books.send(page)
    await sign_in(page, person)
    await shows(page, "step-up")
    await studio.shoot("step-up", page)
    await page.click("#other-method")
    await studio.shoot("step-up-choices", page)
    ways = await page.locator("[id^='method-']").evaluate_all("buttons => buttons.map(each => each.id)")
    for way in ways:
        await page.click(f"#{way}")
        await studio.shoot(f"step-up-{way.removeprefix('method-')}", page)
        if way == "method-totp":
            await page.fill("#otp-code", "000000")
            await page.click("#otp-submit")
            await studio.shoot("step-up-refused", page)
        await page.click("#other-method")
    await page.click("#lost-factor")
    await studio.shoot("lost", page)
    await page.click("#lost-start")
    await studio.shoot("lost-waiting", page)
    for path, name in (("lost/cancel/", "lost-cancel"), ("secure/", "secure")):
        await page.goto(await link_sent(issuer, person.email, path))
        await studio.shoot(f"link-{name}", page)
        await page.click("#link-confirm")
        await studio.shoot(f"link-{name}-done", page)
    await page.goto(f"{issuer}/account/forgot")
    await studio.shoot("forgot", page)
    await page.fill("#username", person.username)
    await page.click("#forgot-submit")
    await studio.shoot("forgot-sent", page)
    await page.goto(await link_sent(issuer, person.email, "reset/"))
    await studio.shoot("reset", page)


async def enrolling(studio: Studio) -> None:
    """A second factor that is set up on the way in."""
    person = await studio.office.person(name="Ada Lovelace")
    number = f"+49151{int(person.username[-8:], 16) % 10**8:08}"
    async with newly_opened(studio.browser, **_of(studio.folder)) as context:
        page = await context.new_page()
        await authenticator(page)
        await studio.books.send(page, claims=TWO_FACTORS)
        await sign_in(page, person)
        await shows(page, "enrol")
        await studio.shoot("enrol", page)
        for factor in ("webauthn", "totp", "sms_otp"):
            await page.click(f"#enrol-{factor}")
            await studio.shoot(f"enrol-{factor}", page)
            if factor != "sms_otp":
                await page.click("#other-method")
        await page.fill("#phone", number)
        await page.click("#otp-submit")
        await studio.shoot("enrol-sms_otp-code", page)
        await page.fill("#otp-code", await code_sent(studio.issuer, number))
        await page.click("#otp-submit")
        await shows(page, "enrol-codes")
        await studio.shoot("enrol-codes", page)


async def console(studio: Studio) -> None:
    """What administrators see: decisions, and versions of the policy."""
    keeper, issuer = await studio.office.administrator(), studio.issuer
    async with newly_opened(studio.browser, **_of(studio.folder)) as context:
        page = await context.new_page()
        await page.goto(f"{issuer}/admin/decisions")
        await sign_in(page, keeper)
        await shows(page, "decisions")
        await studio.shoot("admin-decisions", page)
        await page.locator("#decisions-list a").first.click()
        await studio.shoot("admin-decision", page)
        await page.goto(f"{issuer}/admin/decisions/countries")
        await studio.shoot("admin-countries", page)
        await page.goto(f"{issuer}/admin/policies/new")
        await page.fill("#text", "schema = 2")
        await page.click("#policy-store")
        await studio.shoot("admin-policy-refused", page)
        await page.fill("#text", f"{shipped.text('quiet')}\n# {keeper.username}\n")
        await page.click("#policy-store")
        await shows(page, "policy")
        await studio.shoot("admin-policy", page)
        await page.click("#policy-simulation")
        await studio.shoot("admin-policy-simulation", page)
        await page.goto(f"{issuer}/admin/policies")
        await studio.shoot("admin-policies", page)
        for name, sentence in SENTENCES.items():
            await page.goto(f"{issuer}/admin/policies")
            await page.fill("#sentence", sentence)
            await page.click("#policy-describe")
            await studio.shoot(f"admin-describe-{name}", page)


async def people(studio: Studio) -> None:
    """What owners see of people and of the provider."""
    keeper = await studio.office.administrator()
    async with newly_opened(studio.browser, **_of(studio.folder)) as context:
        page = await context.new_page()
        await page.goto(f"{studio.issuer}/admin/policies")
        await sign_in(page, keeper)
        await shows(page, "policies")
        await walk(page, studio.office, studio.person, lambda page, name: studio.shoot(f"admin-{name}", page))


async def asked_for_more(studio: Studio) -> None:
    """The prompt of somebody with a second factor, and why it was shown."""
    person, issuer = await studio.office.person(), studio.issuer
    async with newly_opened(studio.browser, **_of(studio.folder)) as context:
        page = await context.new_page()
        await open_account(page, issuer, person)
        app, _ = await add_totp(page, issuer)
        await sign_out(page, issuer)
        await page.goto(f"{issuer}/account/sign-in")
        await sign_in(page, person)
        await page.click("#why summary")
        await studio.shoot("step-up-why", page)
        await page.fill("#otp-code", app.code())
        await page.click("#otp-submit")
        await page.goto(f"{issuer}/account/activity")
        await page.locator("a[href$='/why']").first.click()
        await studio.shoot("why", page)


async def refusals(studio: Studio) -> None:
    """Pages that say no."""
    await studio.visit("error", "authorize?client_id=nobody")
    await studio.visit("notice-expired", "login/AAAAAAAAAAAAAAAAAAAAAA")
    await studio.visit("notice-not-found", "nowhere")
    await studio.books.send(studio.page, prompt="login")
    async with newly_opened(studio.browser, **_of(studio.folder)) as context:
        page = await context.new_page()
        await page.goto(studio.page.url)
        await studio.shoot("notice-foreign", page)


async def form_post(studio: Studio) -> None:
    """The page that posts itself, as it is without script."""
    async with newly_opened(studio.browser, java_script_enabled=False, **_of(studio.folder)) as context:
        page = await context.new_page()
        await studio.books.send(page, response_mode="form_post", scope="openid")
        await sign_in(page, studio.person)
        await studio.shoot("form-post", page)


async def signing_out(studio: Studio) -> None:
    """The pages of a sign-out; nobody is signed in afterwards."""
    back = f"client_id={studio.books.rp.client_id}&post_logout_redirect_uri={studio.books.goodbye}"
    await studio.visit("logout", "end_session")
    await studio.visit("logout-for-client", f"end_session?{back}")
    await studio.page.click("#logout-yes")
    await studio.shoot("signed-out-for-client")
    await studio.visit("signed-out", "signed-out")


async def mailbox(studio: Studio) -> None:
    """The development mailbox."""
    await studio.visit("mailbox", "dev/mailbox")


SCENES: tuple[Callable[[Studio], Awaitable[None]], ...] = (
    signing_in, account, signing_up, own_account, enrolling, asked_for_more, console, people, refusals, form_post,
    signing_out, mailbox,
)  # fmt: skip


def _of(folder: Path) -> dict[str, object]:
    """Return the browser's options for the pictures of a folder, which is named after them."""
    screen, scheme, *more = folder.name.split("-")
    return {
        "viewport": SCREENS[screen],
        "color_scheme": scheme,
        "device_scale_factor": 2 if screen == "phone" else 1,
        "locale": "ar" if more else "en",
    }


async def photograph(target: Path) -> None:
    """Take all pictures."""
    async with AsyncExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(ServerProcess(work, settings=SETTINGS))
        office = await stack.enter_async_context(open_back_office(server))
        origin = await stack.enter_async_context(landing())
        links = {"policy_uri": f"{origin}/privacy", "tos_uri": f"{origin}/terms", "scope": EVERYTHING}
        books = await stack.enter_async_context(
            website(office, origin, name="Harbour Books", brand_color="#0b7a5b", **links)
        )
        plain = await stack.enter_async_context(website(office, origin, name="Northern Mail", scope=EVERYTHING))
        found = await office.site.clients.find(books.rp.client_id)
        assert found is not None
        await office.site.clients.set_logo(found, logo(), "image/png")
        browser = await stack.enter_async_context(launched())
        for name in FOLDERS:
            folder = target / name
            folder.mkdir(parents=True, exist_ok=True)
            async with newly_opened(browser, **_of(folder)) as context:
                page = await context.new_page()
                person = await office.person()
                studio = Studio(office, browser, books, plain, person, folder, page)
                for scene in SCENES:
                    await scene(studio)


def logo(size: int = 112) -> bytes:
    """Return a PNG: a light wave on green."""
    green, white = (11, 122, 91), (240, 250, 245)
    rows = bytearray()
    for y in range(size):
        rows.append(0)
        for x in range(size):
            wave = abs(y - size * 0.62 + (size * 0.08) * (1 if (x // (size // 4)) % 2 else -1)) < size * 0.05
            sun = (x - size * 0.5) ** 2 + (y - size * 0.34) ** 2 < (size * 0.13) ** 2
            rows += bytes(white if wave or sun else green)
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return (
        base64.b16decode("89504E470D0A1A0A")
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(rows)))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def main() -> int:
    """Take the pictures and say where they are."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    target = parser.parse_args().folder
    asyncio.run(photograph(target))
    print(f"{len(list(target.rglob('*.png')))} pictures in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
