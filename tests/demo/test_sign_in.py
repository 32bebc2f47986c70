"""Signing in and out at the demo, and every answer of a provider that must not sign anybody in."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey

from tests.demo.conftest import Visitor
from tests.support.fake_provider import FakeProvider, Lies


async def test_a_visitor_signs_in_and_is_greeted_by_name(visitor: Visitor, provider: FakeProvider) -> None:
    page = await visitor.press("/login")

    assert page.texts["name"] == "Ada Lovelace"
    assert page.texts["email"] == "ada@example.org"


async def test_the_request_has_state_nonce_pkce_and_the_scopes(visitor: Visitor, provider: FakeProvider) -> None:
    await visitor.open("/login")

    asked = provider.asked("/authorize")
    assert asked["scope"] == "openid profile email offline_access"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == visitor.base_url + "/callback"
    assert len(asked["state"]) >= 20
    assert len(asked["nonce"]) >= 20


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("prompt=login", "prompt", "login"),
        ("prompt=select_account", "prompt", "select_account"),
        ("prompt=consent", "prompt", "consent"),
        ("max_age=60", "max_age", "60"),
        ("login_hint=ada", "login_hint", "ada"),
        ("ui_locales=de", "ui_locales", "de"),
    ],
)
async def test_a_wish_is_passed_on(visitor: Visitor, provider: FakeProvider, query: str, name: str, value: str) -> None:
    await visitor.open(f"/login?{query}")

    assert provider.asked("/authorize")[name] == value


@pytest.mark.parametrize(
    ("lies", "code"),
    [
        (Lies(authorization={"iss": "https://evil.example"}), "wrong_issuer"),
        (Lies(authorization={"iss": None}), "wrong_issuer"),
        (Lies(authorization={"state": "another"}), "mismatching_state"),
        (Lies(authorization={"state": None}), "mismatching_state"),
        (Lies(metadata={"issuer": "https://evil.example"}), "wrong_issuer"),
        (Lies(id_token={"iss": "https://evil.example"}), "id_token_refused"),
        (Lies(id_token={"aud": "another client"}), "id_token_refused"),
        (Lies(id_token={"nonce": "another"}), "id_token_refused"),
        (Lies(id_token={"nonce": None}), "id_token_refused"),
        (Lies(id_token={"exp": 1}), "id_token_refused"),
        (Lies(id_token={"at_hash": "AAAA"}), "id_token_refused"),
        (Lies(signing_key=ECKey.generate_key("P-256")), "id_token_refused"),
        (Lies(tokens={"id_token": None}), "id_token_refused"),
        (Lies(tokens={"id_token": "rubbish"}), "id_token_refused"),
        (Lies(userinfo={"sub": "somebody else"}), "wrong_subject"),
        (Lies(tokens={"error": "invalid_grant"}), "invalid_grant"),
        (Lies(status={"metadata": 200}), "provider_answer_unusable"),
        (Lies(status={"token": 200}), "provider_answer_unusable"),
        (Lies(status={"token": 503}), "server_error"),
        (Lies(status={"jwks": 500}), "server_error"),
        (Lies(status={"userinfo": 404}), "provider_answer_unusable"),
    ],
)
async def test_a_bad_answer_signs_nobody_in(visitor: Visitor, provider: FakeProvider, lies: Lies, code: str) -> None:
    """OIDC Core §3.1.3.7, §5.3.2; RFC 9207 §2.4; OIDC Discovery §4.3."""
    provider.lies = lies

    page = await visitor.press("/login")

    assert page.data_page == "problem"
    assert page.texts["error-code"] == code
    assert (await visitor.open("/")).data_page == "home"


@pytest.mark.parametrize("code", ["access_denied", "login_required", "something_new"])
async def test_an_error_of_the_provider_is_told_in_words_and_code(
    visitor: Visitor, provider: FakeProvider, code: str
) -> None:
    provider.lies = Lies(authorization={"code": None, "error": code, "error_description": "the <b>reason</b>"})

    page = await visitor.press("/login")

    assert page.texts["error-code"] == code
    assert page.texts["error-detail"] == "the <b>reason</b>"
    assert page.attributes["try-again"]["href"] == "/login"


@pytest.mark.parametrize("query", ["prompt=login", "max_age=60"])
async def test_a_sign_in_older_than_asked_is_refused(visitor: Visitor, provider: FakeProvider, query: str) -> None:
    """OIDC Core §3.1.3.7, step 13."""
    provider.auth_time = int(time.time()) - 3600

    page = await visitor.open(f"/login?{query}")

    assert page.texts["error-code"] == "sign_in_too_old"


async def test_a_fresh_sign_in_is_accepted_where_one_was_asked(visitor: Visitor, provider: FakeProvider) -> None:
    provider.auth_time = int(time.time())

    assert (await visitor.open("/login?prompt=login")).data_page == "signed-in"


async def test_an_answer_counts_once(visitor: Visitor, provider: FakeProvider) -> None:
    await visitor.press("/login")
    callback = next(str(step.url) for step in visitor.response.history if "/callback?" in str(step.url))

    page = await visitor.open(callback.removeprefix(visitor.base_url))

    assert page.texts["error-code"] == "mismatching_state"


async def test_a_new_sign_in_gets_a_new_session_key(signed_in: Visitor) -> None:
    before = signed_in.http.cookies["demo_session"]

    await signed_in.press("/login")

    assert signed_in.http.cookies["demo_session"] != before


async def test_a_third_party_may_start_the_sign_in(visitor: Visitor, provider: FakeProvider) -> None:
    """OIDC Core §4."""
    page = await visitor.open(
        f"/login?iss={provider.issuer}&login_hint=ada&target_link_uri={visitor.base_url}/?from=portal"
    )

    assert page.data_page == "signed-in"
    assert str(visitor.response.url) == f"{visitor.base_url}/?from=portal"


async def test_a_third_party_may_start_it_by_post(visitor: Visitor, provider: FakeProvider) -> None:
    """OIDC Core §4: initiation by GET or POST, from another site."""
    response = await visitor.http.post(
        visitor.base_url + "/login",
        data={"iss": provider.issuer},
        headers={"Origin": "https://portal.example", "Sec-Fetch-Site": "cross-site"},
    )

    assert "signed-in" in response.text


async def test_a_third_party_cannot_name_another_issuer(visitor: Visitor, provider: FakeProvider) -> None:
    """OIDC Core §4."""
    page = await visitor.open("/login?iss=https://evil.example")

    assert page.texts["error-code"] == "foreign_issuer"
    assert provider.requests == []


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "/relative",
        "http://localhost@evil.example/",
        "http://[",
    ],
)
async def test_a_third_party_cannot_lead_people_elsewhere(visitor: Visitor, target: str) -> None:
    """OIDC Core §4: target_link_uri must not make an open redirector."""
    page = await visitor.open(f"/login?target_link_uri={target}")

    assert page.texts["error-code"] == "foreign_target"


async def test_signing_out_tells_the_provider_and_comes_back(signed_in: Visitor, provider: FakeProvider) -> None:
    """RP-Initiated Logout §2."""
    page = await signed_in.press("/logout")

    asked = provider.asked("/end_session")
    assert asked["id_token_hint"].count(".") == 2
    assert asked["post_logout_redirect_uri"] == signed_in.base_url + "/signed-out"
    assert parse_qs(urlsplit(str(signed_in.response.url)).query) == {"state": [asked["state"]]}
    assert page.data_page == "signed-out"
    assert (await signed_in.open("/")).data_page == "home"


async def test_signing_out_twice_ends_on_the_same_page(signed_in: Visitor) -> None:
    await signed_in.press("/logout")

    assert (await signed_in.press("/logout")).data_page == "signed-out"


async def test_signing_out_works_here_even_if_the_provider_is_broken(
    signed_in: Visitor, provider: FakeProvider
) -> None:
    provider.lies = Lies(status={"end_session": 500})

    await signed_in.press("/logout")

    assert (await signed_in.open("/")).data_page == "home"
