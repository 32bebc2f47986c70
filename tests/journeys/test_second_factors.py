"""People set up factors and sign in with each; a sign-in that needs two is not finished with one."""

from playwright.async_api import Page, expect

from tests.support.back_office import BackOffice, Person
from tests.support.journey import ON_BOTH_DATABASES, ON_SQLITE, agree, shows, sign_in
from tests.support.own_account import add_passkey, add_totp, open_account, sign_out
from tests.support.phone import authenticator, code_sent, received
from tests.support.website import Website


@ON_BOTH_DATABASES
async def test_an_authenticator_app_is_asked_after_the_password(
    page: Page, books: Website, office: BackOffice, person: Person
) -> None:
    await open_account(page, office.server.issuer, person)
    app, _codes = await add_totp(page, office.server.issuer)
    await sign_out(page, office.server.issuer)
    await received(office.server.issuer, person.email, subject="A new way to sign in was added")

    await books.send(page)
    await sign_in(page, person)
    await shows(page, "step-up")
    await page.goto(f"{office.server.issuer}/account/security")
    await shows(page, "login")  # one factor opens nothing
    await books.send(page)
    await sign_in(page, person)
    await page.fill("#otp-code", "12345")
    await page.click("#otp-submit")
    await expect(page.locator("#step-up-error")).to_be_visible()
    await page.fill("#otp-code", app.code())
    await page.click("#otp-submit")
    await agree(page)

    claims = await books.welcome(page)
    assert (claims["acr"], claims["amr"]) == ("urn:idp:loa:2", ["pwd", "otp", "mfa"])


@ON_BOTH_DATABASES
async def test_a_passkey_signs_in_without_a_name(
    page: Page, books: Website, office: BackOffice, person: Person
) -> None:
    await authenticator(page)
    await open_account(page, office.server.issuer, person)
    await add_passkey(page, office.server.issuer)
    await sign_out(page, office.server.issuer)

    await books.send(page)  # the browser offers the passkey by itself, and the authenticator says yes
    await agree(page)

    claims = await books.welcome(page)
    assert claims["sub"] == person.sub
    assert (claims["acr"], claims["amr"]) == ("phr", ["swk", "user", "mfa"])


@ON_BOTH_DATABASES
async def test_a_recovery_code_stands_in_once_and_its_owner_is_told(
    page: Page, office: BackOffice, person: Person
) -> None:
    issuer = office.server.issuer
    await open_account(page, issuer, person)
    _app, codes = await add_totp(page, issuer)
    for attempt in range(2):
        await sign_out(page, issuer)
        await page.goto(f"{issuer}/account/sign-in")
        await sign_in(page, person)
        await page.click("#other-method")
        await page.click("#method-recovery_code")
        await page.fill("#otp-code", codes[0].upper())
        await page.click("#otp-submit")
        if attempt == 0:
            await shows(page, "home")
        else:
            await expect(page.locator("#step-up-error")).to_be_visible()
            await page.fill("#otp-code", codes[1])
            await page.click("#otp-submit")
            await shows(page, "home")

    told = await received(issuer, person.email, subject="A recovery code was used", count=2)
    assert "8 left" in told[0]["text"]


@ON_BOTH_DATABASES
async def test_a_code_by_sms_is_set_up_and_used(page: Page, office: BackOffice, person: Person) -> None:
    issuer, number = office.server.issuer, f"+49151{abs(hash(person.sub)) % 10**8:08}"
    await open_account(page, issuer, person, "/account/security/phone")
    await page.fill("#phone", "no number")
    await page.click("#phone-submit")
    await expect(page.locator("#account-error")).to_be_visible()
    await page.fill("#phone", number)
    await page.click("#phone-submit")
    await page.fill("#otp-code", await code_sent(issuer, number))
    await page.click("#phone-submit")
    await shows(page, "recovery-codes")
    await sign_out(page, issuer)

    await page.goto(f"{issuer}/account/sign-in")
    await sign_in(page, person)
    await shows(page, "step-up")
    await expect(page.locator("#step-up-ask")).not_to_contain_text(number)
    await page.fill("#otp-code", await code_sent(issuer, number, count=2))
    await page.click("#otp-submit")

    await shows(page, "home")


@ON_SQLITE
async def test_a_remembered_browser_spares_the_factor_but_no_step_up(
    page: Page, books: Website, office: BackOffice, person: Person
) -> None:
    issuer = office.server.issuer
    await open_account(page, issuer, person)
    app, _codes = await add_totp(page, issuer)
    await sign_out(page, issuer)
    await page.goto(f"{issuer}/account/sign-in")
    await sign_in(page, person)
    await page.fill("#otp-code", app.code())
    await page.check("#remember")
    await page.click("#otp-submit")
    await sign_out(page, issuer)

    await page.goto(f"{issuer}/account/sign-in")
    await sign_in(page, person)
    await shows(page, "home")
    await books.send(page, acr_values="urn:idp:loa:2")
    await shows(page, "step-up")
    await expect(page.locator("#remember")).to_have_count(0)
    await page.goto(f"{issuer}/account/email")
    await shows(page, "step-up")  # a sensitive page asks for what the remembered browser was spared


@ON_SQLITE
async def test_a_client_that_demands_two_factors_lets_people_set_one_up(
    page: Page, books: Website, office: BackOffice, person: Person
) -> None:
    await authenticator(page)
    await books.send(page, claims='{"id_token":{"acr":{"essential":true,"value":"urn:idp:loa:2"}}}')
    await sign_in(page, person)
    await shows(page, "enrol")
    await page.click("#enrol-webauthn")
    await page.click("#passkey-submit")
    await shows(page, "enrol-codes")
    await page.click("#codes-kept")
    await agree(page)

    claims = await books.welcome(page)
    assert claims["acr"] == "urn:idp:loa:2"


@ON_SQLITE
async def test_a_person_without_script_uses_every_factor_but_passkeys(
    page: Page, office: BackOffice, person: Person
) -> None:
    await page.context.route("**/*.js*", lambda route: route.abort())
    await open_account(page, office.server.issuer, person, "/account/security/passkey")

    await expect(page.locator("#passkey-submit")).to_be_hidden()
    await add_totp(page, office.server.issuer)
