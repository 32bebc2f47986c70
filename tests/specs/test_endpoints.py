"""Every endpoint by the same rules – RFC 9110 §9, §15.5; RFC 6749 §3.1, §3.2: methods, media types, caches."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx2
import pytest

from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider, ask
from tests.support.relying_party import Answer, RelyingParty

FORM_TYPE, JSON_TYPE = "application/x-www-form-urlencoded", "application/json"
FORM = {"Content-Type": FORM_TYPE}
APIS = ("api/admin/v1", "scim/v2", "userinfo")
PUBLIC = "public, max-age=600"
NO_STORE = "no-store"
ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW")


@dataclass(frozen=True)
class Endpoint:
    """One line of the table of endpoints."""

    path: str
    methods: Sequence[str]
    cache: str = NO_STORE
    has_preflight: bool = False
    media: str = FORM_TYPE

    @property
    def allowed(self) -> set[str]:
        """Return what the Allow header must list: HEAD follows GET."""
        return {*self.methods, *(("HEAD",) if "GET" in self.methods else ())}


TABLE = [
    Endpoint("/.well-known/openid-configuration", ["GET"], PUBLIC),
    Endpoint("/.well-known/oauth-authorization-server", ["GET"], PUBLIC),
    Endpoint("/jwks", ["GET"], PUBLIC),
    Endpoint("/authorize", ["GET", "POST"]),
    Endpoint("/login/x", ["GET", "POST"]),
    Endpoint("/step-up/x", ["GET", "POST"]),
    Endpoint("/accounts/x", ["GET", "POST"]),
    Endpoint("/consent/x", ["GET", "POST"]),
    Endpoint("/par", ["POST"]),
    Endpoint("/token", ["POST"], has_preflight=True),
    Endpoint("/userinfo", ["GET", "POST"], has_preflight=True),
    Endpoint("/introspect", ["POST"]),
    Endpoint("/revoke", ["POST"], has_preflight=True),
    Endpoint("/register", ["POST"], media=JSON_TYPE),
    Endpoint("/register/x", ["GET", "PUT", "DELETE"], media=JSON_TYPE),
    Endpoint("/device_authorization", ["POST"]),
    Endpoint("/device", ["GET", "POST"]),
    Endpoint("/ciba", ["POST"]),
    Endpoint("/ciba/approve/x", ["GET", "POST"]),
    Endpoint("/end_session", ["GET", "POST"]),
    Endpoint("/end_session/confirm", ["POST"]),
    Endpoint("/signed-out", ["GET"]),
    *(Endpoint(f"/.well-known/oauth-protected-resource/{api}", ["GET"], PUBLIC) for api in APIS),
    Endpoint("/account", ["GET"]),
]
PROGRAMS = ("/token", "/introspect", "/revoke", "/par", "/device_authorization", "/ciba")
each_endpoint = pytest.mark.parametrize("endpoint", TABLE, ids=lambda endpoint: endpoint.path)
each_get = pytest.mark.parametrize(
    "endpoint", [line for line in TABLE if "GET" in line.methods], ids=lambda endpoint: endpoint.path
)
each_post = pytest.mark.parametrize(
    "endpoint", [line for line in TABLE if "POST" in line.methods], ids=lambda endpoint: endpoint.path
)


@each_endpoint
async def test_other_methods_are_405_and_allow_lists_the_right_ones(provider: Provider, endpoint: Endpoint) -> None:
    """RFC 9110 §15.5.6, §10.2.1."""
    preflight = {"OPTIONS"} if endpoint.has_preflight else set()
    for method in sorted(set(ALL_METHODS) - endpoint.allowed - preflight):
        response = await provider.http.request(method, provider.issuer + endpoint.path)

        assert response.status_code == 405, method
        assert {name.strip() for name in response.headers["allow"].split(",")} == endpoint.allowed, method
        assert response.headers["cache-control"] == NO_STORE


@each_get
async def test_head_follows_get(provider: Provider, endpoint: Endpoint) -> None:
    """RFC 9110 §9.3.2: the same header fields, no content."""
    get = await provider.http.get(provider.issuer + endpoint.path)
    head = await provider.http.head(provider.issuer + endpoint.path)

    told = ("content-type", "cache-control", "etag", "www-authenticate", "access-control-allow-origin")
    assert head.status_code == get.status_code
    assert [head.headers.get(name) for name in told] == [get.headers.get(name) for name in told]
    goes_to = [response.headers.get("location", "").rpartition("/")[0] for response in (head, get)]
    assert goes_to[0] == goes_to[1]  # the interaction at its end is new each time
    assert head.content == b""


@pytest.mark.parametrize("path", ["/authorize", "/end_session"])
async def test_head_of_a_request_with_parameters_follows_get_too(
    provider: Provider, rp: RelyingParty, path: str
) -> None:
    """RFC 9110 §9.3.2."""
    parameters = (await rp.authorization_request()).parameters if path == "/authorize" else {"state": "x"}

    get = await provider.http.get(provider.issuer + path, params=dict(parameters))
    head = await provider.http.head(provider.issuer + path, params=dict(parameters))

    assert (head.status_code, get.status_code) in ((303, 303), (200, 200))


@each_post
@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", FORM_TYPE]
)
async def test_a_body_of_another_media_type_is_415(provider: Provider, endpoint: Endpoint, content_type: str) -> None:
    """RFC 6749 §3.2, RFC 9110 §15.5.16: forms everywhere, but JSON where clients register (RFC 7591 §3.1)."""
    if content_type == endpoint.media:
        return
    response = await provider.http.post(
        provider.issuer + endpoint.path, content=b"{}", headers={"Content-Type": content_type}
    )

    assert (response.status_code, response.headers["cache-control"]) == (415, NO_STORE)


@each_post
async def test_a_body_of_more_than_64_kilobytes_is_413(provider: Provider, endpoint: Endpoint) -> None:
    """RFC 9110 §15.5.14; the limit is ours."""
    response = await provider.http.post(
        provider.issuer + endpoint.path, content=b"x=" + b"y" * 64 * 1024, headers={"Content-Type": endpoint.media}
    )

    assert response.status_code == 413


@each_endpoint
async def test_caches_keep_public_documents_only(provider: Provider, endpoint: Endpoint) -> None:
    """RFC 9111 §5.2; RFC 6749 §5.1, RFC 6750 §5.3."""
    method = endpoint.methods[0]
    response = await provider.http.request(method, provider.issuer + endpoint.path, headers=FORM)

    assert response.headers["cache-control"] == endpoint.cache
    assert ("etag" in response.headers) is (endpoint.cache == PUBLIC)


async def test_pages_of_a_journey_are_kept_by_nobody(rp: RelyingParty, browser: HtmlBrowser) -> None:
    """RFC 9111 §5.2.2.5: not even by the browser's own cache."""
    pages = [await ask(browser, rp), await browser.sign_in(), await browser.submit("consent-allow")]

    assert {page.response.headers["cache-control"] for page in pages} == {NO_STORE}


