"""Device authorization – RFC 8628: a code on one device, a person on another, polling in between."""

import re
from datetime import timedelta

import pytest

from idp.domain.approval import USER_CODE_LETTERS
from idp.domain.client import Profile
from tests.support.html_browser import HtmlBrowser
from tests.support.polled import DEVICE_CODE, Television, allow, television, type_code
from tests.support.provider import START, HandClock, Person, Provider
from tests.support.relying_party import Answer, RelyingParty

SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
LIFE = timedelta(minutes=10)


@pytest.fixture
async def tv(provider: Provider) -> Television:
    """A television."""
    return await television(provider)


@pytest.fixture
async def begun(tv: Television) -> Answer:
    """What it was told when it asked for a code."""
    answer = await tv.begin()
    assert answer.status == 200, answer.text
    return answer


# §3.1, §3.2: asking for a code


async def test_the_metadata_names_the_endpoint_and_the_grant(provider: Provider) -> None:
    """RFC 8628 §4."""
    metadata = await provider.metadata()

    assert metadata["device_authorization_endpoint"] == f"{provider.issuer}/device_authorization"
    assert DEVICE_CODE in metadata["grant_types_supported"]


async def test_a_client_that_is_not_registered_for_it_gets_no_code(rp: RelyingParty) -> None:
    """RFC 8628 §3.1."""
    answer = await Television(rp).begin()

    assert (answer.status, answer.error) == (400, "unauthorized_client")
    assert (await Television(rp).poll(Answer(200, answer.headers, {"device_code": "x"}))).error == "unauthorized_client"


async def test_whoever_proves_no_client_gets_no_code(provider: Provider) -> None:
    """RFC 8628 §3.1: as at the token endpoint."""
    confidential = await television(provider, token_endpoint_auth_method="client_secret_basic")

    unknown = await confidential.rp.http.post(f"{provider.issuer}/device_authorization", data={"client_id": "nobody"})
    unproved = await confidential.rp.http.post(
        f"{provider.issuer}/device_authorization", data={"client_id": confidential.rp.client_id}
    )

    assert [each.status_code for each in (unknown, unproved)] == [401, 401]
    assert {each.json()["error"] for each in (unknown, unproved)} == {"invalid_client"}
    assert (await confidential.begin()).status == 200


@pytest.mark.parametrize("profile", [Profile.OAUTH21, Profile.OIDC, Profile.NATIVE])
async def test_every_profile_may_use_it(provider: Provider, profile: Profile) -> None:
    """RFC 8628 §3.1."""
    method = "none" if profile is Profile.NATIVE else "client_secret_post"
    tv = await television(provider, token_endpoint_auth_method=method, profile=profile)

    assert (await tv.begin()).status == 200


async def test_a_scope_of_which_none_is_left_is_refused_and_unknown_ones_are_dropped(tv: Television) -> None:
    """RFC 8628 §3.1."""
    assert (await tv.begin(scope="nonsense")).error == "invalid_scope"
    assert (await tv.begin(scope=None)).error == "invalid_scope"
    assert (await tv.begin(scope="openid nonsense")).status == 200


async def test_a_parameter_sent_twice_is_refused(tv: Television) -> None:
    """RFC 8628 §3.1."""
    answer = await tv.rp.post("device_authorization_endpoint", [("scope", "openid"), ("scope", "email")])

    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_other_methods_and_parameters_in_the_url_are_refused(provider: Provider, tv: Television) -> None:
    """RFC 8628 §3.1: POST only."""
    url = f"{provider.issuer}/device_authorization"
    got = await provider.http.get(url)
    queried = await provider.http.post(f"{url}?scope=openid", data={"client_id": tv.rp.client_id})

    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert (queried.status_code, queried.json()["error"]) == (400, "invalid_request")


async def test_the_answer_has_everything_a_device_needs_and_no_cache_keeps_it(
    provider: Provider, begun: Answer
) -> None:
    """RFC 8628 §3.2."""
    body = begun.body

    assert body["verification_uri"] == f"{provider.issuer}/device"
    assert body["verification_uri_complete"] == f"{provider.issuer}/device?user_code={body['user_code']}"
    assert (body["expires_in"], body["interval"]) == (600, 5)
    assert len(body["device_code"]) >= 43
    assert begun.headers["cache-control"] == "no-store"


async def test_a_user_code_has_eight_letters_that_spell_no_word(tv: Television) -> None:
    """RFC 8628 §6.1: no vowels, shown in two groups."""
    codes = [(await tv.begin()).body["user_code"] for _ in range(20)]

    assert all(re.fullmatch(f"[{USER_CODE_LETTERS}]{{4}}-[{USER_CODE_LETTERS}]{{4}}", code) for code in codes)
    assert len(set(codes)) == 20
    assert not set(USER_CODE_LETTERS) & set("AEIOUY")


