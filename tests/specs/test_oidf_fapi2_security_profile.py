"""OpenID Foundation, FAPI 2.0 Security Profile: requests. One test per module of `fapi2-security-profile-final-…`.

Each test is named after its module; what it asks is said in our own words. It runs with private_key_jwt and DPoP, and
once more with clients by certificate whose tokens are bound to it. Tokens → test_oidf_fapi2_security_profile_tokens.py,
client authentication → test_oidf_fapi2_security_profile_clients.py.
"""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from idp.oauth.extensions.par import PREFIX
from idp.policy import lifetimes
from tests.support.dpop import ProofKey
from tests.support.financial import KINDS, Bank, bank, financial_provider
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import parts
from tests.support.provider import HandClock, Provider
from tests.support.pushed import PUSHED, arrive, page_error, url_of, visit
from tests.support.relying_party import AuthorizationAnswer

QUERY_URI = "https://rp.example/callback?dummy1=lorem&dummy2=ipsum"


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """The provider under test."""
    async with financial_provider(tmp_path_factory.mktemp("fapi2")) as provider:
        yield provider


@pytest.fixture(params=KINDS)
async def client(request: pytest.FixtureRequest, provider: Provider) -> Bank:
    """The suite's first client."""
    return await bank(provider, request.param)


@pytest.fixture
async def second(client: Bank, provider: Provider) -> Bank:
    """The suite's second client, of the same kind, with a query in its redirect URI."""
    return await bank(provider, KINDS[client.is_certified], redirect_uris=[QUERY_URI])


async def test_fapi2_security_profile_final_discovery_end_point_verification(provider: Provider) -> None:
    """All that the profile needs is listed; nothing weaker is what a client of it gets."""
    listed = await provider.metadata()

    assert listed["pushed_authorization_request_endpoint"].startswith("https://")
    assert listed["code_challenge_methods_supported"] == ["S256"]
    assert listed["authorization_response_iss_parameter_supported"] is True
    assert {"ES256", "PS256", "EdDSA"} <= set(listed["dpop_signing_alg_values_supported"])
    assert {"private_key_jwt", "tls_client_auth"} <= set(listed["token_endpoint_auth_methods_supported"])
    assert "authorization_code" in listed["grant_types_supported"]
    assert "openid" in listed["scopes_supported"]
    assert listed["tls_client_certificate_bound_access_tokens"] is True
    assert {"token_endpoint", PUSHED} <= set(listed["mtls_endpoint_aliases"])


async def test_fapi2_security_profile_final_happy_flow(client: Bank, second: Bank, browser: HtmlBrowser) -> None:
    """Two clients; the token of one with the key of the other is refused, and any token in a URL."""
    named = {} if second.is_certified else {"dpop_jkt": second.own.thumbprint}

    first, other = await client.tokens(browser), await second.tokens(browser, **named)

    assert first.body["token_type"] == ("Bearer" if client.is_certified else "DPoP")
    assert (await client.rp.decode(first.access_token)).claims["cnf"] == client.confirmation
    assert parts(first.id_token)[0]["alg"] == "ES256"
    await client.rp.check_id_token(first, list(client.rp.requests.values())[-1])
    assert (await client.userinfo(first.access_token)).status == 200
    assert (await second.userinfo(other.access_token)).status == 200
    assert (await client.userinfo(other.access_token)).status == 401
    in_url = await client.rp.http.get(f"{client.rp.issuer}/userinfo", params={"access_token": first.access_token})
    assert in_url.status_code == 401


async def test_fapi2_security_profile_final_user_rejects_authentication(client: Bank, browser: HtmlBrowser) -> None:
    """Cancel, at sign-in and at consent, is access_denied with the state."""
    page = await arrive(browser, client.rp, await client.reference(state="s1"))
    cancelled = AuthorizationAnswer.from_url((await browser.submit("login-cancel")).location or "")
    page = await arrive(browser, client.rp, await client.reference(state="s2"))
    page = await browser.sign_in()
    assert page.name == "consent"
    denied = AuthorizationAnswer.from_url((await browser.submit("consent-deny")).location or "")

    assert (cancelled.error, cancelled.state) == ("access_denied", "s1")
    assert (denied.error, denied.state) == ("access_denied", "s2")
    assert denied.parameters["iss"] == client.rp.issuer


