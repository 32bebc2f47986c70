"""The relying party and the form browser, over the network, at the provider as it is run."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from joserfc.jwk import ECKey, KeySet

from tests.support.client_auth import Assertion, Basic, ClientAuthentication, Post, Public
from tests.support.html_browser import HtmlBrowser
from tests.support.relying_party import RelyingParty
from tests.support.server import ServerProcess

CALLBACK = "https://rp.example/callback"
PASSWORD = "an engine of numbers"
GRANTS = ("--grant", "authorization_code", "--grant", "refresh_token")


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path_factory.mktemp("provider")) as server:
        await server.create_user("ada", PASSWORD)
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False) as http:
        yield http


@pytest.fixture
async def browser(server: ServerProcess) -> AsyncIterator[HtmlBrowser]:
    async with HtmlBrowser(server.issuer, username="ada", password=PASSWORD) as browser:
        yield browser


async def register(server: ServerProcess, method: str, folder: Path) -> tuple[str, ClientAuthentication]:
    """Register a client for a method of authentication and return its id and its way to prove itself."""
    key = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
    options = [*GRANTS, "--auth-method", method]
    if method == "private_key_jwt":
        jwks = folder / "jwks.json"
        jwks.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
        options += ["--jwks", str(jwks)]
    client = await server.create_client([CALLBACK], *options)
    return client["client_id"], prove_by(method, client.get("client_secret", ""), key)


def prove_by(method: str, secret: str, key: ECKey) -> ClientAuthentication:
    match method:
        case "client_secret_basic":
            return Basic(secret)
        case "client_secret_post":
            return Post(secret)
        case "client_secret_jwt":
            return Assertion.with_secret(secret)
        case "private_key_jwt":
            return Assertion(key, "ES256")
        case _:
            return Public()


@pytest.mark.parametrize(
    "method", ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]
)
async def test_a_client_of_every_kind_gets_through(
    server: ServerProcess, http: httpx2.AsyncClient, browser: HtmlBrowser, tmp_path: Path, method: str
) -> None:
    client_id, auth = await register(server, method, tmp_path)
    rp = RelyingParty(http, server.issuer, client_id, auth, CALLBACK)
    code = await browser.authorize(rp)

    tokens = await rp.redeem(code)
    claims = await rp.check_id_token(tokens, rp.codes[code])
    fresh = await rp.refresh(tokens.refresh_token)

    assert (await rp.userinfo(fresh.access_token)).body["sub"] == claims["sub"]
    assert (await rp.check_id_token(fresh))["auth_time"] == claims["auth_time"]
    assert (await rp.revoke(fresh.refresh_token)).status == 200
    assert (await rp.refresh(fresh.refresh_token)).error == "invalid_grant"
    if method != "none":
        assert not await rp.is_active(fresh.access_token)


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
async def test_an_answer_is_received_by_every_mode(
    server: ServerProcess, http: httpx2.AsyncClient, browser: HtmlBrowser, tmp_path: Path, mode: str
) -> None:
    client_id, auth = await register(server, "client_secret_basic", tmp_path)
    rp = RelyingParty(http, server.issuer, client_id, auth, CALLBACK)

    answer = await browser.answer(rp, response_mode=mode)

    assert answer.mode == mode
    assert (await rp.redeem(answer.code)).status == 200
