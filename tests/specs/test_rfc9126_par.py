"""Pushed Authorization Requests – RFC 9126; bound to a key – RFC 9449 §10.1."""

import asyncio
from datetime import timedelta

import pytest

from idp.domain.client import Profile
from idp.oauth.extensions.par import PREFIX
from idp.policy import lifetimes
from tests.support.client_auth import Basic, Public
from tests.support.dpop import ProofKey
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import HandClock, Person, Provider
from tests.support.pushed import PUSHED, arrive, page_error, push, reference, visit
from tests.support.relying_party import RelyingParty


async def test_a_pushed_request_is_answered(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9126 §2.2, §4: 201 with a reference of 256 bits that lives 60 s; client_id and request_uri suffice."""
    pushed = await push(rp)

    assert (pushed.status, pushed.body["expires_in"]) == (201, 60)
    assert len(pushed.body["request_uri"].removeprefix(PREFIX)) == 43
    assert pushed.headers["cache-control"] == "no-store"
    code = (await visit(browser, rp, pushed.body["request_uri"])).code
    assert (await rp.redeem(code)).status == 200


async def test_only_what_was_pushed_counts(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9126 §4: outer parameters are ignored, whatever they say, and however often."""
    pushed = await push(rp, state="inside", nonce="inside")

    answer = await visit(browser, rp, pushed.body["request_uri"], state="outside", nonce="outside", scope="openid")

    assert answer.state == "inside"
    claims = (await rp.decode((await rp.redeem(answer.code)).id_token)).claims
    assert claims["nonce"] == "inside"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": None}, "invalid_request"), ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request_uri": "https://rp.example/object"}, "invalid_request"),
        ({"response_type": None}, "invalid_request"), ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"), ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "nothing"}, "invalid_scope"), ({"prompt": "none login"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"), ({"response_mode": "smoke"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
    ids=str,
)  # fmt: skip
async def test_what_authorize_would_refuse_is_refused_at_once(
    rp: RelyingParty, changes: dict[str, str | None], error: str
) -> None:
    """RFC 9126 §2.1, §2.3: as JSON, by the code that the redirect would carry."""
    answer = await push(rp, **changes)

    assert (answer.status, answer.error) == (400, error), answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_a_repeated_parameter_is_refused(rp: RelyingParty) -> None:
    """RFC 6749 §3.2."""
    request = await rp.authorization_request()

    answer = await rp.post(PUSHED, [*request.parameters.items(), ("scope", "openid")])

    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_the_client_authenticates_as_at_the_token_endpoint(provider: Provider, rp: RelyingParty) -> None:
    """RFC 9126 §2: 401 for whoever does not prove to be the client."""
    request = await rp.authorization_request()

    wrong = await rp.post(PUSHED, request.parameters, auth=Basic("wrong"))
    fields = {name: value for name, value in request.parameters.items() if name != "client_id"}
    none = await rp.post(PUSHED, fields, auth=Public())
    foreign = await rp.post(PUSHED, request.parameters | {"client_id": (await provider.client()).client_id})

    assert [(answer.status, answer.error) for answer in (wrong, none, foreign)] == [(401, "invalid_client")] * 3


async def test_a_public_client_may_push(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9126 §2.1: with its id alone."""
    rp = await provider.client(profile=Profile.NATIVE)

    pushed = await push(rp)

    assert (await rp.redeem((await visit(browser, rp, pushed.body["request_uri"])).code)).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods_are_refused(rp: RelyingParty, method: str) -> None:
    """RFC 9126 §2.3: 405."""
    response = await rp.http.request(method, f"{rp.issuer}/par")

    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_a_large_body_is_refused(rp: RelyingParty) -> None:
    """RFC 9126 §2.3: 413."""
    assert (await push(rp, state="x" * 70_000)).status == 413


@pytest.mark.parametrize("seconds", [0, 59])
async def test_a_reference_may_be_visited_again_until_it_is_answered(
    rp: RelyingParty, browser: HtmlBrowser, clock: HandClock, seconds: int
) -> None:
    """RFC 9126 §4 and FAPI 2.0: a reload must not break the sign-in."""
    pushed = await reference(rp)
    assert (await arrive(browser, rp, pushed)).name == "login"
    clock.advance(timedelta(seconds=seconds))
    assert (await rp.redeem((await visit(browser, rp, pushed)).code)).status == 200


async def test_a_reference_is_spent_by_its_answer(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9126 §7.3: afterwards it is a page, no redirect."""
    pushed = await reference(rp)
    await visit(browser, rp, pushed)

    assert await page_error(browser, rp, client_id=rp.client_id, request_uri=pushed) == "invalid_request_uri"


async def test_a_refusal_spends_it_too(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9126 §7.3: `login_required` is an answer."""
    pushed = await reference(rp, prompt="none")
    assert (await visit(browser, rp, pushed)).error == "login_required"
    assert await page_error(browser, rp, client_id=rp.client_id, request_uri=pushed) == "invalid_request_uri"


async def test_an_old_reference_is_refused(rp: RelyingParty, browser: HtmlBrowser, clock: HandClock) -> None:
    """RFC 9126 §2.2: after 60 s it has not begun any more."""
    pushed = await reference(rp)
    clock.advance(lifetimes.PUSHED_REQUEST)

    assert await page_error(browser, rp, client_id=rp.client_id, request_uri=pushed) == "invalid_request_uri"


async def test_who_began_in_time_may_take_their_time(rp: RelyingParty, browser: HtmlBrowser, clock: HandClock) -> None:
    """RFC 9126 §4: the sixty seconds are for the browser to arrive, not for the person."""
    pushed = await reference(rp)
    page = await arrive(browser, rp, pushed)
    clock.advance(timedelta(minutes=10))

    answer = await browser.finish(rp, page)

    assert (await rp.redeem(answer.code)).status == 200


async def test_a_reference_is_its_clients_own(provider: Provider, rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9126 §2.2: with another client_id, with none, and guessed, it opens nothing."""
    other = await provider.client()
    pushed = await reference(rp)

    wrong = [
        {"client_id": other.client_id, "request_uri": pushed}, {"request_uri": pushed},
        {"client_id": rp.client_id, "request_uri": PREFIX + "A" * 43},
        {"client_id": rp.client_id, "request_uri": PREFIX + "A" * 4000},
    ]  # fmt: skip

    assert [await page_error(browser, rp, **each) for each in wrong] == ["invalid_request_uri"] * len(wrong)
    assert (await visit(browser, rp, pushed)).code


async def test_a_disabled_clients_reference_is_worthless(provider: Provider, browser: HtmlBrowser) -> None:
    """A client that ended between push and visit is unknown."""
    rp = await provider.client()
    pushed = await reference(rp)
    await provider.site.clients.set_active(await provider.registration(rp), is_active=False)
    await provider.settle()

    assert await page_error(browser, rp, client_id=rp.client_id, request_uri=pushed) == "invalid_request_uri"


async def test_of_two_answers_at_once_one_is_sent(
    postgresql_provider: Provider,
) -> None:
    """RFC 9126 §7.3: two browsers hold the same reference; the store decides."""
    provider = postgresql_provider
    rp = await provider.client(is_first_party=True)
    pushed = await reference(rp)
    people = [await provider.person() for _ in range(2)]

    async def go(person: Person) -> bool:
        async with provider.browser(person) as browser:
            page = await arrive(browser, rp, pushed)
            while page.name == "login":
                page = await browser.sign_in()
            return "code=" in (page.location or "")

    assert sorted(await asyncio.gather(*(go(person) for person in people))) == [False, True]


async def test_who_registered_to_push_sends_no_plain_request(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9126 §6: a redirect with invalid_request, and pushing works."""
    rp = await provider.client(require_pushed_authorization_requests=True)

    assert (await browser.answer(rp)).error == "invalid_request"
    assert (await visit(browser, rp, await reference(rp))).code


async def test_a_proof_binds_the_code(rp: RelyingParty, browser: HtmlBrowser, clock: HandClock) -> None:
    """RFC 9449 §10.1: a proof at the endpoint is as good as dpop_jkt; both and different are refused."""
    key, other = ProofKey(now=clock.timestamp), ProofKey(now=clock.timestamp)
    url = f"{rp.issuer}/par"

    different = await push(rp, key.proof("POST", url), dpop_jkt=other.thumbprint)
    pushed = await push(rp, key.proof("POST", url), dpop_jkt=key.thumbprint)
    by_proof = await push(rp, key.proof("POST", url))

    assert (different.status, different.error) == (400, "invalid_request")
    for answer in (pushed, by_proof):
        code = (await visit(browser, rp, answer.body["request_uri"])).code
        refused = await rp.redeem(code)
        assert (refused.status, refused.error) == (400, "invalid_request")


async def test_a_wrong_proof_is_refused(rp: RelyingParty, clock: HandClock) -> None:
    """RFC 9449 §4.3: at this endpoint too, with this endpoint's URL."""
    answer = await push(rp, ProofKey(now=clock.timestamp).proof("POST", f"{rp.issuer}/token"))

    assert (answer.status, answer.error) == (400, "invalid_dpop_proof")


async def test_a_scope_that_the_client_lost_since_it_pushed_is_not_given(
    provider: Provider, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    """RFC 6749 §3.3: what counts is what is allowed when tokens are made."""
    pushed, other = await reference(rp, scope="openid email"), await reference(rp, scope="email")
    codes = [(await visit(browser, rp, each)).code for each in (pushed, other)]
    await provider.site.clients.update(await provider.registration(rp), {"scope": "openid"})
    await provider.settle()

    assert (await rp.redeem(codes[0])).body["scope"] == "openid"
    assert (await rp.redeem(codes[1])).error == "invalid_scope"
