"""prompt, max_age and default_max_age – OIDC Core §3.1.2.1, §3.1.2.3, §3.1.2.6."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import SECOND, HandClock, Person, Provider, ask, at_once
from tests.support.relying_party import Answer, AuthorizationAnswer, RelyingParty

TICK = timedelta(microseconds=1)


async def auth_time(rp: RelyingParty, answer: AuthorizationAnswer) -> int:
    """Redeem a code and return when the person signed in."""
    tokens = await rp.redeem(answer.code)
    return int((await rp.check_id_token(tokens, rp.codes[answer.code]))["auth_time"])


@pytest.mark.parametrize(
    "prompt", ["none login", "none none", "login none consent", "nonsense", "LOGIN", "login,consent"]
)
async def test_none_stands_alone_and_other_words_are_unknown(
    rp: RelyingParty, browser: HtmlBrowser, prompt: str
) -> None:
    """OIDC Core §3.1.2.1: an error is returned."""
    assert (await at_once(browser, rp, prompt=prompt)).error == "invalid_request"


async def test_none_and_nobody_signed_in_is_login_required(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.6."""
    answer = await at_once(browser, rp, prompt="none")

    assert (answer.error, answer.mode) == ("login_required", "query")
    assert answer.parameters.keys() == {"error", "error_description", "iss", "state"}


async def test_none_without_consent_is_consent_required(
    provider: Provider, browser: HtmlBrowser, tokens: Answer
) -> None:
    """OIDC Core §3.1.2.6: somebody is signed in, but has not agreed to this client."""
    other = await provider.client()

    assert (await at_once(browser, other, prompt="none")).error == "consent_required"
    assert tokens.status == 200


async def test_none_with_everything_in_place_answers_at_once(
    rp: RelyingParty, browser: HtmlBrowser, clock: HandClock
) -> None:
    """OIDC Core §3.1.2.3: the same person, and the auth_time of the login, not of now."""
    first = await auth_time(rp, await browser.answer(rp))
    clock.advance(3600 * SECOND)

    assert await auth_time(rp, await at_once(browser, rp, prompt="none")) == first


