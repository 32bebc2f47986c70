"""AZ11–AZ19, AZ25–AZ28: parameters that are repeated, huge, malformed, or ask for what nobody offers."""

import json
import time
import tracemalloc
from urllib.parse import urlencode

import pytest

from tests.support.attacker import FORM, ask, assert_error_page, assert_refused, parameters_of, redirected, send
from tests.support.html_browser import HtmlBrowser
from tests.support.relying_party import RelyingParty
from tests.support.target import Target

KNOWN = (
    "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "response_mode", "prompt",
    "max_age", "login_hint", "id_token_hint", "ui_locales", "acr_values", "claims", "display", "request", "request_uri",
)  # fmt: skip
VALUES = {"response_mode": "query", "prompt": "login", "max_age": "60", "claims": "{}"}


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("how", ["same", "other", "empty"])
async def test_az11_a_repeated_parameter_is_refused(provider: Target, rp: RelyingParty, name: str, how: str) -> None:
    """RFC 6749 §3.1: request parameters must not be included more than once."""
    sent = await parameters_of(rp)
    first = sent.setdefault(name, VALUES.get(name, "x"))
    again = {"same": first, "other": "y", "empty": ""}[how]

    answer = await ask(provider, [*sent.items(), (name, again)])

    assert_refused(answer, "invalid_request", rp, None if name == "state" else sent["state"])


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
@pytest.mark.parametrize("other", [None, "https://evil.example/callback"])
async def test_az11_a_repeated_addressee_is_shown_a_page(
    provider: Target, rp: RelyingParty, name: str, other: str | None
) -> None:
    sent = await parameters_of(rp)

    assert_error_page(await ask(provider, [*sent.items(), (name, other or sent[name])]))
    assert_error_page(await ask(provider, [(name, other or sent[name]), *sent.items()]))


@pytest.mark.parametrize("name", ["scope", "prompt", "nonce"])
async def test_az11_a_parameter_in_query_and_body_is_repeated(provider: Target, rp: RelyingParty, name: str) -> None:
    sent = await parameters_of(rp, prompt="login")
    endpoint = f"{provider.issuer}/authorize?{urlencode({name: sent[name]})}"

    page = await provider.browser().post_from_elsewhere(endpoint, sent)

    assert_refused(page.response, "invalid_request", rp, sent["state"])


async def test_az12_get_and_post_have_equal_results(provider: Target, rp: RelyingParty, browser: HtmlBrowser) -> None:
    sent = await parameters_of(rp)
    by_get = await browser.open(f"{provider.issuer}/authorize?{urlencode(sent)}")
    by_post = await browser.post_from_elsewhere(f"{provider.issuer}/authorize", sent)

    assert (by_get.status, by_get.name) == (by_post.status, by_post.name) == (200, "login")
    assert (await browser.finish(rp, by_post)).code


@pytest.mark.parametrize(
    ("media_type", "encode"),
    [("application/json", json.dumps), ("text/plain", urlencode), ("multipart/form-data; boundary=x", urlencode)],
)
async def test_az12_another_media_type_is_refused(provider: Target, rp: RelyingParty, media_type: str, encode) -> None:  # type: ignore[no-untyped-def]
    body = encode(await parameters_of(rp))

    answer = await provider.http.post(
        f"{provider.issuer}/authorize", content=body, headers={"Content-Type": media_type}
    )

    assert answer.status_code == 415
    assert "location" not in answer.headers


