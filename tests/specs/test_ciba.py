"""CIBA Core 1.0: a client asks, a person answers on their own device, the client polls."""

import re
from datetime import timedelta

import pytest

from idp.domain.assurance import LOA1V
from idp.domain.user import UserStatus
from tests.support.html_browser import HtmlBrowser
from tests.support.letters import code
from tests.support.polled import CIBA, Bank, bank, to_answer
from tests.support.provider import START, HandClock, Person, Provider
from tests.support.relying_party import Answer, RelyingParty

SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
LIFE = timedelta(minutes=5)


@pytest.fixture
async def client(provider: Provider) -> Bank:
    """A client that polls."""
    return await bank(provider)


@pytest.fixture
async def asked(client: Bank, person: Person) -> Answer:
    """What it was told when it asked its person."""
    answer = await client.ask(person, binding_message="Pay 12 to Ada")
    assert answer.status == 200, answer.text
    return answer


# §4: metadata and registration


async def test_the_metadata_says_what_is_offered_and_that_push_and_user_codes_are_not(provider: Provider) -> None:
    """CIBA §4."""
    metadata = await provider.metadata()

    assert metadata["backchannel_authentication_endpoint"] == f"{provider.issuer}/ciba"
    assert metadata["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]
    assert metadata["backchannel_authentication_request_signing_alg_values_supported"] == [
        "PS256", "ES256", "EdDSA", "Ed25519",
    ]  # fmt: skip
    assert metadata["backchannel_user_code_parameter_supported"] is False
    assert CIBA in metadata["grant_types_supported"]


# §7.1: asking


async def test_a_client_that_is_not_registered_for_it_asks_nobody(rp: RelyingParty, person: Person) -> None:
    """CIBA §7.1."""
    answer = await Bank(rp).ask(person)

    assert (answer.status, answer.error) == (400, "unauthorized_client")
    assert (await Bank(rp).poll(Answer(200, answer.headers, {"auth_req_id": "x"}))).error == "unauthorized_client"


async def test_whoever_proves_no_client_asks_nobody(provider: Provider, client: Bank, person: Person) -> None:
    """CIBA §7.1."""
    fields = {"client_id": client.rp.client_id, "scope": "openid", "login_hint": person.username}

    for each in (fields, fields | {"client_id": "nobody"}, fields | {"client_secret": "wrong"}):
        answer = await provider.http.post(f"{provider.issuer}/ciba", data=each)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_public_client_asks_nobody(provider: Provider, person: Person) -> None:
    """CIBA §4: never `none`."""
    public = Bank(await provider.client(method="none"))

    assert (await public.ask(person)).error == "invalid_client"


@pytest.mark.parametrize("scope", [None, "", "profile", "openidx"])
async def test_openid_is_required(client: Bank, person: Person, scope: str | None) -> None:
    """CIBA §7.1."""
    answer = await client.ask(person, scope=scope)

    assert (answer.status, answer.error) == (400, "invalid_scope")


async def test_exactly_one_hint_is_needed(client: Bank, person: Person) -> None:
    """CIBA §7.1."""
    for changes in (
        {"login_hint": None},
        {"id_token_hint": "x"},
        {"login_hint_token": "x"},
        {"login_hint": None, "login_hint_token": "x"},
    ):
        answer = await client.ask(person, **changes)
        assert (answer.status, answer.error) == (400, "invalid_request"), changes


@pytest.mark.parametrize("hint", ["nobody", "nobody@example.org", "x" * 3000, "<b>"])
async def test_a_hint_that_leads_to_nobody_is_told_so(client: Bank, hint: str) -> None:
    """CIBA §13: unknown_user_id."""
    answer = await client.ask(login_hint=hint)

    assert (answer.status, answer.error) == (400, "unknown_user_id")


async def test_a_name_and_an_address_lead_to_the_same_person(client: Bank, person: Person) -> None:
    """CIBA §7.1."""
    for hint in (person.username, person.user.email, (person.user.email or "").upper()):
        assert (await client.ask(login_hint=hint)).status == 200


async def test_an_id_token_leads_to_its_person_if_it_is_ours_for_this_client(
    provider: Provider, client: Bank, browser: HtmlBrowser, asked: Answer, tokens: Answer
) -> None:
    """CIBA §7.1."""
    await to_answer(browser, provider.issuer)
    await browser.submit("consent-allow")
    own = (await client.poll(asked)).id_token

    for wrong in (tokens.id_token, own[:-8] + "AAAAAAAA", "x", "a.b.c"):
        answer = await client.ask(id_token_hint=wrong)
        assert (answer.status, answer.error) == (400, "invalid_request")
    provider.clock.advance(timedelta(hours=1))
    assert (await client.ask(id_token_hint=own)).status == 200, "expired is good enough for a hint"


@pytest.mark.parametrize("message", ["x" * 65, "two\nlines", "\u202eevil", " ", "bell\a"])
async def test_a_message_that_cannot_be_shown_is_refused(client: Bank, person: Person, message: str) -> None:
    """CIBA §13: invalid_binding_message."""
    answer = await client.ask(person, binding_message=message)

    assert (answer.status, answer.error) == (400, "invalid_binding_message")


@pytest.mark.parametrize("message", ["x" * 64, "W4SCT", "Überweisung: 12 €"])
async def test_a_message_of_64_printable_characters_is_taken(client: Bank, person: Person, message: str) -> None:
    """CIBA §7.1."""
    assert (await client.ask(person, binding_message=message)).status == 200


@pytest.mark.parametrize("wrong", ["0", "-1", "1.5", "soon", "1e3", " 60"])
async def test_a_life_that_is_no_positive_integer_is_refused(client: Bank, person: Person, wrong: str) -> None:
    """CIBA §7.1."""
    assert (await client.ask(person, requested_expiry=wrong)).error == "invalid_request"


@pytest.mark.parametrize(("asked", "seconds"), [(None, 300), ("30", 30), ("600", 600), ("601", 600), ("86400", 600)])
async def test_a_request_lives_as_asked_five_minutes_unless_asked_and_ten_at_most(
    client: Bank, person: Person, clock: HandClock, asked: str | None, seconds: int
) -> None:
    """CIBA §7.1, §7.3: the last moment counts, the next one does not."""
    answer = await client.ask(person, requested_expiry=asked)
    assert answer.body["expires_in"] == seconds

    clock.advance(seconds * SECOND - TICK)
    assert (await client.poll(answer)).error == "authorization_pending"
    clock.advance(TICK)
    assert (await client.poll(answer)).error == "expired_token"


async def test_the_answer_has_what_a_client_needs_and_no_cache_keeps_it(asked: Answer) -> None:
    """CIBA §7.3: at least 128 bits, of these characters only."""
    assert asked.body.keys() == {"auth_req_id", "expires_in", "interval"}
    assert re.fullmatch(r"[A-Za-z0-9._-]{43,}", asked.body["auth_req_id"])
    assert (asked.body["expires_in"], asked.body["interval"]) == (300, 5)
    assert asked.headers["cache-control"] == "no-store"


async def test_other_methods_parameters_in_the_url_and_twice_are_refused(
    provider: Provider, client: Bank, person: Person
) -> None:
    """CIBA §7.1."""
    got = await provider.http.get(f"{provider.issuer}/ciba")
    twice = await client.rp.post(
        "backchannel_authentication_endpoint",
        [("scope", "openid"), ("login_hint", person.username), ("login_hint", "another")],
    )

    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert twice.error == "invalid_request"


async def test_whoever_may_not_sign_in_is_not_asked(provider: Provider, client: Bank, person: Person) -> None:
    """CIBA §13."""
    async with provider.site.transactions.open(write=True) as stores:
        await stores.users.set_status(person.id, UserStatus.DISABLED, provider.clock.now())

    answer = await client.ask(person)

    assert (answer.status, answer.error) == (403, "access_denied")


async def test_at_most_three_requests_wait_for_one_person(
    provider: Provider, client: Bank, person: Person, browser: HtmlBrowser, clock: HandClock
) -> None:
    """CIBA §13: access_denied."""
    other = await bank(provider)
    assert [(await each.ask(person)).status for each in (client, other, client)] == [200] * 3

    answer = await other.ask(person)
    assert (answer.status, answer.error) == (403, "access_denied")
    assert (await client.ask(await provider.person())).status == 200

    await to_answer(browser, provider.issuer)
    await browser.submit("consent-deny")
    assert (await other.ask(person)).status == 200, "an answer makes room"
    assert (await other.ask(person)).status == 403
    clock.advance(LIFE)
    assert (await other.ask(person)).status == 200, "and so does time"


# §8: the person


async def test_the_person_learns_of_it_by_mail_and_on_their_account(
    provider: Provider, person: Person, browser: HtmlBrowser, asked: Answer
) -> None:
    """CIBA §8."""
    (mail, *_) = await provider.mail_to(person)
    assert "Harbour Bank" in mail["text"]
    assert "Pay 12 to Ada" in mail["text"]
    (link,) = re.findall(rf"{provider.issuer}/ciba/approve/\S+", mail["text"])

    assert (await browser.open(link)).name == "login"
    page = await browser.sign_in()

    assert page.name == "ciba"
    assert (await browser.open(f"{provider.issuer}/account")).has("waiting-requests")


async def test_the_page_shows_client_message_scopes_and_place(
    provider: Provider, browser: HtmlBrowser, asked: Answer
) -> None:
    """CIBA §8."""
    page = await to_answer(browser, provider.issuer)

    assert page.name == "ciba"
    assert page.document.title.startswith("Approve a request")
    assert page.text("consent-client") == "Harbour Bank"
    assert page.text("binding-message") == "Pay 12 to Ada"
    assert page.has("consent-scopes")
    assert "127.0.0.1" in page.text("approval-facts")


async def test_nobody_else_can_see_or_answer_it(
    provider: Provider, client: Bank, browser: HtmlBrowser, asked: Answer
) -> None:
    """CIBA §8."""
    url = (await to_answer(browser, provider.issuer)).url
    async with provider.site.transactions.open(write=False) as stores:
        (waiting,) = await stores.ciba_requests.open_of((await _person_of(provider, browser)).id, provider.clock.now())
    async with provider.browser(await provider.person()) as other:
        await other.open(f"{provider.issuer}/account/sign-in")
        await other.sign_in()

        theirs = await other.open(f"{provider.issuer}/ciba/approve/{waiting.id}")
        unknown = await other.open(f"{provider.issuer}/ciba/approve/nothing")
        taken = await other.open(url)

        assert (theirs.status, theirs.name) == (unknown.status, unknown.name) == (404, "notice")
        assert theirs.document.texts["notice"] == unknown.document.texts["notice"]
        assert taken.name == "notice"
    assert (await client.poll(asked)).error == "authorization_pending"


async def _person_of(provider: Provider, browser: HtmlBrowser) -> Person:
    async with provider.site.transactions.open(write=False) as stores:
        user = await stores.users.find_by_name(browser.username)
    assert user is not None
    return Person(user, browser.username)


async def test_somebody_else_who_signs_in_meanwhile_decides_nothing(
    provider: Provider, client: Bank, browser: HtmlBrowser, asked: Answer
) -> None:
    """CIBA §8."""
    page = await to_answer(browser, provider.issuer)
    other = await provider.person()
    for name in [name for name in browser.cookies if name.endswith("session")]:
        browser.cookies.delete(name)
    browser.username = other.username
    await browser.open(f"{provider.issuer}/account/sign-in")
    await browser.sign_in()

    after = await browser.open(page.url)

    assert after.name == "answered"
    assert after.document.attributes["answered"]["data-outcome"] == "late"
    assert (await client.poll(asked)).error == "authorization_pending"


async def test_consent_is_asked_each_time(provider: Provider, browser: HtmlBrowser, person: Person) -> None:
    """CIBA §8."""
    client = await bank(provider, is_first_party=True)
    for _ in range(2):
        asked = await client.ask(person)
        page = await to_answer(browser, provider.issuer)
        assert page.name == "ciba"
        await browser.submit("consent-allow")
        assert (await client.poll(asked)).status == 200


# §10, §11: polling


async def test_tokens_come_after_the_person_agreed_and_only_once(
    provider: Provider, client: Bank, browser: HtmlBrowser, person: Person, asked: Answer
) -> None:
    """CIBA §11."""
    assert (await client.poll(asked)).error == "authorization_pending"
    assert (await client.poll(asked)).error == "slow_down"
    await to_answer(browser, provider.issuer)
    page = await browser.submit("consent-allow")
    assert page.document.attributes["answered"]["data-outcome"] == "allowed"

    tokens = await client.poll(asked)

    claims = await client.rp.check_id_token(tokens)
    assert claims["sub"] == person.id
    assert claims.keys() >= {"auth_time", "acr", "amr", "sid"}
    assert "urn:openid:params:jwt:claim:auth_req_id" not in claims, "only push binds an ID token to its request"
    assert (await client.poll(asked)).error == "invalid_grant"
    assert (await client.rp.refresh(tokens.refresh_token)).status == 200


async def test_a_refusal_reaches_the_client(
    provider: Provider, client: Bank, browser: HtmlBrowser, asked: Answer
) -> None:
    """CIBA §11."""
    await to_answer(browser, provider.issuer)
    await browser.submit("consent-deny")

    answer = await client.poll(asked)

    assert (answer.status, answer.error) == (400, "access_denied")


async def test_an_auth_req_id_of_another_client_is_unknown_and_lives(
    provider: Provider, client: Bank, browser: HtmlBrowser, asked: Answer
) -> None:
    """CIBA §11."""
    other = await bank(provider)
    await to_answer(browser, provider.issuer)
    await browser.submit("consent-allow")

    for auth_req_id in (asked.body["auth_req_id"], "x" * 43):
        assert (await other.poll(asked, auth_req_id=auth_req_id)).error == "invalid_grant"
    assert (await other.poll(asked, auth_req_id=None)).error == "invalid_request"

    assert (await client.poll(asked)).status == 200


async def test_a_request_that_nobody_answered_in_time_has_expired(
    provider: Provider, client: Bank, browser: HtmlBrowser, clock: HandClock, asked: Answer
) -> None:
    """CIBA §11."""
    page = await to_answer(browser, provider.issuer)
    clock.advance(LIFE)

    assert (await client.poll(asked)).error == "expired_token"
    browser.show(page)
    assert (await browser.submit("consent-allow")).document.attributes["answered"]["data-outcome"] == "late"
    assert not (await browser.open(f"{provider.issuer}/account")).has("waiting-requests")


async def test_acr_values_ask_for_more_and_the_token_says_what_was_proved(
    provider: Provider, client: Bank, browser: HtmlBrowser, person: Person
) -> None:
    """CIBA §11."""
    asked = await client.ask(person, acr_values="urn:unknown " + LOA1V)
    page = await to_answer(browser, provider.issuer)
    assert page.name == "step-up"
    assert (await client.poll(asked)).error == "authorization_pending"
    page = await browser.submit("otp-submit", otp_code=await code(provider, person.user.email or ""))
    assert page.name == "ciba"
    await browser.submit("consent-allow")

    claims = await client.rp.check_id_token(await client.poll(asked))

    assert claims["acr"] == LOA1V
    assert "otp" in claims["amr"]


async def test_who_asked_and_who_answered_stands_in_the_trail(
    provider: Provider, client: Bank, browser: HtmlBrowser, person: Person, asked: Answer
) -> None:
    """CIBA §11."""
    await to_answer(browser, provider.issuer)
    await browser.submit("consent-allow")

    async with provider.site.transactions.open(write=False) as stores:
        events = await stores.events.of_user(person.id, limit=20)
        refused = await stores.events.refused_of_client(client.rp.client_id, START, limit=5)

    (approved,) = [each for each in events if each.kind == "request_approved"]
    assert approved.client_id == client.rp.client_id
    assert approved.detail["channel"] == "ciba"
    assert not refused