async def test_none_after_the_session_ended_is_login_required(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.6."""
    await browser.authorize(rp)
    await browser.open(f"{rp.issuer}/end_session")
    await browser.submit("logout-yes")

    assert (await at_once(browser, rp, prompt="none")).error == "login_required"


async def test_login_asks_again_and_tells_the_new_time(
    rp: RelyingParty, browser: HtmlBrowser, clock: HandClock
) -> None:
    """OIDC Core §3.1.2.1: re-authentication, although there is a session."""
    first = await auth_time(rp, await browser.answer(rp))
    clock.advance(2 * SECOND)

    page = await ask(browser, rp, prompt="login")
    answer = await browser.finish(rp, page)

    assert page.name == "login"
    assert await auth_time(rp, answer) == first + 2


async def test_login_asks_each_request_anew(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1: what was proved for one request counts for that request only."""
    await browser.answer(rp, prompt="login")

    assert (await ask(browser, rp, prompt="login")).name == "login"


async def test_a_cancelled_login_changes_nothing(rp: RelyingParty, browser: HtmlBrowser, clock: HandClock) -> None:
    """OIDC Core §3.1.2.6: access_denied, and whoever was signed in still is, since when they were."""
    first = await auth_time(rp, await browser.answer(rp))
    clock.advance(2 * SECOND)
    await ask(browser, rp, prompt="login")

    page = await browser.submit("login-cancel")

    assert rp.receive(AuthorizationAnswer.from_url(page.location or "")).error == "access_denied"
    assert await auth_time(rp, await at_once(browser, rp, prompt="none")) == first


async def test_consent_shows_the_page_always(provider: Provider, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1: to everybody, remembered or first-party."""
    for rp in (await provider.client(), await provider.client(is_first_party=True)):
        await browser.authorize(rp)

        assert (await ask(browser, rp, prompt="consent")).name == "consent"
        assert (await browser.submit("consent-allow")).location


async def test_select_account_lets_the_person_go_on(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1."""
    first = await auth_time(rp, await browser.answer(rp))

    page = await ask(browser, rp, prompt="select_account")
    answer = await browser.finish(rp, await browser.submit("account-continue"))

    assert page.name == "accounts"
    assert await auth_time(rp, answer) == first


async def test_select_account_lets_the_person_be_somebody_else(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """OIDC Core §3.1.2.1."""
    other = await provider.person()
    await browser.authorize(rp)
    await ask(browser, rp, prompt="select_account")

    page = await browser.submit("account-other")
    browser.username, browser.password = other.username, other.password
    answer = await browser.finish(rp, page)

    assert page.name == "login"
    assert (await rp.check_id_token(await rp.redeem(answer.code), rp.codes[answer.code]))["sub"] == other.id


async def test_select_account_with_nobody_signed_in_is_the_sign_in_page(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1: there is nothing to choose from."""
    assert (await ask(browser, rp, prompt="select_account")).name == "login"
    assert (await browser.finish(rp, browser.page)).code


async def test_several_words_are_all_obeyed(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1: a space-delimited list."""
    await browser.authorize(rp)

    shown = [await ask(browser, rp, prompt="consent login select_account")]
    shown.append(await browser.submit("account-continue"))
    shown.append(await browser.sign_in())
    end = await browser.submit("consent-allow")

    assert [page.name for page in shown] == ["accounts", "login", "consent"]
    assert rp.receive(AuthorizationAnswer.from_url(end.location or "")).code


@pytest.mark.parametrize("max_age", ["-1", "1.5", "abc", "1e3", "+1", " 1", "0x1", "١", "1 1", "9" * 400])
async def test_max_age_is_a_plain_non_negative_integer(rp: RelyingParty, browser: HtmlBrowser, max_age: str) -> None:
    """OIDC Core §3.1.2.1."""
    assert (await at_once(browser, rp, max_age=max_age)).error == "invalid_request"


@pytest.mark.parametrize(("waited", "shown"), [(10 * SECOND, None), (10 * SECOND + TICK, "login")])
async def test_max_age_is_compared_with_the_true_time_of_login(
    rp: RelyingParty, browser: HtmlBrowser, clock: HandClock, waited: timedelta, shown: str | None
) -> None:
    """OIDC Core §3.1.2.1: on both sides of the limit."""
    await browser.authorize(rp)
    clock.advance(waited)

    assert (await ask(browser, rp, max_age="10")).name == shown


@pytest.mark.parametrize("max_age", ["10000", "9999999999", "999999999999999"])
async def test_an_age_that_nobody_reaches_asks_nobody(rp: RelyingParty, browser: HtmlBrowser, max_age: str) -> None:
    """OIDC Core §3.1.2.1: large numbers are numbers."""
    await browser.authorize(rp)

    assert (await at_once(browser, rp, max_age=max_age)).code


async def test_max_age_zero_is_prompt_login(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1: and it ends once the person has signed in."""
    await browser.authorize(rp)

    page = await ask(browser, rp, max_age="0")

    assert page.name == "login"
    assert (await browser.finish(rp, page)).code


@pytest.mark.parametrize("changes", [{"max_age": "0"}, {"max_age": "5"}])
async def test_none_and_a_login_too_old_is_login_required(
    rp: RelyingParty, browser: HtmlBrowser, clock: HandClock, changes: Mapping[str, str]
) -> None:
    """OIDC Core §3.1.2.6."""
    await browser.authorize(rp)
    clock.advance(6 * SECOND)

    assert (await at_once(browser, rp, prompt="none", **changes)).error == "login_required"


async def test_a_client_may_have_a_default_max_age(provider: Provider, browser: HtmlBrowser) -> None:
    """OIDC Registration §2, default_max_age: the request's own value wins."""
    rp = await provider.client(default_max_age=10)
    await browser.authorize(rp)
    provider.clock.advance(11 * SECOND)

    assert (await ask(browser, rp)).name == "login"
    assert (await at_once(browser, rp, max_age="100")).code


async def test_auth_time_is_told_without_being_asked_for(
    person: Person, rp: RelyingParty, browser: HtmlBrowser, clock: HandClock
) -> None:
    """OIDC Core §2: the time of the login, in whole seconds."""
    assert await auth_time(rp, await browser.answer(rp)) == int(clock.timestamp())
    assert person.id
