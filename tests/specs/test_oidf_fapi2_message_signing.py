"""OpenID Foundation, FAPI 2.0 Message Signing: what `fapi2-message-signing-final-…` asks beyond the security profile.

Requests are signed and pushed (RFC 9101, RFC 9126), answers are signed (JARM), and so is what a token means (RFC 9701).
What each module asks is said in our own words.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.support.financial import KINDS, Bank, bank, financial_provider
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import parts
from tests.support.provider import Provider
from tests.support.pushed import PUSHED, arrive, visit
from tests.support.relying_party import Answer, AuthorizationAnswer

HOUR = 3600
JWT = "application/token-introspection+jwt"


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """The provider under test."""
    async with financial_provider(tmp_path_factory.mktemp("signing")) as provider:
        yield provider


@pytest.fixture(params=KINDS)
async def client(request: pytest.FixtureRequest, provider: Provider) -> Bank:
    """The suite's client: it signs its requests, and has answers as JWTs."""
    return await bank(provider, request.param, require_signed_request_object=True)


async def push_object(client: Bank, text: str, **more: str) -> Answer:
    """Push a signed request."""
    return await client.post(PUSHED, {"client_id": client.rp.client_id, "request": text, **more})


async def pushed(client: Bank, **changes: object) -> str:
    """Push a signed request that must be taken, and return its reference."""
    answer = await push_object(client, await client.object(**changes))
    assert answer.status == 201, answer.text
    return str(answer.body["request_uri"])


@pytest.mark.parametrize("kind", ["ES256", "PS256"])
async def test_fapi2_message_signing_final_happy_flow(provider: Provider, browser: HtmlBrowser, kind: str) -> None:
    """Signed and pushed, answered by a JWT, redeemed; and what the token means, signed."""
    key = RSAKey.generate_key(2048)
    by_rsa = {"jwks": {"keys": [key.as_dict(private=False)]}} if kind == "PS256" else {}
    client = await bank(provider, require_signed_request_object=True, **by_rsa)
    if by_rsa:
        client.signer = key
        client.rp.auth = type(client.assertion)(key, "PS256", now=provider.clock.timestamp)
    answer = await push_object(client, await client.object(alg=kind, response_mode="jwt", state="signed"))

    page = await browser.leave(await arrive(browser, client.rp, answer.body["request_uri"]))
    sent = AuthorizationAnswer.from_url(page.location or "")
    result = client.rp.receive(await client.rp.open(sent))
    tokens = await client.redeem(result.code)

    assert (result.mode, result.state, sent.parameters.keys()) == ("query.jwt", "signed", {"response"})
    assert parts(sent.parameters["response"])[0]["alg"] == "ES256"
    assert (await client.userinfo(tokens.access_token)).status == 200
    told = await client.rp.post("introspection_endpoint", {"token": tokens.access_token}, headers={"Accept": JWT})
    signed = await client.rp.decode(told.text)
    assert (signed.header["typ"], signed.header["alg"]) == ("token-introspection+jwt", "ES256")
    assert signed.claims["aud"] == client.rp.client_id
    assert signed.claims["token_introspection"]["active"] is True


async def test_fapi2_message_signing_final_user_rejects_authentication(client: Bank, browser: HtmlBrowser) -> None:
    """A refusal is signed like a success."""
    await arrive(browser, client.rp, await pushed(client, response_mode="jwt", state="no"))
    page = await browser.submit("login-cancel")

    answer = client.rp.receive(await client.rp.open(AuthorizationAnswer.from_url(page.location or "")))

    assert (answer.mode, answer.error, answer.state) == ("query.jwt", "access_denied", "no")


@pytest.mark.parametrize("audience", ["as a string", "in an array", "among others"])
async def test_fapi2_message_signing_final_ensure_request_object_with_multiple_aud_succeeds(
    client: Bank, browser: HtmlBrowser, audience: str
) -> None:
    """The issuer may stand among other audiences."""
    issuer = client.rp.issuer
    shapes: dict[str, object] = {
        "as a string": issuer, "in an array": [issuer], "among others": ["https://other.example", issuer],
    }  # fmt: skip

    answer = await visit(browser, client.rp, await pushed(client, aud=shapes[audience]))

    assert (await client.redeem(answer.code)).status == 200


BAD_TIMES: dict[str, dict[str, int | None]] = {
    "without exp": {"exp": None}, "without nbf": {"nbf": None}, "expired": {"exp": -300, "nbf": -600},
    "exp over 60 minutes after nbf": {"exp": HOUR + 120}, "nbf over 60 minutes ago": {"nbf": -HOUR - 60, "exp": 10},
    "nbf ahead": {"nbf": 300, "exp": 600},
}  # fmt: skip


