"""Attacks on what is approved on another device: guessed codes, forged answers, races, access that was taken back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from idp.domain.user import UserStatus
from idp.policy import lockout
from tests.support.attacker import post_form, signed_in, through
from tests.support.html_browser import HtmlBrowser, Page
from tests.support.polled import Bank, Television, allow, bank, television, to_answer, type_code
from tests.support.provider import MINUTE, SECOND, Person
from tests.support.relying_party import Answer
from tests.support.target import ELSEWHERE, HOME, Target, target

WRONG = "BBBB-BBBB"
OF_SESSION, SESSION_WINDOW = lockout.USER_CODES_OF_SESSION
OF_ACCOUNT, ACCOUNT_WINDOW = lockout.USER_CODES_OF_ACCOUNT
OF_NETWORK, _ = lockout.USER_CODES_OF_NETWORK


@pytest.fixture
async def tv(provider: Target) -> Television:
    """A television."""
    return await television(provider)


@pytest.fixture
async def client(provider: Target) -> Bank:
    """A client that asks people."""
    return await bank(provider)


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[Target]:
    """A provider of the test's own that slows floods down."""
    async with target("sqlite", tmp_path, rate_limits="on") as running:
        yield running


async def guess(browser: HtmlBrowser, code: str = WRONG) -> Page:
    """Type a code at the page of devices."""
    await browser.open(f"{urlsplit(browser.page.url)._replace(path='/device', query='').geturl()}")
    return await browser.submit("user-code-submit", user_code=code)


async def test_a_session_that_guesses_codes_must_wait_and_right_codes_look_like_wrong_ones(
    provider: Target, tv: Television, person: Person
) -> None:
    """RFC 8628 §5.1."""
    begun = await tv.begin()
    browser = await signed_in(provider, person)
    assert [(await guess(browser)).status for _ in range(OF_SESSION)] == [403] * OF_SESSION

    wrong = await guess(browser)
    right = await guess(browser, begun.body["user_code"])

    assert (wrong.status, right.status) == (429, 429)
    assert wrong.text("device-error") == right.text("device-error")
    assert int(right.response.headers["retry-after"]) == SESSION_WINDOW.total_seconds()
    assert (await tv.poll(begun)).error == "authorization_pending"
    provider.clock.advance(SESSION_WINDOW)
    assert (await guess(browser, (await tv.begin()).body["user_code"])).name == "consent"


async def test_a_right_code_of_ones_own_gives_no_new_guesses(provider: Target, tv: Television, person: Person) -> None:
    browser = await signed_in(provider, person)
    for _ in range(OF_SESSION - 1):
        await guess(browser)

    assert (await guess(browser, (await tv.begin()).body["user_code"])).name == "consent"
    assert (await guess(browser)).status == 429


