"""OpenID Foundation, FAPI 2.0 Security Profile: client authentication. One test per module, named after it.

Requests → test_oidf_fapi2_security_profile.py; codes, tokens, proofs → test_oidf_fapi2_security_profile_tokens.py.
"""

from dataclasses import replace

import pytest
from joserfc.jwk import RSAKey

from idp.domain.client import BadClient
from tests.support.client_auth import Assertion, Proof, Public
from tests.support.financial import MTLS, Bank, bank
from tests.support.html_browser import HtmlBrowser
from tests.support.provider import Provider
from tests.support.pushed import PUSHED
from tests.support.relying_party import Answer


@pytest.fixture
async def client(provider: Provider) -> Bank:
    """The suite's first client, with private_key_jwt and DPoP."""
    return await bank(provider)


async def refused_everywhere(client: Bank, browser: HtmlBrowser, wrong: Assertion) -> bool:
    """Say whether neither PAR nor the token endpoint takes an assertion; the code is good afterwards."""
    code = await client.authorize(browser)
    answers: list[Answer] = [await client.push(auth=wrong), await client.redeem(code, auth=wrong)]
    is_refused = all((answer.status, answer.error) == (401, "invalid_client") for answer in answers)
    return is_refused and (await client.redeem(code)).status == 200


async def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint(
    client: Bank, provider: Provider, browser: HtmlBrowser
) -> None:
    """A client_id that is not the assertion's."""
    other = await bank(provider)
    code = await client.authorize(browser)

    wrong = await client.redeem(code, client_id=other.rp.client_id)

    assert (wrong.status, wrong.error) == (401, "invalid_client")
    assert (await client.redeem(code, client_id=client.rp.client_id)).status == 200


async def test_fapi2_security_profile_final_ensure_signed_client_assertion_with_rs256_fails(
    provider: Provider, browser: HtmlBrowser
) -> None:
    """RS256 by a registered RSA key; PS256 by the same key is fine."""
    key = RSAKey.generate_key(2048)
    client = await bank(provider, jwks={"keys": [key.as_dict(private=False)]})
    by_rs256 = Assertion(key, "RS256", now=provider.clock.timestamp)
    client.rp.auth = replace(by_rs256, alg="PS256")

    assert await refused_everywhere(client, browser, by_rs256)
    with pytest.raises(BadClient):
        await bank(provider, token_endpoint_auth_signing_alg="RS256")


async def test_fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint(
    client: Bank, browser: HtmlBrowser
) -> None:
    """The id alone is nobody."""
    code = await client.authorize(browser)

    answer = await client.redeem(code, auth=Public())

    assert (answer.status, answer.error) == (401, "invalid_client")


async def test_fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
    client: Bank, browser: HtmlBrowser
) -> None:
    """Expired."""
    assert await refused_everywhere(client, browser, client.asserting(exp=int(client.rp.now()) - 300))


@pytest.mark.parametrize("audience", ["https://evil.example", None, "", 7])
async def test_fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails(
    client: Bank, browser: HtmlBrowser, audience: object
) -> None:
    """For somebody else, or for nobody."""
    assert await refused_everywhere(client, browser, client.asserting(aud=audience))


async def test_fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails(
    client: Bank, browser: HtmlBrowser
) -> None:
    """About nobody."""
    assert await refused_everywhere(client, browser, client.asserting(sub=None))


async def test_fapi2_security_profile_final_par_test_array_as_audience_fails(
    client: Bank, browser: HtmlBrowser
) -> None:
    """RFC 10070: the issuer as one string, not in an array."""
    assert await refused_everywhere(client, browser, client.asserting(aud=[client.rp.issuer]))


@pytest.mark.parametrize("endpoint", [PUSHED, "token_endpoint"])
async def test_fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails(
    client: Bank, browser: HtmlBrowser, endpoint: str
) -> None:
    """Nor the URL of an endpoint (and par-test-token-endpoint-url-as-audience-fails)."""
    url = (await client.rp.metadata())[endpoint]

    assert await refused_everywhere(client, browser, client.asserting(aud=url))
    assert MTLS not in url


async def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
    client: Bank, browser: HtmlBrowser
) -> None:
    """Not good yet."""
    now = int(client.rp.now())

    assert await refused_everywhere(client, browser, client.asserting(nbf=now + 61, exp=now + 200))


async def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
    client: Bank, browser: HtmlBrowser
) -> None:
    """Clocks differ a little."""
    now = int(client.rp.now())
    client.rp.auth = client.asserting(nbf=now + 8, iat=now + 8)

    assert (await client.tokens(browser)).status == 200


async def test_an_assertion_is_good_for_one_endpoint_only(client: Bank, browser: HtmlBrowser) -> None:
    """RFC 7523 §3: what PAR accepted is worth nothing at the token endpoint."""
    assertion = client.assertion.sign(client.rp.client_id, client.rp.issuer)

    class Once:
        def prove(self, client_id: str, issuer: str) -> Proof:
            fields = client.assertion.prove(client_id, issuer).fields
            return Proof({**fields, "client_assertion": assertion})

    await client.authorize(browser)  # learns the nonce
    pushed = await client.push(auth=Once())
    again = await client.redeem(await client.authorize(browser), auth=Once())

    assert (pushed.status, again.status, again.error) == (201, 401, "invalid_client")


async def test_nothing_that_the_client_may_register_for_is_weaker(provider: Provider) -> None:
    """FAPI 2.0 §5.4.1: an ID token signed by RS256 cannot be had, nor one that is not signed."""
    for alg in ("RS256", "none", "HS256"):
        with pytest.raises(BadClient, match="signing algorithms"):
            await bank(provider, id_token_signed_response_alg=alg)
