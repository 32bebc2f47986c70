"""LG17–LG24: further factors that are guessed, reused, raced, or asked for without end (RFC 6238; NIST §3.1.3)."""

import asyncio

import pytest

from tests.support.attacker import post_form
from tests.support.factors import (
    STEP,
    by_method,
    to_step_up,
    with_recovery_codes,
    with_totp,
)
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.letters import letters, subjects
from tests.support.provider import HOUR, MINUTE, Person
from tests.support.relying_party import RelyingParty
from tests.support.target import Target

SESSION = "__Host-idp_session"
ACCOUNT = "/account/sign-in"


async def second_step(provider: Target, person: Person, browser: HtmlBrowser | None = None) -> HtmlBrowser:
    """Return a browser that shows the page of the further factor."""
    browser = browser or provider.browser(person)
    await to_step_up(browser, provider.issuer + ACCOUNT)
    return browser


async def type_code(browser: HtmlBrowser, answer: str) -> Page:
    return await browser.submit("otp-submit", otp_code=answer)


def is_in(browser: HtmlBrowser) -> bool:
    return SESSION in browser.cookies


@pytest.fixture
async def calm(provider: Target) -> Target:
    """The shared provider, after every window of counting has passed."""
    provider.clock.advance(HOUR)
    return provider


async def test_lg17_a_used_code_opens_nothing_again(calm: Target) -> None:
    """In another session, and at the next step of the same one; RFC 6238 §5.2."""
    person = await calm.person()
    app = await with_totp(calm, person)
    used = app.code(calm.clock.now())
    first, second = await second_step(calm, person), await second_step(calm, person)

    assert (await type_code(first, used)).status == 200
    assert is_in(first)
    refused = await type_code(second, used)
    calm.clock.advance(STEP)
    still = await type_code(second, used)

    assert [(page.status, page.name) for page in (refused, still)] == [(403, "step-up")] * 2
    assert not is_in(second)


async def test_lg17_an_older_step_after_a_newer_one_is_refused(calm: Target) -> None:
    person = await calm.person()
    app = await with_totp(calm, person)
    older, newer = app.code(calm.clock.now()), app.code(calm.clock.now() + STEP)
    await type_code(await second_step(calm, person), newer)

    browser = await second_step(calm, person)

    assert (await type_code(browser, older)).status == 403
    assert not is_in(browser)


async def test_lg17_a_code_is_not_taken_for_a_step_up_after_the_sign_in(calm: Target, rp: RelyingParty) -> None:
    person = await calm.person()
    app = await with_totp(calm, person)
    browser, used = await second_step(calm, person), app.code(calm.clock.now())
    await type_code(browser, used)
    calm.clock.advance(STEP)

    await to_step_up(browser, (await rp.authorization_request(prompt="login")).url)
    page = await type_code(browser, used)

    assert (page.status, page.name) == (403, "step-up")


async def test_lg18_a_code_in_fifty_sessions_at_once_opens_one(either: Target) -> None:
    person = await either.person()
    app = await with_totp(either, person)
    browsers = [await second_step(either, person) for _ in range(50)]
    right = app.code(either.clock.now())

    pages = await asyncio.gather(*(type_code(browser, right) for browser in browsers))

    assert sum(is_in(browser) for browser in browsers) == 1
    assert {page.status for page in pages} <= {200, 403, 429}
    assert len(await either.rows("sessions")) == 1


async def test_five_wrong_codes_in_five_minutes_over_all_sessions_then_429_and_a_notice(calm: Target) -> None:
    """RFC 4226 §7.3; while it is throttled right and wrong look the same."""
    person = await calm.person()
    app = await with_totp(calm, person)
    browsers = [await second_step(calm, person) for _ in range(3)]
    wrong = [await type_code(browsers[n % 3], app.wrong(calm.clock.now())) for n in range(5)]

    held = await type_code(browsers[0], app.wrong(calm.clock.now()))
    right = await type_code(browsers[1], app.code(calm.clock.now()))

    assert [page.status for page in wrong] == [403] * 5
    assert [page.status for page in (held, right)] == [429] * 2
    assert int(held.response.headers["retry-after"]) <= 300
    assert not any(is_in(browser) for browser in browsers)
    assert len([each for each in await subjects(calm, person.user.email or "") if "guessing" in each]) == 1
    calm.clock.advance(5 * MINUTE)
    assert (await type_code(browsers[2], app.code(calm.clock.now()))).status == 200


