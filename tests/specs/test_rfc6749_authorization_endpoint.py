"""Authorization endpoint – RFC 6749 §3.1, §3.3, §4.1.1, §4.1.2.1; RFC 9700 §4.12: parameters, errors, scope, state."""

from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider, ask, at_once
from tests.support.relying_party import AuthorizationAnswer, RelyingParty

ASCII = {chr(code) for code in range(0x20, 0x7F)} - set('"\\')


async def assert_refused_here(browser: HtmlBrowser, url: str) -> str:
    """Open a URL that must end on our own error page, and return what the page says."""
    page = await browser.open(url, came_from_elsewhere=True)
    assert (page.status, page.name, page.location) == (400, "error", None), page.describe()
    assert page.text("error-code") == "invalid_request"
    return page.text("error-description")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "code code"}, "unsupported_response_type"),
        ({"response_type": "Code"}, "unsupported_response_type"),
        ({"scope": "unknown words"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "invalid_request_object"),
        ({"request_uri": "https://rp.example/request.jwt"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"resource": "https://api.example"}, "invalid_target"),
    ],
)
async def test_a_fault_is_told_at_the_clients_own_redirect_uri(
    rp: RelyingParty, browser: HtmlBrowser, changes: Mapping[str, str | None], error: str
) -> None:
    """RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6, §6, §7.2.1: with state and iss, by the mode of the success."""
    mode = "query" if changes.get("response_type", "code") in (None, "", "code") else "fragment"

    answer = await at_once(browser, rp, **changes)

    assert (answer.error, answer.mode) == (error, mode)
    assert answer.state in rp.requests
    assert answer.parameters.keys() == {"error", "error_description", "iss", "state"}
    assert set(answer.parameters["error_description"]) <= ASCII


@pytest.mark.parametrize(
    "name", ["response_type", "scope", "nonce", "prompt", "code_challenge", "response_mode", "extra"]
)
async def test_a_repeated_parameter_is_refused(rp: RelyingParty, browser: HtmlBrowser, name: str) -> None:
    """RFC 6749 §3.1: must not be included more than once."""
    request = await rp.authorization_request()

    page = await browser.open(f"{request.url}&{name}=x&{name}=x")

    answer = rp.receive(AuthorizationAnswer.from_url(page.location or ""))
    assert answer.error == "invalid_request"
    assert answer.state == request.parameters["state"]