@pytest.mark.parametrize("document", ["/jwks", "/.well-known/openid-configuration"])
async def test_a_document_that_is_known_is_not_sent_again(provider: Provider, document: str) -> None:
    """RFC 9110 §13.1.2, §15.4.5."""
    url = provider.issuer + document
    etag = (await provider.http.get(url)).headers["etag"]

    known = [
        await provider.http.get(url, headers={"If-None-Match": value}) for value in (etag, f'"x", {etag}', f"W/{etag}")
    ]
    unknown = await provider.http.get(url, headers={"If-None-Match": '"x"'})

    assert {(response.status_code, response.content) for response in known} == {(304, b"")}
    assert {response.headers["etag"] for response in known} == {etag}
    assert {response.headers["cache-control"] for response in known} == {PUBLIC}
    assert {response.headers["access-control-allow-origin"] for response in known} == {"*"}
    assert unknown.status_code == 200


@pytest.mark.parametrize("document", ["/jwks", "/.well-known/openid-configuration"])
async def test_a_prepared_document_has_the_same_headers_each_time(provider: Provider, document: str) -> None:
    """RFC 9110 §5.2: each field once, however often it was sent before."""
    for _ in range(3):
        headers = (await provider.http.get(provider.issuer + document)).headers.multi_items()

        assert len(headers) == len({name for name, _value in headers})


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/token/", "/jwks/", "/authorize/", "//token", "/.well-known/", "/login/", "/par/", "/register/"],
)
async def test_an_address_that_is_not_ours_is_404(provider: Provider, path: str) -> None:
    """RFC 9110 §15.5.5: no redirect to a similar one, and nothing at endpoints that do not exist yet."""
    for response in (
        await provider.http.get(provider.issuer + path),
        await provider.http.post(provider.issuer + path, headers=FORM),
    ):
        assert response.status_code == 404
        assert response.headers["cache-control"] == NO_STORE


