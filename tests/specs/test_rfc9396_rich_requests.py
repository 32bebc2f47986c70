"""RFC 9396: what is asked for one by one is checked, shown whole, allowed anew each time, and told as granted."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.html_browser import HtmlBrowser, Page
from tests.support.provider import Provider, at_once
from tests.support.relying_party import Answer, RelyingParty
from tests.support.resources import API, defined, resource

SCHEMA = {
    "type": "object",
    "required": ["to", "amount"],
    "properties": {
        "to": {"type": "string", "maxLength": 60},
        "amount": {
            "type": "object", "required": ["value", "currency"],
            "properties": {"value": {"type": "number", "exclusiveMinimum": 0},
                           "currency": {"type": "string", "enum": ["EUR", "USD"]}},
        },
        "actions": {"type": "array", "items": {"type": "string", "enum": ["initiate", "status", "cancel"]}},
    },
}  # fmt: skip
PAYMENT: dict[str, Any] = {
    "type": "payment", "to": "Harbour & <b>Sons</b>", "amount": {"value": 123.5, "currency": "EUR"},
    "actions": ["initiate", "status"],
}  # fmt: skip
HERE, THERE = "https://here.example", "https://there.example"
TASK = {"n": {"type": "integer"}, "locations": {"type": "array", "items": {"type": "string"}}}
CODE = ["authorization_code", "refresh_token"]
OTHER: dict[str, Any] = {"type": "payment", "to": "Mill", "amount": {"value": 1, "currency": "USD"}}


@pytest.fixture(scope="module", autouse=True)
async def types(provider: Provider) -> AsyncIterator[None]:
    """A type of details that clients may ask for, and an API that takes handles."""
    told = {"type": "payment", "json_schema": SCHEMA, "template": "Pay {amount.value} {amount.currency} to {to}"}
    secret = {"type": "secret", "json_schema": {"type": "object"}, "template": "Whatever"}
    api = resource(API, "pay", token_format="opaque")
    task = {"type": "task", "json_schema": {"type": "object", "properties": TASK}, "template": "Do {n}"}
    places = [("resources", resource(place, "do")) for place in (HERE, THERE)]
    types = [("detail_types", each) for each in (told, secret, task)]
    async with defined(provider, *types, ("resources", api), *places):
        yield


@pytest.fixture
async def rp(provider: Provider) -> RelyingParty:
    """A client that may ask for payments."""
    return await provider.client(
        grant_types=["authorization_code", "refresh_token", "client_credentials"], scope="openid offline_access pay a",
        authorization_details_types=["payment"], resources=[API],
    )  # fmt: skip


async def asked(browser: HtmlBrowser, rp: RelyingParty, *details: dict[str, Any], **changes: str | None) -> Page:
    """Sign in, and return what is shown then."""
    request = await rp.authorization_request(
        **{"scope": "openid offline_access", "authorization_details": json.dumps(details), **changes}
    )
    page = await browser.open(request.url, came_from_elsewhere=True)
    return await browser.sign_in() if page.name == "login" else page


async def granted(browser: HtmlBrowser, rp: RelyingParty, *details: dict[str, Any], **changes: str | None) -> str:
    """Allow details and return the code."""
    page = await asked(browser, rp, *details, **changes)
    assert page.name == "consent", page.describe()
    return (await browser.finish(rp, page)).code


async def claims(rp: RelyingParty, tokens: Answer) -> dict[str, Any]:
    return (await rp.decode(tokens.access_token)).claims


@pytest.mark.parametrize(
    "text",
    [
        "nonsense", "{}", "[]", "[1]", '[{"to": "x"}]', '[{"type": 5}]', '[{"type": "unknown"}]',
        '[{"type": "secret"}]',
        json.dumps([{**PAYMENT, "more": 1}]),
        json.dumps([{**PAYMENT, "amount": {"value": 0, "currency": "EUR"}}]),
        json.dumps([{**PAYMENT, "amount": {"value": 1, "currency": "EUR", "tip": 5}}]),
        json.dumps([{**PAYMENT, "to": 5}]),
        json.dumps([{"type": "payment", "to": "x"}]),
        json.dumps([PAYMENT, {**PAYMENT, "to": "x" * 61}]),
        json.dumps([OTHER] * 21),
        '[{"type": "payment", "type": "payment", "to": "x", "amount": {"value": 1, "currency": "EUR"}}]',
    ],
)  # fmt: skip
async def test_details_that_are_malformed_unknown_or_not_the_clients_are_refused(
    browser: HtmlBrowser, rp: RelyingParty, text: str
) -> None:
    """RFC 9396 §5."""
    assert (await at_once(browser, rp, authorization_details=text)).error == "invalid_authorization_details"
    refused = await rp.token(grant_type="client_credentials", authorization_details=text)
    assert (refused.status, refused.error) == (400, "invalid_authorization_details")


async def test_details_of_more_than_16_kilobytes_are_refused(rp: RelyingParty) -> None:
    """RFC 9396 §5: our limit."""
    text = json.dumps([PAYMENT]) + " " * 16_384
    refused = await rp.token(grant_type="client_credentials", authorization_details=text)
    assert refused.error == "invalid_authorization_details"


async def test_a_client_without_the_type_may_not_ask_for_it(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9396 §10."""
    stranger = await provider.client()
    answer = await at_once(browser, stranger, authorization_details=json.dumps([PAYMENT]))
    assert answer.error == "invalid_authorization_details"


