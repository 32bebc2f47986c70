"""Parameters without a value – RFC 6749 §3.1, §3.2: they count as if they had not been sent, at every endpoint."""

import pytest

from tests.support.dpop import ProofKey
from tests.support.html_browser import HtmlBrowser
from tests.support.polled import bank, television
from tests.support.provider import Person, Provider, ask
from tests.support.pushed import push, visit
from tests.support.relying_party import Answer, RelyingParty

OPTIONAL = (
    "state", "nonce", "scope", "response_mode", "prompt", "max_age", "display", "ui_locales", "claims_locales",
    "id_token_hint", "login_hint", "acr_values", "claims", "request", "request_uri", "registration", "resource",
    "authorization_details", "dpop_jkt",
)  # fmt: skip


@pytest.mark.parametrize("name", OPTIONAL)
async def test_at_the_authorization_endpoint(rp: RelyingParty, browser: HtmlBrowser, name: str) -> None:
    """RFC 6749 §3.1: the request goes on as without it."""
    absent, empty = await ask(browser, rp, **{name: None}), await ask(browser, rp, **{name: ""})

    assert (empty.status, empty.name) == (absent.status, absent.name), empty.describe()
    assert empty.name == "login" or empty.answer().error == "invalid_scope"  # this client has no default one


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "response_type", "code_challenge"])
async def test_what_is_needed_is_missing_at_the_authorization_endpoint(
    rp: RelyingParty, browser: HtmlBrowser, name: str
) -> None:
    """RFC 6749 §3.1: told as if it had not been sent."""
    empty, absent = await ask(browser, rp, **{name: ""}), await ask(browser, rp, **{name: None})

    assert (empty.status, empty.name) == (absent.status, absent.name)
    assert empty.has("error-code") or empty.answer().error == "invalid_request"


async def test_in_pushed_requests(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9126 §2.1: the rules of the authorization endpoint."""
    pushed = await push(rp, **{name: "" for name in OPTIONAL if name not in ("scope", "state")})

    assert pushed.status == 201, pushed.text
    assert (await visit(browser, rp, pushed.body["request_uri"])).code


async def test_at_the_token_endpoint(rp: RelyingParty, tokens: Answer) -> None:
    """RFC 6749 §3.2."""
    optional = {"scope": "", "resource": "", "audience": "", "authorization_details": "", "client_secret": "",
                "client_assertion": "", "client_assertion_type": "", "code": "", "code_verifier": ""}  # fmt: skip
    fields = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token, **optional}

    assert (await rp.token(grant_type="")).error == "invalid_request"
    assert (await rp.token(grant_type="refresh_token", refresh_token="")).error == "invalid_request"
    assert (await rp.token(grant_type="authorization_code", code="", redirect_uri="")).error == "invalid_request"
    answer = await rp.post("token_endpoint", fields)
    assert (answer.status, answer.body["scope"]) == (200, tokens.body["scope"]), answer.text


@pytest.mark.parametrize("endpoint", ["introspection", "revocation"])
async def test_where_tokens_are_named(rp: RelyingParty, tokens: Answer, endpoint: str) -> None:
    """RFC 7662 §2.1, RFC 7009 §2.1: no token is no request; an empty hint is none."""
    empty = await rp.post(f"{endpoint}_endpoint", {"token": "", "token_type_hint": "access_token"})
    hinted = await rp.post(f"{endpoint}_endpoint", {"token": tokens.access_token, "token_type_hint": ""})

    assert (empty.status, empty.error) == (400, "invalid_request")
    assert hinted.status == 200


async def test_where_a_person_answers_on_another_device(provider: Provider, person: Person) -> None:
    """RFC 8628 §3.1, CIBA §7.1."""
    tv, till = await television(provider), await bank(provider)
    empty = {"acr_values": "", "resource": "", "authorization_details": ""}

    begun = await tv.begin(**empty)
    asked = await till.ask(
        person, **empty, binding_message="", requested_expiry="", user_code="", id_token_hint="", login_hint_token="",
        request="", client_notification_token="",
    )  # fmt: skip

    assert (begun.status, asked.status) == (200, 200), (begun.text, asked.text)
    assert (await tv.poll(begun, device_code="")).error == "invalid_request"
    assert (await till.poll(asked, auth_req_id="")).error == "invalid_request"
    assert (await till.ask(person, scope="")).error in ("invalid_request", "invalid_scope")
    assert (await till.ask(None, login_hint="")).error == "invalid_request"


async def test_an_empty_proof_is_a_bad_proof(provider: Provider) -> None:
    """RFC 9449 §4.3: a header is no parameter, and one without a value proves nothing."""
    rp = await provider.client(grant_types=["client_credentials"], redirect_uris=None, scope="reports")
    fields = {"grant_type": "client_credentials"}

    assert (await rp.post("token_endpoint", fields, headers={"DPoP": ""})).error == "invalid_dpop_proof"
    good = ProofKey(now=provider.clock.timestamp).proof("POST", f"{rp.issuer}/token")
    assert (await rp.post("token_endpoint", fields, headers={"DPoP": good})).status == 200
