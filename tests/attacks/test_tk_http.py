"""TK33–TK35, TK43: how the token endpoint is spoken to, how it answers, whom it gives nothing (RFC 6749 §3.2, §5)."""

import secrets
import statistics
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from idp.domain.client import BadClient
from tests.support.attacker import FORM, tokens_for
from tests.support.client_auth import Basic
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import MINUTE
from tests.support.relying_party import RelyingParty
from tests.support.target import Target, target

ENDPOINTS = ("/token", "/introspect", "/revoke")
USER_SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")


def basic(rp: RelyingParty) -> dict[str, str]:
    return dict(rp.auth.prove(rp.client_id, rp.issuer).headers)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "TRACE", "BREW"])
async def test_tk33_other_methods_are_not_allowed(provider: Target, path: str, method: str) -> None:
    answer = await provider.http.request(method, provider.issuer + path)

    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_tk33_credentials_in_the_url_are_refused(provider: Target, rp: RelyingParty, path: str) -> None:
    auth = rp.auth
    assert isinstance(auth, Basic)
    fields = {"grant_type": "client_credentials", "client_id": rp.client_id, "client_secret": auth.secret, "token": "x"}

    in_url = await provider.http.post(f"{provider.issuer}{path}?{urlencode(fields)}", headers=FORM)
    both = await provider.http.post(f"{provider.issuer}{path}?x=1", content=urlencode(fields), headers=FORM | basic(rp))

    assert [(each.status_code, each.json()["error"]) for each in (in_url, both)] == [(400, "invalid_request")] * 2


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 415),
        ("text/plain", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/x-www-form-urlencoded; charset=utf-16", 415),
        ("application/x-www-form-urlencoded; charset=utf-7", 415),
        ("application/x-www-form-urlencodedx", 415),
        ("", 415),
        (None, 415),
    ],
)
async def test_tk33_another_media_type_is_refused(
    provider: Target, rp: RelyingParty, path: str, media_type: str | None, status: int
) -> None:
    headers = basic(rp) | ({"Content-Type": media_type} if media_type is not None else {})

    answer = await provider.http.post(provider.issuer + path, content="token=x&grant_type=x", headers=headers)

    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe=1", b"grant_type=%ff%fe", "grant_type=é".encode("latin-1"), "grant_type=x".encode("utf-16")],
)
async def test_tk33_what_is_not_utf8_is_refused(provider: Target, rp: RelyingParty, path: str, body: bytes) -> None:
    answer = await provider.http.post(provider.issuer + path, content=body, headers=FORM | basic(rp))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "scope", "junk"])
async def test_tk33_a_repeated_parameter_is_refused(provider: Target, rp: RelyingParty, name: str) -> None:
    fields = [("grant_type", "authorization_code"), ("code", "x"), (name, "y"), (name, "y")]

    answer = await rp.post("token_endpoint", fields)

    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", "unauthorized_client"),
        ("urn:ietf:params:oauth:grant-type:device_code", "unauthorized_client"),
        ("urn:ietf:params:oauth:grant-type:saml2-bearer", "unsupported_grant_type"),
        ("AUTHORIZATION_CODE", "unsupported_grant_type"),
        ('x"\\\x00é\n', "unsupported_grant_type"),
        ("", "invalid_request"),
    ],
)
async def test_tk33_no_grant_but_those_we_list(rp: RelyingParty, grant_type: str, error: str) -> None:
    """RFC 9700 §2.4: the password grant must not be used."""
    answer = await rp.token(grant_type=grant_type, username="x", password="y")

    assert (answer.status, answer.error) == (400, error)