async def test_an_error_says_nothing_that_a_client_could_trip_over(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §4.1.2.1: error_description is printable ASCII without quotes and backslashes, whatever was sent."""
    request = await rp.authorization_request()

    page = await browser.open(f"{request.url}&%22%5C%C3%A4%0A=x&%22%5C%C3%A4%0A=x")

    answer = rp.receive(AuthorizationAnswer.from_url(page.location or ""))
    assert answer.error == "invalid_request"
    assert set(answer.parameters["error_description"]) <= ASCII


async def test_forms_lead_to_us_and_to_the_client_only(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """Content Security Policy 3 §6.4.1: form-action names the origin that a redirect after the form leads to."""
    pages = [await ask(browser, rp), await browser.sign_in()]

    for page in pages:
        assert page.response.headers["content-security-policy"].endswith("; form-action 'self' https://rp.example")


async def test_a_posted_request_of_more_than_six_kilobytes_is_too_large(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9110 §15.5.14; the limit is ours (docs/adr/0005)."""
    endpoint = (await rp.metadata())["authorization_endpoint"]
    request = await rp.authorization_request(extra="x" * 6000)

    page = await browser.post_from_elsewhere(endpoint, request.parameters)

    assert (page.status, page.location) == (413, None)


@pytest.mark.parametrize("twice", ["state=a&state=a", "state=&state=", "state=a&state=b&scope=openid"])
async def test_a_repeated_state_is_not_echoed(rp: RelyingParty, browser: HtmlBrowser, twice: str) -> None:
    """RFC 6749 §3.1: of two values neither is the one that was sent."""
    request = await rp.authorization_request(state=None)

    page = await browser.open(f"{request.url}&{twice}")

    answer = AuthorizationAnswer.from_url(page.location or "")
    assert (answer.error, answer.state) == ("invalid_request", None)


async def test_a_parameter_without_a_value_counts_as_absent(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §3.1."""
    empty = dict.fromkeys(("state", "nonce", "prompt", "max_age", "claims", "response_mode", "request", "request_uri",
                           "id_token_hint", "login_hint", "acr_values", "ui_locales", "resource"), "")  # fmt: skip

    answer = await browser.answer(rp, **empty)

    assert answer.parameters.keys() == {"code", "iss"}
    assert "nonce" not in await rp.check_id_token(await rp.redeem(answer.code))


async def test_unknown_parameters_are_ignored(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §3.1."""
    answer = await browser.answer(rp, extra="foobar", x_y="<script>")

    assert answer.parameters.keys() == {"code", "iss", "state"}


@pytest.mark.parametrize(
    "state", ["x", "a b+c%20&=#?/", "ümläut ✓ 字", "\r\nSet-Cookie: a=b", '"><script>', "\0", "x" * 2048]
)
async def test_state_comes_back_byte_for_byte(rp: RelyingParty, browser: HtmlBrowser, state: str) -> None:
    """RFC 6749 §4.1.2: the exact value; up to 2048 bytes."""
    success = await browser.answer(rp, state=state)
    refusal = await at_once(browser, rp, state=state, scope="unknown")

    assert (success.state, refusal.state) == (state, state)


@pytest.mark.parametrize("state", ["x" * 2049, "ü" * 1025])
async def test_a_state_of_more_than_2048_bytes_is_refused(rp: RelyingParty, browser: HtmlBrowser, state: str) -> None:
    """RFC 6749 §4.1.1; the limit is ours. What cannot be echoed is not redirected."""
    await assert_refused_here(browser, (await rp.authorization_request(state=state)).url)


async def test_no_state_is_invented(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §4.1.2: present only if it was sent."""
    success = await browser.answer(rp, state=None)
    refusal = await at_once(browser, rp, state=None, scope="unknown")

    assert "state" not in success.parameters
    assert "state" not in refusal.parameters


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("openid phone unknown email", "openid phone email"),
        ("email openid", "email openid"),
        ("openid openid email", "openid email"),
        ("email", "email"),
    ],
)
async def test_scopes_that_are_not_the_clients_are_dropped_and_it_is_told(
    rp: RelyingParty, browser: HtmlBrowser, asked: str, granted: str
) -> None:
    """RFC 6749 §3.3, §5.1: `scope` in the answer says what was granted, in any order asked."""
    tokens = await rp.redeem(await browser.authorize(rp, scope=asked))

    assert tokens.body["scope"] == granted


async def test_without_a_scope_the_clients_default_counts(provider: Provider, browser: HtmlBrowser) -> None:
    """RFC 6749 §3.3."""
    rp = await provider.client(default_scope="openid email")

    tokens = await rp.redeem(await browser.authorize(rp, scope=None))

    assert tokens.body["scope"] == "openid email"


async def test_a_post_is_answered_like_a_get(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §3.1, OIDC Core §3.1.2.1: parameters in the body, or some in the query and some in the body."""
    request = await rp.authorization_request()
    endpoint = (await rp.metadata())["authorization_endpoint"]

    by_body = await browser.finish(rp, await browser.post_from_elsewhere(endpoint, request.parameters))
    split = dict((await rp.authorization_request()).parameters)
    query = urlencode({"scope": split.pop("scope")})
    by_both = await browser.finish(rp, await browser.post_from_elsewhere(f"{endpoint}?{query}", split))

    assert by_body.code
    assert by_both.code


async def test_a_post_from_another_site_finds_who_is_signed_in(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """OIDC Core §3.1.2.1: its Lax cookies come with our own redirect only, and there they count."""
    await browser.authorize(rp)
    request = await rp.authorization_request(prompt="none")

    page = await browser.post_from_elsewhere((await rp.metadata())["authorization_endpoint"], request.parameters)

    assert rp.receive(AuthorizationAnswer.from_url(page.location or "")).code


async def test_a_parameter_in_query_and_body_is_repeated(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §3.1."""
    request = await rp.authorization_request()
    endpoint = (await rp.metadata())["authorization_endpoint"]

    page = await browser.post_from_elsewhere(f"{endpoint}?scope=openid", request.parameters)

    assert rp.receive(AuthorizationAnswer.from_url(page.location or "")).error == "invalid_request"


@pytest.mark.parametrize("raw", ["scope=%ff", "scope=%zz%", "client_id=%C3%28"])
async def test_what_is_not_utf_8_is_refused_without_redirect(rp: RelyingParty, browser: HtmlBrowser, raw: str) -> None:
    """RFC 6749 Appendix B."""
    page = await browser.open(f"{rp.issuer}/authorize?{raw}")

    assert (page.status, page.location) == (400, None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_mode": "nonsense", "response_type": "token"}, "invalid_request"),
        ({"response_type": "token", "code_challenge": None}, "unsupported_response_type"),
        ({"code_challenge": None, "scope": "unknown"}, "invalid_request"),
        ({"scope": "unknown", "prompt": "nonsense"}, "invalid_scope"),
        ({"prompt": "none login", "id_token_hint": "x"}, "invalid_request"),
    ],
)
async def test_of_several_faults_the_first_in_order_is_told(
    rp: RelyingParty, browser: HtmlBrowser, changes: Mapping[str, str | None], error: str
) -> None:
    """RFC 6749 §4.1.2.1: response mode, response type, PKCE, scope, then the rest."""
    assert (await at_once(browser, rp, **changes)).error == error
