"""OpenID Foundation, FAPI 2.0 Security Profile: codes, tokens, proofs. One test per module, named after it.

Requests → test_oidf_fapi2_security_profile.py; client authentication → test_oidf_fapi2_security_profile_clients.py.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from idp.policy import lifetimes
from tests.support import dpop
from tests.support.certificates import ByCertificate, Certificate
from tests.support.client_auth import Public
from tests.support.dpop import ProofKey
from tests.support.financial import KINDS, TOKEN, Bank, bank, financial_provider
from tests.support.html_browser import HtmlBrowser
from tests.support.jose import forge, parts
from tests.support.provider import HandClock, Provider
from tests.support.pushed import visit
from tests.support.relying_party import Answer


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """The provider under test."""
    async with financial_provider(tmp_path_factory.mktemp("fapi2")) as provider:
        yield provider


@pytest.fixture(params=KINDS)
async def client(request: pytest.FixtureRequest, provider: Provider) -> Bank:
    """The suite's first client."""
    return await bank(provider, request.param)


@pytest.fixture
async def prover(provider: Provider) -> Bank:
    """A client with private_key_jwt and DPoP."""
    return await bank(provider)


def own(client: Bank) -> ProofKey:
    """Return the key of a client with DPoP."""
    assert isinstance(client.own, ProofKey)
    return client.own


@pytest.mark.parametrize("scheme", ["dPOP", "dpop", "DPOP"])
async def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity(
    prover: Bank, browser: HtmlBrowser, scheme: str
) -> None:
    """The name of a scheme has no case."""
    tokens = await prover.tokens(browser)

    assert (await prover.userinfo(tokens.access_token, scheme=scheme)).status == 200


async def test_fapi2_security_profile_final_check_dpop_proof_nbf_exp(prover: Bank, browser: HtmlBrowser) -> None:
    """Claims that a proof need not have are no fault."""
    now = int(prover.rp.now())
    prover.changes = {"nbf": now - 10, "exp": now + 60}

    tokens = await prover.tokens(browser)

    assert (await prover.userinfo(tokens.access_token)).status == 200


@pytest.mark.parametrize("seconds", [-10, 10], ids=["before", "after"])
async def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds(
    prover: Bank, browser: HtmlBrowser, seconds: int
) -> None:
    """Ten seconds either way (and ensure-dpopproof-with-iat-10seconds-after-succeeds), at all endpoints."""
    prover.changes = {"iat": int(prover.rp.now()) + seconds}

    tokens = await prover.tokens(browser)

    assert (await prover.userinfo(tokens.access_token)).status == 200


@pytest.mark.parametrize("named", ["by the proof at PAR", "by dpop_jkt"])
async def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(
    prover: Bank, browser: HtmlBrowser, named: str
) -> None:
    """The key that the request named redeems the code, no other (ensure-token-endpoint-fails-with-mismatched-
    dpop-proof-jkt, ensure-dpopproof-at-par-endpoint-binding-success, ensure-dpop-auth-code-binding-success).
    """
    by_name = named == "by dpop_jkt"
    answer = await prover.push(bare=by_name, dpop_jkt=own(prover).thumbprint if by_name else None)
    assert answer.status == 201, answer.text
    code = (await visit(browser, prover.rp, answer.body["request_uri"])).code

    other = await prover.redeem(code, key=prover.other_key())
    assert (other.status, other.error) == (400, "invalid_grant")
    assert (await prover.redeem(code)).status == 200


