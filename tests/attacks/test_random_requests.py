"""TR22: whatever arrives at whatever route is never our fault (5xx), never slow, and never told how we are made."""

import random
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest

from idp.web.routes import routes
from tests.support.attacker import RawAnswer, parameters_of, send, signed_in, tokens_for
from tests.support.target import Target, target

REQUESTS = 1500
METHODS = ("GET", "POST", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "BREW")
NAMES = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "prompt", "max_age", "login_hint", "id_token_hint", "acr_values", "claims", "ui_locales",
    "response_mode", "request", "request_uri", "resource", "grant_type", "code", "code_verifier", "refresh_token",
    "client_secret", "token", "client_assertion", "client_assertion_type", "token_type_hint", "access_token",
    "username", "password", "csrf", "post_logout_redirect_uri", "consent-allow", "login-submit", "login-cancel",
    "account-continue", "logout-yes", "to", "display", "registration", "", "\x00", "é", "a[]", "__proto__",
)  # fmt: skip
RAW = (
    b"%", b"%zz", b"%ff%fe", b"%00", b"%ed%a0%80", b"\xff", b"+", b"%0d%0aSet-Cookie:x=y", b"%F0%9F%92%A9", b"=&=",
    b"%u0041", b"%25%32%35", b"{}", b"[" * 50, b"9" * 400, b"-1", b"1e999", b"NaN", b"null", b"true", b"' OR 1=1--",
    b"../../etc/passwd", b"<script>", b"{{7*7}}", b"${jndi:ldap://x}", b"a" * 3000, b"%E2%80%AE", b"", b"0", b"urn:x",
    b"none", b"S256", b"code", b"openid profile email", b"openid%09email", b"https://rp.example/callback",
    b"http://127.0.0.1:1/", b"javascript:alert(1)",
)  # fmt: skip
HEADERS = (
    (b"authorization", b"Basic %s"), (b"authorization", b"Bearer %s"), (b"authorization", b"DPoP %s"),
    (b"cookie", b"%s"), (b"origin", b"%s"), (b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"%s"),
    (b"accept-language", b"%s"), (b"if-none-match", b"%s"), (b"range", b"bytes=%s"), (b"content-length", b"%s"),
    (b"content-encoding", b"%s"), (b"user-agent", b"%s"), (b"x-forwarded-for", b"%s"), (b"referer", b"%s"),
    (b"dpop", b"%s"), (b"accept", b"%s"), (b"transfer-encoding", b"%s"), (b"expect", b"100-continue"),
)  # fmt: skip
MEDIA = (b"application/x-www-form-urlencoded",) * 8 + (
    b"application/json",
    b"text/plain",
    b"multipart/form-data; boundary=x",
    b"\xff",
)
TELLING = (b"Traceback", b"sqlalchemy", b"asyncpg", b"sqlite3", b"/idp/", b"authlib", b"starlette")


@dataclass
class Attacker:
    """Makes requests that are mostly right, and wrong in a way that depends on the seed alone."""

    random: random.Random
    values: list[bytes]  #: things that mean something here: ids, codes, tokens, cookies
    good: list[dict[str, str]]  #: parameters that would be accepted as they are
    paths: list[str]
    sent: tuple[object, ...] = field(default=())

    def value(self) -> bytes:
        """Return a value, encoded for a form or not."""
        kind = self.random.random()
        if kind < 0.45:
            return self.random.choice(self.values)
        if kind < 0.9:
            return self.random.choice(RAW)
        return bytes(self.random.randrange(256) for _ in range(self.random.randrange(40)))

    def pairs(self) -> bytes:
        """Return form-encoded parameters: a good set with a few of them changed, doubled or left out."""
        chosen = dict(self.random.choice(self.good)) if self.random.random() < 0.7 else {}
        fields = [(quote_plus(name).encode(), quote_plus(text).encode()) for name, text in chosen.items()]
        for _ in range(self.random.choice((0, 1, 1, 2, 5, 120) if self.random.random() < 0.1 else (0, 1, 1, 2))):
            name = quote(self.random.choice(NAMES)).encode()
            match self.random.randrange(3):
                case 0:
                    fields = [pair for pair in fields if pair[0] != name]
                case 1:
                    fields = [pair for pair in fields if pair[0] != name] + [(name, self.value())]
                case _:
                    fields.append((name, self.value()))
        self.random.shuffle(fields)
        return b"&".join(name + b"=" + text for name, text in fields)

    def path(self) -> str:
        """Return one of our paths, its parameters filled in."""
        path = self.random.choice(self.paths)
        while "{" in path:
            before, _, rest = path.partition("{")
            inserted = quote(self.value()[:60], safe="~") if self.random.random() < 0.8 else "x"
            path = before + inserted + rest.partition("}")[2]
        return path + self.random.choice(("",) * 12 + ("/", "//", ".css", "%00", ";x", "%2f", "?"))

    async def strike(self, provider: Target) -> RawAnswer:
        """Send one request."""
        method = self.random.choice(METHODS)
        headers = []
        for _ in range(self.random.choice((0, 1, 1, 2, 3))):
            name, pattern = self.random.choice(HEADERS)
            headers.append((name, pattern.replace(b"%s", self.value().replace(b"\r", b"").replace(b"\n", b""))))
        if self.random.random() < 0.9:
            headers.append((b"content-type", self.random.choice(MEDIA)))
        query = self.pairs() if method == "GET" or self.random.random() < 0.1 else b""
        body = self.pairs() if method != "GET" else b""
        self.sent = (method, path := self.path(), query, headers, body)
        return await send(provider, method, path, query=query, headers=headers, body=body)