async def test_an_account_that_guesses_from_many_sessions_must_wait(
    provider: Target, tv: Television, person: Person
) -> None:
    statuses = []
    for _ in range(OF_ACCOUNT // OF_SESSION + 1):
        browser = await signed_in(provider, person)
        statuses += [(await guess(browser)).status for _ in range(OF_SESSION)]

    assert statuses[:OF_ACCOUNT] == [403] * OF_ACCOUNT
    assert set(statuses[OF_ACCOUNT:]) == {429}


async def test_a_network_that_guesses_from_many_accounts_must_wait_and_others_need_not(limited: Target) -> None:
    statuses = []
    for _ in range(OF_NETWORK // OF_SESSION + 1):
        person = await limited.person()
        browser = limited.browser_at(person, ELSEWHERE)
        await browser.open(f"{limited.issuer}/account/sign-in")
        await browser.sign_in()
        statuses += [(await guess(browser)).status for _ in range(OF_SESSION)]

    assert statuses[:OF_NETWORK] == [403] * OF_NETWORK
    assert set(statuses[OF_NETWORK:]) == {429}
    at_home = limited.browser_at(await limited.person(), HOME)
    await at_home.open(f"{limited.issuer}/account/sign-in")
    await at_home.sign_in()
    assert (await guess(at_home)).status == 403


async def test_a_network_that_begins_very_many_device_authorizations_must_wait(limited: Target) -> None:
    tv = await television(limited)

    answers = [await tv.begin() for _ in range(lockout.DEVICE_REQUESTS + 1)]

    assert [answer.status for answer in answers] == [200] * lockout.DEVICE_REQUESTS + [429]
    assert "retry-after" in answers[-1].headers


async def test_no_other_site_can_type_a_code_or_answer(provider: Target, tv: Television, person: Person) -> None:
    begun = await tv.begin()
    browser = await signed_in(provider, person)
    page = await browser.open(begun.body["verification_uri_complete"])
    fields = {"csrf": page.document.forms[0].hidden["csrf"], "user-code": begun.body["user_code"]}

    forged = await browser.post_from_elsewhere(f"{provider.issuer}/device", fields)
    bare = await post_form(browser, f"{provider.issuer}/device", {"user-code": begun.body["user_code"]})

    assert (forged.status, bare.status) == (403, 403)
    page = await type_code(browser, begun)
    assert page.name == "consent"
    assert (await post_form(browser, page.url, {"consent-allow": "1"})).status == 403
    assert (await tv.poll(begun)).error == "authorization_pending"


async def test_a_link_with_the_code_allows_nothing_however_often_it_is_opened(
    provider: Target, tv: Television, person: Person
) -> None:
    """RFC 8628 §5.4: remote phishing."""
    begun = await tv.begin()
    browser = await signed_in(provider, person)

    for _ in range(3):
        assert (await browser.open(begun.body["verification_uri_complete"])).name == "device"

    assert (await tv.poll(begun)).error == "authorization_pending"


async def test_what_stands_in_the_link_is_shown_as_a_code_or_not_at_all(provider: Target, person: Person) -> None:
    browser = await signed_in(provider, person)

    for sent in ("%22%3E%3Cscript%3E", "AEIO-UAEI", "%00", "B" * 300):
        page = await browser.open(f"{provider.issuer}/device?user_code={sent}")
        assert page.document.attributes["user-code"]["value"] == ""


@pytest.mark.parametrize("channel", ["device", "ciba"])
async def test_of_two_polls_at_once_one_gets_tokens(either: Target, channel: str) -> None:
    person = await either.person()
    browser = either.browser(person)
    thing, begun = await _approved(either, browser, person, channel)
    async with either.twin() as twin:
        polls = [thing, type(thing)(through(twin, thing.rp))] * 3
        answers = await asyncio.gather(*(each.poll(begun) for each in polls))

    assert sorted(answer.status for answer in answers) == [200] + [400] * 5
    assert {answer.error for answer in answers if answer.status == 400} == {"invalid_grant"}


async def _approved(
    provider: Target, browser: HtmlBrowser, person: Person, channel: str
) -> tuple[Television | Bank, Answer]:
    if channel == "device":
        tv = await television(provider)
        begun = await tv.begin()
        await allow(browser, begun)
        return tv, begun
    client = await bank(provider)
    asked = await client.ask(person)
    await to_answer(browser, provider.issuer)
    await browser.submit("consent-allow")
    return client, asked


@pytest.mark.parametrize("channel", ["device", "ciba"])
@pytest.mark.parametrize("what", ["disabled", "signed out", "app removed", "client disabled"])
async def test_what_was_approved_dies_with_person_session_consent_and_client(
    provider: Target, browser: HtmlBrowser, person: Person, channel: str, what: str
) -> None:
    thing, begun = await _approved(provider, browser, person, channel)

    match what:
        case "disabled":
            async with provider.site.transactions.open(write=True) as stores:
                await stores.users.set_status(person.id, UserStatus.DISABLED, provider.clock.now())
        case "signed out":
            await browser.open(f"{provider.issuer}/end_session")
            await browser.submit("logout-yes")
        case "app removed":
            await browser.open(f"{provider.issuer}/account/apps")
            form = next(each for each in browser.page.document.forms if each.controls[-1].name == "app-remove")
            fields = {"csrf": form.hidden["csrf"], "app-remove": thing.rp.client_id}
            await post_form(browser, browser.page.url, fields)
        case _:
            registered = await provider.site.clients.find(thing.rp.client_id)
            assert registered is not None
            await provider.site.clients.set_active(registered, is_active=False)
            await provider.settle()

    answer = await thing.poll(begun)
    assert answer.error == ("invalid_client" if what == "client disabled" else "invalid_grant")


async def test_codes_of_one_kind_open_nothing_of_another(
    provider: Target, browser: HtmlBrowser, person: Person, tv: Television, client: Bank
) -> None:
    both = await television(
        provider, token_endpoint_auth_method="client_secret_basic",
        grant_types=["urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba"],
    )  # fmt: skip
    begun = await both.begin()
    asked = await Bank(both.rp).ask(person)
    device_code, auth_req_id = begun.body["device_code"], asked.body["auth_req_id"]

    for crossed in (
        await both.poll(begun, device_code=auth_req_id),
        await Bank(both.rp).poll(asked, auth_req_id=device_code),
        await both.poll(begun, device_code=begun.body["user_code"]),
    ):
        assert crossed.error == "invalid_grant"


async def test_random_codes_run_into_the_limit_of_the_token_endpoint(limited: Target) -> None:
    tv = await television(limited)
    begun = await tv.begin()

    answers = [await tv.poll(begun, device_code="x" * 43) for _ in range(lockout.RANDOM_TOKENS + 1)]

    assert [answer.status for answer in answers] == [400] * lockout.RANDOM_TOKENS + [429]


async def test_secrets_are_stored_as_digests_only(fresh: Target) -> None:
    tv, client, person = await television(fresh), await bank(fresh), await fresh.person()
    begun, asked = await tv.begin(), await client.ask(person, binding_message="the very secret message")

    stored = repr(await fresh.rows("device_requests")) + repr(await fresh.rows("ciba_requests"))

    for secret in (begun.body["device_code"], asked.body["auth_req_id"], "the very secret message"):
        assert secret not in stored
        assert secret.encode().hex() not in stored


async def test_many_clients_at_once_cannot_put_more_than_three_questions_to_a_person(either: Target) -> None:
    person, client = await either.person(), await bank(either)
    async with either.twin() as twin:
        askers = [client, Bank(through(twin, client.rp))] * 4
        answers = await asyncio.gather(*(each.ask(person) for each in askers))

    assert sorted(answer.status for answer in answers) == [200] * lockout.CIBA_REQUESTS + [403] * 5
    either.clock.advance(5 * MINUTE)
    assert (await client.ask(person)).status == 200


async def test_requests_of_a_second_send_a_person_no_more_messages_than_others(provider: Target) -> None:
    person, client = await provider.person(), await bank(provider)
    asked = [await client.ask(person, requested_expiry="1") for _ in range(lockout.CIBA_REQUESTS)]
    assert {answer.status for answer in asked} == {200}

    provider.clock.advance(5 * MINUTE - SECOND)
    assert (await client.ask(person, requested_expiry="1")).status == 403
    provider.clock.advance(SECOND)
    assert (await client.ask(person, requested_expiry="1")).status == 200