async def test_the_consent_page_shows_every_detail_whole_and_escaped(browser: HtmlBrowser, rp: RelyingParty) -> None:
    """RFC 9396 §5, §12."""
    page = await asked(browser, rp, PAYMENT, OTHER)
    shown = page.text("consent-details")
    assert "Pay 123.5 EUR to Harbour & <b>Sons</b>" in shown
    assert "Pay 1 USD to Mill" in shown
    assert "initiate, status" in shown  # no sentence names it, so it stands beside
    assert "<b>Sons" not in page.response.text


async def test_what_was_granted_is_told_with_the_token_in_it_and_at_introspection(
    browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 9396 §7, §9.1, §9.2."""
    tokens = await rp.redeem(await granted(browser, rp, PAYMENT, OTHER))
    assert tokens.body["authorization_details"] == [PAYMENT, OTHER]
    assert (await claims(rp, tokens))["authorization_details"] == [PAYMENT, OTHER]
    assert (await rp.introspect(tokens.access_token)).body["authorization_details"] == [PAYMENT, OTHER]


async def test_a_handle_says_the_same_at_introspection(browser: HtmlBrowser, rp: RelyingParty) -> None:
    """RFC 9396 §9.2."""
    code = await granted(browser, rp, PAYMENT, OTHER, scope="openid pay", resource=API)
    tokens = await rp.redeem(code, authorization_details=json.dumps([OTHER]))
    assert "." not in tokens.access_token
    assert tokens.body["authorization_details"] == [OTHER]
    assert (await rp.introspect(tokens.access_token)).body["authorization_details"] == [OTHER]


async def test_consent_to_details_is_never_remembered(browser: HtmlBrowser, rp: RelyingParty) -> None:
    """RFC 9396 §5: each is a decision of its own."""
    await granted(browser, rp, PAYMENT)
    assert (await browser.answer(rp, scope="openid offline_access", prompt="none")).code  # scopes alone are
    silent = await at_once(
        browser, rp, scope="openid", prompt="none", authorization_details=json.dumps([PAYMENT])
    )  # fmt: skip
    assert silent.error == "consent_required"
    assert (await asked(browser, rp, PAYMENT)).name == "consent"


async def test_a_first_party_client_asks_about_details_too(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9396 §5."""
    own = await provider.client(is_first_party=True, authorization_details_types=["payment"])
    assert (await asked(browser, own, PAYMENT)).name == "consent"


async def test_without_consent_there_is_nothing(browser: HtmlBrowser, rp: RelyingParty) -> None:
    """RFC 6749 §4.1.2.1."""
    await asked(browser, rp, PAYMENT)
    page = await browser.submit("consent-deny")
    assert rp.receive(page.answer()).error == "access_denied"


@pytest.mark.parametrize(
    "more",
    [
        [{**PAYMENT, "amount": {"value": 124, "currency": "EUR"}}],
        [{name: value for name, value in PAYMENT.items() if name != "actions"}],
        [{**PAYMENT, "actions": ["initiate", "cancel"]}],
        [{**PAYMENT, "actions": []}],
        [PAYMENT, OTHER],
        [1],
        {},
    ],
)
async def test_more_than_was_granted_is_refused_and_spends_nothing(
    browser: HtmlBrowser, rp: RelyingParty, more: Any
) -> None:
    """RFC 9396 §6.1."""
    code = await granted(browser, rp, PAYMENT)
    refused = await rp.redeem(code, authorization_details=json.dumps(more))
    assert (refused.status, refused.error) == (400, "invalid_authorization_details")
    tokens = await rp.redeem(code)
    refused = await rp.refresh(tokens.refresh_token, authorization_details=json.dumps(more))
    assert refused.error == "invalid_authorization_details"
    assert (await rp.refresh(tokens.refresh_token)).body["authorization_details"] == [PAYMENT]


async def test_a_refresh_may_narrow_one_answer_and_never_the_family(browser: HtmlBrowser, rp: RelyingParty) -> None:
    """RFC 9396 §6.1."""
    tokens = await rp.redeem(await granted(browser, rp, PAYMENT, OTHER))
    less = {**PAYMENT, "actions": ["status"]}
    narrow = await rp.refresh(tokens.refresh_token, authorization_details=json.dumps([less]))
    assert narrow.body["authorization_details"] == [less]
    assert (await claims(rp, narrow))["authorization_details"] == [less]
    assert (await rp.refresh(narrow.refresh_token)).body["authorization_details"] == [PAYMENT, OTHER]


async def test_a_refresh_gives_no_details_of_a_type_that_the_client_lost(
    provider: Provider, browser: HtmlBrowser, rp: RelyingParty
) -> None:
    """RFC 9396 §6: what counts is what is allowed now, as for scopes and resources."""
    tokens = await rp.redeem(await granted(browser, rp, PAYMENT))
    client = await provider.registration(rp)
    await provider.site.clients.update(client, {"authorization_details_types": []})
    await provider.settle()

    left = await rp.refresh(tokens.refresh_token)

    assert left.status == 200, left.text
    assert "authorization_details" not in {**left.body, **await claims(rp, left)}
    again = await rp.refresh(left.refresh_token, authorization_details=json.dumps([PAYMENT]))
    assert again.error == "invalid_authorization_details"


async def test_without_details_nothing_is_told_of_them(browser: HtmlBrowser, rp: RelyingParty) -> None:
    """RFC 9396 §7."""
    tokens = await rp.redeem(await browser.authorize(rp, scope="openid"))
    assert "authorization_details" not in tokens.body
    assert "authorization_details" not in await claims(rp, tokens)


async def test_a_client_by_itself_gets_details_of_its_types(rp: RelyingParty) -> None:
    """RFC 9396 §5, RFC 6749 §4.4."""
    tokens = await rp.token(grant_type="client_credentials", scope="a", authorization_details=json.dumps([PAYMENT]))
    assert tokens.body["authorization_details"] == [PAYMENT]
    assert (await claims(rp, tokens))["authorization_details"] == [PAYMENT]


async def test_details_can_be_pushed(browser: HtmlBrowser, rp: RelyingParty) -> None:
    """RFC 9396 §2, RFC 9126 §2."""
    request = await rp.authorization_request(scope="openid", authorization_details=json.dumps([OTHER]))
    pushed = await rp.post("pushed_authorization_request_endpoint", request.parameters)
    assert pushed.status == 201, pushed.text
    endpoint = (await rp.metadata())["authorization_endpoint"]
    url = f"{endpoint}?client_id={rp.client_id}&request_uri={pushed.body['request_uri']}"
    page = await browser.open(url, came_from_elsewhere=True)
    tokens = await rp.redeem((await browser.finish(rp, page)).code)
    assert tokens.body["authorization_details"] == [OTHER]
    bad = await rp.authorization_request(authorization_details="[]")
    refused = await rp.post("pushed_authorization_request_endpoint", bad.parameters)
    assert (refused.status, refused.error) == (400, "invalid_authorization_details")


async def test_an_api_learns_only_of_details_that_concern_it(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 9396 §9: `locations` says where a detail is meant to be used; the client is told of all."""
    rp = await provider.client(
        scope="openid do", authorization_details_types=["task"], resources=[HERE, THERE], grant_types=CODE
    )
    details = [{"type": "task", "locations": [HERE], "n": 1}, {"type": "task", "locations": [THERE], "n": 2},
               {"type": "task", "n": 3}]  # fmt: skip
    code = await browser.authorize(rp, scope="openid do", authorization_details=json.dumps(details), resource=HERE)

    answer = await rp.redeem(code)

    claims = (await rp.decode(answer.access_token)).claims
    assert [each["n"] for each in answer.body["authorization_details"]] == [1, 2, 3]
    assert [each["n"] for each in claims["authorization_details"]] == [1, 3]