@pytest.mark.parametrize(
    "host", ["evil.example", "id.example.evil.example", "id.example:444", "id.example@evil.example"]
)
async def test_another_host_is_misdirected(provider: Provider, host: str) -> None:
    """RFC 9110 §15.5.20, §7.4: URLs are made of the issuer, never of the Host header."""
    for path in ("/.well-known/openid-configuration", "/authorize", "/token"):
        response = await provider.http.get(provider.issuer + path, headers={"Host": host})

        assert response.status_code in (400, 421)
        assert host not in response.text


async def test_forwarding_headers_change_no_address(provider: Provider) -> None:
    """RFC 7239 §8.1: from whom we do not trust they are noise."""
    forged = {
        "Forwarded": "host=evil.example;proto=http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Original-URL": "/admin",
    }

    response = await provider.http.get(f"{provider.issuer}/.well-known/openid-configuration", headers=forged)

    assert "evil" not in response.text
    assert response.json()["issuer"] == provider.issuer


@pytest.mark.parametrize(
    "endpoint",
    ["token_endpoint", "introspection_endpoint", "revocation_endpoint", "pushed_authorization_request_endpoint",
     "device_authorization_endpoint", "backchannel_authentication_endpoint"],
)  # fmt: skip
async def test_a_repeated_parameter_is_refused_everywhere(rp: RelyingParty, endpoint: str) -> None:
    """RFC 6749 §3.2; parameters that mean nothing here included."""
    for name in ("token", "token_type_hint", "client_id", "extra"):
        answer = await rp.post(endpoint, [("grant_type", "refresh_token"), (name, "x"), (name, "x")])

        assert (answer.status, answer.error) == (400, "invalid_request"), name


@pytest.mark.parametrize("path", PROGRAMS)
async def test_a_token_in_the_url_is_refused_everywhere(provider: Provider, rp: RelyingParty, path: str) -> None:
    """RFC 6749 §2.3.1, RFC 7009 §2.1, RFC 7662 §2.1: by POST, in the body."""
    headers = {**FORM, **rp.auth.prove(rp.client_id, rp.issuer).headers}

    response = await provider.http.post(f"{provider.issuer}{path}?token=x", content=b"token=x", headers=headers)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@each_endpoint
async def test_every_answer_has_the_headers_that_keep_it_safe(provider: Provider, endpoint: Endpoint) -> None:
    """OWASP ASVS 3.4, RFC 9700 §4.2, §4.16: on pages, documents and errors alike; more of them on pages."""
    response: httpx2.Response = await provider.http.get(provider.issuer + endpoint.path)

    assert response.headers["x-content-type-options"] == "nosniff"
    assert "max-age=63072000" in response.headers["strict-transport-security"]
    if response.headers.get("content-type", "").startswith("text/html"):
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["referrer-policy"] == "same-origin"
        assert response.headers["x-frame-options"] == "DENY"


async def test_errors_of_programs_are_json(rp: RelyingParty) -> None:
    """RFC 6749 §5.2: whatever goes wrong, a program can read it."""
    for path in PROGRAMS:
        for response in (
            await rp.http.get(rp.issuer + path),
            await rp.http.post(rp.issuer + path, json={}),
            await rp.http.post(rp.issuer + path, headers=FORM),
        ):
            assert Answer.of(response).error, response.text
