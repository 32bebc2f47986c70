"""The relying party of the spec tests sends what it is told, and accepts nothing that is wrong."""

import base64
from collections.abc import AsyncIterator

import httpx2
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey

from tests.support.client_auth import ASSERTION_TYPE, Assertion, Basic, ClientAuthentication, Post, Public
from tests.support.fake_provider import FakeProvider, Lies
from tests.support.html_browser import HtmlBrowser
from tests.support.relying_party import AuthorizationAnswer, RelyingParty, s256

ISSUER = "https://op.example"


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(ISSUER)


@pytest.fixture
async def rp(provider: FakeProvider) -> AsyncIterator[RelyingParty]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(provider.app)) as http:
        yield RelyingParty(http, ISSUER, "client", Basic("secret"))


@pytest.fixture
async def browser(provider: FakeProvider) -> AsyncIterator[HtmlBrowser]:
    async with HtmlBrowser(ISSUER, transport=httpx2.ASGITransport(provider.app)) as browser:
        yield browser


def test_a_challenge_is_that_of_the_specification() -> None:
    """RFC 7636 Appendix B."""
    assert s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def test_a_code_is_redeemed_and_the_id_token_checked(rp: RelyingParty, browser: HtmlBrowser) -> None:
    code = await browser.authorize(rp)

    tokens = await rp.redeem(code)

    claims = await rp.check_id_token(tokens, rp.codes[code])
    assert claims["sub"] == "248289761001"
    assert (await rp.userinfo(tokens.access_token)).body["name"] == "Ada Lovelace"
    assert await rp.is_active(tokens.access_token)


async def test_tokens_are_refreshed(rp: RelyingParty, browser: HtmlBrowser) -> None:
    tokens = await rp.redeem(await browser.authorize(rp))

    fresh = await rp.refresh(tokens.refresh_token)

    await rp.check_id_token(fresh)
    assert fresh.access_token != tokens.access_token
    assert (await rp.refresh(tokens.refresh_token)).error == "invalid_grant"


async def test_parameters_are_replaced_and_left_out(rp: RelyingParty) -> None:
    request = await rp.authorization_request(nonce=None, prompt="none", verifier="v" * 43)

    assert "nonce" not in request.parameters
    assert request.parameters["prompt"] == "none"
    assert request.parameters["code_challenge"] == s256("v" * 43)
    assert "nonce=" not in request.url


@pytest.mark.parametrize(
    "lies", [Lies(authorization={"iss": "https://evil.example"}), Lies(authorization={"state": "x"})]
)
async def test_a_wrong_answer_is_not_received(
    rp: RelyingParty, browser: HtmlBrowser, provider: FakeProvider, lies: Lies
) -> None:
    provider.lies = lies

    with pytest.raises(AssertionError):
        await browser.authorize(rp)


@pytest.mark.parametrize("claim", ["iss", "aud", "nonce", "at_hash", "azp"])
async def test_a_wrong_claim_is_noticed(
    rp: RelyingParty, browser: HtmlBrowser, provider: FakeProvider, claim: str
) -> None:
    """OIDC Core §3.1.3.7."""
    provider.lies = Lies(id_token={claim: "wrong"})
    code = await browser.authorize(rp)
    tokens = await rp.redeem(code)

    with pytest.raises(AssertionError):
        await rp.check_id_token(tokens, rp.codes[code])


async def test_a_wrong_signature_is_noticed(rp: RelyingParty, browser: HtmlBrowser, provider: FakeProvider) -> None:
    provider.lies = Lies(signing_key=ECKey.generate_key("P-256"))
    tokens = await rp.redeem(await browser.authorize(rp))

    with pytest.raises(JoseError):
        await rp.decode(tokens.id_token)


def test_answers_are_read_from_query_and_fragment() -> None:
    assert AuthorizationAnswer.from_url("https://rp.example/cb?a=b&code=1").mode == "query"
    assert AuthorizationAnswer.from_url("https://rp.example/cb?a=b#code=1&state=").parameters == {
        "code": "1",
        "state": "",
    }


def test_basic_encodes_both_halves_as_a_form() -> None:
    """RFC 6749 §2.3.1 and Appendix B."""
    header = Basic("s:e c+ret%").prove("cli:ent", ISSUER).headers["Authorization"]

    assert base64.b64decode(header.removeprefix("Basic ")) == b"cli%3Aent:s%3Ae+c%2Bret%25"


@pytest.mark.parametrize(
    ("auth", "names"), [(Post("secret"), {"client_id", "client_secret"}), (Public(), {"client_id"})]
)
def test_other_methods_stand_in_the_body(auth: ClientAuthentication, names: set[str]) -> None:
    proof = auth.prove("client", ISSUER)

    assert set(proof.fields) == names
    assert proof.headers == {}


def test_an_assertion_says_who_for_whom_and_once() -> None:
    """RFC 7523 §3."""
    key = ECKey.generate_key("P-256", {"kid": "k1"})
    auth = Assertion(key, "ES256", changes={"iat": None, "extra": 1}, header={"typ": "JWT"})

    first, second = (auth.prove("client", ISSUER).fields for _ in range(2))

    token = jwt.decode(first["client_assertion"], key, algorithms=["ES256"])
    assert first["client_assertion_type"] == ASSERTION_TYPE
    assert token.header == {"alg": "ES256", "kid": "k1", "typ": "JWT"}
    assert (token.claims["iss"], token.claims["sub"], token.claims["aud"]) == ("client", "client", ISSUER)
    assert "iat" not in token.claims
    assert token.claims["extra"] == 1
    assert first["client_assertion"] != second["client_assertion"]


def test_a_secret_signs_assertions_too() -> None:
    """OIDC Core §9, client_secret_jwt."""
    secret = "s" * 43
    assertion = Assertion.with_secret(secret).sign("client", ISSUER)

    assert jwt.decode(assertion, OctKey.import_key(secret), algorithms=["HS256"]).claims["iss"] == "client"