async def test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails(
    client: Bank, browser: HtmlBrowser
) -> None:
    """A plain request is invalid_request, with the state intact."""
    answer = await browser.answer(client.rp, state="intact")

    assert (answer.error, answer.state) == ("invalid_request", "intact")


async def test_fapi2_security_profile_final_ensure_other_scope_order_succeeds(
    client: Bank, browser: HtmlBrowser
) -> None:
    """The order of scopes means nothing."""
    tokens = await client.tokens(browser, scope="offline_access email openid")

    assert set(tokens.body["scope"].split()) == {"openid", "email", "offline_access"}


@pytest.mark.parametrize(
    "state", [None, "s" * 1000, "%20\"'<>é~"], ids=["without_state_success", "long_state", "strange_state"]
)
async def test_fapi2_security_profile_final_ensure_authorization_request_with_long_state(
    client: Bank, browser: HtmlBrowser, state: str | None
) -> None:
    """The state comes back byte for byte; none is none (ensure-authorization-request-without-state-success)."""
    answer = await visit(browser, client.rp, await client.reference(state=state))

    assert answer.state == state
    assert (await client.redeem(answer.code)).status == 200


@pytest.mark.parametrize(
    "nonce", [None, "n" * 64, "n" * 384], ids=["without_nonce_success", "with_64_char_nonce_success", "with_long_nonce"]
)
async def test_fapi2_security_profile_final_ensure_authorization_request_with_long_nonce(
    client: Bank, browser: HtmlBrowser, nonce: str | None
) -> None:
    """The nonce stands in the ID token as it was sent, and none where none was."""
    tokens = await client.tokens(browser, nonce=nonce)

    assert parts(tokens.id_token)[1].get("nonce") == nonce


@pytest.mark.parametrize("inner", [None, "inside"])
async def test_fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object(
    client: Bank, browser: HtmlBrowser, inner: str | None
) -> None:
    """What was pushed counts (and with none inside: state-only-outside-request-object-not-used)."""
    answer = await visit(browser, client.rp, await client.reference(state=inner), state="outside")

    assert answer.state == inner


async def test_fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object(
    client: Bank, browser: HtmlBrowser
) -> None:
    """The pushed nonce counts."""
    answer = await visit(browser, client.rp, await client.reference(nonce="inside"), nonce="outside")

    assert parts((await client.redeem(answer.code)).id_token)[1]["nonce"] == "inside"


async def test_fapi2_security_profile_final_test_claims_parameter_identity_claims(
    client: Bank, browser: HtmlBrowser
) -> None:
    """Claims that were asked for are given where they were asked; odd wishes spoil nothing."""
    asked = {
        "id_token": {"name": {"essential": True}, "made_up": None, "email": {"value": "nobody@example.com"}},
        "userinfo": {"name": None, "made_up": {"essential": True}},
    }

    tokens = await client.tokens(browser, claims=json.dumps(asked))

    assert parts(tokens.id_token)[1]["name"] == "Ada Lovelace"
    assert (await client.userinfo(tokens.access_token)).body["name"] == "Ada Lovelace"


async def test_fapi2_security_profile_final_par_without_duplicate_parameters(
    client: Bank, browser: HtmlBrowser
) -> None:
    """client_id and request_uri suffice; repeating what was pushed is tolerated."""
    request = await client.request()
    repeated = {**request.parameters, "request_uri": await client.reference()}

    assert (await visit(browser, client.rp, await client.reference())).code
    page = await browser.open(url_of(client.rp, repeated), came_from_elsewhere=True)
    assert (await browser.finish(client.rp, page)).code


