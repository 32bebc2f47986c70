"""TR01–TR04: hosts, forwarding headers, origins, and requests that came in the clear (ASVS 3.5, 4.1)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.attacker import FORM, send
from tests.support.relying_party import RelyingParty
from tests.support.target import Target, target

PAGES = ("/", "/account", "/account/apps", "/end_session", "/signed-out", "/dev/mailbox", "/nowhere", "/authorize")


@pytest.mark.parametrize(
    "hosts",
    [
        [b"evil.example"],
        [b""],
        [b"id.example", b"id.example"],
        [b"id.example", b"evil.example"],
        [b"x@id.example"],
        [b"id.example:8443"],
        [b"id.example."],
        [b"id.example evil.example"],
        [b"id.example/evil"],
        [b"id.example\t"],
        [b"[::1]"],
        [b"127.0.0.1"],
        [b"\xff"],
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/authorize", "/.well-known/openid-configuration", "/token", "/static/style.css"])
async def test_tr01_a_foreign_host_is_refused(provider: Target, hosts: list[bytes], path: str) -> None:
    answer = await send(provider, "GET", path, headers=[(b"host", host) for host in hosts])

    assert answer.status in (400, 421)
    assert answer.body == b""


@pytest.mark.parametrize("host", [b"id.example", b"ID.example", b"id.example:443"])
async def test_tr01_every_url_is_the_issuers_whatever_host_says(provider: Target, host: bytes) -> None:
    document = await send(provider, "GET", "/.well-known/openid-configuration", headers=[(b"host", host)])
    started = await send(provider, "GET", "/account/sign-in", headers=[(b"host", host)])

    assert b"https://id.example/token" in document.body
    assert started.headers["location"].startswith("https://id.example/login/")


async def test_tr01_the_absolute_form_is_refused(provider: Target) -> None:
    for target_ in ("http://evil.example/jwks", "https://id.example/jwks", "http:/jwks"):
        assert (await send(provider, "GET", target_)).status in (400, 421)


async def test_tr01_health_answers_any_host_and_says_nothing(provider: Target) -> None:
    answer = await send(provider, "GET", "/health/live", headers=[(b"host", b"10.0.0.7")])

    assert (answer.status, answer.body) == (200, b'{"status":"live"}')


NOISE = [
    (b"x-forwarded-host", b"evil.example"), (b"x-forwarded-proto", b"http"), (b"x-forwarded-port", b"81"),
    (b"x-forwarded-for", b"127.0.0.1"), (b"x-forwarded-prefix", b"/evil"), (b"x_forwarded_host", b"evil.example"),
    (b"forwarded", b"for=127.0.0.1;host=evil.example;proto=http"), (b"x-original-url", b"/metrics"),
    (b"x-rewrite-url", b"/metrics"), (b"x-real-ip", b"127.0.0.1"), (b"x-http-method-override", b"POST"),
]  # fmt: skip


@pytest.mark.parametrize("header", NOISE, ids=str)
async def test_tr02_forwarding_headers_of_strangers_are_noise(provider: Target, header: tuple[bytes, bytes]) -> None:
    document = await send(provider, "GET", "/.well-known/openid-configuration", headers=[header])
    metrics = await send(provider, "GET", "/metrics", headers=[header], address="203.0.113.9")
    started = await send(provider, "GET", "/account/sign-in", headers=[header])

    assert (document.status, b"evil" in document.body) == (200, False)
    assert metrics.status == 404
    assert started.headers["location"].startswith("https://id.example/login/")


async def test_tr02_metrics_are_for_this_machine_or_by_token(tmp_path: Path) -> None:
    async with target("sqlite", tmp_path, metrics_token="let-me-see") as fresh:
        cases = [
            ("127.0.0.1", []),
            ("203.0.113.9", []),
            ("203.0.113.9", [(b"authorization", b"Bearer let-me-see")]),
            ("203.0.113.9", [(b"authorization", b"Bearer let-me-se")]),
            ("203.0.113.9", [(b"authorization", b"Bearer \xff")]),
            ("203.0.113.9", [(b"x-forwarded-for", b"127.0.0.1")]),
        ]
        answers = [
            (await send(fresh, "GET", "/metrics", headers=headers, address=address)).status
            for address, headers in cases
        ]

    assert answers == [200, 404, 200, 404, 404, 404]


ENDPOINTS = ("/token", "/userinfo", "/revoke")
FOREIGN = (
    "https://evil.example",
    "null",
    "http://rp.example",
    "https://rp.example.evil.example",
    "https://rp.example:1",
)


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("path", [*ENDPOINTS, "/introspect", "/authorize", "/end_session", "/account", "/login/x"])
async def test_tr03_a_foreign_origin_is_allowed_nothing(
    provider: Target, rp: RelyingParty, path: str, origin: str
) -> None:
    wanted = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "dpop"}

    asked = await provider.http.options(provider.issuer + path, headers=wanted)
    sent = await provider.http.post(provider.issuer + path, headers={"Origin": origin, **FORM}, content="x=y")

    for answer in (asked, sent):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
async def test_tr03_public_documents_are_for_anybody_without_credentials(provider: Target, path: str) -> None:
    answer = await provider.http.get(provider.issuer + path, headers={"Origin": "https://evil.example"})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


async def test_tr03_origins_of_a_disabled_client_are_foreign_again(fresh: Target) -> None:
    rp = await fresh.client(redirect_uris=["https://gone.example/callback"])
    await fresh.site.clients.set_active(await fresh.registration(rp), is_active=False)

    asked = await fresh.http.options(f"{fresh.issuer}/token", headers={"Origin": "https://gone.example"})

    assert "access-control-allow-origin" not in asked.headers


@pytest.fixture(scope="session")
async def behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """A provider behind a proxy that it trusts."""
    async with target("sqlite", tmp_path_factory.mktemp("proxied"), trusted_proxies="192.0.2.0/24") as running:
        yield running


@pytest.mark.parametrize("path", ["/token", "/userinfo", "/authorize", "/jwks"])
@pytest.mark.parametrize("proto", [b"http", b"HTTP", b"https, http", b""])
async def test_tr04_a_request_that_came_in_the_clear_is_refused_not_redirected(
    behind_proxy: Target, path: str, proto: bytes
) -> None:
    headers = [(b"x-forwarded-proto", proto)]

    answer = await send(behind_proxy, "GET", path, headers=headers, address="192.0.2.1")

    assert answer.status == 400
    assert "location" not in answer.headers


async def test_tr04_behind_tls_it_passes_with_hsts(behind_proxy: Target) -> None:
    for proto in (b"https", b"http, https"):
        answer = await send(behind_proxy, "GET", "/jwks", headers=[(b"x-forwarded-proto", proto)], address="192.0.2.1")
        policy = answer.headers["strict-transport-security"]
        assert answer.status == 200
        assert int(policy.partition("max-age=")[2].partition(";")[0]) >= 365 * 86400
        assert "includeSubDomains" in policy
    assert (await send(behind_proxy, "GET", "/health/live", headers=[(b"x-forwarded-proto", b"http")])).status == 200
