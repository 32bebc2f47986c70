"""The policy is asked about approvals for another device, and what it wants comes before anything is allowed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.databases import fresh_database
from tests.support.html_browser import HtmlBrowser
from tests.support.letters import code
from tests.support.polled import bank, television, to_answer, type_code
from tests.support.provider import Person, Provider

POLICY = """
schema = 1
break_glass = { group = "break-glass" }

[[rule]]
id = "devices"
when = { event.in = ["device_approval", "ciba_approval"] }
require = { acr = "loa:2", max_age = "5m" }
unenrolled = "verify_email"
"""


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider that asks for more whenever something is allowed for another device, and at no other time."""
    folder: Path = tmp_path_factory.mktemp("approvals")
    (folder / "policy.toml").write_text(POLICY)
    settings = {"IDP_POLICY_FILE": str(folder / "policy.toml")}
    async with fresh_database("sqlite", folder) as url, Provider.running(folder, url, settings=settings) as provider:
        yield provider


@pytest.fixture
async def person(provider: Provider) -> Person:
    """Somebody with a proved address."""
    return await provider.person()


@pytest.fixture
async def browser(provider: Provider, person: Person) -> AsyncIterator[HtmlBrowser]:
    """Their browser."""
    async with provider.browser(person) as browser:
        yield browser


async def test_a_sign_in_alone_is_not_asked_for_more(provider: Provider, browser: HtmlBrowser) -> None:
    await browser.open(f"{provider.issuer}/account/sign-in")

    assert (await browser.sign_in()).name == "home"


async def test_a_device_is_allowed_only_after_the_step_up_that_the_policy_wants(
    provider: Provider, browser: HtmlBrowser, person: Person
) -> None:
    tv = await television(provider)
    begun = await tv.begin()

    page = await type_code(browser, begun)
    assert page.name == "step-up", page.describe()
    assert (await tv.poll(begun)).error == "authorization_pending"
    page = await browser.submit("otp-submit", otp_code=await code(provider, person.user.email or ""))
    assert page.name == "consent"
    await browser.submit("consent-allow")

    claims = await tv.rp.check_id_token(await tv.poll(begun))
    assert "otp" in claims["amr"]


async def test_a_request_is_approved_only_after_the_step_up_that_the_policy_wants(
    provider: Provider, browser: HtmlBrowser, person: Person
) -> None:
    client = await bank(provider)
    asked = await client.ask(person)

    page = await to_answer(browser, provider.issuer)
    assert page.name == "step-up", page.describe()
    page = await browser.submit("otp-submit", otp_code=await code(provider, person.user.email or ""))
    assert page.name == "ciba"
    await browser.submit("consent-allow")

    assert "otp" in (await client.rp.check_id_token(await client.poll(asked)))["amr"]


async def test_who_cancels_the_step_up_refuses(provider: Provider, browser: HtmlBrowser, person: Person) -> None:
    client = await bank(provider)
    asked = await client.ask(person)
    await to_answer(browser, provider.issuer)

    page = await browser.submit("login-cancel")

    assert page.document.attributes["answered"]["data-outcome"] == "denied"
    assert (await client.poll(asked)).error == "access_denied"