# §3.3: the person


async def test_whoever_is_not_signed_in_signs_in_first_and_keeps_the_code(browser: HtmlBrowser, begun: Answer) -> None:
    """RFC 8628 §3.3."""
    page = await browser.open(begun.body["verification_uri_complete"])
    assert page.name == "login"

    page = await browser.sign_in()

    assert page.name == "device"
    assert page.document.attributes["user-code"]["value"] == begun.body["user_code"]


async def test_the_complete_address_fills_the_field_and_approves_nothing(
    tv: Television, browser: HtmlBrowser, begun: Answer
) -> None:
    """RFC 8628 §3.3.1, §5.4: no single tap allows anything."""
    await browser.open(begun.body["verification_uri_complete"])
    await browser.sign_in()
    assert (await tv.poll(begun)).error == "authorization_pending"

    page = await browser.submit("user-code-submit")

    assert page.name == "consent"
    assert (await tv.poll(begun)).error == "slow_down"


async def test_the_page_names_the_client_and_the_code_and_asks_whether_the_person_started_it(
    browser: HtmlBrowser, begun: Answer
) -> None:
    """RFC 8628 §3.3."""
    page = await type_code(browser, begun)

    assert page.text("consent-client") == "Living Room"
    assert page.text("shown-code") == begun.body["user_code"]
    assert "Did you start this?" in page.text("approval-question")
    assert page.has("consent-scopes")


@pytest.mark.parametrize(
    "spelling", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {' '.join(code)} "]
)
async def test_a_code_is_read_without_case_spaces_and_dashes(
    browser: HtmlBrowser, begun: Answer, spelling: object
) -> None:
    """RFC 8628 §6.1."""
    assert callable(spelling)
    await browser.open(begun.body["verification_uri"])
    await browser.sign_in()

    page = await browser.submit("user-code-submit", user_code=spelling(begun.body["user_code"]))

    assert page.name == "consent"


@pytest.mark.parametrize("typed", ["BBBB-BBBB", "BBBB", "", "AEIO-UAEI", "<b>", "B" * 64])
async def test_an_unknown_code_is_told_so_on_the_same_page(browser: HtmlBrowser, begun: Answer, typed: str) -> None:
    """RFC 8628 §3.3."""
    await browser.open(begun.body["verification_uri"])
    await browser.sign_in()

    page = await browser.submit("user-code-submit", user_code=typed)

    assert (page.status, page.name) == (403, "device")
    assert page.has("device-error")


