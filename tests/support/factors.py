"""Factors that are set up: authenticators, phones, passkeys and recovery codes of people, made through the stores."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pyotp

from idp.domain.credential import Credential
from idp.domain.refusal import Refused
from idp.domain.secret import Digester, make_id
from idp.domain.user import User
from idp.factors.catalog import Catalog, build_catalog
from idp.factors.factor import Attempt, Challenge, Enrolled
from idp.factors.webauthn_ceremony import RelyingParty
from idp.storage.stores import Stores
from tests.support.attacker import post_form
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.passkey import Authenticator
from tests.support.provider import ISSUER, Person, Provider

PARTY = RelyingParty("id.example", (ISSUER,), "Harbour")
STEP = timedelta(seconds=30)


@dataclass(frozen=True)
class App:
    """An authenticator application."""

    seed: str

    def code(self, now: datetime) -> str:
        """Return what it shows at that moment."""
        return str(pyotp.TOTP(self.seed).at(now))

    def wrong(self, now: datetime) -> str:
        """Return a code that does not count at that moment."""
        right = {self.code(now + drift * STEP) for drift in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(10)) if code not in right)


def catalog(digester: Digester, **changes: Any) -> Catalog:
    """Return all factors of a deployment; `changes` are about the relying party."""
    return build_catalog(digester, replace(PARTY, **changes))


def asked(challenge: Challenge | Refused) -> Challenge:
    """Return what is asked; fail if it is refused."""
    assert isinstance(challenge, Challenge), challenge
    return challenge


def enrolled(outcome: Enrolled | Refused) -> Credential:
    """Return the credential that was set up; fail if it is refused."""
    assert isinstance(outcome, Enrolled), outcome
    assert outcome.credential is not None
    return outcome.credential


def attempt_of(stores: Stores, user: User, now: datetime, **changes: Any) -> Attempt:
    """Return an attempt in a sign-in of its own."""
    return replace(Attempt(stores, user, make_id(), now), **changes)


async def set_up_totp(factors: Catalog, attempt: Attempt) -> App:
    """Give a person an authenticator; its code of this moment is spent by that."""
    begun = asked(await factors.totp.begin(attempt, "My phone"))
    app = App(begun.shown["secret"].replace(" ", ""))
    enrolled(await factors.totp.confirm(attempt, app.code(attempt.now), credential_id=begun.credential_id or ""))
    return app


async def set_up_phone(factors: Catalog, attempt: Attempt, number: str) -> None:
    """Give a person a phone."""
    code = asked(await factors.sms_otp.begin(attempt, number)).code
    enrolled(await factors.sms_otp.confirm(attempt, code or ""))


async def set_up_passkey(factors: Catalog, attempt: Attempt, device: Authenticator, **lies: Any) -> Credential:
    """Give a person a passkey on a device."""
    options = asked(await factors.webauthn.begin(attempt)).options
    assert options is not None
    return enrolled(await factors.webauthn.confirm(attempt, device.make(options, **lies), name="My key"))


async def with_totp(provider: Provider, person: Person) -> App:
    """Give a person an authenticator, and let its first code be over."""
    async with provider.site.transactions.open(write=True) as stores:
        app = await set_up_totp(catalog(provider.site.digester), attempt_of(stores, person.user, provider.clock.now()))
    provider.clock.advance(3 * STEP)
    return app


async def with_phone(provider: Provider, person: Person, number: str) -> None:
    """Give a person a phone."""
    async with provider.site.transactions.open(write=True) as stores:
        attempt = attempt_of(stores, person.user, provider.clock.now(), purpose="set-up")
        await set_up_phone(catalog(provider.site.digester), attempt, number)


async def with_passkey(provider: Provider, person: Person, **device: Any) -> Authenticator:
    """Give a person a passkey on a device of their own."""
    made = Authenticator(**device)
    async with provider.site.transactions.open(write=True) as stores:
        attempt = attempt_of(stores, person.user, provider.clock.now())
        await set_up_passkey(catalog(provider.site.digester), attempt, made)
    return made


async def with_recovery_codes(provider: Provider, person: Person) -> Sequence[str]:
    """Give a person a set of recovery codes."""
    async with provider.site.transactions.open(write=True) as stores:
        attempt = attempt_of(stores, person.user, provider.clock.now())
        return asked(await catalog(provider.site.digester).recovery_codes.begin(attempt)).codes


async def to_step_up(browser: HtmlBrowser, url: str) -> Page:
    """Open an address, give the password, and return the page that asks for more."""
    await browser.open(url, came_from_elsewhere=True)
    page = await browser.sign_in()
    assert page.name == "step-up", page.describe()
    return page


async def by_method(browser: HtmlBrowser, method: str) -> Page:
    """Choose another way on the step-up page."""
    await browser.submit("other-method")
    return await browser.submit(f"method-{method}")


def passkey_options(page: Page) -> dict[str, Any]:
    """Return what a page hands to the browser's passkey dialog."""
    (text,) = [
        form.attributes["data-passkey-options"] for form in page.document.forms if "data-passkey" in form.attributes
    ]
    options: dict[str, Any] = json.loads(text)
    return options


async def answer_passkey(browser: HtmlBrowser, answer: str) -> Page:
    """Send a passkey's answer from the page that is shown."""
    page = browser.page
    fields = {"csrf": page.document.forms[0].hidden["csrf"], "passkey-answer": answer, "passkey-submit": ""}
    return await post_form(browser, page.url, fields)
