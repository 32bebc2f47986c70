"""LG21–LG24: codes by mail and SMS: foreign ones, endless ones, and where they must not stand (NIST §3.1.3)."""

import json
from pathlib import Path

import pytest

from tests.support.factors import asked, attempt_of, catalog, to_step_up, with_phone
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.letters import code, letters
from tests.support.provider import HOUR, SECOND, Person
from tests.support.relying_party import RelyingParty
from tests.support.target import ELSEWHERE, Target, target

SESSION = "__Host-idp_session"


@pytest.fixture
async def calm(provider: Target) -> Target:
    """The shared provider, after every window of counting has passed."""
    provider.clock.advance(HOUR)
    return provider


async def type_code(browser: HtmlBrowser, answer: str) -> Page:
    return await browser.submit("otp-submit", otp_code=answer)


def is_in(browser: HtmlBrowser) -> bool:
    return SESSION in browser.cookies


async def at_mail_step(provider: Target, person: Person, rp: RelyingParty) -> HtmlBrowser:
    """Return a browser in which a code was sent by mail."""
    claims = json.dumps({"id_token": {"acr": {"essential": True, "value": "urn:idp:loa:1v"}}})
    browser = provider.browser(person)
    await to_step_up(browser, (await rp.authorization_request(claims=claims)).url)
    return browser


async def test_lg21_a_code_sent_in_another_session_is_refused(calm: Target, rp: RelyingParty) -> None:
    person = await calm.person()
    own = await at_mail_step(calm, person, rp)
    await letters(calm, person.user.email or "")  # delivered, so that the next one is the newest
    calm.clock.advance(SECOND)
    foreign = await at_mail_step(calm, person, rp)
    sent_to_foreign = await code(calm, person.user.email or "")

    page = await type_code(own, sent_to_foreign)

    assert (page.status, page.name) == (403, "step-up")
    assert not is_in(own)
    assert (await type_code(foreign, sent_to_foreign)).name == "consent"


@pytest.mark.parametrize("purpose", ["change-email", "set-up", "sign-up"])
async def test_lg21_a_code_for_something_else_proves_no_sign_in(calm: Target, rp: RelyingParty, purpose: str) -> None:
    """Also when it was sent to the same address, in the same session."""
    person = await calm.person()
    browser = await at_mail_step(calm, person, rp)
    binding = browser.page.url.rsplit("/", 1)[1]
    async with calm.site.transactions.open(write=True) as stores:
        attempt = attempt_of(stores, person.user, calm.clock.now(), binding=binding, purpose=purpose)
        other = asked(await catalog(calm.site.digester).email_otp.challenge(attempt)).code
    assert other != await code(calm, person.user.email or "")

    page = await type_code(browser, other or "")

    assert (page.status, page.name) == (403, "step-up")
    assert not is_in(browser)


async def test_lg23_a_hundred_resends_send_five(calm: Target, rp: RelyingParty) -> None:
    person = await calm.person()
    browser = await at_mail_step(calm, person, rp)

    pages = [await browser.submit("otp-resend") for _ in range(100)]

    assert [page.status for page in pages] == [200] * 4 + [429] * 96
    assert pages[-1].response.headers["retry-after"]
    assert len(await letters(calm, person.user.email or "")) == 5


async def test_lg23_new_sign_ins_send_no_more_and_reloads_send_none(calm: Target, rp: RelyingParty) -> None:
    person = await calm.person()
    for _ in range(8):
        browser = calm.browser_at(person, ELSEWHERE)
        claims = json.dumps({"id_token": {"acr": {"essential": True, "value": "urn:idp:loa:1v"}}})
        await browser.open((await rp.authorization_request(claims=claims)).url)
        await browser.sign_in()
        await browser.reload()

    assert len(await letters(calm, person.user.email or "")) == 5
    calm.clock.advance(HOUR)
    await at_mail_step(calm, person, rp)
    assert len(await letters(calm, person.user.email or "")) == 6


async def test_lg23_a_resend_gives_no_tries_back(calm: Target, rp: RelyingParty) -> None:
    person = await calm.person()
    browser = await at_mail_step(calm, person, rp)
    for _ in range(5):
        right = await code(calm, person.user.email or "")
        await type_code(browser, f"{(int(right) + 1) % 10**6:06}")
        calm.clock.advance(SECOND)
        await browser.submit("otp-resend")

    page = await type_code(browser, await code(calm, person.user.email or ""))

    assert page.status in (403, 429)
    assert not is_in(browser)


async def test_lg24_a_code_stands_in_its_message_and_nowhere_else(
    capsys: pytest.CaptureFixture[str], fresh: Target
) -> None:
    """Not in body, header, cookie, URL, log, nor in any table as text."""
    person, rp = await fresh.person(), await fresh.client()
    browser = await at_mail_step(fresh, person, rp)
    first = browser.page
    again = await browser.submit("otp-resend")
    stored = {table["name"]: await fresh.rows(table["name"]) for table in await fresh.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'")}  # fmt: skip

    right = await code(fresh, person.user.email or "")

    wrong = await type_code(browser, f"{(int(right) + 1) % 10**6:06}")
    done = await type_code(browser, right)
    for page in (first, again, wrong, done):
        said = page.response.text + repr(page.response.headers.multi_items()) + page.url
        assert right not in said
    assert right not in repr(stored)
    assert right not in "".join(capsys.readouterr())
    assert right not in repr(await fresh.rows("events"))


async def test_lg24_only_part_of_the_destination_is_shown(calm: Target) -> None:
    person = await calm.person()
    await with_phone(calm, person, "+4915123456002")

    browser = calm.browser(person)
    await to_step_up(browser, f"{calm.issuer}/account/sign-in")

    assert "+4915123456002" not in browser.page.response.text
    assert browser.page.text("step-up-ask").count("•") >= 3


async def test_a_code_that_the_operator_does_not_send_is_not_asked_for(tmp_path: Path) -> None:
    async with target("sqlite", tmp_path, sms="off") as provider:
        person = await provider.person()
        await with_phone(provider, person, "+4915123456003")
        browser = provider.browser(person)
        await browser.open(f"{provider.issuer}/account/sign-in")

        assert (await browser.sign_in()).name != "step-up"