async def test_fifty_guesses_at_once_are_all_counted(either: Target) -> None:
    person = await either.person()
    app = await with_totp(either, person)
    browsers = [await second_step(either, person) for _ in range(50)]
    wrong = app.wrong(either.clock.now())

    pages = await asyncio.gather(*(type_code(browser, wrong) for browser in browsers))

    assert sorted(page.status for page in pages) == [403] * 5 + [429] * 45


async def test_lg20_a_recovery_code_works_once_and_is_told(calm: Target) -> None:
    person = await calm.person()
    await with_totp(calm, person)
    codes = await with_recovery_codes(calm, person)
    first, second = await second_step(calm, person), await second_step(calm, person)
    await by_method(first, "recovery_code")
    await by_method(second, "recovery_code")

    assert (await type_code(first, codes[0].upper())).status == 200
    assert (await type_code(second, codes[0])).status == 403

    assert is_in(first)
    assert not is_in(second)
    told = [text for text in await letters(calm, person.user.email or "") if "recovery code" in text.lower()]
    assert len(told) == 1
    assert "9" in told[0]
    assert not any(code in told[0] for code in codes)


async def test_lg20_of_fifty_uses_at_once_one_succeeds(either: Target) -> None:
    person = await either.person()
    await with_totp(either, person)
    codes = await with_recovery_codes(either, person)
    browsers = [await second_step(either, person) for _ in range(50)]
    for browser in browsers:
        await by_method(browser, "recovery_code")

    await asyncio.gather(*(type_code(browser, codes[0]) for browser in browsers))

    assert sum(is_in(browser) for browser in browsers) == 1
    assert sum(row["spent_at"] is not None for row in await either.rows("recovery_codes")) == 1
    assert len(await either.events("recovery_code_used")) == 1


async def test_lg20_another_persons_code_and_guesses_are_refused(calm: Target) -> None:
    person, other = await calm.person(), await calm.person()
    for each in (person, other):
        await with_totp(calm, each)
        await with_recovery_codes(calm, each)
    theirs = await with_recovery_codes(calm, other)
    browser = await second_step(calm, person)
    await by_method(browser, "recovery_code")

    pages = [await type_code(browser, guess) for guess in (theirs[0], "aaaa-aaaa-aaaa-aaaa", *theirs[1:5])]

    assert [page.status for page in pages] == [403] * 5 + [429]
    assert not is_in(browser)


@pytest.mark.parametrize(
    "answer", ["", " ", "null", "[]", "{}", "0", "true", "[123456]", "１２３４５６", "\0", "-1", "1e5", "9" * 5000]
)  # fmt: skip
async def test_lg31_what_is_no_code_stays_on_the_step(calm: Target, answer: str) -> None:
    person = await calm.person()
    await with_totp(calm, person)
    browser = await second_step(calm, person)
    token = browser.page.document.forms[0].hidden["csrf"]

    page = await post_form(browser, browser.page.url, {"csrf": token, "otp-code": answer, "otp-submit": ""})

    assert page.status in (400, 403)
    assert not is_in(browser)
    assert (await browser.open(browser.page.url)).name == "step-up"


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"otp-submit": ""}, {"otp-code[]": "123456"}, {"OTP-CODE": "123456"}, {"code": "123456"},
        {"passkey-answer": "{}"}, {"passkey-answer": "null"}, {"method": "password"}, {"method": ""},
        {"method": "nothing"}, {"method": "email_otp"}, {"remember": "1"},
    ],
    ids=str,
)  # fmt: skip
async def test_lg31_a_form_that_is_not_filled_in_stays_on_the_step(calm: Target, fields: dict[str, str]) -> None:
    person = await calm.person()
    await with_totp(calm, person)
    browser = await second_step(calm, person)
    url = browser.page.url

    page = await post_form(browser, url, {"csrf": browser.page.document.forms[0].hidden["csrf"], **fields})

    assert page.name == "step-up"
    assert not is_in(browser)
    assert (await browser.open(url)).document.attributes["step-up-ask"]["data-factor"] == "totp"
