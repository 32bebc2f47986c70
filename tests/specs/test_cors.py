"""Cross-origin requests – Fetch Standard §3.2: documents for anybody, client endpoints for a client's own origins."""

import httpx2
import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider
from tests.support.relying_party import Answer, RelyingParty

OWN = "https://spa.example"
DECLARED = "https://app.spa.example:8443"
DOCUMENTS = [
    "/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource/userinfo", "/.well-known/oauth-protected-resource/scim/v2",
]  # fmt: skip
CLIENT_ENDPOINTS = ["/token", "/userinfo", "/revoke"]
CLOSED = [
    "/authorize", "/login/x", "/step-up/x", "/accounts/x", "/consent/x", "/par", "/introspect", "/register",
    "/register/x", "/device_authorization", "/device", "/ciba", "/ciba/approve/x", "/end_session",
    "/end_session/confirm", "/signed-out", "/account",
]  # fmt: skip
STRANGERS = [
    "https://evil.example", "null", "", "https://spa.example.evil.example", "http://spa.example", "https://spa.example:444",
    "https://SPA.example", "https://spa.example/", "*", "https://spa.example, https://evil.example",
]  # fmt: skip


@pytest.fixture(scope="module")
async def spa(provider: Provider) -> RelyingParty:
    """A public client in a browser, with one more origin than its redirect URI has."""
    rp = await provider.client(method="none", redirect_uris=[OWN + "/callback?x=1"], allowed_cors_origins=[DECLARED])
    await provider.settle()
    return rp


def allowed_origin(response: httpx2.Response | Answer) -> str | None:
    """Return who may read a response; credentials are never allowed."""
    assert "access-control-allow-credentials" not in response.headers
    origin: str | None = response.headers.get("access-control-allow-origin")
    return origin


async def preflight(provider: Provider, path: str, origin: str) -> httpx2.Response:
    """Ask as a browser does before a script may call."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,dpop"}
    return await provider.http.options(provider.issuer + path, headers={"Origin": origin, **asked})


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("origin", ["https://anybody.example", "null", None])
async def test_public_documents_are_for_every_origin(provider: Provider, path: str, origin: str | None) -> None:
    """OIDC Discovery §4, RFC 8414 §3: a browser client reads them first."""
    headers = {"Origin": origin} if origin is not None else {}

    assert allowed_origin(await provider.http.get(provider.issuer + path, headers=headers)) == "*"


@pytest.mark.parametrize("path", CLIENT_ENDPOINTS)
@pytest.mark.parametrize("origin", [OWN, DECLARED])
async def test_a_preflight_is_answered_for_a_clients_origin(
    provider: Provider, spa: RelyingParty, path: str, origin: str
) -> None:
    """Fetch §3.2.3."""
    response = await preflight(provider, path, origin)

    assert (response.status_code, allowed_origin(response)) == (204, origin)
    assert "POST" in response.headers["access-control-allow-methods"]
    assert {"authorization", "content-type", "dpop"} <= {
        name.strip().lower() for name in response.headers["access-control-allow-headers"].split(",")
    }
    assert response.headers["vary"] == "Origin"
    assert spa.client_id


@pytest.mark.parametrize("path", CLIENT_ENDPOINTS)
@pytest.mark.parametrize("origin", STRANGERS)
async def test_a_preflight_from_elsewhere_is_not(provider: Provider, spa: RelyingParty, path: str, origin: str) -> None:
    """Fetch §3.2.3: never for null, a suffix, another scheme or port."""
    assert allowed_origin(await preflight(provider, path, origin)) is None
    assert spa.client_id


@pytest.mark.parametrize("path", CLOSED)
async def test_other_endpoints_know_no_preflight(provider: Provider, spa: RelyingParty, path: str) -> None:
    """Pages and servers' endpoints are for no script of another origin."""
    response = await preflight(provider, path, OWN)

    assert (response.status_code, allowed_origin(response)) == (405, None)
    assert spa.client_id


async def test_a_script_of_the_client_reads_its_answers(spa: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 6749 §2.1, user-agent-based application: token, userinfo and revocation."""
    spa.http.headers["Origin"] = OWN
    try:
        tokens = await spa.redeem(await browser.authorize(spa))
        answers = [tokens, await spa.userinfo(tokens.access_token), await spa.revoke(tokens.refresh_token)]
    finally:
        del spa.http.headers["Origin"]

    assert {answer.status for answer in answers} == {200}
    assert {allowed_origin(answer) for answer in answers} == {OWN}
    assert {answer.headers["access-control-expose-headers"] for answer in answers} == {"WWW-Authenticate, DPoP-Nonce"}
    assert {answer.headers["vary"] for answer in answers} == {"Origin"}


async def test_a_script_of_another_client_does_not(provider: Provider, spa: RelyingParty, browser: HtmlBrowser) -> None:
    """An origin is its own client's only: answers hold tokens and people."""
    other = await provider.client(redirect_uris=["https://other.example/callback"])
    await provider.settle()
    tokens = await spa.redeem(await browser.authorize(spa))
    header = {"Origin": "https://other.example"}

    refreshed = await spa.post(
        "token_endpoint", {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}, headers=header
    )
    url = (await spa.metadata())["userinfo_endpoint"]
    userinfo = await spa.http.get(url, headers={**header, "Authorization": f"Bearer {tokens.access_token}"})

    assert (refreshed.status, allowed_origin(refreshed)) == (200, None)
    assert (userinfo.status_code, allowed_origin(userinfo)) == (200, None)
    assert other.client_id


@pytest.mark.parametrize("path", [path for path in CLOSED if path != "/introspect"])
async def test_what_is_not_for_scripts_is_read_by_none(provider: Provider, spa: RelyingParty, path: str) -> None:
    """Fetch §3.2.1: a client's own origin included, on success and on error."""
    for method in ("GET", "POST"):
        assert (
            allowed_origin(await provider.http.request(method, provider.issuer + path, headers={"Origin": OWN})) is None
        )
    assert spa.client_id


async def test_introspection_is_read_by_no_script(rp: RelyingParty) -> None:
    """RFC 7662 §2.1: for servers."""
    answer = await rp.post("introspection_endpoint", {"token": "x"}, headers={"Origin": "https://rp.example"})

    assert (answer.status, allowed_origin(answer)) == (200, None)


async def test_a_script_can_read_why_it_was_refused(spa: RelyingParty) -> None:
    """RFC 6750 §3: a browser client must see the challenge to know that it should refresh."""
    response = await spa.http.get(
        (await spa.metadata())["userinfo_endpoint"], headers={"Origin": OWN, "Authorization": "Bearer expired"}
    )

    assert (response.status_code, allowed_origin(response)) == (401, OWN)
    assert "WWW-Authenticate" in response.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", STRANGERS)
async def test_a_stranger_reads_not_even_errors(spa: RelyingParty, origin: str) -> None:
    """Fetch §3.2.1."""
    answer = await spa.post("token_endpoint", {"grant_type": "refresh_token"}, headers={"Origin": origin})

    assert (answer.status, allowed_origin(answer)) == (400, None)


async def test_an_origin_ends_with_its_client(provider: Provider) -> None:
    """Within a second on all workers."""
    rp = await provider.client(redirect_uris=["https://shortlived.example/callback"])
    await provider.settle()
    before = allowed_origin(await preflight(provider, "/token", "https://shortlived.example"))

    await provider.site.clients.set_active(await provider.registration(rp), is_active=False)
    await provider.settle()

    assert before == "https://shortlived.example"
    assert allowed_origin(await preflight(provider, "/token", "https://shortlived.example")) is None
