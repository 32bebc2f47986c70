"""Initiating User Registration via OpenID Connect 1.0: prompt=create leads to the sign-up page."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from tests.support.databases import fresh_database
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import parts
from tests.support.provider import Person, Provider, ask, at_once
from tests.support.relying_party import RelyingParty

_numbers = count(1)


@pytest.fixture(scope="session", params=["closed", "invite"])
async def reserved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """A provider where nobody makes an account by themselves."""
    folder = tmp_path_factory.mktemp("reserved")
    settings = {"IDP_REGISTRATION": request.param}
    async with (
        fresh_database("sqlite", folder) as url,
        Provider.running(folder, url, settings=settings) as provider,
    ):
        yield provider


async def sign_up(provider: Provider, browser: HtmlBrowser) -> str:
    """Fill in the sign-up page that is shown and prove the address; return the address."""
    email = f"newcomer{next(_numbers)}@example.org"
    page = await browser.submit("signup-submit", email=email, name="Grace", new_password="a moth in the relay")
    assert page.has("otp-code"), page.describe()
    await provider.deliver()
    mails = (await provider.http.get(f"{provider.issuer}/dev/mailbox.json", params={"to": email})).json()
    code = next(line for line in mails[0]["text"].splitlines() if line.isdigit())
    await browser.submit("otp-submit", otp_code=code)
    return email


async def test_whoever_makes_an_account_comes_back_to_the_client_signed_in(
    provider: Provider, rp: RelyingParty
) -> None:
    """§4: the client gets its answer when the account has been made."""
    async with provider.browser() as browser:
        page = await ask(browser, rp, prompt="create", scope="openid email")
        assert page.name == "signup"
        email = await sign_up(provider, browser)

        answer = await browser.finish(rp, browser.page)

    tokens = await rp.redeem(answer.code)
    body = (await rp.userinfo(tokens.access_token)).body
    assert (body["email"], body["email_verified"]) == (email, True)


async def test_who_is_signed_in_is_asked_to_make_another_account(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser, person: Person
) -> None:
    """§4: rather than answering for whoever happens to be there."""
    await browser.authorize(rp)

    page = await ask(browser, rp, prompt="create")
    assert page.name == "signup"
    await sign_up(provider, browser)
    answer = await browser.finish(rp, browser.page)

    assert parts((await rp.redeem(answer.code)).id_token)[1]["sub"] != person.id


async def test_who_has_an_account_already_signs_in_instead(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser, person: Person
) -> None:
    """§4: it is a wish, not a gate; and whoever turns back is asked for their password."""
    page = await ask(browser, rp, prompt="create")
    page = await browser.open(page.url.replace("/signup/", "/login/"))
    assert page.name == "login"

    answer = await browser.finish(rp, page)

    assert parts((await rp.redeem(answer.code)).id_token)[1]["sub"] == person.id


async def test_cancelling_is_told_to_the_client(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.6."""
    await ask(browser, rp, prompt="create")

    page = await browser.submit("login-cancel")

    assert rp.receive(page.answer()).error == "access_denied"


@pytest.mark.parametrize("beside", ["none", "login", "select_account", "create nonsense"])
async def test_it_does_not_stand_beside_what_contradicts_it(
    rp: RelyingParty, browser: HtmlBrowser, beside: str
) -> None:
    """§4: advised against; one of the two would have to be ignored."""
    assert (await at_once(browser, rp, prompt=f"create {beside}")).error == "invalid_request"
    assert (await ask(browser, rp, prompt="create consent")).name == "signup"


async def test_where_nobody_makes_an_account_it_is_neither_listed_nor_accepted(reserved: Provider) -> None:
    """§4.1, §4.2: prompt_values_supported says where it works."""
    rp = await reserved.client()
    async with reserved.browser() as browser:
        answer = await at_once(browser, rp, prompt="create")

    assert answer.error == "invalid_request"
    assert "create" not in (await reserved.metadata())["prompt_values_supported"]


async def test_where_everybody_may_it_is_listed(provider: Provider) -> None:
    """§4.2."""
    assert "create" in (await provider.metadata())["prompt_values_supported"]