def bad_proofs(key: ProofKey, url: str, token: str) -> dict[str, str | list[str]]:
    """Return proofs that each break one rule of RFC 9449 §4.3."""
    other, octets = ECKey.generate_key("P-256"), OctKey.generate_key(256)
    public = key.key.as_dict(private=False)
    now = int(key.now())

    def proof(header: dict[str, Any] | None = None, **claims: object) -> str:
        return key.proof("GET", url, token=token, header=header, **claims)

    good = proof()
    by_secret = forge({"typ": "dpop+jwt", "alg": "HS256", "jwk": octets.as_dict()}, parts(good)[1], octets, "HS256")
    by_nobody = forge({"typ": "dpop+jwt", "alg": "none", "jwk": public}, parts(good)[1], None, "none")
    return {
        "two": [proof(), proof()], "the same twice": [good, good], "no JWS": "x", "empty": "", "two parts": "a.b",
        "JSON": '{"payload":"x"}', "a JWE's five parts": "a.b.c.d.e", "typ missing": proof({"typ": None}),
        "typ of a JWT": proof({"typ": "JWT"}), "typ of a request": proof({"typ": "oauth-authz-req+jwt"}),
        "alg none": by_nobody, "alg symmetric": by_secret, "alg unknown": proof({"alg": "ES257"}),
        "alg RS256": proof({"alg": "RS256"}), "alg missing": proof({"alg": None}), "jwk missing": proof({"jwk": None}),
        "jwk private": proof({"jwk": key.key.as_dict(private=True)}),
        "jwk of another": proof({"jwk": other.as_dict(private=False)}),
        "jwk symmetric": proof({"jwk": octets.as_dict()}),
        "jwk empty": proof({"jwk": {}}), "jwk with point off the curve": proof({"jwk": public | {"x": public["y"]}}),
        "signature changed": good[:-6] + "AAAAAA", "signature missing": good.rpartition(".")[0] + ".",
        "jti missing": proof(jti=None), "jti empty": proof(jti=""), "htm missing": proof(htm=None),
        "htm of POST": proof(htm="POST"), "htm lower": proof(htm="get"), "htu missing": proof(htu=None),
        "htu of /token": proof(htu=url.replace("userinfo", "token")), "htu elsewhere": proof(htu="https://a.example/"),
        "iat missing": proof(iat=None), "iat old": proof(iat=now - 301), "iat ahead": proof(iat=now + 301),
        "iat text": proof(iat=str(now)), "ath missing": proof(ath=None), "ath wrong": proof(ath=dpop.ath("other")),
        "ath of the text": proof(ath=token), "crit": proof({"crit": ["exp"], "exp": now + 60}),
        "nonce foreign": proof(nonce="n" * 32), "nonce missing": proof(nonce=None),
    }  # fmt: skip


async def test_fapi2_security_profile_final_dpop_negative_tests(prover: Bank, browser: HtmlBrowser) -> None:
    """Some forty bad proofs at the resource: each 401 with a challenge, and none spoils the good one after it."""
    token = (await prover.tokens(browser)).access_token
    url = (await prover.rp.metadata())["userinfo_endpoint"]

    async def ask(proofs: list[str]) -> Answer:
        headers = [("Authorization", f"DPoP {token}"), *(("DPoP", each) for each in proofs)]
        return Answer.of(await prover.rp.http.get(url, headers=headers))

    for name, proof in bad_proofs(own(prover), url, token).items():
        answer = await ask(proof if isinstance(proof, list) else [proof])
        expected = "use_dpop_nonce" if name.startswith("nonce") else "invalid_dpop_proof"
        assert (answer.status, answer.error) == (401, expected), name
        assert answer.headers["www-authenticate"].startswith("DPoP "), name
    assert (await ask([])).status == 401
    once = own(prover).proof("GET", url, token=token)
    assert [(await ask([once])).status for _ in range(2)] == [200, 401]


async def test_fapi2_security_profile_final_ensure_holder_of_key_required(client: Bank, browser: HtmlBrowser) -> None:
    """Without its key there are no tokens: 400, or 401 where the certificate is also the authentication."""
    code = await client.authorize(browser)

    without = await client.redeem(code, bare=True, auth=Public() if client.is_certified else None)

    expected = (401, "invalid_client") if client.is_certified else (400, "invalid_request")
    assert (without.status, without.error) == expected
    assert (await client.redeem(code)).status == 200