@pytest.mark.parametrize("name", ["state", "scope", "junk"])
@pytest.mark.parametrize("size", [64_000, 1_000_000])
async def test_az13_a_huge_request_is_refused_at_once(provider: Target, rp: RelyingParty, name: str, size: int) -> None:
    sent = await parameters_of(rp) | {name: " ".join(["scope"] * (size // 6))}
    tracemalloc.start()
    began = time.process_time()

    by_get = await send(provider, "GET", "/authorize", query=urlencode(sent).encode())
    by_post = await provider.http.post(f"{provider.issuer}/authorize", content=urlencode(sent), headers=FORM)

    assert by_get.status == 414
    assert by_post.status_code == 413
    assert time.process_time() - began < 1
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


async def test_az13_a_state_of_2048_bytes_comes_back_byte_for_byte(provider: Target, rp: RelyingParty) -> None:
    state = "a+b c/%26&é\x00=#" * 100
    state += "x" * (2048 - len(state.encode()))

    answer = redirected(await ask(provider, await parameters_of(rp, state=state, prompt="none")))

    assert answer.state == state
    assert_error_page(await ask(provider, await parameters_of(rp, state="x" * 2049)))


@pytest.mark.parametrize(
    "mode",
    ["unknown", "form_post.JWT", "jwt.query", "query.jwt.jwt", "form_postx", "Query", "fragment query", "web_message"],
)
async def test_az16_an_unknown_response_mode_is_refused(provider: Target, rp: RelyingParty, mode: str) -> None:
    sent = await parameters_of(rp, response_mode=mode)

    assert_refused(await ask(provider, sent), "invalid_request", rp, sent["state"])


async def test_az16_a_mode_that_was_not_registered_is_refused(provider: Target) -> None:
    rp = await provider.client(response_modes=["query"])
    sent = await parameters_of(rp, response_mode="form_post")

    assert_refused(await ask(provider, sent), "invalid_request", rp, sent["state"])


@pytest.mark.parametrize("mode", ["fragment", "form_post"])
async def test_az16_no_mode_checks_less(provider: Target, rp: RelyingParty, mode: str) -> None:
    """An error goes the way that success would; the checks before it are the same."""
    assert_error_page(
        await ask(provider, await parameters_of(rp, response_mode=mode, redirect_uri="https://evil.example"))
    )

    for changes in ({"code_challenge": None}, {"scope": "unknown"}, {"response_type": "token"}):
        sent = await parameters_of(rp, response_mode=mode, **changes)
        answer = await ask(provider, sent)
        if mode == "fragment":
            assert redirected(answer).error
        else:
            assert answer.status_code == 200
            assert f'action="{rp.redirect_uri}"' in answer.text
            assert "code=" not in answer.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_type": 'code"\\'}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "a" * 129}, "invalid_request"),
        ({"code_challenge": "a" * 42 + "é"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"nonce": "x" * 1025}, "invalid_request"),
        ({"nonce": "a\x00b"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none none"}, "invalid_request"),
        ({"prompt": "unknown"}, "invalid_request"),
        ({"prompt": "login  consent"}, "invalid_request"),
        ({"prompt": "NONE"}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
    ids=str,
)
async def test_az19_what_the_rules_forbid_is_refused_at_the_client(
    provider: Target, rp: RelyingParty, changes: dict[str, str | None], error: str
) -> None:
    sent = await parameters_of(rp, **changes)

    assert_refused(await ask(provider, sent), error, rp, sent["state"])


DEEP = "[" * 10_000
BAD_CLAIMS = {
    "not JSON": "{",
    "an array": "[]",
    "a word": '"userinfo"',
    "null": "null",
    "a member twice": '{"userinfo":{},"userinfo":{}}',
    "NaN": '{"userinfo":{"a":{"value":NaN}}}',
    "a number beyond any": '{"userinfo":{"a":{"value":1e999}}}',
    "a lone surrogate": '{"userinfo":{"a":{"value":"\\ud800"}}}',
    "deep": DEEP[:4000],
    "depth 9": '{"userinfo":{"a":{"value":[[[[[[1]]]]]]}}}',
    "over 8 kB": json.dumps({"userinfo": {f"c{n}": None for n in range(1000)}}),
    "userinfo is an array": '{"userinfo":[]}',
    "a claim is true": '{"userinfo":{"name":true}}',
    "essential is a text": '{"userinfo":{"name":{"essential":"yes"}}}',
    "values is an object": '{"id_token":{"acr":{"values":{}}}}',
    "a giant integer": '{"userinfo":{"a":{"value":' + "9" * 5000 + "}}}",
}


@pytest.mark.parametrize("text", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
async def test_az25_claims_that_cannot_be_read_are_refused_at_once(
    provider: Target, rp: RelyingParty, text: str
) -> None:
    sent = await parameters_of(rp, claims=text)
    began = time.process_time()

    answer = await ask(provider, sent)

    assert time.process_time() - began < 0.1
    if len(urlencode({"claims": text})) > 7500:
        assert answer.status_code == 414
    else:
        assert_refused(answer, "invalid_request", rp, sent["state"])


async def test_az25_ten_thousand_brackets_are_too_long_or_too_deep(provider: Target, rp: RelyingParty) -> None:
    assert (await ask(provider, await parameters_of(rp, claims=DEEP))).status_code == 414
    posted = await provider.browser().post_from_elsewhere(
        f"{provider.issuer}/authorize", await parameters_of(rp, claims=DEEP)
    )
    assert posted.status == 413


@pytest.mark.parametrize("where", ["userinfo", "id_token"])
async def test_az25_a_foreign_sub_never_switches_users(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser, where: str
) -> None:
    other = await provider.person()
    await browser.authorize(rp)
    claims = json.dumps({where: {"sub": {"value": other.id}}})

    silent = await browser.answer(rp, claims=claims, prompt="none")
    shown = await browser.answer(rp, claims=claims)

    assert (silent.error, shown.error) == ("login_required", "login_required")


async def test_az28_scopes_that_a_client_may_not_have_are_dropped_and_told(
    provider: Target, browser: HtmlBrowser
) -> None:
    rp = await provider.client()
    await provider.change(rp, scope="openid email")

    code = await browser.authorize(rp, scope="openid openid email idp:admin email profile \x00")

    assert (await rp.redeem(code)).body["scope"] == "openid email"


@pytest.mark.parametrize("scope", ["idp:admin", "openid\temail", "openid,email", "OPENID", "\topenid", "openid\n"])
async def test_az28_without_any_scope_left_the_request_is_refused(provider: Target, scope: str) -> None:
    rp = await provider.client()
    await provider.change(rp, scope="openid email")
    sent = await parameters_of(rp, scope=scope)

    assert_refused(await ask(provider, sent), "invalid_scope", rp, sent["state"])
