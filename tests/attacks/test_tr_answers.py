"""TR06, TR14: headers of answers, paths that caches would keep, and what no answer says (ASVS 3.4, 16.5)."""

import time
from urllib.parse import urlencode

import pytest

from tests.support.attacker import FORM, parameters_of, send, signed_in, tokens_for
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Person
from tests.support.relying_party import RelyingParty
from tests.support.target import Target

PAGES = ("/", "/account", "/account/apps", "/end_session", "/signed-out", "/dev/mailbox", "/nowhere", "/authorize")


async def test_tr06_every_page_carries_the_whole_set_of_headers(
    provider: Target, rp: RelyingParty, person: Person
) -> None:
    browser = await signed_in(provider, person)
    pages = [await browser.open(provider.issuer + path) for path in PAGES]
    pages.append(await browser.open((await rp.authorization_request()).url))
    pages.append(await browser.open((await rp.authorization_request(prompt="login")).url))

    for page in pages:
        headers = page.response.headers
        assert headers["cache-control"] == "no-store", page.describe()
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert "strict-transport-security" in headers
        policy = headers["content-security-policy"]
        for rule in ("default-src", "base-uri", "frame-ancestors", "object-src"):
            assert f"{rule} 'none'" in policy, page.describe()
        assert "form-action 'self'" in policy
        assert "server" not in headers


async def test_tr06_a_page_posts_to_us_and_to_its_own_client_only(
    provider: Target, rp: RelyingParty, browser: HtmlBrowser
) -> None:
    page = await browser.open((await rp.authorization_request()).url)

    policy = page.response.headers["content-security-policy"]
    assert policy.partition("form-action ")[2] == "'self' https://rp.example"


async def test_tr06_codes_and_tokens_are_never_stored(provider: Target, rp: RelyingParty, browser: HtmlBrowser) -> None:
    page = await browser.leave(await browser.open((await rp.authorization_request()).url))
    tokens = await rp.redeem(rp.receive(page.answer()).code)
    posted = await browser.leave(await browser.open((await rp.authorization_request(response_mode="form_post")).url))

    assert page.status == 303
    for headers in (page.response.headers, tokens.headers, posted.response.headers):
        assert headers["cache-control"] == "no-store"
    assert (await rp.userinfo(tokens.access_token)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/account/x.css",
        "/account.css",
        "/account;x.css",
        "/account%2fx.css",
        "/account%00.css",
        "//account",
        "/account//",
        "/Account",
        "/ACCOUNT",
        "/token/",
        "/token/x.css",
        "/static/../account",
        "/static/%2e%2e/account",
        "/account\\x",
        "/static/..%5caccount",
        "/jwks.css",
        "/%61ccount%2f",
        "/login",
        "/admin",
        "/.env",
        "/docs",
        "/openapi.json",
        "/static/",
        "/static/.",
        "/static/nothing",
        "/debug",
        "/server-status",
    ],
)
async def test_tr06_a_strange_path_matches_nothing(provider: Target, person: Person, path: str) -> None:
    """Web cache deception: no page answers under a name that a cache would keep."""
    browser = await signed_in(provider, person)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items()).encode()

    answer = await send(provider, "GET", path, headers=[(b"cookie", cookie)])

    assert answer.status == 404
    assert person.user.label.encode() not in answer.body
    assert answer.headers.get("cache-control", "no-store") == "no-store"


async def test_tr14_ten_thousand_ranges_are_ignored(provider: Target) -> None:
    ranges = b"bytes=" + b",".join(b"%d-%d" % (n, n + 1) for n in range(1500))
    began = time.process_time()

    answer = await send(provider, "GET", "/static/style.css", headers=[(b"range", ranges)])

    assert answer.status in (200, 416)
    assert time.process_time() - began < 0.05


async def test_tr14_an_answer_to_an_attack_says_nothing_of_us(provider: Target) -> None:
    """ASVS 13.4, 16.5.1: no trace, path, SQL or version, in any answer."""
    sent = await parameters_of(await provider.client())
    answers = [
        await provider.http.get(f"{provider.issuer}/authorize?{urlencode({**sent, 'client_id': chr(0)})}"),
        await provider.http.post(f"{provider.issuer}/token", content=b"\xff", headers=FORM),
        await provider.http.get(f"{provider.issuer}/nowhere"),
        await provider.http.request("BREW", f"{provider.issuer}/token"),
    ]

    for answer in answers:
        for word in ("Traceback", "sqlalchemy", "starlette", "uvicorn", "authlib", "/work", "idp/", "SELECT", "3.11"):
            assert word not in answer.text + str(answer.headers)


async def test_tr06_a_sign_in_leads_back_to_paths_of_ours_only(provider: Target, person: Person) -> None:
    """Return targets are stored, never taken from Referer or parameters."""
    browser = provider.browser(person, Referer="https://evil.example/x")
    await browser.open(f"{provider.issuer}/account/sign-in?next=https://evil.example&return_to=//evil.example")

    page = await browser.sign_in()

    assert page.url == f"{provider.issuer}/account"


async def test_tr06_tokens_of_a_person_are_in_no_page(provider: Target, rp: RelyingParty, person: Person) -> None:
    tokens = await tokens_for(provider, rp, person)
    browser = await signed_in(provider, person)

    for path in PAGES:
        text = (await browser.open(provider.issuer + path)).response.text
        assert tokens.access_token not in text
        assert tokens.refresh_token not in text