async def test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client(
    client: Bank, provider: Provider, browser: HtmlBrowser
) -> None:
    """Another client gets nothing for it, and its owner loses nothing."""
    other = await bank(provider, KINDS[client.is_certified])
    code = await client.authorize(browser)
    other.rp.codes[code] = client.rp.codes[code]

    stolen = await other.redeem(code)

    assert (stolen.status, stolen.error) == (400, "invalid_grant")
    assert (await client.redeem(code)).status == 200


async def test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second(
    client: Bank, browser: HtmlBrowser, clock: HandClock
) -> None:
    """invalid_grant, and the token that it gave is dead."""
    code = await client.authorize(browser)
    tokens = await client.redeem(code)
    assert (await client.userinfo(tokens.access_token)).status == 200
    clock.advance(timedelta(seconds=1))

    again = await client.redeem(code)

    assert (again.status, again.error) == (400, "invalid_grant")
    assert (await client.userinfo(tokens.access_token)).status == 401


async def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code(
    client: Bank, browser: HtmlBrowser, clock: HandClock
) -> None:
    """After sixty seconds."""
    code = await client.authorize(browser)
    clock.advance(lifetimes.CODE)
    assert timedelta(seconds=60) == lifetimes.CODE

    answer = await client.redeem(code)

    assert (answer.status, answer.error) == (400, "invalid_grant")


@pytest.mark.parametrize("verifier", [None, "w" * 43], ids=["required", "incorrect"])
async def test_fapi2_security_profile_final_ensure_pkce_code_verifier_required(
    client: Bank, browser: HtmlBrowser, verifier: str | None
) -> None:
    """Missing or wrong (incorrect-pkce-code-verifier-rejected)."""
    code = await client.authorize(browser)

    answer = await client.redeem(code, code_verifier=verifier)

    assert (answer.status, answer.error) == (400, "invalid_grant")


async def test_fapi2_security_profile_final_refresh_token(
    client: Bank, provider: Provider, browser: HtmlBrowser, clock: HandClock
) -> None:
    """The token is not replaced, also not 30 s later; a new key is accepted, none and another client are not."""
    first = await client.tokens(browser, prompt="consent")
    token = first.refresh_token

    second = await client.refresh(token)
    clock.advance(timedelta(seconds=30))
    later = await client.refresh(token)
    assert (second.status, later.status) == (200, 200)
    assert token in (second.body.get("refresh_token", token), later.body.get("refresh_token", token))
    assert parts(later.id_token)[1]["sub"] == parts(first.id_token)[1]["sub"]

    other = await bank(provider, KINDS[client.is_certified])
    foreign = await other.refresh(token)
    assert (foreign.status, foreign.error) == (400, "invalid_grant")
    nobody = await client.refresh(token, bare=True, auth=Public())
    assert (nobody.status, nobody.error) == (401, "invalid_client")
    if client.is_certified:
        return
    without = await client.refresh(token, bare=True)
    assert (without.status, without.error) == (400, "invalid_request")
    new_key = client.other_key()
    renewed = await client.refresh(token, key=new_key)
    assert (await client.rp.decode(renewed.access_token)).claims["cnf"] == {"jkt": new_key.thumbprint}
    assert (await client.userinfo(renewed.access_token, key=new_key)).status == 200


async def test_a_refresh_by_another_certificate_of_the_client_binds_to_that(
    provider: Provider, browser: HtmlBrowser
) -> None:
    """RFC 8705 §6.3: certificates are renewed; the refresh token is bound to the client, not to one certificate."""
    client = await bank(provider, "certificate")
    token = (await client.tokens(browser)).refresh_token
    renewed = client.other_key()
    assert isinstance(renewed, Certificate)

    answer = await client.refresh(token, key=renewed, auth=ByCertificate(renewed.field))

    assert answer.status == 200, answer.text
    assert (await client.rp.decode(answer.access_token)).claims["cnf"] == {"x5t#S256": renewed.thumbprint}
    assert TOKEN in await client.rp.metadata()