async def test_consent_is_asked_each_time_even_of_first_party_clients(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 8628 §5.4: anybody may send somebody a code."""
    tv = await television(provider, is_first_party=True)

    for _ in range(2):
        begun = await tv.begin()
        assert (await allow(browser, begun)).text("answered") == "Your device is connected"
        assert (await tv.poll(begun)).status == 200


async def test_an_answer_counts_once_and_a_second_browser_is_told(
    provider: Provider, browser: HtmlBrowser, person: Person, begun: Answer
) -> None:
    """RFC 8628 §3.3."""
    async with provider.browser(person) as other:
        await type_code(browser, begun)
        await type_code(other, begun)
        assert (await browser.submit("consent-deny")).document.attributes["answered"]["data-outcome"] == "denied"

        page = await other.submit("consent-allow")

        assert (page.status, page.document.attributes["answered"]["data-outcome"]) == (400, "late")


# §3.4, §3.5: polling


async def test_tokens_come_after_the_person_agreed_and_only_once(
    tv: Television, browser: HtmlBrowser, person: Person, begun: Answer
) -> None:
    """RFC 8628 §3.5."""
    assert (await tv.poll(begun)).error == "authorization_pending"
    await allow(browser, begun)

    tokens = await tv.poll(begun)

    assert tokens.status == 200
    assert tokens.body["token_type"] == "Bearer"
    claims = await tv.rp.check_id_token(tokens)
    assert (claims["sub"], claims["amr"]) == (person.id, ["pwd"])
    again = await tv.poll(begun)
    assert (again.status, again.error) == (400, "invalid_grant")
    assert (await tv.rp.userinfo(tokens.access_token)).status == 200, "a second poll takes nothing away"


async def test_auth_time_is_when_the_person_signed_in_and_not_when_the_device_asked(
    provider: Provider, clock: HandClock, tv: Television, browser: HtmlBrowser
) -> None:
    """OIDC Core §2."""
    begun = await tv.begin()
    await browser.open(begun.body["verification_uri"])
    await browser.sign_in()
    signed_in = int(clock.timestamp())
    clock.advance(60 * SECOND)
    await allow(browser, begun)

    claims = await tv.rp.check_id_token(await tv.poll(begun))

    assert claims["auth_time"] == signed_in


async def test_refresh_tokens_are_as_for_every_other_grant(
    provider: Provider, tv: Television, browser: HtmlBrowser, begun: Answer
) -> None:
    """RFC 8628 §3.5: the answer of RFC 6749 §5.1."""
    await allow(browser, begun)
    first = await tv.poll(begun)

    second = await tv.rp.refresh(first.refresh_token)

    assert second.status == 200
    assert second.refresh_token != first.refresh_token
    unregistered = await television(provider, grant_types=[DEVICE_CODE])
    begun = await unregistered.begin()
    await allow(browser, begun)
    assert "refresh_token" not in (await unregistered.poll(begun)).body


async def test_a_client_in_haste_waits_five_seconds_longer_for_good(
    clock: HandClock, tv: Television, begun: Answer
) -> None:
    """RFC 8628 §3.5."""
    assert (await tv.poll(begun)).error == "authorization_pending"
    clock.advance(5 * SECOND)
    assert (await tv.poll(begun)).error == "authorization_pending"
    clock.advance(5 * SECOND - TICK)
    assert (await tv.poll(begun)).error == "slow_down"
    clock.advance(10 * SECOND)
    assert (await tv.poll(begun)).error == "authorization_pending"
    clock.advance(10 * SECOND - TICK)
    assert (await tv.poll(begun)).error == "slow_down"


async def test_a_refusal_reaches_the_device(tv: Television, browser: HtmlBrowser, begun: Answer) -> None:
    """RFC 8628 §3.5."""
    await type_code(browser, begun)
    await browser.submit("consent-deny")

    for _ in range(2):
        answer = await tv.poll(begun)
        assert (answer.status, answer.error) == (400, "access_denied")


async def test_a_code_that_nobody_used_in_time_has_expired(
    clock: HandClock, tv: Television, browser: HtmlBrowser, begun: Answer
) -> None:
    """RFC 8628 §3.5."""
    clock.advance(LIFE - TICK)
    assert (await tv.poll(begun)).error == "authorization_pending"
    late = await tv.begin()
    clock.advance(TICK)

    answer = await tv.poll(begun)

    assert (answer.status, answer.error) == (400, "expired_token")
    page = await browser.open(begun.body["verification_uri"])
    assert (await browser.sign_in()).name == "device"
    page = await browser.submit("user-code-submit", user_code=begun.body["user_code"])
    assert page.has("device-error")
    assert (await browser.submit("user-code-submit", user_code=late.body["user_code"])).name == "consent"


async def test_an_answer_that_comes_too_late_is_told_to_the_person(
    clock: HandClock, tv: Television, browser: HtmlBrowser, begun: Answer
) -> None:
    """RFC 8628 §3.5."""
    await type_code(browser, begun)
    clock.advance(LIFE)

    page = await browser.submit("consent-allow")

    assert page.document.attributes["answered"]["data-outcome"] == "late"
    assert (await tv.poll(begun)).error == "expired_token"


async def test_an_answer_of_the_last_moment_can_be_fetched_for_a_minute(
    clock: HandClock, tv: Television, browser: HtmlBrowser
) -> None:
    """RFC 8628 §3.5."""
    for wait, status in ((60 * SECOND - TICK, 200), (60 * SECOND, 400)):
        begun = await tv.begin()
        await type_code(browser, begun)
        clock.advance(LIFE - TICK)
        await browser.submit("consent-allow")
        clock.advance(wait)
        assert (await tv.poll(begun)).status == status


async def test_a_device_code_of_another_client_is_unknown_and_lives(
    provider: Provider, tv: Television, browser: HtmlBrowser, begun: Answer
) -> None:
    """RFC 8628 §3.5."""
    other = await television(provider)
    await allow(browser, begun)

    for device_code in (begun.body["device_code"], "x" * 43, "\0"):
        assert (await other.poll(begun, device_code=device_code)).error == "invalid_grant"

    assert (await other.poll(begun, device_code=None)).error == "invalid_request"
    assert (await tv.poll(begun)).status == 200


async def test_what_was_allowed_dies_with_the_session_that_allowed_it(
    tv: Television, browser: HtmlBrowser, begun: Answer
) -> None:
    """OIDC Core §11: without offline_access."""
    await allow(browser, begun)
    await browser.open(f"{tv.rp.issuer}/end_session")
    await browser.submit("logout-yes")

    assert (await tv.poll(begun)).error == "invalid_grant"


async def test_a_poll_that_only_waits_leaves_nothing_in_the_trail(
    provider: Provider, tv: Television, begun: Answer
) -> None:
    """RFC 8628 §3.5."""
    for _ in range(2):
        await tv.poll(begun)

    async with provider.site.transactions.open(write=False) as stores:
        refused = await stores.events.refused_of_client(tv.rp.client_id, START, limit=5)
    assert not refused