@pytest.mark.parametrize("redirect_uri", [None, "https://rp.example/other"])
async def test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails(
    client: Bank, redirect_uri: str | None
) -> None:
    """Missing or unregistered (plain-fapi-tolerate-unregistered-redirect-uri): refused when it is pushed."""
    answer = await client.push(redirect_uri=redirect_uri)

    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request(
    client: Bank, browser: HtmlBrowser
) -> None:
    """A redirect URI outside makes up for none inside no more than a request without any."""
    page = await browser.open(url_of(client.rp, {"client_id": client.rp.client_id, "response_type": "code"}))

    assert (page.status, page.location) == (400, None)
    assert (await client.push(redirect_uri=None)).error == "invalid_request"


async def test_fapi2_security_profile_final_par_ensure_pkce_required(client: Bank) -> None:
    """No challenge, no reference."""
    answer = await client.push(code_challenge=None, code_challenge_method=None)

    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["plain", None])
async def test_fapi2_security_profile_final_par_plain_pkce_rejected(client: Bank, method: str | None) -> None:
    """`plain`, said or implied."""
    answer = await client.push(code_challenge_method=method)

    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param(
    client: Bank,
) -> None:
    """A reference cannot be pushed."""
    answer = await client.push(request_uri=await client.reference())

    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize("response_type", ["code id_token", "token"])
async def test_fapi2_security_profile_final_ensure_response_type_token_fails(client: Bank, response_type: str) -> None:
    """Only `code` (and with an ID token: ensure-response-type-code-idtoken-fails)."""
    answer = await client.push(response_type=response_type)

    assert answer.status == 400
    assert answer.error in ("unsupported_response_type", "unauthorized_client")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_fapi2_security_profile_final_par_attempt_invalid_http_method(client: Bank, method: str) -> None:
    """Only POST."""
    response = await client.rp.http.request(method, (await client.rp.metadata())[PUSHED])

    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
    client: Bank, browser: HtmlBrowser
) -> None:
    """Reload, back and a second visit before the answer lead on."""
    pushed = await client.reference()
    assert (await arrive(browser, client.rp, pushed)).name == "login"

    assert (await client.redeem((await visit(browser, client.rp, pushed)).code)).status == 200


async def test_fapi2_security_profile_final_par_attempt_reuse_request_uri(client: Bank, browser: HtmlBrowser) -> None:
    """After the answer it opens nothing."""
    pushed = await client.reference()
    assert (await visit(browser, client.rp, pushed)).code

    error = await page_error(browser, client.rp, client_id=client.rp.client_id, request_uri=pushed)

    assert error == "invalid_request_uri"


async def test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri(
    client: Bank, browser: HtmlBrowser, clock: HandClock
) -> None:
    """After `expires_in` it opens nothing."""
    answer = await client.push()
    clock.advance(timedelta(seconds=answer.body["expires_in"]))
    assert answer.body["expires_in"] == lifetimes.PUSHED_REQUEST.total_seconds()

    error = await page_error(browser, client.rp, client_id=client.rp.client_id, request_uri=answer.body["request_uri"])

    assert error == "invalid_request_uri"


async def test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client(
    client: Bank, second: Bank, browser: HtmlBrowser
) -> None:
    """Nor does it for another client."""
    pushed = await client.reference()
    assert pushed.startswith(PREFIX)

    error = await page_error(browser, second.rp, client_id=second.rp.client_id, request_uri=pushed)

    assert error == "invalid_request_uri"
    assert (await visit(browser, client.rp, pushed)).code


async def test_fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails(provider: Provider) -> None:
    """A `dpop_jkt` beside the proof of another key is refused when it is pushed."""
    client = await bank(provider)

    answer = await client.push(dpop_jkt=ProofKey().thumbprint)

    assert (answer.status, answer.error) == (400, "invalid_request")