@pytest.mark.parametrize("times", BAD_TIMES)
async def test_fapi2_message_signing_final_ensure_request_object_with_exp_over_60_fails(
    client: Bank, times: str
) -> None:
    """exp and nbf are there, near, and not over: each module about them."""
    now = int(client.rp.now())
    changes: dict[str, object] = {name: None if by is None else now + by for name, by in BAD_TIMES[times].items()}

    answer = await push_object(client, await client.object(**{"iat": None, **changes}))

    assert (answer.status, answer.error) == (400, "invalid_request_object"), answer.text


@pytest.mark.parametrize(("nbf", "exp"), [(-HOUR + 5, 5), (-8, HOUR - 8), (8, 300)])
async def test_fapi2_message_signing_final_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(
    client: Bank, nbf: int, exp: int
) -> None:
    """Inside the hour on both sides, and eight seconds ahead."""
    now = int(client.rp.now())

    assert await pushed(client, nbf=now + nbf, exp=now + exp, iat=None)


BAD_OBJECTS: dict[str, dict[str, Any]] = {
    "wrong aud": {"aud": "https://evil.example"}, "token endpoint as aud": {"aud": "/token"}, "no aud": {"aud": None},
    "wrong iss": {"iss": "somebody"}, "no iss": {"iss": None}, "request inside": {"request": "x"},
    "request_uri inside": {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD_OBJECTS)
async def test_fapi2_message_signing_final_ensure_request_object_with_invalid_aud_fails(
    client: Bank, fault: str
) -> None:
    """For somebody else, from somebody else, or with another inside."""
    answer = await push_object(client, await client.object(**BAD_OBJECTS[fault]))

    assert (answer.status, answer.error) == (400, "invalid_request_object"), answer.text


async def test_fapi2_message_signing_final_ensure_signed_request_object_with_rs256_fails(provider: Provider) -> None:
    """By a registered RSA key; PS256 by the same key is fine."""
    key = RSAKey.generate_key(2048)
    client = await bank(provider, "certificate", require_signed_request_object=True,
                        jwks={"keys": [key.as_dict(private=False)]})  # fmt: skip

    refused = await push_object(client, await client.object(key=key, alg="RS256"))

    assert (refused.status, refused.error) == (400, "invalid_request_object")
    assert (await push_object(client, await client.object(key=key, alg="PS256"))).status == 201


async def test_fapi2_message_signing_final_ensure_request_object_with_bad_signature_fails(
    client: Bank, provider: Provider
) -> None:
    """Changed, signed by nobody, by a stranger, or by another client."""
    other = await bank(provider)
    good = await client.object()
    unsigned = await client.object(header={"alg": "none"})
    texts = [
        good[:-6] + "AAAAAA", unsigned.rpartition(".")[0] + ".", await client.object(key=ECKey.generate_key("P-256")),
        await client.object(key=other.signer),
    ]  # fmt: skip

    answers = [await push_object(client, text) for text in texts]

    assert [(answer.status, answer.error) for answer in answers] == [(400, "invalid_request_object")] * len(texts)


async def test_fapi2_message_signing_final_ensure_unsigned_request_at_par_endpoint_fails(client: Bank) -> None:
    """Parameters that nobody signed are refused to a client that registered to sign."""
    answer = await client.push()

    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_fapi2_message_signing_final_par_authorization_request_containing_request_uri_fails(client: Bank) -> None:
    """A reference beside the signed request."""
    answer = await push_object(client, await client.object(), request_uri=await pushed(client))

    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_fapi2_message_signing_final_ensure_signed_request_outside_par_fails(
    client: Bank, browser: HtmlBrowser
) -> None:
    """A signature is no push: by the browser it is invalid_request."""
    text = await client.object(state="here")
    url = f"{client.rp.issuer}/authorize?client_id={client.rp.client_id}&request={text}"

    answer = client.rp.receive(AuthorizationAnswer.from_url((await browser.open(url)).location or ""))

    assert (answer.error, answer.state) == ("invalid_request", "here")


async def test_fapi2_message_signing_final_state_only_outside_request_object_not_used(
    client: Bank, browser: HtmlBrowser
) -> None:
    """What stands beside the signed request in the push, or beside the reference, is not part of it."""
    text = await client.object(state=None, nonce="inside")
    client.rp.requests[""] = list(client.rp.requests.values())[-1]
    answer = await push_object(client, text, state="outside", nonce="outside", scope="openid email")

    result = await visit(browser, client.rp, answer.body["request_uri"], state="outside")

    assert result.state is None
    assert parts((await client.redeem(result.code)).id_token)[1]["nonce"] == "inside"