async def test_tk34_every_answer_is_json_not_stored_and_plain(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    good = await rp.redeem(await browser.authorize(rp))
    answers = [
        good,
        await rp.refresh(good.refresh_token),
        await rp.redeem("x"),
        await rp.refresh('é"\\\n'),
        await rp.token(grant_type='"\\é\r\n'),
        await rp.token(grant_type="refresh_token", refresh_token=good.refresh_token, scope='"\\é'),
        await rp.post("token_endpoint", {}, auth=Basic("wrong")),
        await rp.post("token_endpoint", {"grant_type": "x"}, headers={"Origin": "https://evil.example"}),
        await rp.post("token_endpoint", [("é", "1"), ("é", "2")]),
    ]

    for answer in answers:
        assert answer.headers["content-type"].split(";")[0] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["pragma"] == "no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-credentials" not in answer.headers
        assert answer.headers.get("access-control-allow-origin") != "*"
        text = answer.body.get("error_description", "")
        assert text.isascii()
        assert text.isprintable()
        assert not set('"\\') & set(text)


async def test_tk35_a_public_client_is_never_registered_for_client_credentials(provider: Target) -> None:
    with pytest.raises(BadClient):
        await provider.client(method="none", grant_types=["client_credentials"])


async def test_tk35_a_client_that_is_not_registered_for_the_grant_gets_nothing(provider: Target) -> None:
    for rp in (await provider.client(), await provider.client(method="none")):
        answer = await rp.token(grant_type="client_credentials")
        assert (answer.status, answer.error) == (400, "unauthorized_client")


async def test_tk35_a_public_client_that_was_stored_as_a_machine_still_gets_nothing(fresh: Target) -> None:
    rp = await fresh.client(method="none")
    await fresh.execute("UPDATE clients SET metadata = replace(metadata, 'authorization_code', 'client_credentials')")

    assert (await rp.token(grant_type="client_credentials")).error == "unauthorized_client"


@pytest.mark.parametrize("scope", [*USER_SCOPES, "api openid", "api offline_access"])
async def test_tk35_no_scope_of_a_person_without_a_person(provider: Target, scope: str) -> None:
    rp = await provider.client(grant_types=["client_credentials"], redirect_uris=None)
    await provider.change(rp, scope="api openid profile email address phone offline_access")

    refused = await rp.token(grant_type="client_credentials", scope=scope)
    default = await rp.token(grant_type="client_credentials")

    assert (refused.status, refused.error) == (400, "invalid_scope")
    assert default.body["scope"] == "api"
    assert not {"refresh_token", "id_token"} & set(default.body)


async def test_tk35_default_scopes_of_a_machine_are_never_a_persons(provider: Target) -> None:
    rp = await provider.client(grant_types=["client_credentials"], redirect_uris=None)
    await provider.change(rp, scope="api openid", default_scope="api openid")

    assert (await rp.token(grant_type="client_credentials")).body["scope"] == "api"


async def test_tk35_no_client_id_can_be_a_persons_sub(provider: Target) -> None:
    person = await provider.person()

    for client_id in (person.id, "a" * 26, "ab2345" + "z" * 20):
        with pytest.raises(BadClient):
            await provider.site.clients.create(
                {"client_name": "x", "redirect_uris": ["https://a.example"]}, client_id=client_id
            )


async def test_tk43_random_codes_and_tokens_end_in_429_and_leave_nothing(tmp_path: Path) -> None:
    async with target("sqlite", tmp_path, rate_limits="on") as fresh:
        rp, person = await fresh.client(), await fresh.person()
        kept = await tokens_for(fresh, rp, person)
        before = len(await fresh.rows("codes")) + len(await fresh.rows("grants"))
        counters = len(await fresh.rows("attempts"))

        answers = [await rp.redeem(secrets.token_urlsafe(32)) for _ in range(50)]
        answers += [await rp.refresh(secrets.token_urlsafe(64)) for _ in range(50)]

        assert [answer.status for answer in answers] == [400] * 60 + [429] * 40
        assert answers[-1].headers["retry-after"] == "60"
        assert len(await fresh.rows("codes")) + len(await fresh.rows("grants")) == before
        assert len(await fresh.rows("attempts")) == counters + 1
        assert (await rp.refresh(kept.refresh_token)).status == 200, "who holds a token is not held up"
        fresh.clock.advance(MINUTE)
        assert (await rp.redeem("x")).status == 400


async def test_tk43_a_token_that_exists_takes_no_longer_to_refuse(provider: Target, rp: RelyingParty) -> None:
    """Another client's code and an invented one cost one look-up each."""
    owner, person = await provider.client(is_first_party=True), await provider.person()
    browser = provider.browser(person)
    real, invented = [], []
    for _ in range(40):
        code = await browser.authorize(owner)
        for text, times in ((code, real), (secrets.token_urlsafe(32), invented)):
            began = time.perf_counter()
            await rp.redeem(text)
            times.append(time.perf_counter() - began)

    assert abs(statistics.median(real) - statistics.median(invented)) < 0.005