async def armed(provider: Target, seed: int) -> Attacker:
    """Return an attacker who knows a good deal about a provider with people, clients and live tokens."""
    rp, opaque = await provider.client(is_first_party=True), await provider.client(access_token_format="opaque")
    public, person = await provider.client(method="none"), await provider.person(name="Ada")
    browser = await signed_in(provider, person)
    tokens, handles = await tokens_for(provider, rp, person), await tokens_for(provider, opaque, person)
    code, spent = await browser.authorize(rp), await browser.authorize(rp)
    await rp.redeem(spent)
    page = await provider.browser().open((await rp.authorization_request()).url)
    proof = rp.auth.prove(rp.client_id, rp.issuer).headers["Authorization"].partition(" ")[2]
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    texts = [
        rp.client_id, public.client_id, person.id, person.username, person.password, code, spent, tokens.access_token,
        tokens.refresh_token, tokens.id_token, handles.access_token, handles.refresh_token, proof, cookies,
        provider.issuer, page.url.rpartition("/")[2], page.document.forms[0].hidden["csrf"], secrets.token_urlsafe(32),
    ]  # fmt: skip
    request = rp.codes[code]
    secret = {"client_id": opaque.client_id, "client_secret": "x"}
    redeem = {"grant_type": "authorization_code", "code": code, "redirect_uri": rp.redirect_uri}
    good = [
        await parameters_of(rp), await parameters_of(public), await parameters_of(rp, prompt="none", max_age="60"),
        {**redeem, "code_verifier": request.verifier},
        {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token},
        {"token": tokens.access_token, **secret}, {"username": person.username, "password": "wrong"},
        {"id_token_hint": tokens.id_token, "post_logout_redirect_uri": "https://rp.example/out"},
        {"csrf": page.document.forms[0].hidden["csrf"], "username": person.username, "password": person.password},
    ]  # fmt: skip
    paths = [route.path for route in routes(is_dev=True)]  # type: ignore[attr-defined]
    return Attacker(random.Random(seed), [text.encode() for text in texts], good, paths)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_tr22_random_requests_never_break_anything(tmp_path: Path, kind: str) -> None:
    """A seed that fails is printed; run it again with SEED set in the call of `armed`."""
    seed = secrets.randbelow(10**9)
    async with target(kind, tmp_path) as provider:
        attacker = await armed(provider, seed)
        seen: dict[int, int] = {}
        for number in range(REQUESTS):
            began = time.perf_counter()
            try:
                answer = await attacker.strike(provider)
            except Exception as error:
                raise AssertionError(f"seed {seed}, request {number}: {attacker.sent}") from error
            told = f"seed {seed}, request {number}: {attacker.sent} → {answer.status} {answer.body[:300]!r}"
            assert answer.status < 500, told
            assert time.perf_counter() - began < 1, told
            assert not [word for word in TELLING if word in answer.body], told
            assert all(b"\n" not in value and b"\r" not in value for _, value in answer.pairs), told
            seen[answer.status] = seen.get(answer.status, 0) + 1

        assert {200, 303, 400, 401, 404, 405} <= set(seen), seen
        rp, person = await provider.client(), await provider.person()
        assert (await tokens_for(provider, rp, person)).status == 200, "it still works"


async def test_tr22_seeds_that_failed_before(fresh: Target) -> None:
    """Each of these once broke something."""
    rp = await fresh.client()
    for changes in ({"state": "\x00"}, {"acr_values": "\x00"}, {"claims": '{"userinfo":{"\\u0000":null}}'}):
        query = urlencode(await parameters_of(rp, **changes)).encode()
        assert (await send(fresh, "GET", "/authorize", query=query)).status in (200, 303, 400)
